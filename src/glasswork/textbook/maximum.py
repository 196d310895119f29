"""The greater of two tensors, number by number."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write, source_cell, summed_to
from glasswork.textbook.terms import alone


def forward(x: Tensor, y: Tensor) -> Tensor:
    """Number by number: m = max(x, y); shapes that broadcast together."""
    return x.where(x > y, y)


def backward(upstream: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """dm/dx = 1 where x > y, else 0, and so for y: the error goes to the greater; two that are equal get half each."""
    share = (x > y).to(upstream.dtype) + (x == y) / 2
    return summed_to(upstream * share, x.shape), summed_to(upstream * (1 - share), y.shape)


def put_in(write: Write, cell: Sequence[int], x: Tensor, y: Tensor) -> str:
    """One output in numbers."""
    left, right = alone(write, x[source_cell(cell, x.shape)]), alone(write, y[source_cell(cell, y.shape)])
    return f"max({left}, {right})"


OPERATION = Operation(
    name="maximum",
    formula="m = max(x, y)",
    latex=r"m = \max(x, y)",
    source="Kovashka, 'Activation functions': Maxout",
    inputs=("x", "y"),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
