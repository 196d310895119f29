"""The root of the variance."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook import variance
from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.reductions import Axes


def forward(x: Tensor, *, dim: Axes = None, keepdim: bool = False, correction: float = 1) -> Tensor:
    """sigma = sqrt(sum_i (x_i - mu)^2 / (n - correction)) with the mean mu.

    Args:
        x: any shape.
        dim: the axis or axes to run over; None for all.
        keepdim: leaves them in the shape, with size 1.
        correction: 1 for the estimate from a sample, 0 for the numbers themselves.
    """
    return variance.forward(x, dim=dim, keepdim=keepdim, correction=correction).sqrt()


def backward(
    upstream: Tensor, x: Tensor, *, dim: Axes = None, keepdim: bool = False, correction: float = 1
) -> tuple[Tensor]:
    """dsigma/dx_i = (x_i - mu) / ((n - correction) sigma); 0 where all numbers are equal, where there is no slope."""
    sigma = forward(x, dim=dim, keepdim=keepdim, correction=correction)
    through = (upstream / (2 * sigma)).where(sigma != 0, 0.0)
    return variance.backward(through, x, dim=dim, keepdim=keepdim, correction=correction)


def put_in(
    write: Write, cell: Sequence[int], x: Tensor, *, dim: Axes = None, keepdim: bool = False, correction: float = 1
) -> str:
    """One deviation in numbers."""
    return f"sqrt({variance.put_in(write, cell, x, dim=dim, keepdim=keepdim, correction=correction)})"


OPERATION = Operation(
    name="standard_deviation",
    formula="sigma = sqrt(sum_i (x_i - mu)^2 / (n - correction))",
    latex=r"\sigma = \sqrt{\frac{1}{n - c} \sum_i (x_i - \mu)^2}",
    source="Ioffe and Szegedy 2015, algorithm 1: the root of the mini-batch variance",
    inputs=("x",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
