"""The verbs of studies, by one runner: options become flags, the finding text, a page or JSON; and `compare`."""

import importlib
import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glasswork.catalogue import PRESETS
from glasswork.cli.arguments import add_fields, add_options, asked_values, recipe_of
from glasswork.cli.output import INTERRUPTED, console_for_results, refuse_existing, seconds_spent, write_page
from glasswork.recipe.base import Machine
from glasswork.run.request import read_request
from glasswork.studies.study import Asked, Progress, RecipeFlags, Running, Study
from glasswork.studies.table import STUDIES

if TYPE_CHECKING:
    from rich.console import Console

PENALTIES = "--penalties"


@dataclass(frozen=True)
class Drawing:
    """How a finding is shown.

    Attributes:
        module: of `show`, where the functions are.
        text: prints it in the terminal.
        files: by the ending of a file, what makes its content.
        early: by the ending of a file, what refuses a finding so far that cannot be drawn in it.
        of: what of the finding the functions are given.
        figures: what of the finding `--json` prints.
    """

    module: str
    text: str
    files: Mapping[str, str]
    early: Mapping[str, str] = field(default_factory=dict)
    of: str = "to_json"
    figures: str = "to_json"


DRAWINGS = {
    "CrossValidated": Drawing("crossvalidation", "print_crossvalidation", {".html": "crossvalidation_page"}),
    "Tuned": Drawing("tuning", "print_tuned", {".html": "tuning_page"}),
    "RateTest": Drawing("rates", "print_rates", {".html": "rates_page"}),
    "LabelErrors": Drawing(
        "label_errors",
        "print_label_errors",
        {".html": "label_errors_page", ".csv": "label_errors_csv"},
        of="page",
    ),
    "Varied": Drawing(
        "variation",
        "print_variation",
        {".html": "variation_page", ".png": "variation_png"},
        early={".png": "require_picture"},
        figures="figures",
    ),
    "TransferCompared": Drawing("transfer", "print_transfer", {".html": "transfer_page"}),
    "PenaltiesCompared": Drawing("penalties", "print_penalties", {".html": "penalties_page"}),
    "WhyConvolution": Drawing("why_convolution", "print_why", {".html": "why_page"}),
    "WhyRecurrence": Drawing("why_recurrence", "print_why", {".html": "why_page"}),
    "Independent": Drawing("independent", "print_independent", {".html": "independent_page"}),
    "VanishingGradient": Drawing("vanishing_gradient", "print_vanishing", {".html": "vanishing_page"}),
}
"""How each finding is shown, by its class."""


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
        if watched.last is None and not error.args:
            raise
        sentence = str(error) or study.stopped.format(**vars(watched.last), percent=watched.percent)
        if not sentence:
            raise
        print(sentence, file=sys.stderr)
        return INTERRUPTED
    _show(watched.found, study, options)
    return 0


class Watched:
    """A study being carried out; its finding stands in `found` once it has ended.

    Args:
        running: the study.
    """

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
    """Carries a study out before the eyes of a person, or silently for `--json`."""
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
    """A line for everything that is told, and the usual progress of the run that a study leaves."""
    from glasswork.show.progress import shown

    for one in parts:
        if one.words:
            console.print(one.words, markup=False, soft_wrap=True)
        if one.step is not None:
            steps = (each.step for each in chain([one], parts) if each.step is not None)
            for _ in shown(steps, console):
                pass


def _drawable(parts: Iterator[Progress[Any]] | Watched, options: Namespace) -> Iterator[Progress[Any]]:
    """The same; what cannot be drawn in the file that is asked for is refused as soon as that can be seen."""
    for one in parts:
        if options.out is not None and one.so_far is not None:
            drawing = DRAWINGS[type(one.so_far).__name__]
            name = drawing.early.get(Path(options.out).suffix.lower())
            if name is not None:
                _function(drawing, name)(one.so_far.to_json())
        yield one


def _show(found: Any, study: Study, options: Namespace) -> None:
    """Writes the files that are asked for, and prints the finding."""
    drawing = DRAWINGS[type(found).__name__]
    further = {name: getattr(options, name) for name in study.outputs if name != "out" and getattr(options, name)}
    drawn, figures = getattr(found, drawing.of)(**further), getattr(found, drawing.figures)()
    writers: dict[str, Callable[[], str | bytes]] = {".json": lambda: json.dumps(figures, indent=1) + "\n"}
    writers |= {ending: partial(_function(drawing, name), drawn) for ending, name in drawing.files.items()}
    for name, output in study.outputs.items():
        if getattr(options, name) is not None:
            write_page(getattr(options, name), {ending: writers[ending] for ending in output.endings}, name)
    if options.json:
        print(json.dumps(figures))
    elif not (study.quiet and options.out is not None):
        _function(drawing, drawing.text)(console_for_results(), drawn)


def _function(drawing: Drawing, name: str) -> Any:
    return getattr(importlib.import_module(f"glasswork.show.{drawing.module}"), name)


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
        request = read_request(Path(preset), values)
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
        parser.add_argument("runs", nargs="+", metavar="RUN", help="two runs or more")


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
    figures = list(dict.fromkeys(name for run in runs for name in run.test))
    rows: list[list[object]] = [[key, *(_cell(run.differing[key]) for run in runs)] for key in runs[0].differing]
    rows += [[f"test {name}", *(run.test.get(name, "-") for run in runs)] for name in figures]
    rows += [["best epoch", *(run.best_epoch or "-" for run in runs)], ["seconds", *(run.seconds for run in runs)]]
    print_table(console_for_results(), ("", *(run.run for run in runs)), rows)
    return 0


def _cell(value: object) -> object:
    if value is None:
        return "-"
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else value
