"""The Euclidean length."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.reductions import Axes, axes_of, gathered, spread
from glasswork.textbook.terms import sum_of


def forward(x: Tensor, *, dim: Axes = None, keepdim: bool = False) -> Tensor:
    """The length |x| = sqrt(sum_i x_i^2).

    Args:
        x: any shape.
        dim: the axis or axes to run over; None for all.
        keepdim: leaves them in the shape, with size 1.
    """
    return (x**2).sum(axes_of(dim, x.dim()), keepdim=keepdim).sqrt()


def backward(upstream: Tensor, x: Tensor, *, dim: Axes = None, keepdim: bool = False) -> tuple[Tensor]:
    """d|x|/dx_i = x_i / |x|; 0 at the origin, where there is no slope."""
    length = spread(forward(x, dim=dim, keepdim=True), x.shape, dim, True)
    return ((spread(upstream, x.shape, dim, keepdim) * x / length).where(length > 0, 0.0),)


def put_in(write: Write, cell: Sequence[int], x: Tensor, *, dim: Axes = None, keepdim: bool = False) -> str:
    """One length in numbers."""
    numbers = gathered(x, cell, dim, keepdim)
    return f"sqrt({sum_of(len(numbers), lambda i: f'{write(numbers[i])} ** 2')})"


OPERATION = Operation(
    name="norm",
    formula="|x| = sqrt(sum_i x_i^2)",
    latex=r"\|x\|_2 = \sqrt{\sum_i x_i^2}",
    source="Kovashka, 'Other losses': the distances in the triplet loss",
    inputs=("x",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
