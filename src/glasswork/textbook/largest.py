"""The largest number, of all or along some axes."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook import argmax
from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.reductions import Axes, axes_of, gathered, spread
from glasswork.textbook.terms import largest as written


def forward(x: Tensor, *, dim: Axes = None, keepdim: bool = False, ties: str = "shared") -> Tensor:
    """The largest number y = max_i x_i.

    Args:
        x: any shape.
        dim: the axis or axes to run over; None for all.
        keepdim: leaves them in the shape, with size 1.
        ties: who gets the error where several are largest: `shared`, each an equal part (`torch.amax`); `first`, the
            first alone, along one axis (`torch.max` with an axis).

    Returns:
        The shape of x without those axes.
    """
    return x.amax(axes_of(dim, x.dim()), keepdim=keepdim)


def backward(
    upstream: Tensor, x: Tensor, *, dim: Axes = None, keepdim: bool = False, ties: str = "shared"
) -> tuple[Tensor]:
    """dy/dx_i = 1 for the largest, else 0; of several that are equal each gets the same part, or the first all.

    Raises:
        ValueError: for `first` along more than one axis.
    """
    error = spread(upstream, x.shape, dim, keepdim)
    if ties == "first":
        if not isinstance(dim, int):
            raise ValueError("the first of the largest is looked for along one axis")
        if not x.dim():
            return (error,)
        place = argmax.forward(x, dim=dim, keepdim=True)
        chosen = x.new_zeros(x.shape).scatter_(dim, place, 1.0)
        return (error * chosen,)
    best = (x == spread(forward(x, dim=dim, keepdim=True), x.shape, dim, True)).to(upstream.dtype)
    return (error * best / best.sum(axes_of(dim, x.dim()), keepdim=True),)


def put_in(
    write: Write, cell: Sequence[int], x: Tensor, *, dim: Axes = None, keepdim: bool = False, ties: str = "shared"
) -> str:
    """One output in numbers."""
    return written(write, gathered(x, cell, dim, keepdim))


OPERATION = Operation(
    name="largest",
    formula="y = max_i x_i",
    latex=r"y = \max_i x_i",
    source="Kovashka, 'Spatial Pooling' (max)",
    inputs=("x",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
