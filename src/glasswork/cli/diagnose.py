"""`glasswork diagnose`: faults of a trained model."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

import glasswork as gw
from glasswork.cli.arguments import add_device, add_out, add_run
from glasswork.cli.output import show_or_write


def fill(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the verb's arguments."""
    add_run(parser)
    parser.add_argument("--data", metavar="DATA", help="a path or a name; absent: the run's own validation examples")
    add_out(parser, "write the page here (.html)")
    add_device(parser)


def carry_out(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.glassbox.diagnose.report import report_of
    from glasswork.show.html import to_html
    from glasswork.show.terminal import report_text

    model = gw.load(options.run, device=options.device)
    title = Path(model.run).name
    return show_or_write(
        options,
        model.diagnose(options.data),
        lambda found: report_text(report_of(found, title)),
        {".html": lambda found: to_html(report_of(found, title))},
    )
