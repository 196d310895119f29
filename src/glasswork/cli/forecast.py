"""`glasswork forecast`: how series go on after their end."""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

import glasswork as gw
from glasswork.cli.arguments import add_device, add_out, add_run
from glasswork.cli.output import console_for_results, write_page
from glasswork.errors import GlassworkError


def fill(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the verb's arguments."""
    add_run(parser)
    described = "the series, with their newest values (default: the run's own data)"
    parser.add_argument("--data", metavar="FILE.csv", help=described)
    add_device(parser)
    add_out(parser, "write a page with the intervals drawn (.html), or all quantiles (.csv)")


def carry_out(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.show.forecast import forecast_csv, forecast_page, print_forecast
    from glasswork.systems.forecast.model import ForecastModel
    from glasswork.systems.forecast.report import fans_ahead

    model = gw.load(options.run, device=options.device)
    if not isinstance(model, ForecastModel):
        raise GlassworkError("This model foretells no series: train one that does with glasswork train forecast")
    foretold = model.forecast(options.data)
    found = foretold.to_json()
    for name in foretold.left_out:
        print(f"glasswork: left out: the last values of '{name}' are not known", file=sys.stderr)
    if options.out:
        title = f"How {foretold.source} goes on"
        writers = {
            ".html": lambda: forecast_page(title, found, fans_ahead(foretold)),
            ".csv": lambda: forecast_csv(found),
        }
        write_page(options.out, dict(writers))
    if options.json:
        print(json.dumps({"run": model.run, **found}))
    elif not options.out:
        print_forecast(console_for_results(), found)
    return 0
