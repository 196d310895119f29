"""The sigmoid drawn with three straight lines."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write


def forward(a: Tensor) -> Tensor:
    """h(a) = max(0, min(6, a + 3)) / 6, of each number on its own; any shape."""
    return (a + 3).clamp(0, 6) / 6


def backward(upstream: Tensor, a: Tensor) -> tuple[Tensor]:
    """h'(a) = 1/6 where -3 < a < 3, else 0."""
    return (upstream * (a.abs() < 3) / 6,)


def put_in(write: Write, cell: Sequence[int], a: Tensor) -> str:
    """One output in numbers."""
    return f"max(0, min(6, {write(a[tuple(cell)])} + 3)) / 6"


OPERATION = Operation(
    name="hard_sigmoid",
    formula="h(a) = max(0, min(6, a + 3)) / 6",
    latex=r"h(a) = \frac{\max(0, \min(6, a + 3))}{6}",
    source="Howard et al. 2019, 'Searching for MobileNetV3'",
    inputs=("a",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
