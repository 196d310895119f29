"""Several tensors one after another."""

from collections.abc import Sequence

import torch
from torch import Tensor

from glasswork.textbook.operation import Operation, Write


def forward(*xs: Tensor, dim: int = 0) -> Tensor:
    """y = [x1, x2, ...] along `dim`, in which alone their sizes may differ."""
    return torch.cat(xs, dim)


def backward(upstream: Tensor, *xs: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Each input gets its own part of the error."""
    return torch.split(upstream, [x.shape[dim] for x in xs], dim)


def put_in(write: Write, cell: Sequence[int], *xs: Tensor, dim: int = 0) -> str:
    """The number that stands there."""
    place = list(cell)
    axis = dim % len(place)
    for x in xs:
        if place[axis] < x.shape[axis]:
            return write(x[tuple(place)])
        place[axis] -= x.shape[axis]
    raise IndexError(f"{tuple(cell)} is outside of the tensors")


OPERATION = Operation(
    name="concatenate",
    formula="y = [x1, x2, ...]",
    latex=r"y = [x_1, x_2, \ldots]",
    source="Szegedy et al. 2015, 'Going deeper with convolutions' (filter concatenation)",
    inputs=("x1", "x2", "..."),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
