"""`glasswork why-recurrence`: a bracket to be closed, opened ever farther back; RNN against LSTM."""

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
    parser.add_argument(
        "--cells",
        nargs="+",
        default=["rnn", "lstm"],
        metavar="CELL",
        help="rnn, relu-rnn, gru, lstm (default: rnn lstm)",
    )
    parser.add_argument(
        "--distance", type=int, default=100, metavar="WHOLE", help="farthest in training (default: 100)"
    )
    parser.add_argument("--units", type=int, default=64, metavar="WHOLE", help="of every network (default: 64)")
    parser.add_argument("--steps", type=int, default=2000, metavar="WHOLE", help="updates of each (default: 2000)")
    parser.add_argument("--repeats", type=int, default=3, metavar="WHOLE", help="seeds for each cell (default: 3)")
    parser.add_argument("--seed", type=int, default=0, metavar="WHOLE", help="the first seed (default: 0)")
    add_out(parser, "write the page here (.html), or the figures (.json)")


def carry_out(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.experiments.why_recurrence import prepare
    from glasswork.show.crossvalidation import shown
    from glasswork.show.progress import console_for_people
    from glasswork.show.why_recurrence import print_why, why_page

    refuse_existing(options.out, (".html", ".json"))
    comparison = prepare(options.cells, options.distance, options.units, options.steps, options.repeats, options.seed)
    try:
        for _ in comparison.steps() if options.json else shown(comparison.steps(), console_for_people()):
            pass
    except KeyboardInterrupt:
        print("stopped: the comparison is all or nothing, so start it anew with fewer --steps", file=sys.stderr)
        return INTERRUPTED
    found = comparison.result().to_json()
    if options.out is not None:
        as_json = partial(json.dumps, found, indent=1)
        write_page(options.out, {".html": partial(why_page, found), ".json": lambda: as_json() + "\n"})
    if options.json:
        print(json.dumps(found))
    else:
        print_why(console_for_results(), found)
    return 0
