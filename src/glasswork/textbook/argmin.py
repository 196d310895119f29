"""Where the smallest number stands."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook import argmax
from glasswork.textbook.operation import Operation, Write


def forward(x: Tensor, *, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The place k = argmin_i x_i, counted from 0; of several that are equal the first.

    Args:
        x: any shape.
        dim: the axis to run along; None: all numbers, read row by row.
        keepdim: leaves that axis in the shape, with size 1.

    Returns:
        int64, the shape of x without that axis.
    """
    return argmax.forward(-x, dim=dim, keepdim=keepdim)


def backward(upstream: Tensor, x: Tensor, *, dim: int | None = None, keepdim: bool = False) -> tuple[None]:
    """No error flows back: a place does not move when x moves a little."""
    return (None,)


def put_in(write: Write, cell: Sequence[int], x: Tensor, *, dim: int | None = None, keepdim: bool = False) -> str:
    """The place."""
    return write(forward(x, dim=dim, keepdim=keepdim)[tuple(cell)])


OPERATION = Operation(
    name="argmin",
    formula="k = argmin_i x_i",
    latex=r"k = \arg\min_i x_i",
    source="Kovashka, 'Classification scores', turned round: the lowest of the scores",
    inputs=("x",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
