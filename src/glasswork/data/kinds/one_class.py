"""Targets that are one class of several."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor
from typing_extensions import override

from glasswork.data.dataset import Dataset
from glasswork.data.kinds.kind import Port, Target, listed, rank
from glasswork.data.prediction import Prediction
from glasswork.errors import GlassworkError
from glasswork.objectives.losses import class_probabilities
from glasswork.objectives.metrics import measure_class

if TYPE_CHECKING:
    from glasswork.data.kinds.task import Task


@dataclass(frozen=True)
class OneClass(Target):
    """One class per example, int64 (rows,).

    Attributes:
        names: of the classes, in the order of the network's outputs.
    """

    tag: ClassVar[str] = "class"
    word: ClassVar[str] = "class"
    what: ClassVar[str] = "one class"
    main: ClassVar[str] = "accuracy"
    losses: ClassVar[tuple[str, ...]] = ("cross-entropy", "hinge", "binary-cross-entropy", "squared-error")
    one_class: ClassVar[bool] = True
    exclusive: ClassVar[bool] = True

    names: tuple[str, ...]

    @override
    def describe(self, task: "Task") -> str:
        return f"one of {len(self.names)} classes: {listed(self.names)}"

    @override
    def parse(self, word: str | float) -> Tensor:
        return torch.tensor([self.place(str(word))])

    @override
    def strata(self, dataset: Dataset, rows: Tensor) -> Tensor:
        return dataset.columns["targets"][rows]

    @override
    def counts(self, dataset: Dataset, rows: Tensor) -> Tensor:
        return torch.bincount(dataset.columns["targets"][rows], minlength=len(self.names))

    @override
    def separate(self, targets: Tensor, columns: Sequence[str]) -> list[tuple[str, Tensor, int]]:
        return [(", ".join(columns), targets, len(self.names))]

    @override
    def align(self, dataset: Dataset) -> Tensor | None:
        found, targets = dataset.task.target, dataset.columns["targets"]
        if found == self:
            return targets
        return places_of(found.names, self.names, dataset.source)[targets] if type(found) is OneClass else None

    @override
    def measure(self, outputs: Tensor, targets: Tensor, loss: str) -> dict[str, float]:
        self.require_loss(loss)
        self.require_rows(outputs)
        return measure_class(outputs, targets)

    @override
    def probabilities(self, outputs: Tensor, loss: str) -> Tensor:
        self.require_loss(loss)
        return class_probabilities(outputs, loss)

    @override
    def predict(self, outputs: Tensor, names: Sequence[str], loss: str) -> list[Prediction]:
        ranked = rank(self.probabilities(outputs, loss), self.names)
        found = []
        for name, row in zip(names, ranked, strict=True):
            answer, chance = next(iter(row.items()))
            found.append(Prediction(name, answer, chance, row))
        return found

    @override
    def ports(self) -> tuple[Port, ...]:
        names, shape = ", ".join(self.names), ("batch", len(self.names))
        return (
            Port("scores", "float32", shape, f"the network's outputs for {names}"),
            Port("probabilities", "float32", shape, f"of {names}, adding up to 1"),
        )


def places_of(names: Sequence[str], known: Sequence[str], source: str) -> Tensor:
    """The number of each of some classes, int64.

    Args:
        names: of these classes.
        known: of those that the model knows.
        source: where they were read from, for the message.

    Raises:
        GlassworkError: for one that the model does not know.
    """
    unknown = [name for name in names if name not in known]
    if unknown:
        raise GlassworkError(
            f"{source} has a class '{unknown[0]}' that this model does not know: it knows {', '.join(known)}"
        )
    return torch.tensor([known.index(name) for name in names])
