"""Some of the numbers: every kind of index, slice and mask."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from glasswork.textbook.operation import Operation, Write


def forward(x: Tensor, *, index: Any) -> Tensor:
    """y = x[index].

    Args:
        x: any shape.
        index: as PyTorch takes it: an integer, slice, Ellipsis, None, integer or bool tensor, or a tuple of these.

    Returns:
        The numbers chosen.
    """
    chosen = x[index]
    assert isinstance(chosen, Tensor)
    return chosen


def backward(upstream: Tensor, x: Tensor, *, index: Any) -> tuple[Tensor]:
    """The error goes where the number came from, summed where it was taken several times; zero elsewhere."""
    error = upstream.new_zeros(x.shape)
    parts = index if isinstance(index, tuple) else (index,)
    if any(isinstance(part, (Tensor, list)) for part in parts):
        places = torch.arange(x.numel(), device=x.device).reshape(x.shape)[index]
        error.view(-1).index_add_(0, places.reshape(-1), upstream.reshape(-1))
    else:
        error[index] = upstream
    return (error,)


def put_in(write: Write, cell: Sequence[int], x: Tensor, *, index: Any) -> str:
    """The number that stands there."""
    return write(forward(x, index=index)[tuple(cell)])


OPERATION = Operation(
    name="select",
    formula="y = x[index]",
    latex=r"y_i = x_{\text{index}_i}",
    source="Kovashka, 'Computation graph': a value that is used in several places gathers the errors of all",
    inputs=("x",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
