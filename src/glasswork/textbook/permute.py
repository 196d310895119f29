"""The dimensions in another order: permute, transpose, movedim."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write


def forward(x: Tensor, *, dims: Sequence[int]) -> Tensor:
    """Dimension i of y is dimension dims[i] of x; negative ones count from the end."""
    return x.permute(tuple(dims))


def backward(upstream: Tensor, x: Tensor, *, dims: Sequence[int]) -> tuple[Tensor]:
    """The error with its dimensions put back."""
    places = [dim % x.dim() for dim in dims]
    return (upstream.permute([places.index(dim) for dim in range(x.dim())]),)


def put_in(write: Write, cell: Sequence[int], x: Tensor, *, dims: Sequence[int]) -> str:
    """The number that stands there."""
    return write(forward(x, dims=dims)[tuple(cell)])


OPERATION = Operation(
    name="permute",
    formula="y = x with its dimensions in another order; for a matrix y_ij = x_ji",
    latex=r"y_{i_{d(1)} i_{d(2)} \ldots} = x_{i_1 i_2 \ldots}",
    source="Kolter, 'Convolutions as matrix multiplication, cont' (the transpose)",
    inputs=("x",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
