"""The rectified linear unit with a small slope below zero."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.terms import alone


def forward(a: Tensor, *, slope: float = 0.01) -> Tensor:
    """h(a) = a if a > 0, else slope a, of each number on its own; any shape."""
    return a.where(a > 0, slope * a)


def backward(upstream: Tensor, a: Tensor, *, slope: float = 0.01) -> tuple[Tensor]:
    """h'(a) = 1 where a > 0, else the slope."""
    return (upstream.where(a > 0, slope * upstream),)


def put_in(write: Write, cell: Sequence[int], a: Tensor, *, slope: float = 0.01) -> str:
    """One output in numbers."""
    value = alone(write, a[tuple(cell)])
    return f"max(0, {value}) + {write(slope)} * min(0, {value})"


OPERATION = Operation(
    name="leaky_relu",
    formula="h(a) = max(0, a) + slope min(0, a)",
    latex=r"h(a) = \max(0, a) + 0.01 \min(0, a)",
    source="Kovashka, 'Activation functions': max(0.1 a, a) for a slope of 0.1",
    inputs=("a",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
