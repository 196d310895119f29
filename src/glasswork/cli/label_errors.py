"""`glasswork label-errors`: labels that are probably wrong."""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from glasswork import catalogue
from glasswork.cli.arguments import add_device
from glasswork.cli.output import console_for_results, write_page
from glasswork.errors import GlassworkError


def fill(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the verb's arguments."""
    parser.add_argument("source", metavar="DATA", help="a path or a name; it is read and never changed")
    presets = [name for name, preset in catalogue.PRESETS.items() if preset.system == "supervised"]
    parser.add_argument("--preset", metavar="PRESET", help=f"{', '.join(presets)}; absent: what fits the data")
    parser.add_argument("--folds", type=int, default=5, metavar="WHOLE", help="parts of the data (default: 5)")
    parser.add_argument("--out", metavar="FILE", help="write the page with the suspects here (.html)")
    parser.add_argument("--csv", metavar="FILE", help="write all suspects here, a line each")
    parser.add_argument("--target", metavar="TEXT", help="the column of a table that holds the labels")
    parser.add_argument("--size", metavar="WHOLE", help="side of the square that images are brought to, in pixels")
    parser.add_argument("--epochs", metavar="WHOLE", help="passes over the training examples of each fold")
    parser.add_argument("--seed", metavar="WHOLE", help="what every random choice starts from")
    parser.add_argument("--threads", metavar="WHOLE", help="processor threads; absent: every core")
    add_device(parser)


def carry_out(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.show.html import to_html
    from glasswork.show.progress import console_for_people
    from glasswork.show.terminal import print_report
    from glasswork.studies.label_errors import SHOWN, answered_folds, begin_search, conclude

    _refuse_old(options)
    names = ("target", "size", "epochs", "seed", "threads", "device")
    values = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    search, answers = begin_search(options.source, options.preset, options.folds, values), []
    with console_for_people().status(f"{search.order.preset}, fold 1 of {search.folds}") as status:
        for answer in answered_folds(search):
            answers.append(answer)
            status.update(f"{search.order.preset}, fold {min(len(answers) + 1, search.folds)} of {search.folds}")
    found = conclude(search, answers)
    if options.csv:
        write_page(options.csv, {".csv": found.to_csv})
    if options.out:
        write_page(options.out, {".html": lambda: to_html(found.report(options.csv or ""))})
    if options.json:
        print(json.dumps(found.to_json()))
    else:
        print_report(console_for_results(), found.report())
        if len(found.suspects) > SHOWN and not options.csv:
            print(f"{len(found.suspects) - SHOWN:,} more: write them all with --csv FILE.csv", file=sys.stderr)
    return 0


def _refuse_old(options: Namespace) -> None:
    """Says before the work, rather than after it, what cannot be written."""
    for name, suffix in ((options.csv, ".csv"), (options.out, ".html")):
        if name and Path(name).suffix.lower() != suffix:
            raise GlassworkError(f"This writes {suffix} files, and {name} is none")
        if name and Path(name).exists():
            raise GlassworkError(f"{name} is there already: choose another name or move it away")
