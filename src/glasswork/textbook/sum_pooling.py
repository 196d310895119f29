"""Sum pooling."""

from collections.abc import Sequence
from itertools import repeat
from math import prod

from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.pooling import pooled
from glasswork.textbook.terms import total
from glasswork.textbook.windows import Size, padded, spread


def forward(
    x: Tensor, *, kernel: Size, stride: Size | None = None, padding: Size = 0, ceil_mode: bool = False
) -> Tensor:
    """y = the sum over each region.

    Args:
        x: (N, C, *sizes); with a kernel of several numbers any shape whose last dimensions are pooled.
        kernel: cells of a region.
        stride: cells from one region to the next; None for regions that do not overlap.
        padding: zeros on each side.
        ceil_mode: whether a last region may reach over the end.

    Returns:
        (N, C, *size).

    Raises:
        ValueError: a region is larger than the padded input.
    """
    over = pooled(x, kernel, stride, padding, ceil_mode=ceil_mode)
    grid = padded(x, over.sides)
    first, *others = over.taps()
    y = grid[first].clone()
    for tap in others:
        y.add_(grid[tap])
    return y


def backward(
    upstream: Tensor,
    x: Tensor,
    *,
    kernel: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
) -> tuple[Tensor]:
    """The error of each region goes to all of its cells, summed where regions overlap."""
    over = pooled(x, kernel, stride, padding, ceil_mode=ceil_mode)
    return (spread(repeat(upstream, prod(over.kernel)), x, over),)


def put_in(
    write: Write,
    cell: Sequence[int],
    x: Tensor,
    *,
    kernel: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
) -> str:
    """One output in numbers; the zeros of the padding are left out."""
    over = pooled(x, kernel, stride, padding, ceil_mode=ceil_mode)
    lead = x.dim() - len(over.size)
    cells, _ = over.seen(cell[lead:], x.shape[lead:])
    return total(write, x[(*cell[:lead], *cells)])


OPERATION = Operation(
    name="sum_pooling",
    formula="y = sum of x_ij over the region",
    latex=r"y = \sum_{(i,j) \in \text{region}} x_{ij}",
    source="Kovashka, 'Spatial Pooling'",
    inputs=("x",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
