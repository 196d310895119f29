"""`glasswork why-recurrence`: a bracket opened ever farther back, RNN against LSTM; or your data, with and without."""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from functools import partial
from typing import Any

from glasswork.cli.arguments import add_out
from glasswork.cli.carrying_out import INTERRUPTED
from glasswork.cli.output import console_for_results, refuse_existing, write_page
from glasswork.errors import GlassworkError


def fill(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the verb's arguments."""
    parser.add_argument(
        "--data",
        metavar="PATH",
        help="instead of brackets: labelled sentences or clips, every word or frame with and without recurrence",
    )
    parser.add_argument("--target", metavar="COLUMN", help="with --data: the column of a clip's labels")
    parser.add_argument("--cell", metavar="CELL", help="with --data: the recurrent unit (default: the preset's)")
    parser.add_argument("--epochs", type=int, metavar="WHOLE", help="with --data: of both (default: the preset's)")
    parser.add_argument("--threads", type=int, metavar="WHOLE", help="with --data: processor threads (default: all)")
    parser.add_argument("--cells", nargs="+", metavar="CELL", help="rnn, relu-rnn, gru, lstm (default: rnn lstm)")
    parser.add_argument("--distance", type=int, metavar="WHOLE", help="farthest in training (default: 100)")
    parser.add_argument("--units", type=int, metavar="WHOLE", help="of every network (default: 64)")
    parser.add_argument("--steps", type=int, metavar="WHOLE", help="updates of each (default: 2000)")
    parser.add_argument("--repeats", type=int, metavar="WHOLE", help="seeds for each cell (default: 3)")
    parser.add_argument("--seed", type=int, default=0, metavar="WHOLE", help="the first seed (default: 0)")
    add_out(parser, "write the page here (.html), or the figures (.json)")


OF_BRACKETS = ("cells", "distance", "units", "steps", "repeats")
OF_DATA = ("target", "cell", "epochs", "threads")


def carry_out(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.show.html import to_html
    from glasswork.show.progress import console_for_people, show_work
    from glasswork.show.terminal import print_report
    from glasswork.studies import recurrence_ablation as independent
    from glasswork.studies import why_recurrence

    refuse_existing(options.out, (".html", ".json"))
    on_data = options.data is not None
    strange = [name for name in (OF_BRACKETS if on_data else OF_DATA) if getattr(options, name) is not None]
    if strange:
        raise GlassworkError(f"--{strange[0]} goes {'without' if on_data else 'with'} --data")
    if on_data:
        asked = {name: getattr(options, name) for name in OF_DATA}
        comparison: Any = independent.prepare(options.data, seed=options.seed, **asked)
    else:
        given = {name: getattr(options, name) for name in OF_BRACKETS if getattr(options, name) is not None}
        given = {{"steps": "updates", "distance": "farthest"}.get(name, name): value for name, value in given.items()}
        comparison = why_recurrence.prepare(seed=options.seed, **given)
    try:
        for _ in comparison.steps() if options.json else show_work(comparison.steps(), console_for_people()):
            pass
    except KeyboardInterrupt:
        print("stopped: the comparison is all or nothing, so start it anew with less to do", file=sys.stderr)
        return INTERRUPTED
    result = comparison.result()
    found, report = result.to_json(), result.report()
    if options.out is not None:
        as_json = partial(json.dumps, found, indent=1)
        write_page(options.out, {".html": partial(to_html, report), ".json": lambda: as_json() + "\n"})
    if options.json:
        print(json.dumps(found))
    else:
        print_report(console_for_results(), report)
    return 0
