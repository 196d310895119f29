"""Targets that are any number of classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import one_hot
from typing_extensions import override

from glasswork.data.dataset import Dataset
from glasswork.data.kinds.kind import Port, Target, TargetScaler, listed, rank
from glasswork.data.kinds.one_class import OneClass, places_of
from glasswork.data.prediction import Prediction
from glasswork.objectives.losses import label_probabilities
from glasswork.objectives.metrics import measure_classes
from glasswork.report import sections
from glasswork.report.report import Score, Section
from glasswork.report.sections import LabelFigures

if TYPE_CHECKING:
    from glasswork.data.kinds.task import Task


@dataclass(frozen=True)
class Labels(Target):
    """A yes or no for every class, uint8 (rows, classes).

    Attributes:
        names: of the classes, in the order of the network's outputs.
    """

    tag: ClassVar[str] = "classes"
    word: ClassVar[str] = "classes"
    kinds: ClassVar[tuple[str, ...]] = ("labels",)
    what: ClassVar[str] = "several classes"
    main: ClassVar[str] = "accuracy"
    losses: ClassVar[tuple[str, ...]] = ("binary-cross-entropy", "squared-error")

    names: tuple[str, ...]

    @override
    def describe(self, task: "Task") -> str:
        return f"any of {len(self.names)} classes: {listed(self.names)}"

    @override
    def scaler(self) -> TargetScaler:
        return Marks()

    @override
    def parse(self, word: str | float) -> Tensor:
        wanted = torch.zeros(1, len(self.names))
        wanted[0, [self.place(name.strip()) for name in str(word).split(",")]] = 1
        return wanted

    @override
    def strata(self, dataset: Dataset, rows: Tensor) -> Tensor:
        found: Tensor = torch.unique(dataset.columns["targets"][rows], dim=0, return_inverse=True)[1]
        return found

    @override
    def counts(self, dataset: Dataset, rows: Tensor) -> Tensor:
        return dataset.columns["targets"][rows].sum(0, dtype=torch.int64)

    @override
    def separate(self, targets: Tensor, columns: Sequence[str]) -> list[tuple[str, Tensor, int]]:
        return [(name, targets[:, place].long(), 2) for place, name in enumerate(self.names)]

    @override
    def align(self, dataset: Dataset) -> Tensor | None:
        """One class per example is one label of it."""
        found, targets = dataset.task.target, dataset.columns["targets"]
        if found == self:
            return targets
        if type(found) is not Labels and type(found) is not OneClass:
            return None
        places = places_of(found.names, self.names, dataset.source)
        marks = torch.zeros(len(targets), len(self.names), dtype=torch.uint8)
        marks[:, places] = targets if type(found) is Labels else one_hot(targets, len(places)).to(torch.uint8)
        return marks

    @override
    def measure(self, outputs: Tensor, targets: Tensor, loss: str) -> dict[str, float]:
        self.require_loss(loss)
        self.require_rows(outputs)
        return measure_classes(label_probabilities(outputs, loss) > 0.5, targets.bool())

    @override
    def probabilities(self, outputs: Tensor, loss: str) -> Tensor:
        self.require_loss(loss)
        return label_probabilities(outputs, loss)

    @override
    def predict(self, outputs: Tensor, names: Sequence[str], loss: str) -> list[Prediction]:
        ranked = rank(self.probabilities(outputs, loss), self.names)
        return [
            Prediction(name, tuple(label for label, chance in row.items() if chance > 0.5), None, row)
            for name, row in zip(names, ranked, strict=True)
        ]

    @override
    def report(
        self, outputs: Tensor, dataset: Dataset, training: Tensor, rows: Tensor, where: str, loss: str
    ) -> tuple[Score, list[Section]]:
        targets, answers = dataset.columns["targets"][rows].bool(), self.probabilities(outputs, loss) > 0.5
        both = (answers & targets).sum(0)
        f1 = float(2 * both.sum() / max(1, int(answers.sum() + targets.sum())))
        figures = [_figures_of(label, answers[:, k], targets[:, k]) for k, label in enumerate(self.names)]
        return Score("f1", f1), [sections.mistakes(labels=figures)]

    @override
    def ports(self) -> tuple[Port, ...]:
        names, shape = ", ".join(self.names), ("batch", len(self.names))
        return (
            Port("scores", "float32", shape, f"the network's outputs for {names}"),
            Port("probabilities", "float32", shape, f"of {names}, each on its own"),
        )


class Marks(TargetScaler):
    """Yes and no as 1 and 0 in float32."""

    @override
    def forward(self, raw: Tensor) -> Tensor:
        return raw.to(torch.float32)


def _figures_of(label: str, answers: Tensor, targets: Tensor) -> LabelFigures:
    """How often a label was given, was right to give and was found; bool (rows,) each."""
    said, true, hit = int(answers.sum()), int(targets.sum()), int((answers & targets).sum())
    f1 = 2 * hit / (said + true) if said + true else 0.0
    return LabelFigures(label, true, hit / said if said else 0.0, hit / true if true else 0.0, f1)
