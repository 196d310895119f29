"""The verbs around runs: `train`, `resume`, `runs`, `systems`."""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import glasswork as gw
from glasswork import catalogue
from glasswork.cli.arguments import add_fields, add_run, asked_values, recipe_of
from glasswork.cli.output import INTERRUPTED, console_for_results, seconds_spent
from glasswork.recipe.base import Machine

if TYPE_CHECKING:
    from glasswork.run.training import Training


def fill_train(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the arguments of `train`."""
    recipe, defaults = recipe_of(arguments[1:])
    presets = ", ".join(catalogue.PRESETS)
    parser.add_argument("what", nargs="?", metavar="PRESET", help=f"{presets}, or a recipe.toml; absent: what fits")
    of_recipe = parser.add_argument_group("the recipe: what is minimised, and how")
    add_fields(of_recipe, recipe, defaults, recipe.model_fields)
    of_machine = parser.add_argument_group("the machine: where and how it runs")
    add_fields(of_machine, Machine, {}, Machine.model_fields)


def run_train(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.run.request import ordered
    from glasswork.run.training import prepare
    from glasswork.show.progress import console_for_people

    what, console, values = options.what, console_for_people(), asked_values(options)
    if what and what.endswith(".toml"):
        order = catalogue.read_request(Path(what), values)
    else:
        order = ordered(what, values)
        if not (what or options.json or values.get("network")) and values.get("data"):
            console.print(f"{order.preset} is what fits this data: {catalogue.preset(order.preset).sentence}")
    return _carry_out(prepare(order, spent=seconds_spent(options)), options)


def fill_resume(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the arguments of `resume`."""
    add_run(parser)


def run_resume(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.run.folder import RunFolder
    from glasswork.run.training import reopen

    return _carry_out(reopen(RunFolder.find(options.run)), options)


def fill_runs(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds nothing: the verb takes no arguments."""


def run_runs(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.run.folder import list_runs
    from glasswork.show.terminal import print_runs

    found = [(folder.name, folder.read("result.json")) for folder in list_runs()]
    if options.json:
        print(json.dumps({"runs": [{"run": name, "result": result} for name, result in found]}))
    elif not found:
        print("there are no runs here yet: glasswork train makes one")
    else:
        print_runs(console_for_results(), found)
    return 0


def fill_systems(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the arguments of `systems`."""
    parser.add_argument("action", nargs="?", choices=["show"], help="show: print the recipe of a preset as TOML")
    parser.add_argument("preset", nargs="?", default="lenet", metavar="PRESET", help="which one to show")


def run_systems(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.recipe.toml import written_out
    from glasswork.show.terminal import print_table

    if options.action == "show":
        chosen = catalogue.order(options.preset, {})
        if options.json:
            print(json.dumps({"preset": options.preset, **chosen.recipe.model_dump()}))
        else:
            print(written_out(options.preset, catalogue.preset(options.preset).sentence, chosen.recipe), end="")
    elif options.json:
        print(json.dumps({"systems": [{"preset": p.name, "sentence": p.sentence} for p in gw.presets()]}))
    else:
        print_table(console_for_results(), ("preset", ""), [(p.name, p.sentence) for p in gw.presets()])
    return 0


def _carry_out(training: "Training", options: Namespace) -> int:
    """Carries a training out, with progress for people; the exit code."""
    from glasswork.run.finish import finish, next_commands
    from glasswork.show.memory import memory_sentence
    from glasswork.show.progress import console_for_people, shown
    from glasswork.show.terminal import print_numerics, print_result, print_summary

    console = console_for_people()
    if not options.json:
        print_summary(console, training.order.preset, training.summary)
        print_numerics(console, training.execution)
        if needed := memory_sentence(training.folder.read("environment.json").get("memory")):
            console.print(needed)
    for _ in training.steps() if options.json else shown(training.steps(), console, training.summary.unit):
        pass
    if training.interrupted:
        at = f"after step {training.last.number}" if training.last else "before the first step"
        print(f"stopped {at} and saved: go on with glasswork resume {training.folder.name}", file=sys.stderr)
        return INTERRUPTED
    result = finish(training)
    if options.json:
        print(json.dumps(result))
    else:
        if (plane := training.plane()) is not None:
            from glasswork.glassbox.regions import region
            from glasswork.show.regions_terminal import TERMINAL_CELLS, print_regions

            print_regions(console_for_results(), [(region(training.network, plane, TERMINAL_CELLS), "")])
        print_result(console_for_results(), result, next_commands(training.folder))
    return 0
