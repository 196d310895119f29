"""`glasswork vanishing-gradient`: what of an error arrives k characters back, untrained and trained."""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from functools import partial

from glasswork.cli.arguments import add_out
from glasswork.cli.carrying_out import INTERRUPTED
from glasswork.cli.output import console_for_results, refuse_existing, write_page


def fill(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the verb's arguments."""
    every = ["rnn", "relu-rnn", "gru", "lstm"]
    parser.add_argument("--cells", nargs="+", default=every, metavar="CELL", help=f"(default: {' '.join(every)})")
    parser.add_argument("--length", type=int, default=100, metavar="WHOLE", help="characters of a text (default: 100)")
    parser.add_argument("--units", type=int, default=64, metavar="WHOLE", help="of every network (default: 64)")
    parser.add_argument(
        "--steps", type=int, default=1000, metavar="WHOLE", help="updates of each; 0: untrained only (default: 1000)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="WHOLE", help="of weights and texts (default: 0)")
    add_out(parser, "write the page here (.html), or the figures (.json)")


def carry_out(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.show.html import to_html
    from glasswork.show.progress import console_for_people, show_work
    from glasswork.show.terminal import print_report
    from glasswork.studies.vanishing_gradient import prepare

    refuse_existing(options.out, (".html", ".json"))
    measurement = prepare(options.cells, options.length, options.units, options.steps, options.seed)
    try:
        for _ in measurement.steps() if options.json else show_work(measurement.steps(), console_for_people()):
            pass
    except KeyboardInterrupt:
        print("stopped: start it anew with fewer --steps, or --steps 0 for untrained networks", file=sys.stderr)
        return INTERRUPTED
    result = measurement.result()
    found, report = result.to_json(), result.report()
    if options.out is not None:
        as_json = partial(json.dumps, found, indent=1)
        write_page(options.out, {".html": partial(to_html, report), ".json": lambda: as_json() + "\n"})
    if options.json:
        print(json.dumps(found))
    else:
        print_report(console_for_results(), report)
    return 0
