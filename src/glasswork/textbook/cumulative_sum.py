"""The sum of a number and all before it, along an axis."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.terms import sum_of


def forward(x: Tensor, *, dim: int = 0) -> Tensor:
    """y_i = x_0 + ... + x_i along the axis `dim`; any shape."""
    return x.cumsum(dim)


def backward(upstream: Tensor, x: Tensor, *, dim: int = 0) -> tuple[Tensor]:
    """dE/dx_j = sum_(i >= j) u_i with u = dE/dy: x_j is in every sum from the j-th on."""
    return (upstream.flip(dim).cumsum(dim).flip(dim) if x.dim() else upstream,)


def put_in(write: Write, cell: Sequence[int], x: Tensor, *, dim: int = 0) -> str:
    """One output in numbers."""
    if not x.dim():
        return write(x)
    row = x.movedim(dim, -1)[tuple(place for axis, place in enumerate(cell) if axis != dim % x.dim())]
    return sum_of(cell[dim] + 1, lambda i: write(row[i]))


OPERATION = Operation(
    name="cumulative_sum",
    formula="y_i = sum_(j <= i) x_j",
    latex=r"y_i = \sum_{j \le i} x_j",
    source="Kovashka, 'Neural network definition': the sums over i and j",
    inputs=("x",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
