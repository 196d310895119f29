"""Several tensors of one shape along a new dimension: as a convolution's activation maps make a new image."""

from collections.abc import Sequence

import torch
from torch import Tensor

from glasswork.textbook.operation import Operation, Write


def forward(*xs: Tensor, dim: int = 0) -> Tensor:
    """y_i = x_i, i counted along the new dimension `dim`."""
    return torch.stack(xs, dim)


def backward(upstream: Tensor, *xs: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Each input gets its own slice of the error."""
    return upstream.unbind(dim)


def put_in(write: Write, cell: Sequence[int], *xs: Tensor, dim: int = 0) -> str:
    """The number that stands there."""
    place = list(cell)
    number = place.pop(dim % len(place))
    return write(xs[number][tuple(place)])


OPERATION = Operation(
    name="stack",
    formula="y_i = x_i",
    latex=r"y_i = x_i",
    source="Kovashka, 'Convolution Layer': we stack these up to get a new image of size 28x28x6",
    inputs=("x1", "x2", "..."),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
