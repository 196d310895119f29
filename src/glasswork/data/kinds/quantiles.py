"""Targets that are quantiles of values of series to come."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor
from typing_extensions import override

from glasswork.data.kinds.kind import Port, Target, listed
from glasswork.data.kinds.series import Series
from glasswork.errors import GlassworkError

if TYPE_CHECKING:
    from glasswork.data.kinds.task import Task


@dataclass(frozen=True)
class Quantiles(Target):
    """Quantiles of the next values of every series, which are in the inputs themselves.

    Attributes:
        names: of the series.
        horizon: how many steps ahead.
        quantiles: how many of every value; the k-th is at k / (quantiles + 1).
    """

    tag: ClassVar[str] = "ahead"
    word: ClassVar[str] = "ahead"
    kinds: ClassVar[tuple[str, ...]] = ("number",)
    what: ClassVar[str] = "quantiles of values to come"
    losses: ClassVar[tuple[str, ...]] = ("pinball",)
    unit: ClassVar[str] = "times"
    inside: ClassVar[bool] = True

    names: tuple[str, ...]
    horizon: int = 1
    quantiles: int = 19

    @property
    @override
    def classes(self) -> tuple[str, ...]:
        return ()

    @override
    def describe(self, task: "Task") -> str:
        assert isinstance(task.inputs, Series)
        ahead = task.inputs.timing.steps_in_words(self.horizon)
        return f"{self.quantiles} quantiles of {listed(self.names)}, {ahead} ahead"

    @override
    def output_shape(self, count: int) -> tuple[int, ...]:
        return (count, self.horizon, self.quantiles)

    @override
    def parse(self, word: str | float) -> Tensor:
        raise GlassworkError("The targets of this model are the actual values: leave out the target")

    @override
    def answers(self, outputs: Tensor, loss: str) -> tuple[Tensor, ...]:
        return (outputs,)

    @override
    def ports(self) -> tuple[Port, ...]:
        shape = ("batch", self.horizon, self.quantiles)
        return (Port("quantiles", "float32", shape, "of the deviations from the seasonal-naive values to come"),)
