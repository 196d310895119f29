"""A process: anything that a run can carry out, such as learning from a data set."""

import abc
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol

import torch
from torch import Tensor, nn
from typing_extensions import TypeVar

from glasswork.data.fingerprint import Fingerprint
from glasswork.data.kinds.task import Task
from glasswork.data.summary import Summary
from glasswork.errors import GlassworkError
from glasswork.execution import Execution, choose_device, usable_cores
from glasswork.glassbox.regions import LayerUnits, Region
from glasswork.recipe.base import Machine, ProcessRecipe
from glasswork.systems.attempts import Attempts
from glasswork.systems.system import Findings
from glasswork.training.memory import Memory
from glasswork.training.stage import Clock, Step, Tree

if TYPE_CHECKING:
    from glasswork.systems.model import Model


@dataclass(frozen=True)
class Trained:
    """A network as it is kept, and what its inputs and outputs mean."""

    network: nn.Module
    task: Task


@dataclass(frozen=True)
class OnPlane:
    """A network whose inputs lie on a plane.

    Attributes:
        region: what it answers where.
        coarse: the same in as many cells as a terminal shows.
        layers: what its hidden units make of the plane.
        moving: what it answered during training, each with its time in words.
    """

    region: Region
    coarse: Region
    layers: Sequence[LayerUnits]
    moving: Sequence[tuple[Region, str]]


@dataclass(frozen=True)
class Outcome:
    """What a process came to.

    Attributes:
        findings: what only the process can say in the report.
        result: entries of `result.json`.
        plane: what the network answers over the plane of its inputs; None if they lie on none.
    """

    findings: Findings
    result: Mapping[str, Any] = field(default_factory=dict)
    plane: OnPlane | None = None


def run_key(recipe: ProcessRecipe, fingerprint: Fingerprint) -> str:
    """What tells runs apart: two with the same key learn the same from the same examples."""
    used = {name: value for name, value in recipe.model_dump().items() if name not in {"data", "network"}}
    words = json.dumps([type(recipe).__name__, used, fingerprint.to_json()], sort_keys=True, default=str)
    return hashlib.sha256(words.encode("utf-8", "surrogateescape")).hexdigest()[:16]


class Process(Protocol):
    """What a run needs to know of what it carries out."""

    @property
    def recipe(self) -> ProcessRecipe:
        """The recipe with nothing left open."""

    @property
    def execution(self) -> Execution:
        """How the arithmetic is carried out."""

    @property
    def summary(self) -> Summary:
        """What it works on, in words and numbers, with warnings."""

    @property
    def memory(self) -> Memory | None:
        """Bytes that it needs; None if that was not estimated."""

    @property
    def seconds(self) -> float | None:
        """How long the steps may take; None: the recipe bounds their number."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences about how it began."""

    @property
    def fingerprint(self) -> Fingerprint:
        """Tells whether the data is that of an earlier sitting."""

    @property
    def trained_on(self) -> Tensor:
        """Fingerprints of the examples that train, int64."""

    def next_commands(self, run: str) -> list[tuple[str, str]]:
        """What to try after a run: commands, and what each does."""

    def steps(self, start: Tree | None, folder: Callable[[], Path]) -> Iterator[Step]:
        """Makes the steps, from the state of a former one or the beginning; the last of them says that it is.

        Each step is made when it is handed out, its `state` is everything needed to go on after it, and starting from
        that state makes exactly what would have followed.

        Args:
            start: the state of a former step; None: from the beginning.
            folder: says where the run is now, as it may be renamed; for files that grow with the steps.
        """

    def complete(self, last: Tree | None) -> Trained | None:
        """Makes the model that is kept; None: the run leaves none.

        Args:
            last: the state of the last step; None if not one was made.
        """

    def finish(self, last: Tree | None, folder: Path, attempts: Attempts) -> Outcome:
        """Measures what was learnt, after `complete`.

        Args:
            last: the state of the last step; None if not one was made.
            folder: of the run.
            attempts: makes what may fail, and notes what did.
        """


ProcessRecipeT = TypeVar("ProcessRecipeT", bound=ProcessRecipe, default=ProcessRecipe)
NO_DATA = Fingerprint(0, "", "", "")


class OwnProcess(abc.ABC, Generic[ProcessRecipeT]):
    """A process without a data set, such as playing a game or painting a picture; a row of the catalogue names it.

    Args:
        recipe: with nothing left open, see `resolve`.
        execution: how the arithmetic is carried out, see `choose_execution`.

    Attributes:
        clock: tells how far it has come; it is set before the first step.
        remarks: sentences about how it began.
    """

    def __init__(self, recipe: ProcessRecipeT, execution: Execution) -> None:
        self.recipe = recipe
        self.execution = execution
        self.clock = Clock()
        self.remarks: tuple[str, ...] = ()

    @classmethod
    def resolve(cls, recipe: ProcessRecipeT) -> ProcessRecipeT:
        """The recipe with every field that was left None filled in; a resolved one stays as it is.

        Raises:
            GlassworkError: for fields that do not go together.
        """
        return recipe

    @classmethod
    def choose_execution(cls, recipe: ProcessRecipeT, machine: Machine) -> Execution:
        """How the arithmetic is carried out: what the machine leaves open is plain.

        Raises:
            GlassworkError: for a machine that it cannot use.
        """
        return Execution(
            choose_device(machine.device),
            machine.threads or usable_cores(),
            "bfloat16" if machine.precision == "bfloat16" else "float32",
            "channels-last" if machine.memory_format == "channels-last" else "contiguous",
            "keep" if machine.allocator == "keep" else "default",
        )

    @classmethod
    def load(cls, recipe: ProcessRecipeT, weights: Mapping[str, Tensor], run: str, execution: Execution) -> "Model":
        """The model that a finished run has left.

        Raises:
            GlassworkError: if its runs leave none.
        """
        raise GlassworkError(f"{run} leaves no model")

    @property
    @abc.abstractmethod
    def total(self) -> int | None:
        """How many steps it has at most; None: the time alone decides."""

    @property
    @abc.abstractmethod
    def summary(self) -> Summary:
        """What it works on, in words and numbers, with warnings."""

    @property
    def finishing_seconds(self) -> float:
        """What of a budget is kept for what comes after the steps."""
        return 0.6

    @property
    def memory(self) -> Memory | None:
        """Bytes that it needs; None if that was not estimated."""
        return None

    @property
    def seconds(self) -> float | None:
        """How long the steps may take; None: the recipe bounds their number."""
        return self.clock.seconds

    @property
    def fingerprint(self) -> Fingerprint:
        """That of no data."""
        return NO_DATA

    @property
    def trained_on(self) -> Tensor:
        """Fingerprints of no examples."""
        return torch.zeros(0, dtype=torch.int64)

    @abc.abstractmethod
    def next_commands(self, run: str) -> list[tuple[str, str]]:
        """What to try after a run: commands, and what each does."""

    @abc.abstractmethod
    def steps(self, start: Tree | None, folder: Callable[[], Path]) -> Iterator[Step]:
        """Makes the steps, as `Process.steps`."""

    def complete(self, last: Tree | None) -> Trained | None:
        """Makes the model that is kept; None: the run leaves none."""
        return None

    @abc.abstractmethod
    def finish(self, last: Tree | None, folder: Path, attempts: Attempts) -> Outcome:
        """Measures what came out, as `Process.finish`."""
