"""Dropout, for a mask that is drawn already."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write


def forward(x: Tensor, mask: Tensor, *, rate: float) -> Tensor:
    """y = x m / (1 - p): some units are turned off, and the others made larger by as much, so that the mean stays.

    Args:
        x: any shape.
        mask: m, in the shape of x: 1 (or True) where the unit stays on.
        rate: p, the probability to be turned off; at 1 all are.

    Returns:
        As x.
    """
    return x * (mask.to(x) * _scale(rate))


def backward(upstream: Tensor, x: Tensor, mask: Tensor, *, rate: float) -> tuple[Tensor, None]:
    """The error goes through the units that stayed on: dE/dx = delta m / (1 - p)."""
    return upstream * (mask.to(x) * _scale(rate)), None


def put_in(write: Write, cell: Sequence[int], x: Tensor, mask: Tensor, *, rate: float) -> str:
    """One output in numbers."""
    place = tuple(cell)
    product = f"{write(x[place])} * {write(mask[place])}"
    return product if rate >= 1 else f"{product} / (1 - {write(rate)})"


def _scale(rate: float) -> float:
    return 0.0 if rate >= 1 else 1 / (1 - rate)


OPERATION = Operation(
    name="dropout",
    formula="y = x m / (1 - p)",
    latex=r"y = \frac{x\, m}{1 - p}",
    source="Kovashka, 'Dropout'; Srivastava et al. 2014, with the scale moved from testing to training",
    inputs=("x", "m"),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
