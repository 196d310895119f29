"""The numbers in reverse order along some axes."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write


def forward(x: Tensor, *, dims: Sequence[int]) -> Tensor:
    """y_i = x_(n - 1 - i) along each of `dims`; any shape."""
    return x.flip(tuple(dims))


def backward(upstream: Tensor, x: Tensor, *, dims: Sequence[int]) -> tuple[Tensor]:
    """The error in reverse order."""
    return (upstream.flip(tuple(dims)),)


def put_in(write: Write, cell: Sequence[int], x: Tensor, *, dims: Sequence[int]) -> str:
    """The number that stands there."""
    place = list(cell)
    for axis in dims:
        place[axis] = x.shape[axis] - 1 - place[axis]
    return write(x[tuple(place)])


OPERATION = Operation(
    name="flip",
    formula="y_i = x_(n - 1 - i)",
    latex=r"y_i = x_{n - 1 - i}",
    source="Kolter, 'Convolutions as matrix multiplication, cont' (the flipped filter)",
    inputs=("x",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
