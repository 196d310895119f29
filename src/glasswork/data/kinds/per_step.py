"""Targets that are one class at every time of a row."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor
from typing_extensions import override

from glasswork.data import ragged
from glasswork.data.dataset import Dataset
from glasswork.data.kinds.kind import TIMES, Port, Target, listed
from glasswork.data.kinds.next_token import ports_over_times
from glasswork.data.kinds.one_class import places_of, ratio_of_sizes
from glasswork.errors import GlassworkError
from glasswork.objectives.losses import class_probabilities

if TYPE_CHECKING:
    from glasswork.data.kinds.task import Task


@dataclass(frozen=True)
class PerStep(Target):
    """One class at every time, int64 (times,), row after row.

    Attributes:
        names: of the classes, in the order of the network's outputs.
    """

    tag: ClassVar[str] = "class per step"
    word: ClassVar[str] = "class"
    kinds: ClassVar[tuple[str, ...]] = ("class",)
    what: ClassVar[str] = "one class"
    losses: ClassVar[tuple[str, ...]] = ("cross-entropy",)

    names: tuple[str, ...]

    @override
    def describe(self, task: "Task") -> str:
        return f"one of {len(self.names)} classes for each {task.inputs.step}: {listed(self.names)}"

    @override
    def output_shape(self, count: int) -> tuple[int, ...]:
        return (count, len(self.names), TIMES)

    @override
    def counts(self, dataset: Dataset, rows: Tensor) -> Tensor:
        """How many times are of each class."""
        places = ragged.places(dataset.offsets["targets"], rows)
        return torch.bincount(dataset.columns["targets"][places], minlength=len(self.names))

    @override
    def imbalance(self, counts: Tensor) -> float:
        return ratio_of_sizes(counts)

    @override
    def align(self, dataset: Dataset) -> Tensor | None:
        found, targets = dataset.task.target, dataset.columns["targets"]
        if found == self:
            return targets
        return places_of(found.names, self.names, dataset.source)[targets] if type(found) is PerStep else None

    @override
    def parse(self, word: str | float) -> Tensor:
        raise GlassworkError(
            "This model predicts word by word: leave out the target, and open it on its own prediction"
        )

    @override
    def probabilities(self, outputs: Tensor, loss: str) -> Tensor:
        self.require_loss(loss)
        return class_probabilities(outputs, loss)

    @override
    def ports(self) -> tuple[Port, ...]:
        return ports_over_times(len(self.names), "each label at every time")
