"""The verbs of studies, by one runner: options become flags, the finding text, a page or JSON; and `compare`."""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glasswork.catalogue import PRESETS
from glasswork.cli.arguments import add_fields, add_options, asked_values, recipe_of
from glasswork.cli.output import console_for_results, refuse_existing, seconds_spent, write_page
from glasswork.recipe.base import Machine
from glasswork.studies.study import Asked, Pictured, Progress, RecipeFlags, Running, Study
from glasswork.studies.table import STUDIES

if TYPE_CHECKING:
    from rich.console import Console

    from glasswork.report.report import Report

PENALTIES = "--penalties"


def fill_study(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the arguments of a study."""
    study, words = STUDIES[arguments[0]], arguments[1:]
    flags = study.recipe
    if flags is not None and flags.preset:
        count = None if flags.required else "?"
        parser.add_argument("what", nargs=count, metavar="PRESET", help=flags.preset.format(presets=", ".join(PRESETS)))
    add_options(parser, study.options_class)
    for name, output in study.outputs.items():
        parser.add_argument(f"--{name}", metavar="FILE", help=output.sentence)
    parser.set_defaults(carried_out=arguments[0], typed=list(words))
    if flags is None:
        return
    recipe, defaults = recipe_of(words)
    own = {*study.options_class.model_fields, *study.outputs}
    chosen = _fields(flags, recipe, own)
    add_fields(parser.add_argument_group(flags.title), recipe, defaults, chosen, flags.several)
    machine = parser.add_argument_group("the machine: where and how it runs")
    add_fields(machine, Machine, {}, _fields(flags, Machine, own))


def _fields(flags: RecipeFlags, options: type[Any], own: set[str]) -> list[str]:
    """The fields that a study takes, without those that its own options hide."""
    names = flags.only or [name for name in options.model_fields if name not in flags.without]
    return [name for name in names if name in options.model_fields and name not in own]


def run_study(options: Namespace) -> int:
    """Carries a study out; the exit code."""
    study = STUDIES[options.carried_out]
    for name, output in study.outputs.items():
        refuse_existing(getattr(options, name), output.endings, name)
    given = {name: getattr(options, name, None) for name in study.options_class.model_fields}
    chosen = study.options_class.parse({name: value for name, value in given.items() if value is not None})
    watched = Watched(study.begin(chosen, _asked(study, options)))
    try:
        _watch(watched, study, options)
    except KeyboardInterrupt as error:
        if error.args or watched.last is None:
            raise
        raise KeyboardInterrupt(study.stopped.format(**vars(watched.last), percent=watched.percent)) from None
    _show(watched.found, study, options)
    return 0


class Watched:
    """A study being carried out; its finding stands in `found` once it has ended."""

    def __init__(self, running: Running[Any]) -> None:
        self.last: Progress[Any] | None = None
        self.found: Any = None
        self._running = running

    def __iter__(self) -> Iterator[Progress[Any]]:
        while True:
            try:
                self.last = next(self._running)
            except StopIteration as ended:
                self.found = ended.value
                return
            yield self.last

    @property
    def percent(self) -> float:
        """How much of the work is done."""
        return self.last.percent if self.last else 0.0


def _watch(watched: Watched, study: Study, options: Namespace) -> None:
    """Runs a study, showing progress, or silently for `--json`."""
    from glasswork.show.progress import console_for_people, watch

    parts = _drawable(watched, options)
    if options.json:
        for _ in parts:
            pass
    elif study.lines:
        _watch_lines(parts, console_for_people())
    else:
        for _ in watch(((one.done / one.of, one.words) for one in parts), console_for_people()):
            pass


def _watch_lines(parts: Iterator[Progress[Any]], console: "Console") -> None:
    """Prints a line per message, and the usual progress of the final run."""
    from glasswork.show.progress import show_progress

    for one in parts:
        if one.words:
            console.print(one.words, markup=False, soft_wrap=True)
        if one.step is not None:
            steps = (each.step for each in chain([one], parts) if each.step is not None)
            for _ in show_progress(steps, console):
                pass


def _drawable(parts: Iterator[Progress[Any]] | Watched, options: Namespace) -> Iterator[Progress[Any]]:
    """The same; what cannot be drawn as the picture that is asked for is refused as soon as that can be seen."""
    for one in parts:
        asked = options.out is not None and Path(options.out).suffix.lower() == ".png"
        if asked and isinstance(one.so_far, Pictured):
            one.so_far.require_picture()
        yield one


def _show(found: Any, study: Study, options: Namespace) -> None:
    """Writes the files that are asked for, and prints the finding."""
    further = {name: getattr(options, name) for name in study.outputs if name != "out" and getattr(options, name)}
    report = found.report(**further)
    for name, output in study.outputs.items():
        if getattr(options, name) is not None:
            writers = {ending: partial(_content, found, report, ending) for ending in output.endings}
            write_page(getattr(options, name), writers, name)
    if options.json:
        print(json.dumps(_figures(found)))
    elif not (study.quiet and options.out is not None):
        _print(found, report)


def _figures(found: Any) -> dict[str, Any]:
    """What `--json` prints of a finding."""
    figures: dict[str, Any] = found.figures() if isinstance(found, Pictured) else found.to_json()
    return figures


def _content(found: Any, report: "Report", ending: str) -> str | bytes:
    """What a file of that ending holds."""
    from glasswork.show.html import to_html

    if ending == ".html":
        return to_html(report)
    if ending == ".json":
        return json.dumps(_figures(found), indent=1) + "\n"
    content: str | bytes = found.png() if ending == ".png" else found.to_csv()
    return content


def _print(found: Any, report: "Report") -> None:
    """What of a finding a terminal shows, after its pictures if it has any."""
    from glasswork.show.regions import print_regions
    from glasswork.show.terminal import print_report

    console = console_for_results()
    if isinstance(found, Pictured) and found.regions():
        print_regions(console, [(region, title) for region, title, _ in found.regions()])
        console.print()
    print_report(console, report)


def _asked(study: Study, options: Namespace) -> Asked:
    """What is to be trained: fields with several values in the order in which they were typed, and all others."""
    if study.recipe is None:
        return Asked()
    own = {*study.options_class.model_fields, *study.outputs}
    given = {name: value for name, value in asked_values(options).items() if name not in own}
    flags = [word.split("=")[0].removeprefix("--").replace("-", "_") for word in options.typed if word[:2] == "--"]
    several = sorted((name for name, value in given.items() if _is_several(value)), key=flags.index)
    settings = {name: given[name] for name in several}
    values = {
        name: value[0] if isinstance(value, list) else value for name, value in given.items() if name not in settings
    }
    preset = getattr(options, "what", None)
    if preset is not None and preset.endswith(".toml"):
        from glasswork.run.choose import request_in_file

        request = request_in_file(Path(preset), values)
        preset, values = request.preset, {**request.asked, **request.machine.asked()}
    return Asked(preset, values, settings, spent=seconds_spent(options))


def _is_several(value: object) -> bool:
    return isinstance(value, list) and len(value) > 1


def fill_compare(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the arguments of `compare`: those of the study of penalties, or runs."""
    sentence = f"{STUDIES['compare-penalties'].sentence}, for a preset (mlp)"
    parser.add_argument(PENALTIES, action="store_true", help=sentence)
    if PENALTIES in arguments:
        fill_study(parser, ["compare-penalties", *arguments[1:]])
    else:
        parser.add_argument("runs", nargs="+", metavar="RUN", help="two or more runs")


def run_compare(options: Namespace) -> int:
    """Puts runs side by side, or carries the study of penalties out; the exit code."""
    if options.penalties:
        return run_study(options)
    from glasswork.show.terminal import print_table
    from glasswork.studies.compare import compare

    runs = compare(options.runs)
    if options.json:
        print(json.dumps({"runs": [run.to_json() for run in runs]}))
        return 0
    for run in runs:
        if run.problem:
            print(f"glasswork: left out: {run.problem}", file=sys.stderr)
    figures = list(dict.fromkeys(name for run in runs for name in run.test))
    rows: list[list[object]] = [[key, *(_cell(run.differing[key]) for run in runs)] for key in runs[0].differing]
    rows += [[f"test {name}", *(run.test.get(name, "-") for run in runs)] for name in figures]
    rows += [["best epoch", *(run.best_epoch or "-" for run in runs)], ["seconds", *(run.seconds for run in runs)]]
    heads = (f"{run.run} (damaged)" if run.problem else run.run for run in runs)
    print_table(console_for_results(), ("", *heads), rows)
    return 0


def _cell(value: object) -> object:
    if value is None:
        return "-"
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else value
