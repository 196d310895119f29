"""The sum over all numbers, or along some axes."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.reductions import Axes, axes_of, gathered, spread
from glasswork.textbook.terms import sum_of


def forward(x: Tensor, *, dim: Axes = None, keepdim: bool = False) -> Tensor:
    """The sum y = sum_i x_i.

    Args:
        x: any shape.
        dim: the axis or axes to run over; None for all.
        keepdim: leaves them in the shape, with size 1.

    Returns:
        The shape of x without those axes.
    """
    return x.sum(axes_of(dim, x.dim()), keepdim=keepdim)


def backward(upstream: Tensor, x: Tensor, *, dim: Axes = None, keepdim: bool = False) -> tuple[Tensor]:
    """dy/dx_i = 1: every number that was added gets the error."""
    return (spread(upstream, x.shape, dim, keepdim),)


def put_in(write: Write, cell: Sequence[int], x: Tensor, *, dim: Axes = None, keepdim: bool = False) -> str:
    """One output in numbers."""
    numbers = gathered(x, cell, dim, keepdim)
    return sum_of(len(numbers), lambda i: write(numbers[i]))


OPERATION = Operation(
    name="sum",
    formula="y = sum_i x_i",
    latex=r"y = \sum_i x_i",
    source="Kovashka, 'Neural network definition': the sums over i and j",
    inputs=("x",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
