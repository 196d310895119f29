"""`glasswork compare`: runs side by side; with `--penalties` the ways against over-training on one data set."""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from glasswork import catalogue
from glasswork.cli.arguments import add_fields, add_out, asked_values
from glasswork.cli.carrying_out import INTERRUPTED
from glasswork.cli.output import console_for_results, write_page
from glasswork.errors import GlassworkError
from glasswork.recipe.base import Machine
from glasswork.systems.supervised.recipe import SupervisedRecipe

PENALTIES = "--penalties"
COMPARED = ("penalty", "strength", "dropout", "patience", "weight_decay", "label_smoothing")
OF_A_RUN = ("replay", "tensorboard", "out", "budget", "restarts", "select", *COMPARED)


def fill(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the verb's arguments."""
    sentence = "compare none, L1, L2, dropout, max-norm and early stopping on one data set, for a preset (mlp)"
    parser.add_argument(PENALTIES, action="store_true", help=sentence)
    if PENALTIES not in arguments:
        parser.add_argument("runs", nargs="+", metavar="RUN", help="two runs or more")
        return
    parser.add_argument("what", nargs="?", metavar="PRESET", help="mlp, linear, lenet or own; absent: mlp")
    parser.add_argument("--seeds", type=int, default=3, metavar="WHOLE", help="networks for each strength (default: 3)")
    add_out(parser, "write the page here (.html), or the figures (.json)")
    title = "the recipe; without --data mlp compares on few examples of mnist-5k"
    add_fields(parser.add_argument_group(title), SupervisedRecipe, {}, leave_out=OF_A_RUN)
    add_fields(parser.add_argument_group("the machine: where and how it runs"), Machine, {}, leave_out=OF_A_RUN)


def carry_out(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    return _penalties(options) if options.penalties else _runs(options)


def _runs(options: Namespace) -> int:
    from glasswork.show.terminal import print_table
    from glasswork.studies.compare import compare

    runs = compare(options.runs)
    if options.json:
        print(json.dumps({"runs": [run.to_json() for run in runs]}))
        return 0
    figures = list(dict.fromkeys(name for run in runs for name in run.test))
    rows: list[list[object]] = [[key, *(_shown(run.differing[key]) for run in runs)] for key in runs[0].differing]
    rows += [[f"test {name}", *(run.test.get(name, "-") for run in runs)] for name in figures]
    rows += [["best epoch", *(run.best_epoch or "-" for run in runs)], ["seconds", *(run.seconds for run in runs)]]
    print_table(console_for_results(), ("", *(run.run for run in runs)), rows)
    return 0


def _penalties(options: Namespace) -> int:
    from glasswork.show.html import to_html
    from glasswork.show.progress import console_for_people, show_work
    from glasswork.show.terminal import print_report
    from glasswork.studies.penalties import prepare

    if options.out is not None and Path(options.out).exists():
        raise GlassworkError(f"{options.out} is there already: choose another name or move it away")
    what, values = options.what, {key: value for key, value in asked_values(options).items() if key != "out"}
    if what is not None and what.endswith(".toml"):
        order = catalogue.read_request(Path(what), values)
        what, values = order.preset, {**order.asked, **order.machine.asked()}
    comparison = prepare(what, values, options.seeds)
    try:
        for _ in comparison.steps() if options.json else show_work(comparison.steps(), console_for_people()):
            pass
    except KeyboardInterrupt:
        print("stopped: a comparison is all or nothing, so start it anew with fewer --seeds", file=sys.stderr)
        return INTERRUPTED
    result = comparison.result()
    found, report = result.to_json(), result.report()
    if options.out is not None:
        write_page(
            options.out,
            {".html": partial(to_html, report), ".json": lambda: json.dumps(found, indent=1) + "\n"},
        )
    if options.json:
        print(json.dumps(found))
    else:
        print_report(console_for_results(), report)
    return 0


def _shown(value: object) -> object:
    if value is None:
        return "-"
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else value
