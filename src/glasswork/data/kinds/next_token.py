"""Targets that are the token to come next, at every time of a text."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor
from typing_extensions import override

from glasswork.data import ragged
from glasswork.data.dataset import Dataset
from glasswork.data.kinds.kind import TIMES, Port, Target
from glasswork.errors import GlassworkError
from glasswork.objectives.losses import class_probabilities

if TYPE_CHECKING:
    from glasswork.data.kinds.task import Task


@dataclass(frozen=True)
class NextToken(Target):
    """The next token at every time, which is in the inputs themselves.

    Attributes:
        names: the tokens, in the order of the network's outputs.
    """

    tag: ClassVar[str] = "next"
    word: ClassVar[str] = "next"
    what: ClassVar[str] = "the next token"
    losses: ClassVar[tuple[str, ...]] = ("cross-entropy",)
    unit: ClassVar[str] = "characters"
    inside: ClassVar[bool] = True

    names: tuple[str, ...]

    @override
    def describe(self, task: "Task") -> str:
        return "the next character"

    @override
    def output_shape(self, count: int) -> tuple[int, ...]:
        return (count, len(self.names), TIMES)

    @override
    def count(self, dataset: Dataset, rows: Tensor) -> int:
        return int(ragged.lengths(dataset.offsets["inputs"])[rows].sum())

    @override
    def parse(self, word: str | float) -> Tensor:
        raise GlassworkError("The target of this model is the text itself: leave out the target")

    @override
    def probabilities(self, outputs: Tensor, loss: str) -> Tensor:
        self.require_loss(loss)
        return class_probabilities(outputs, loss)

    @override
    def ports(self) -> tuple[Port, ...]:
        return ports_over_times(len(self.names), "each character to come next")


def ports_over_times(outputs: int, what: str) -> tuple[Port, ...]:
    """Scores and probabilities at every time."""
    over = ("batch", outputs, "times")
    return (
        Port("scores", "float32", over, f"the network's outputs for {what}"),
        Port("probabilities", "float32", over, f"of {what}, adding up to 1"),
    )
