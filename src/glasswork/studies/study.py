"""What a study is: options, a generator of progress, and the finding that the generator returns."""

import importlib
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, runtime_checkable

if TYPE_CHECKING:
    from torch import nn

    from glasswork.glassbox.regions import Region
    from glasswork.recipe.base import Options
    from glasswork.report.report import Report
    from glasswork.training.stage import Step


class Finding(Protocol):
    """What a study found."""

    def to_json(self) -> dict[str, Any]:
        """The finding as plain JSON types."""

    def report(self) -> "Report":
        """The finding as a page, and what of it a terminal shows."""


@runtime_checkable
class Pictured(Finding, Protocol):
    """What a study found that has pictures of the plane, as far as its examples lie on one."""

    def figures(self) -> dict[str, Any]:
        """The finding as plain JSON types, without what only the pictures are made of."""

    def regions(self) -> "list[tuple[Region, str, str]]":
        """What each network answers where, with a title and its figures in words."""

    def png(self) -> bytes:
        """The pictures alone."""

    def require_picture(self) -> None:
        """Refuses a picture of what has none."""


FoundT = TypeVar("FoundT", covariant=True)


@dataclass(frozen=True)
class Progress(Generic[FoundT]):
    """How far a study has come.

    Attributes:
        done: how much is done.
        of: how much there is to do.
        words: what is being done, or what was just done, for people; empty at the end.
        so_far: the finding so far; None if it is all or nothing.
        step: the step just made, if the study is training a run that it leaves.
    """

    done: float = 0.0
    of: float = 1.0
    words: str = ""
    so_far: FoundT | None = None
    step: "Step | None" = None

    @property
    def percent(self) -> float:
        """How much of the work is done."""
        return 100 * self.done / self.of


Running = Generator[Progress[FoundT], None, FoundT]
"""A study being carried out."""


@dataclass(frozen=True)
class Asked:
    """What a study is asked to train: fields of recipe and machine of which it makes its own requests.

    Attributes:
        preset: name of a preset; None: chosen from the data, or the study's own.
        values: fields of the recipe and the machine, one value each.
        settings: fields of the recipe with several values each.
        network: the user's own module.
        spent: seconds of a budget that are gone already.
    """

    preset: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    network: "nn.Module | None" = None
    spent: float = 0.0


@dataclass(frozen=True)
class Argument:
    """How an option stands on the command line; beside its field, in the annotation.

    Attributes:
        metavar: what its value is called.
        positional: whether it has a place of its own instead of a flag.
        choices: what it may be; empty: anything.
        hidden: whether it is for Python only.
    """

    metavar: str | None = None
    positional: bool = False
    choices: tuple[str, ...] = ()
    hidden: bool = False


@dataclass(frozen=True)
class Output:
    """A file that a study can write.

    Attributes:
        sentence: what it is, for `--help`.
        endings: of its name.
    """

    sentence: str
    endings: tuple[str, ...]


@dataclass(frozen=True)
class RecipeFlags:
    """Which fields of recipe and machine a study takes as flags.

    Attributes:
        title: of their group in `--help`.
        preset: help of the argument that names the preset, with `{presets}` for all of them; empty: there is none.
        required: whether the preset has to be named.
        only: the fields; empty: all but `without`.
        without: fields that belong to a single run.
        several: whether a flag of the recipe takes several values.
    """

    title: str
    preset: str = ""
    required: bool = False
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    several: bool = False


@dataclass(frozen=True)
class Study:
    """A study as the verbs and the public face know it.

    Attributes:
        function: where it begins, a module of this room and a function in it.
        brief: what it does, in a few words.
        sentence: what it does, with an example.
        options: its own, a class in `studies.options`.
        recipe: which fields of recipe and machine it takes; None: it trains what it needs.
        outputs: the files that it can write, by their flags.
        lines: whether progress is printed in lines that stay, instead of drawn as a bar.
        stopped: what is said after Ctrl-C, with the fields of `Progress` in braces; empty: that of every verb.
        quiet: whether a written file replaces the text in the terminal.
        verb: whether it is a verb of its own; if not, a flag of another verb starts it.
    """

    function: str
    brief: str
    sentence: str
    options: str
    recipe: RecipeFlags | None
    outputs: Mapping[str, Output]
    lines: bool = False
    stopped: str = ""
    quiet: bool = False
    verb: bool = True

    @property
    def options_class(self) -> "type[Options]":
        """Its options, imported now."""
        found: type[Options] = getattr(importlib.import_module("glasswork.studies.options"), self.options)
        return found

    def begin(self, options: "Options", asked: Asked) -> Running[Any]:
        """Starts the study; the work begins when the first progress is asked for."""
        from glasswork.catalogue import PRESETS, row_of  # here, as the overview of the verbs does not wait for it

        if self.recipe is not None and asked.preset in PRESETS:
            row_of(PRESETS[asked.preset].system).require_data()
        module, name = self.function.split(".")
        function = getattr(importlib.import_module(f"glasswork.studies.{module}"), name)
        running: Running[Any] = function(options) if self.recipe is None else function(options, asked)
        return running


def conclude(running: Running[FoundT]) -> FoundT:
    """Carries a study out to its end.

    Returns:
        What it found.
    """
    while True:
        try:
            next(running)
        except StopIteration as ended:
            found: FoundT = ended.value
            return found
