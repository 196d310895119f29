"""Targets that are one class of several."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor
from typing_extensions import override

from glasswork.data.dataset import Dataset
from glasswork.data.encodings import normalise
from glasswork.data.kinds.kind import Port, Target, listed, rank
from glasswork.data.pictures import picture
from glasswork.data.prediction import Prediction
from glasswork.errors import GlassworkError
from glasswork.objectives.losses import class_probabilities
from glasswork.objectives.metrics import (
    calibration,
    confusion_matrix,
    expected_calibration_error,
    measure_class,
    share_interval,
)
from glasswork.report import sections
from glasswork.report.blocks import Bin
from glasswork.report.report import Score, Section
from glasswork.report.sections import Mistake

if TYPE_CHECKING:
    from glasswork.data.kinds.task import Task

MISTAKES = 24
MOST_CLASSES = 200


@dataclass(frozen=True)
class OneClass(Target):
    """One class per example, int64 (rows,).

    Attributes:
        names: of the classes, in the order of the network's outputs.
    """

    tag: ClassVar[str] = "class"
    word: ClassVar[str] = "class"
    kinds: ClassVar[tuple[str, ...]] = ("class",)
    what: ClassVar[str] = "one class"
    main: ClassVar[str] = "accuracy"
    losses: ClassVar[tuple[str, ...]] = ("cross-entropy", "hinge", "binary-cross-entropy", "squared-error")

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
    def class_sizes(self, dataset: Dataset, rows: Tensor) -> Tensor:
        return self.counts(dataset, rows)

    @override
    def class_of(self, dataset: Dataset, row: int) -> str:
        return self.names[int(dataset.columns["targets"][row])]

    @override
    def imbalance(self, counts: Tensor) -> float:
        return ratio_of_sizes(counts)

    @override
    def require_balance(self) -> None:
        """One class each can be balanced."""

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
    def report(
        self, outputs: Tensor, dataset: Dataset, training: Tensor, rows: Tensor, where: str, loss: str
    ) -> tuple[Score, list[Section]]:
        targets, chances = dataset.columns["targets"][rows], self.probabilities(outputs, loss)
        confidence, answers = chances.max(1)
        right = int((answers == targets).sum())
        usual = int(torch.bincount(dataset.columns["targets"][training]).argmax())
        score = Score(
            "accuracy",
            right / len(rows),
            f"{right:,} of {len(rows):,} {where} {dataset.task.inputs.noun}",
            share_interval(right, len(rows)),
            baseline="always predicting the most frequent class",
            baseline_value=float((targets == usual).float().mean()),
        )
        confusion = None
        if len(self.names) <= MOST_CLASSES:
            confusion = self.names, confusion_matrix(answers, targets, len(self.names)).tolist()
        found = [sections.mistakes(confusion, examples=_mistakes(dataset, rows, answers, confidence))]
        if loss != "hinge":
            bins = calibration(chances, targets)
            drawn = [Bin(b.low, b.high, b.count, b.confidence, b.accuracy) for b in bins]
            found.append(sections.calibration(drawn, expected_calibration_error(bins)))
        return score, found

    @override
    def ports(self) -> tuple[Port, ...]:
        names, shape = ", ".join(self.names), ("batch", len(self.names))
        return (
            Port("scores", "float32", shape, f"the network's outputs for {names}"),
            Port("probabilities", "float32", shape, f"of {names}, adding up to 1"),
        )


def ratio_of_sizes(counts: Tensor) -> float:
    """The most frequent class over the rarest of those that occur; 1 if none does."""
    present = [count for count in counts.tolist() if count]
    return max(present) / min(present) if present else 1.0


def places_of(names: Sequence[str], known: Sequence[str], source: str) -> Tensor:
    """The number of each of some classes, int64.

    Args:
        names: of these classes.
        known: of those that the model knows.
        source: where they were read from, for the message.

    Raises:
        GlassworkError: for one that the model does not know.
    """
    places = {normalise(name): place for place, name in reversed(list(enumerate(known)))}
    names = [normalise(name) for name in names]
    unknown = [name for name in names if name not in places]
    if unknown:
        raise GlassworkError(
            f"{source} has a class '{unknown[0]}' that this model does not know: its classes are {', '.join(known)}"
        )
    return torch.tensor([places[name] for name in names])


def _mistakes(dataset: Dataset, rows: Tensor, answers: Tensor, confidence: Tensor) -> list[Mistake]:
    """The wrong answers that the network was surest of."""
    targets, classes = dataset.columns["targets"][rows], dataset.task.target.names
    wrong = (answers != targets).nonzero()[:, 0]
    surest = wrong[confidence[wrong].argsort(descending=True)][:MISTAKES]
    return [
        Mistake(
            picture(dataset, int(rows[i])),
            dataset.name(int(rows[i])),
            classes[int(targets[i])],
            classes[int(answers[i])],
            float(confidence[i]),
        )
        for i in surest.tolist()
    ]
