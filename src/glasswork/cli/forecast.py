"""`glasswork forecast`: how series go on after their end."""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

import glasswork as gw
from glasswork.cli.arguments import add_device, add_out, add_run
from glasswork.cli.output import console_for_results, write_page


def fill(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the verb's arguments."""
    add_run(parser)
    described = "the series, with their newest values (default: the run's own data)"
    parser.add_argument("--data", metavar="FILE.csv", help=described)
    add_device(parser)
    add_out(parser, "write a page with the intervals drawn (.html), or all quantiles (.csv)")


def carry_out(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.show.html import to_html
    from glasswork.show.terminal import print_report
    from glasswork.systems.forecast.report import csv_ahead, report_ahead

    model = gw.load(options.run, device=options.device)
    foretold = model.forecast(options.data)
    found = foretold.to_json()
    for name in foretold.left_out:
        print(f"glasswork: left out: the last values of '{name}' are not known", file=sys.stderr)
    if options.out:
        page, table = lambda: to_html(report_ahead(foretold)), lambda: csv_ahead(foretold)
        write_page(options.out, {".html": page, ".csv": table})
    if options.json:
        print(json.dumps({"run": model.run, **found}))
    elif not options.out:
        print_report(console_for_results(), report_ahead(foretold))
    return 0
