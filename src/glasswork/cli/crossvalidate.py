"""`glasswork crossvalidate`: settings judged on examples that they did not train on."""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from glasswork import catalogue
from glasswork.cli.arguments import add_fields, add_out, asked_values
from glasswork.cli.carrying_out import INTERRUPTED
from glasswork.cli.output import console_for_results, write_page
from glasswork.errors import GlassworkError
from glasswork.recipe.base import Machine
from glasswork.systems.supervised.recipe import SupervisedRecipe

WRITTEN = (".html", ".json")
OF_A_RUN = ("replay", "tensorboard", "out", "budget", "restarts", "select")
ORDER = "order"  # the rows' order here; that of the online rule's examples is left at its default


def fill(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the verb's arguments."""
    name = next((word for word in arguments[1:] if word in catalogue.PRESETS), None)
    recipe = catalogue.RECIPES[catalogue.PRESETS[name].system] if name else SupervisedRecipe
    presets = ", ".join(catalogue.PRESETS)
    parser.add_argument("what", nargs="?", metavar="PRESET", help=f"{presets}, or a recipe.toml; absent: what fits")
    parser.add_argument(
        "--folds", type=int, default=5, metavar="WHOLE", help="how many parts judge in turn (default: 5)"
    )
    parser.add_argument("--groups", metavar="COLUMN", help="rows that agree in this column are never on two sides")
    parser.add_argument(
        "--order",
        dest="row_order",
        choices=["shuffled", "time"],
        default="shuffled",
        help="time: the rows stand in the order of time, and only the past is learnt from (default: shuffled)",
    )
    parser.add_argument(
        "--repeats", type=int, default=1, metavar="WHOLE", help="how often, with other folds (default: 1)"
    )
    add_out(parser, "write the page here (.html), or the figures (.json)")
    parser.set_defaults(typed=list(arguments))
    defaults = {"data": catalogue.PRESETS[name].data, **catalogue.PRESETS[name].values} if name else {}
    title = "the recipe; a flag with several values, such as --hidden 4 8 16, is what is tried"
    add_fields(parser.add_argument_group(title), recipe, dict(defaults), several=True, leave_out=(*OF_A_RUN, ORDER))
    add_fields(parser.add_argument_group("the machine: where and how it runs"), Machine, {}, leave_out=OF_A_RUN)


def carry_out(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.show.html import to_html
    from glasswork.show.progress import console_for_people, show_work
    from glasswork.show.terminal import print_report
    from glasswork.studies.crossvalidate import prepare

    if options.out is not None:
        _require_writable(Path(options.out))
    preset, settings, values = _asked(options)
    validation = prepare(
        preset, settings, options.folds, options.groups, options.row_order, options.repeats, None, None, values
    )
    console = console_for_people()
    steps = ((one.share, one.words) for one in validation.steps())
    share = 0.0
    try:
        for step in steps if options.json else show_work(steps, console):
            share = step[0]
    except KeyboardInterrupt:
        done = f"after {100 * share:.0f} % of the work"
        print(
            f"stopped {done}: a cross-validation is all or nothing, so start it anew with fewer folds", file=sys.stderr
        )
        return INTERRUPTED
    result = validation.result()
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


def _require_writable(path: Path) -> None:
    """Refuses before the training, not after it, what could not be written."""
    if path.suffix.lower() not in WRITTEN:
        raise GlassworkError(f"--out writes {' or '.join(WRITTEN)}, and {path} ends in neither")
    if path.exists():
        raise GlassworkError(f"{path} is there already: choose another name or move it away")
    if not path.parent.is_dir():
        raise GlassworkError(f"There is no folder {path.parent} to write {path.name} to")


def _asked(options: Namespace) -> tuple[str | None, dict[str, list[str]], dict[str, Any]]:
    """Preset, fields with several values in the order in which they were typed, and all other values."""
    given = {key: value for key, value in asked_values(options).items() if key != "out"}
    flags = [word.split("=")[0].removeprefix("--").replace("-", "_") for word in options.typed if word[:2] == "--"]
    several = sorted(
        (key for key, value in given.items() if isinstance(value, list) and len(value) > 1), key=flags.index
    )
    settings = {key: given[key] for key in several}
    values = {
        key: value[0] if isinstance(value, list) else value for key, value in given.items() if key not in settings
    }
    if options.what is None or not options.what.endswith(".toml"):
        return options.what, settings, values
    order = catalogue.read_request(Path(options.what), values)
    return order.preset, settings, {**order.asked, **order.machine.asked()}
