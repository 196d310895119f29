"""Swish with the sigmoid drawn with three straight lines."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write


def forward(a: Tensor) -> Tensor:
    """h(a) = a max(0, min(6, a + 3)) / 6, of each number on its own; any shape."""
    return a * (a + 3).clamp(0, 6) / 6


def backward(upstream: Tensor, a: Tensor) -> tuple[Tensor]:
    """h'(a) = 0 where a <= -3, 1 where a >= 3, (2 a + 3) / 6 between."""
    between = upstream * (2 * a + 3) / 6
    return (between.where(a.abs() < 3, upstream * (a > 0)),)


def put_in(write: Write, cell: Sequence[int], a: Tensor) -> str:
    """One output in numbers."""
    value = write(a[tuple(cell)])
    return f"{value} * max(0, min(6, {value} + 3)) / 6"


OPERATION = Operation(
    name="hard_swish",
    formula="h(a) = a max(0, min(6, a + 3)) / 6",
    latex=r"h(a) = a \, \frac{\max(0, \min(6, a + 3))}{6}",
    source="Howard et al. 2019, 'Searching for MobileNetV3'",
    inputs=("a",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
