"""`glasswork tune`: a recipe's fields searched for the best figure on the validation examples."""

import json
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glasswork import catalogue
from glasswork.cli.arguments import add_fields, add_out, asked_values
from glasswork.cli.carrying_out import INTERRUPTED
from glasswork.cli.output import console_for_results, write_page
from glasswork.errors import GlassworkError
from glasswork.recipe.base import Machine, seconds
from glasswork.systems.supervised.recipe import SupervisedRecipe

if TYPE_CHECKING:
    from glasswork.studies.tune import Plan, Tuning

OF_A_RUN = ("replay", "tensorboard", "out", "restarts", "select")
USUAL_TRIALS = 50


def fill(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the verb's arguments."""
    name = next((word for word in arguments[1:] if word in catalogue.PRESETS), None)
    recipe = catalogue.RECIPES[catalogue.PRESETS[name].system] if name else SupervisedRecipe
    presets = ", ".join(catalogue.PRESETS)
    parser.add_argument("what", nargs="?", metavar="PRESET", help=f"{presets}, or a recipe.toml; absent: what fits")
    parser.add_argument(
        "--trials",
        type=int,
        metavar="WHOLE",
        help=f"how many the study shall have (default: {USUAL_TRIALS}; with a budget as many as fit in it)",
    )
    parser.add_argument(
        "--workers", type=int, default=1, metavar="WHOLE", help="processes at the same time (default: 1)"
    )
    parser.add_argument(
        "--study", metavar="FILE.db", help="where the trials are kept, or a URL; absent: under runs/, by the command"
    )
    parser.add_argument("--judge", default="loss", metavar="FIGURE", help="of the validation: loss, accuracy, f1, r2")
    add_out(parser, "write the page here (.html), or the trials (.json)")
    defaults = {"data": catalogue.PRESETS[name].data, **catalogue.PRESETS[name].values} if name else {}
    title = "the recipe; a field that is given is not searched"
    add_fields(parser.add_argument_group(title), recipe, dict(defaults), leave_out=OF_A_RUN)
    add_fields(parser.add_argument_group("the machine: where and how it runs"), Machine, {}, leave_out=OF_A_RUN)


def carry_out(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.show.progress import console_for_people
    from glasswork.show.terminal import print_blocks
    from glasswork.studies.tune import prepare

    if options.out is not None and Path(options.out).exists():
        raise GlassworkError(f"{options.out} is there already: choose another name or move it away")
    if options.workers < 1:
        raise GlassworkError(f"A search needs at least one worker, and {options.workers} were asked for")
    tuning, console = prepare(_plan(options)), console_for_people()
    beginning = tuning.result()
    if not options.json:
        print_blocks(console, beginning.beginning(tuning.plan.trials))
    for trial in tuning.search(options.workers):
        if not options.json:
            console.print(beginning.line(trial), markup=False, soft_wrap=True)
    if tuning.interrupted:
        kept = sum(count for state, count in tuning.result().counts().items() if state != "stopped")
        print(f"stopped: {kept} trials are kept in {tuning.address}; the same command goes on", file=sys.stderr)
        return INTERRUPTED
    return _train_the_best(tuning, options)


def _train_the_best(tuning: "Tuning", options: Namespace) -> int:
    from glasswork.run.finish import finish
    from glasswork.run.training import prepare
    from glasswork.show.html import to_html
    from glasswork.show.progress import console_for_people, shown
    from glasswork.show.terminal import print_report

    console = console_for_people()
    training = prepare(tuning.winner())
    if not options.json:
        console.print(f"training the best recipe as {training.folder.name}")
    for _ in training.steps() if options.json else shown(training.steps(), console):
        pass
    if training.interrupted:
        print(f"stopped and saved: go on with glasswork resume {training.folder.name}", file=sys.stderr)
        return INTERRUPTED
    result = finish(training)
    tuned = tuning.result()
    found: dict[str, Any] = {**tuned.to_json(), "result": result}
    report = tuned.report(result)
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


def _plan(options: Namespace) -> "Plan":
    from glasswork.execution import process_seconds, usable_cores
    from glasswork.run.request import choose
    from glasswork.studies.tune import Plan

    values = {key: value for key, value in asked_values(options).items() if key != "out"}
    preset = options.what
    if preset is not None and preset.endswith(".toml"):
        order = catalogue.read_request(Path(preset), values)
        preset, values = order.preset, {**order.asked, **order.machine.asked()}
    preset = preset or choose(values)
    budget = values.pop("budget", None)
    if options.workers > 1:
        values.setdefault("threads", max(1, usable_cores() // options.workers))
    end = None
    if budget is not None:
        spent = process_seconds() if options.began is None else time.monotonic() - options.began
        end = time.time() - spent + _in_seconds(budget)
    trials = options.trials if options.trials is not None or budget is not None else USUAL_TRIALS
    return Plan(preset, values, options.study, options.judge, trials, end)


def _in_seconds(budget: object) -> float:
    try:
        found = seconds(budget)
    except ValueError as error:
        raise GlassworkError(f"budget = {budget!r} does not fit: {error}") from None
    assert isinstance(found, float | int)
    return float(found)
