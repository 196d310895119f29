"""The mean squared distance from the mean."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.reductions import Axes, axes_of, gathered, spread
from glasswork.textbook.terms import sum_of


def forward(x: Tensor, *, dim: Axes = None, keepdim: bool = False, correction: float = 1) -> Tensor:
    """var = sum_i (x_i - mu)^2 / (n - correction) with the mean mu.

    Args:
        x: any shape.
        dim: the axis or axes to run over; None for all.
        keepdim: leaves them in the shape, with size 1.
        correction: 1 for the estimate from a sample, 0 for the numbers themselves.
    """
    axes = axes_of(dim, x.dim())
    return _from_mean(x, dim).square().sum(axes, keepdim=keepdim) / (_count(x, dim) - correction)


def backward(
    upstream: Tensor, x: Tensor, *, dim: Axes = None, keepdim: bool = False, correction: float = 1
) -> tuple[Tensor]:
    """dvar/dx_i = 2 (x_i - mu) / (n - correction); what flows through mu adds up to nothing."""
    slope = 2 * _from_mean(x, dim) / (_count(x, dim) - correction)
    return (spread(upstream, x.shape, dim, keepdim) * slope,)


def put_in(
    write: Write, cell: Sequence[int], x: Tensor, *, dim: Axes = None, keepdim: bool = False, correction: float = 1
) -> str:
    """One variance in numbers."""
    numbers = gathered(x, cell, dim, keepdim)
    mean = write(numbers.mean())
    squares = sum_of(len(numbers), lambda i: f"({write(numbers[i])} - {mean}) ** 2")
    return f"({squares}) / {write(len(numbers) - correction)}"


def _from_mean(x: Tensor, dim: Axes) -> Tensor:
    return x - x.mean(axes_of(dim, x.dim()), keepdim=True)


def _count(x: Tensor, dim: Axes) -> int:
    """How many numbers each variance is of."""
    return x.numel() // max(1, x.sum(axes_of(dim, x.dim())).numel())


OPERATION = Operation(
    name="variance",
    formula="var = sum_i (x_i - mu)^2 / (n - correction)",
    latex=r"\sigma^2 = \frac{1}{n - c} \sum_i (x_i - \mu)^2",
    source="Ioffe and Szegedy 2015, algorithm 1: mini-batch variance",
    inputs=("x",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
