"""The smallest number, of all or along some axes."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook import largest
from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.reductions import Axes, axes_of, gathered
from glasswork.textbook.terms import alone, shown


def forward(x: Tensor, *, dim: Axes = None, keepdim: bool = False, ties: str = "shared") -> Tensor:
    """The smallest number y = min_i x_i.

    Args:
        x: any shape.
        dim: the axis or axes to run over; None for all.
        keepdim: leaves them in the shape, with size 1.
        ties: who gets the error where several are smallest: `shared` or `first`, as with `largest`.

    Returns:
        The shape of x without those axes.
    """
    return x.amin(axes_of(dim, x.dim()), keepdim=keepdim)


def backward(
    upstream: Tensor, x: Tensor, *, dim: Axes = None, keepdim: bool = False, ties: str = "shared"
) -> tuple[Tensor]:
    """dy/dx_i = 1 for the smallest, else 0: min x = -max(-x), whose two signs cancel in the slope."""
    return largest.backward(upstream, -x, dim=dim, keepdim=keepdim, ties=ties)


def put_in(
    write: Write, cell: Sequence[int], x: Tensor, *, dim: Axes = None, keepdim: bool = False, ties: str = "shared"
) -> str:
    """One output in numbers."""
    numbers = gathered(x, cell, dim, keepdim)
    return f"min({', '.join(shown(len(numbers), lambda i: alone(write, numbers[i])))})"


OPERATION = Operation(
    name="smallest",
    formula="y = min_i x_i",
    latex=r"y = \min_i x_i",
    source="Kovashka, 'Spatial Pooling', turned round: min x = -max(-x)",
    inputs=("x",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
