"""Where the largest number stands."""

from collections.abc import Sequence

import torch
from torch import Tensor

from glasswork.textbook.operation import Operation, Write


def forward(x: Tensor, *, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The place k = argmax_i x_i, counted from 0; of several that are equal the first.

    Args:
        x: any shape.
        dim: the axis to run along; None: all numbers, read row by row.
        keepdim: leaves that axis in the shape, with size 1.

    Returns:
        int64, the shape of x without that axis.
    """
    if dim is None or not x.dim():
        place = forward(x.reshape(-1), dim=0)
        return place.reshape((1,) * x.dim()) if keepdim else place
    places = torch.arange(x.shape[dim], device=x.device).reshape(-1, *[1] * (x.dim() - 1 - dim % x.dim()))
    best = x.amax(dim, keepdim=True)
    return torch.where((x == best) | x.isnan(), places, x.shape[dim]).amin(dim, keepdim=keepdim)


def backward(upstream: Tensor, x: Tensor, *, dim: int | None = None, keepdim: bool = False) -> tuple[None]:
    """No error flows back: a place does not move when x moves a little."""
    return (None,)


def put_in(write: Write, cell: Sequence[int], x: Tensor, *, dim: int | None = None, keepdim: bool = False) -> str:
    """The place."""
    return write(forward(x, dim=dim, keepdim=keepdim)[tuple(cell)])


OPERATION = Operation(
    name="argmax",
    formula="k = argmax_i x_i",
    latex=r"k = \arg\max_i x_i",
    source="Kovashka, 'Classification scores': the answer is the class of the highest",
    inputs=("x",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
