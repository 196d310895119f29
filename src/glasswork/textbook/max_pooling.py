"""Max pooling."""

from collections.abc import Sequence

import torch
from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.pooling import pooled
from glasswork.textbook.terms import largest
from glasswork.textbook.windows import Size, padded, spread


def forward(
    x: Tensor,
    *,
    kernel: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """y = the maximum over each region.

    Args:
        x: (N, C, *sizes); with a kernel of several numbers any shape whose last dimensions are pooled.
        kernel: cells of a region.
        stride: cells from one region to the next; None for regions that do not overlap.
        padding: cells of minus infinity on each side.
        dilation: cells of the input from one cell of a region to the next.
        ceil_mode: whether a last region may reach over the end.

    Returns:
        (N, C, *size).

    Raises:
        ValueError: a region is larger than the padded input.
    """
    over = pooled(x, kernel, stride, padding, dilation, ceil_mode)
    grid = padded(x, over.sides, -torch.inf)
    first, *others = over.taps()
    best = grid[first].clone()
    for tap in others:
        best = torch.maximum(best, grid[tap])
    return best


def backward(
    upstream: Tensor,
    x: Tensor,
    *,
    kernel: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
) -> tuple[Tensor]:
    """The error goes to the cell that was the maximum (of equal ones the first), summed where regions overlap."""
    over = pooled(x, kernel, stride, padding, dilation, ceil_mode)
    grid = padded(x, over.sides, -torch.inf)
    best = torch.full_like(upstream, -torch.inf)
    winner = torch.zeros_like(upstream, dtype=torch.int32)
    taps = list(over.taps())
    for number, tap in enumerate(taps):
        winner.masked_fill_(grid[tap] > best, number)
        torch.maximum(best, grid[tap], out=best)
    return (spread((upstream * (winner == number) for number in range(len(taps))), x, over),)


def put_in(
    write: Write,
    cell: Sequence[int],
    x: Tensor,
    *,
    kernel: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
) -> str:
    """One output in numbers."""
    over = pooled(x, kernel, stride, padding, dilation, ceil_mode)
    lead = x.dim() - len(over.size)
    cells, _ = over.seen(cell[lead:], x.shape[lead:])
    return largest(write, x[(*cell[:lead], *cells)])


OPERATION = Operation(
    name="max_pooling",
    formula="y = max of x_ij over the region",
    latex=r"y = \max_{(i,j) \in \text{region}} x_{ij}",
    source="Kovashka, 'Spatial Pooling'; Kolter, 'Additional on convolutions'",
    inputs=("x",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
