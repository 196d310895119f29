"""Adaptive average pooling: as many regions as are asked for; with one it is the global average."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.adaptive import Target, bounds, region, targets
from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.terms import total


def forward(x: Tensor, *, size: Target) -> Tensor:
    """y_i = the average over the cells from floor(i n / m) to ceil((i + 1) n / m), of n cells and m regions.

    Args:
        x: (N, C, *sizes); with several sizes asked for, any shape whose last dimensions are pooled.
        size: how many regions in each dimension; None for one per cell.

    Returns:
        (N, C, *size).

    Raises:
        ValueError: more sizes than dimensions.
    """
    counts = targets(x, size)
    for i, count in enumerate(counts):
        dimension = x.dim() - len(counts) + i
        x = (x.movedim(dimension, -1) @ _averages(x, x.shape[dimension], count).T).movedim(-1, dimension)
    return x


def backward(upstream: Tensor, x: Tensor, *, size: Target) -> tuple[Tensor]:
    """The error of each region goes to its cells in equal parts, summed where regions overlap."""
    counts = targets(x, size)
    for i, count in enumerate(counts):
        dimension = x.dim() - len(counts) + i
        matrix = _averages(x, x.shape[dimension], count)
        upstream = (upstream.movedim(dimension, -1) @ matrix).movedim(-1, dimension)
    return (upstream,)


def put_in(write: Write, cell: Sequence[int], x: Tensor, *, size: Target) -> str:
    """One output in numbers."""
    counts = targets(x, size)
    lead = x.dim() - len(counts)
    values = x[tuple(cell[:lead])][region(cell[lead:], x.shape[lead:], counts)]
    return f"({total(write, values)}) / {values.numel()}"


def _averages(x: Tensor, cells: int, count: int) -> Tensor:
    """The matrix (count, cells) that averages one dimension."""
    starts, ends = bounds(cells, count)
    places = starts.new_ones(cells).cumsum(0) - 1
    inside = (places >= starts[:, None]) & (places < ends[:, None])
    return inside.to(x) / (ends - starts)[:, None].to(x)


OPERATION = Operation(
    name="adaptive_average_pooling",
    formula="y = 1/n sum of x_ij over the n cells of the region",
    latex=r"y = \frac{1}{n} \sum_{(i,j) \in \text{region}} x_{ij}",
    source="Lin et al. 2014, 'Network in network' (global average pooling); Kovashka, 'Spatial Pooling'",
    inputs=("x",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
