"""`glasswork tune`: a recipe's fields searched for the best figure on the validation examples."""

import json
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glasswork import catalogue
from glasswork.cli.arguments import add_fields, add_out, asked_values
from glasswork.cli.carrying_out import INTERRUPTED
from glasswork.cli.output import console_for_results, write_page
from glasswork.errors import GlassworkError
from glasswork.recipe.base import Machine, seconds
from glasswork.run.request import read_request
from glasswork.systems.supervised.recipe import SupervisedRecipe

if TYPE_CHECKING:
    from glasswork.studies.tune import Plan, Tuning

OF_A_RUN = ("replay", "tensorboard", "out", "restarts", "select")
USUAL_TRIALS = 50


def fill(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the verb's arguments."""
    name = next((word for word in arguments[1:] if word in catalogue.PRESETS), None)
    recipe = catalogue.recipe_of(name) if name else SupervisedRecipe
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
    from glasswork.show.tuning import print_beginning, print_trial
    from glasswork.studies.tune import prepare

    if options.out is not None and Path(options.out).exists():
        raise GlassworkError(f"{options.out} is there already: choose another name or move it away")
    if options.workers < 1:
        raise GlassworkError(f"A search needs at least one worker, and {options.workers} were asked for")
    tuning, console = prepare(_plan(options)), console_for_people()
    found = tuning.result().to_json()
    if not options.json:
        print_beginning(console, found, tuning.plan.trials)
    for trial in tuning.search(options.workers):
        if not options.json:
            print_trial(console, tuning.plan.judge, asdict(trial))
    if tuning.interrupted:
        kept = sum(count for state, count in tuning.result().counts().items() if state != "stopped")
        print(f"stopped: {kept} trials are kept in {tuning.address}; the same command goes on", file=sys.stderr)
        return INTERRUPTED
    return _train_the_best(tuning, options)


def _train_the_best(tuning: "Tuning", options: Namespace) -> int:
    from glasswork.run.carry_out import begin_run
    from glasswork.run.finish import finish
    from glasswork.show.progress import console_for_people, shown
    from glasswork.show.tuning import print_tuned, tuning_page

    console = console_for_people()
    run = begin_run(tuning.winner())
    if not options.json:
        console.print(f"training the best recipe as {run.folder.name}")
    for _ in run.steps() if options.json else shown(run.steps(), console):
        pass
    if run.interrupted:
        print(f"stopped and saved: go on with glasswork resume {run.folder.name}", file=sys.stderr)
        return INTERRUPTED
    result = finish(run)
    found: dict[str, Any] = {**tuning.result().to_json(), "result": result}
    if options.out is not None:
        write_page(
            options.out,
            {".html": partial(tuning_page, found), ".json": lambda: json.dumps(found, indent=1) + "\n"},
        )
    if options.json:
        print(json.dumps(found))
    else:
        print_tuned(console_for_results(), found)
    return 0


def _plan(options: Namespace) -> "Plan":
    from glasswork.execution import process_seconds, usable_cores
    from glasswork.run.choose import choose_preset
    from glasswork.studies.tune import Plan

    values = {key: value for key, value in asked_values(options).items() if key != "out"}
    preset = options.what
    if preset is not None and preset.endswith(".toml"):
        order = read_request(Path(preset), values)
        preset, values = order.preset, {**order.asked, **order.machine.asked()}
    preset = preset or choose_preset(values)
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
