"""Targets that are numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self

import torch
from torch import Tensor
from typing_extensions import override

from glasswork.data.dataset import Dataset
from glasswork.data.kinds.kind import Port, Target, TargetScaler, as_numbers, listed, moments
from glasswork.data.kinds.labels import Labels
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.prediction import Prediction
from glasswork.errors import GlassworkError
from glasswork.objectives.metrics import measure_numbers
from glasswork.report import sections
from glasswork.report.report import Score, Section

if TYPE_CHECKING:
    from glasswork.data.kinds.task import Task

DECILES = 10

POINTS = 1000


@dataclass(frozen=True)
class Numbers(Target):
    """One number per example or several, float64 (rows, numbers).

    Attributes:
        names: of the numbers, in the order of the network's outputs.
        mean: what is subtracted, per number.
        deviation: what they are divided by after that.
    """

    tag: ClassVar[str] = "number"
    word: ClassVar[str] = "number"
    kinds: ClassVar[tuple[str, ...]] = ("number",)
    what: ClassVar[str] = "numbers"
    main: ClassVar[str] = "r2"
    losses: ClassVar[tuple[str, ...]] = ("squared-error",)
    least: ClassVar[int] = 2

    names: tuple[str, ...]
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()

    @property
    @override
    def classes(self) -> tuple[str, ...]:
        return ()

    @override
    def describe(self, task: "Task") -> str:
        names = listed(self.names)
        return f"the number {names}" if len(self.names) == 1 else f"{len(self.names)} numbers: {names}"

    @override
    def fit(self, dataset: Dataset, rows: Tensor) -> Self:
        mean, deviation = moments(dataset.columns["targets"][rows].to(torch.float64))
        return replace(self, mean=as_numbers(mean), deviation=as_numbers(deviation))

    @override
    def scaler(self) -> TargetScaler:
        return Standard(self.mean, self.deviation)

    @override
    def parse(self, word: str | float) -> Tensor:
        try:
            numbers = [float(each) for each in str(word).split(",")]
        except ValueError:
            raise GlassworkError(f"This model predicts numbers, and '{word}' is not one") from None
        if len(numbers) != len(self.names):
            raise GlassworkError(f"This model predicts {len(self.names)} numbers, and {len(numbers)} were given")
        return self.scaler().forward(torch.tensor([numbers], dtype=torch.float64))

    @override
    def strata(self, dataset: Dataset, rows: Tensor) -> Tensor:
        """Tenths of the first number."""
        first = dataset.columns["targets"][rows][:, 0]
        return first.argsort(stable=True).argsort() * DECILES // max(1, len(rows))

    @override
    def span(self, targets: Tensor) -> tuple[float, float]:
        return float(targets.min()), float(targets.max())

    @override
    def largest_error(self, outputs: Tensor, targets: Tensor) -> dict[str, float]:
        return {"largest_error": float((outputs - targets).abs().max())}

    @override
    def share_right(self, outputs: Tensor, targets: Tensor) -> float | None:
        if not ((targets == 0) | (targets == 1)).all():
            return None
        return float(((outputs > 0.5) == (targets > 0.5)).all(1).double().mean())

    @override
    def separate(self, targets: Tensor, columns: Sequence[str]) -> list[tuple[str, Tensor, int]]:
        return [(name, targets[:, place].double(), 0) for place, name in enumerate(self.names)]

    @override
    def align(self, dataset: Dataset) -> Tensor | None:
        """A few whole numbers read as classes, and zeros and ones as labels; both are brought back."""
        found, targets = dataset.task.target, dataset.columns["targets"]
        if type(found) is Numbers:
            return targets if found.names == self.names else None
        if type(found) is OneClass and len(self.names) == 1:
            try:
                return torch.tensor([float(name) for name in found.names], dtype=torch.float64)[targets][:, None]
            except ValueError:
                return None
        return targets.to(torch.float64) if type(found) is Labels and found.names == self.names else None

    @override
    def measure(self, outputs: Tensor, targets: Tensor, loss: str) -> dict[str, float]:
        self.require_loss(loss)
        self.require_rows(outputs)
        return measure_numbers(outputs, targets)

    @override
    def readout(self, outputs: Tensor, loss: str) -> Tensor:
        return self.scaler().inverse(outputs)

    @override
    def answers(self, outputs: Tensor, loss: str) -> tuple[Tensor, ...]:
        return (outputs,)

    @override
    def predict(self, outputs: Tensor, names: Sequence[str], loss: str) -> list[Prediction]:
        rows, spread = [tuple(row) for row in outputs.tolist()], self.deviation or (0.0,) * len(self.names)
        return [
            Prediction(name, row[0] if len(row) == 1 else row, None, {}, spread=spread)
            for name, row in zip(names, rows, strict=True)
        ]

    @override
    def report(
        self, outputs: Tensor, dataset: Dataset, training: Tensor, rows: Tensor, where: str, loss: str
    ) -> tuple[Score, list[Section]]:
        targets = dataset.columns["targets"][rows]
        mean = dataset.columns["targets"][training].mean(0)
        pairs = list(zip(targets[:, 0].tolist(), outputs[:, 0].tolist(), strict=True))
        score = Score(
            "mean absolute error",
            float((outputs - targets).abs().mean()),
            in_percent=False,
            higher_is_better=False,
            baseline="always predicting the mean of the training examples",
            baseline_value=float((targets - mean).abs().mean()),
        )
        return score, [sections.mistakes(numbers=pairs[:: len(pairs) // POINTS + 1])]

    @override
    def ports(self) -> tuple[Port, ...]:
        meaning = f"{', '.join(self.names)}, in the target's own units"
        return (Port("numbers", "float64", ("batch", len(self.names)), meaning),)


class Standard(TargetScaler):
    """Numbers of mean 0 and deviation 1 in float32; in their own units float64, so that they keep what they differ by.

    Args:
        mean: per number; empty: 0.
        deviation: per number; empty: 1.
    """

    def __init__(self, mean: Sequence[float], deviation: Sequence[float]) -> None:
        super().__init__()
        self.mean, self.deviation = tuple(mean) or (0.0,), tuple(deviation) or (1.0,)

    @override
    def forward(self, raw: Tensor) -> Tensor:
        mean, deviation = self._moments(raw)
        return ((raw.double() - mean) / deviation).float()

    @override
    def inverse(self, outputs: Tensor) -> Tensor:
        mean, deviation = self._moments(outputs)
        return outputs.double() * deviation + mean

    def _moments(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """No buffers: they would be moved to devices that have no float64."""
        mean, deviation = (
            torch.tensor(each, dtype=torch.float64, device=like.device) for each in (self.mean, self.deviation)
        )
        return mean, deviation
