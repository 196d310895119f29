"""The verbs around runs: `train`, `resume`, `runs`, `systems`."""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import glasswork as gw
from glasswork import catalogue
from glasswork.cli.arguments import add_fields, add_run, asked_values, recipe_of
from glasswork.cli.output import console_for_results, seconds_spent
from glasswork.errors import GlassworkError
from glasswork.recipe.base import Machine
from glasswork.run.request import make_request

if TYPE_CHECKING:
    from glasswork.run.carry_out import Run
    from glasswork.run.folder import RunFolder


WORTH_SAYING = 100 * 2**20


def fill_train(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the arguments of `train`."""
    recipe, defaults = recipe_of(arguments[1:])
    presets = ", ".join(catalogue.PRESETS)
    parser.add_argument(
        "what", nargs="?", metavar="PRESET", help=f"{presets}, or a recipe.toml (default: chosen from the data)"
    )
    described = "a finished run to train on from: its model is the beginning, and its recipe the default of every field"
    parser.add_argument("--from", dest="start", metavar="RUN", help=described)
    of_recipe = parser.add_argument_group("the recipe: what is minimised, and how")
    add_fields(of_recipe, recipe, defaults, recipe.model_fields)
    of_machine = parser.add_argument_group("the machine: where and how it runs")
    add_fields(of_machine, Machine, {}, Machine.model_fields)


def run_train(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    if options.what and not options.what.endswith(".toml"):
        catalogue.preset(options.what)  # a name that is wrong is refused before torch is imported
    from glasswork.run.carry_out import begin_run
    from glasswork.run.choose import choose_request, request_in_file
    from glasswork.run.suggest import suggest
    from glasswork.show.progress import console_for_people

    what, console, values = options.what, console_for_people(), asked_values(options)
    if options.start is not None:
        request = choose_request(what, {**values, "start": options.start})
    elif what and what.endswith(".toml"):
        request = request_in_file(Path(what), values)
    else:
        if what is None and values.get("data") and not (values.get("network") or values.get("replay")):
            suggestion = suggest(values)
            what, other = suggestion.preset, f" (or try {suggestion.other})" if suggestion.other else ""
            if not options.json:
                console.print(f"{values['data']} holds {suggestion.why}: training {what}{other}", markup=False)
        request = choose_request(what, values)
    return carry_out(begin_run(request, seconds_spent(options)), options)


def fill_resume(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the arguments of `resume`."""
    add_run(parser)
    parser.add_argument("--data", metavar="DATA", help="where the run's data is now, if it has moved")
    parser.add_argument(
        "--accept",
        metavar="WHAT",
        default="",
        help="go on although this has changed since it was stopped: recipe, arithmetic, code, own; several with commas",
    )


def run_resume(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.run.carry_out import reopen
    from glasswork.run.folder import RunFolder

    return carry_out(
        reopen(
            RunFolder.find(options.run), data=options.data, accept=options.accept.split(",") if options.accept else ()
        ),
        options,
    )


def fill_runs(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds nothing: the verb takes no arguments."""


def run_runs(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.run.folder import list_runs
    from glasswork.show.run_summary import print_runs

    found = [(folder.name, *_result(folder)) for folder in list_runs()]
    if options.json:
        listed = [{"run": run, "result": result, "problem": problem} for run, result, problem in found]
        print(json.dumps({"runs": [{key: one[key] for key in one if key != "problem" or one[key]} for one in listed]}))
    elif not found:
        print("there are no runs here yet: start one with glasswork train")
    else:
        print_runs(console_for_results(), found)
    return 0


def _result(folder: "RunFolder") -> tuple[dict[str, Any] | None, str]:
    """The figures of a run, if it has any, and why they cannot be read."""
    try:
        return folder.read_result(), ""
    except GlassworkError as error:
        return None, str(error)


def fill_systems(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the arguments of `systems`."""
    parser.add_argument("action", nargs="?", choices=["show"], help="show: print the recipe of a preset as TOML")
    parser.add_argument(
        "preset", nargs="?", default="lenet", metavar="PRESET", help="the preset to show (default: lenet)"
    )


def run_systems(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.recipe.toml import written_out
    from glasswork.show.terminal import print_table

    if options.action == "show":
        chosen = make_request(options.preset, {})
        if options.json:
            print(json.dumps({"preset": options.preset, **chosen.recipe.model_dump()}))
        else:
            print(written_out(options.preset, catalogue.preset(options.preset).sentence, chosen.recipe), end="")
    elif options.json:
        print(json.dumps({"systems": [{"preset": p.name, "sentence": p.sentence} for p in gw.presets()]}))
    else:
        print_table(console_for_results(), ("preset", ""), [(p.name, p.sentence) for p in gw.presets()])
    return 0


def carry_out(run: "Run", options: Namespace) -> int:
    """Carries a run out; the exit code.

    Raises:
        KeyboardInterrupt: on Ctrl-C, saying how to go on.
    """
    try:
        return _show(run, options)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(run.stopped) from None


def _show(run: "Run", options: Namespace) -> int:
    """Carries a run out, with progress for people; the exit code."""
    from glasswork.run.finish import finish
    from glasswork.show.progress import console_for_people, show_progress
    from glasswork.show.run_summary import print_numerics, print_result, print_summary

    console, process = console_for_people(), run.process
    known = _say_notes(run)
    if not options.json:
        print_summary(console, run.request.preset, process.summary)
        print_numerics(console, process.execution)
        if needed := _memory_sentence(run.folder.read("environment.json").get("memory")):
            console.print(needed)
    for _ in run.steps() if options.json else show_progress(run.steps(), console, process.summary.unit):
        pass
    _say_notes(run, known)
    if run.interrupted:
        raise KeyboardInterrupt(run.stopped)
    result = finish(run)
    if options.json:
        print(json.dumps(result))
    else:
        if run.outcome is not None and run.outcome.plane is not None:
            from glasswork.show.regions import print_regions

            print_regions(console_for_results(), [(run.outcome.plane.coarse, "")])
        print_result(console_for_results(), result, run.next_commands())
    return 0


def _say_notes(run: "Run", known: int = 0) -> int:
    """Prints the notes of a run after the first `known` ones; how many there are."""
    for note in run.notes[known:]:
        print(f"note: {note}", file=sys.stderr)
    return len(run.notes)


def _memory_sentence(memory: Mapping[str, Any] | None) -> str:
    """Such as `needs about 3.1 GB of 24.0 GB: ...`; empty for less than 100 MB and less than a tenth of all there is.

    Args:
        memory: as in `environment.json`; None where a run has not noted it.
    """
    from glasswork.training.memory import worded_bytes

    if memory is None or memory["total"] < min(WORTH_SAYING, memory["machine"] / 10 or WORTH_SAYING):
        return ""
    parts = {
        "data": memory["data"],
        "network and optimizer": memory["weights"] + memory["gradients"] + memory["moments"],
        f"a batch of {memory['examples']:,}": memory["activations"],
    }
    listed = ", ".join(f"{name} {worded_bytes(count)}" for name, count in parts.items())
    there = f" of {worded_bytes(memory['machine'])}" if memory["machine"] else ""
    return f"needs about {worded_bytes(memory['total'])}{there} in addition to the program itself: {listed}"
