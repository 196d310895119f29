"""The numbers moved along some axes; what falls off the end comes in at the beginning."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write


def forward(x: Tensor, *, shifts: Sequence[int], dims: Sequence[int]) -> Tensor:
    """The numbers y_i = x_((i - s) mod n).

    Args:
        x: any shape.
        shifts: s along each of `dims`.
        dims: the axes; none: x is read row by row, moved by the one shift, and put back in its shape.
    """
    return x.roll(tuple(shifts), tuple(dims))


def backward(upstream: Tensor, x: Tensor, *, shifts: Sequence[int], dims: Sequence[int]) -> tuple[Tensor]:
    """The error moved back."""
    return (upstream.roll(tuple(-shift for shift in shifts), tuple(dims)),)


def put_in(write: Write, cell: Sequence[int], x: Tensor, *, shifts: Sequence[int], dims: Sequence[int]) -> str:
    """The number that stands there."""
    return write(forward(x, shifts=shifts, dims=dims)[tuple(cell)])


OPERATION = Operation(
    name="roll",
    formula="y_i = x_((i - s) mod n)",
    latex=r"y_i = x_{(i - s) \bmod n}",
    source="Liu et al. 2021, 'Swin transformer', section 3.2: the cyclic shift",
    inputs=("x",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
