"""Average pooling."""

from collections.abc import Sequence

import torch
from torch import Tensor

from glasswork.textbook import sum_pooling
from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.pooling import pooled
from glasswork.textbook.windows import Frame, Size


def forward(
    x: Tensor,
    *,
    kernel: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """y = the sum over each region, divided by the number of its cells.

    Args:
        x: (N, C, *sizes); with a kernel of several numbers any shape whose last dimensions are pooled.
        kernel: cells of a region.
        stride: cells from one region to the next; None for regions that do not overlap.
        padding: zeros on each side.
        ceil_mode: whether a last region may reach over the end; what is beyond the padding does not count as a cell.
        count_include_pad: whether the padding's zeros count as cells.
        divisor_override: divide by this instead.

    Returns:
        (N, C, *size).

    Raises:
        ValueError: a region is larger than the padded input.
    """
    sums = sum_pooling.forward(x, kernel=kernel, stride=stride, padding=padding, ceil_mode=ceil_mode)
    over = pooled(x, kernel, stride, padding, ceil_mode=ceil_mode)
    return sums / _cells(x, over, count_include_pad, divisor_override)


def backward(
    upstream: Tensor,
    x: Tensor,
    *,
    kernel: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> tuple[Tensor]:
    """The error of each region goes to its cells in equal parts, summed where regions overlap."""
    over = pooled(x, kernel, stride, padding, ceil_mode=ceil_mode)
    part = upstream / _cells(x, over, count_include_pad, divisor_override)
    return sum_pooling.backward(part, x, kernel=kernel, stride=stride, padding=padding, ceil_mode=ceil_mode)


def put_in(
    write: Write,
    cell: Sequence[int],
    x: Tensor,
    *,
    kernel: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> str:
    """One output in numbers."""
    over = pooled(x, kernel, stride, padding, ceil_mode=ceil_mode)
    cells = _cells(x, over, count_include_pad, divisor_override).expand(over.size)
    count = int(cells[tuple(cell[x.dim() - len(over.size) :])])
    sums = sum_pooling.put_in(write, cell, x, kernel=kernel, stride=stride, padding=padding, ceil_mode=ceil_mode)
    return f"({sums}) / {count}"


def _cells(x: Tensor, over: Frame, include_pad: bool, override: int | None) -> Tensor:
    """How many cells each region counts, in a shape that broadcasts to the regions."""
    if override is not None:
        return x.new_full((), override)
    counts = x.new_ones(())
    for i, size in enumerate(x.shape[x.dim() - len(over.size) :]):
        before = over.sides[i][0]  # also the padding after the input; the frame may hold more there
        low, high = (-before, size + before) if include_pad else (0, size)
        starts = torch.arange(over.size[i], device=x.device) * over.stride[i] - before
        inside = (starts + over.kernel[i]).clamp(max=high) - starts.clamp(min=low)
        counts = counts[..., None] * inside.to(x.dtype)
    return counts


OPERATION = Operation(
    name="average_pooling",
    formula="y = 1/n sum of x_ij over the n cells of the region",
    latex=r"y = \frac{1}{n} \sum_{(i,j) \in \text{region}} x_{ij}",
    source="LeCun et al. 1998, 'Gradient-based learning applied to document recognition'; Kovashka, 'Spatial Pooling'",
    inputs=("x",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
