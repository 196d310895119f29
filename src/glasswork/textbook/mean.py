"""The mean over all numbers, or along some axes."""

import math
from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.reductions import Axes, axes_of, gathered, spread
from glasswork.textbook.terms import sum_of


def forward(x: Tensor, *, dim: Axes = None, keepdim: bool = False) -> Tensor:
    """The mean y = 1/N sum_i x_i.

    Args:
        x: any shape.
        dim: the axis or axes to run over; None for all.
        keepdim: leaves them in the shape, with size 1.

    Returns:
        The shape of x without those axes.
    """
    axes = axes_of(dim, x.dim())
    return x.sum(axes, keepdim=keepdim) / math.prod(x.shape[axis] for axis in axes)


def backward(upstream: Tensor, x: Tensor, *, dim: Axes = None, keepdim: bool = False) -> tuple[Tensor]:
    """dy/dx_i = 1/N."""
    count = math.prod(x.shape[axis] for axis in axes_of(dim, x.dim()))
    return (spread(upstream / count, x.shape, dim, keepdim),)


def put_in(write: Write, cell: Sequence[int], x: Tensor, *, dim: Axes = None, keepdim: bool = False) -> str:
    """One output in numbers."""
    numbers = gathered(x, cell, dim, keepdim)
    return f"({sum_of(len(numbers), lambda i: write(numbers[i]))}) / {len(numbers)}"


OPERATION = Operation(
    name="mean",
    formula="y = 1/N sum_i x_i",
    latex=r"y = \frac{1}{N} \sum_i x_i",
    source="Kovashka, 'Hinge loss': L = 1/N sum_i L_i",
    inputs=("x",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
