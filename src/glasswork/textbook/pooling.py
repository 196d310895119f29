"""Pooling: one number for each region of the last dimensions."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from math import prod

import torch
from torch import Tensor

from glasswork.textbook.operation import Operation, Write, largest, total
from glasswork.textbook.windows import Frame, Size, frame, pad, spread


@dataclass(frozen=True)
class Pooling(Operation):
    """One number for each region of an input (N, C, *sizes).

    Regions have as many dimensions as the kernel has numbers; if it is one number, all but the first two.

    Attributes:
        kernel: cells of a region.
        stride: cells from one region to the next; None for regions that do not overlap.
        padding: cells on each side.
    """

    kernel: Size
    stride: Size | None = None
    padding: Size = 0

    def regions(self, x: Tensor, dilation: Size = 1, ceil_mode: bool = False) -> Frame:
        """The regions of x.

        Raises:
            ValueError: a region is larger than the padded input.
        """
        count = x.dim() - 2 if isinstance(self.kernel, int) else len(self.kernel)
        stride = self.stride or self.kernel
        return frame(x.shape[x.dim() - count :], self.kernel, stride, self.padding, dilation, ceil_mode)


@dataclass(frozen=True)
class MaxPooling(Pooling):
    """Max pooling: the maximum over each region; cells of the padding are minus infinity.

    Attributes:
        dilation: cells of the input from one cell of a region to the next.
        ceil_mode: whether a last region may reach over the end.
    """

    name = "max_pooling"
    formula = "y = max of x_ij over the region"
    latex = r"y = \max_{(i,j) \in \text{region}} x_{ij}"
    source = "Kovashka, 'Spatial Pooling'; Kolter, 'Additional on convolutions'"

    dilation: Size = 1
    ceil_mode: bool = False

    def forward(self, x: Tensor) -> Tensor:
        over = self.regions(x, self.dilation, self.ceil_mode)
        grid = pad(x, over.sides, -torch.inf)
        first, *others = over.taps()
        best = grid[first].clone()
        for tap in others:
            best = torch.maximum(best, grid[tap])
        return best

    def backward(self, upstream: Tensor, x: Tensor) -> tuple[Tensor]:
        """The error goes to the cell that was the maximum (of equal ones the first), summed where regions overlap."""
        over = self.regions(x, self.dilation, self.ceil_mode)
        grid = pad(x, over.sides, -torch.inf)
        best = torch.full_like(upstream, -torch.inf)
        winner = torch.zeros_like(upstream, dtype=torch.int32)
        taps = list(over.taps())
        for number, tap in enumerate(taps):
            winner.masked_fill_(grid[tap] > best, number)
            torch.maximum(best, grid[tap], out=best)
        return (spread((upstream * (winner == number) for number in range(len(taps))), x, over),)

    def worked(self, write: Write, cell: Sequence[int], x: Tensor) -> str:
        return largest(write, _seen(x, cell, self.regions(x, self.dilation, self.ceil_mode)))


@dataclass(frozen=True)
class SumPooling(Pooling):
    """Sum pooling: the sum over each region; cells of the padding are zeros.

    Attributes:
        ceil_mode: whether a last region may reach over the end.
    """

    name = "sum_pooling"
    formula = "y = sum of x_ij over the region"
    latex = r"y = \sum_{(i,j) \in \text{region}} x_{ij}"
    source = "Kovashka, 'Spatial Pooling'"

    ceil_mode: bool = False

    def forward(self, x: Tensor) -> Tensor:
        over = self.regions(x, ceil_mode=self.ceil_mode)
        grid = pad(x, over.sides)
        first, *others = over.taps()
        y = grid[first].clone()
        for tap in others:
            y.add_(grid[tap])
        return y

    def backward(self, upstream: Tensor, x: Tensor) -> tuple[Tensor]:
        """The error of each region goes to all of its cells, summed where regions overlap."""
        over = self.regions(x, ceil_mode=self.ceil_mode)
        return (spread(repeat(upstream, prod(over.kernel)), x, over),)

    def worked(self, write: Write, cell: Sequence[int], x: Tensor) -> str:
        """One output in numbers; the zeros of the padding are left out."""
        return total(write, _seen(x, cell, self.regions(x, ceil_mode=self.ceil_mode)))


def _seen(x: Tensor, cell: Sequence[int], over: Frame) -> Tensor:
    """The cells of x in the region of one output."""
    lead = x.dim() - len(over.size)
    cells, _ = over.seen(cell[lead:], x.shape[lead:])
    return x[(*cell[:lead], *cells)]


@dataclass(frozen=True)
class AveragePooling(Pooling):
    """Average pooling: the sum over each region, divided by the number of its cells.

    Attributes:
        ceil_mode: whether a last region may reach over the end; what is beyond the padding does not count as a cell.
        count_include_pad: whether the padding's zeros count as cells.
        divisor_override: divide by this instead.
    """

    name = "average_pooling"
    formula = "y = 1/n sum of x_ij over the n cells of the region"
    latex = r"y = \frac{1}{n} \sum_{(i,j) \in \text{region}} x_{ij}"
    source = "LeCun et al. 1998, 'Gradient-based learning applied to document recognition'; Kovashka, 'Spatial Pooling'"

    ceil_mode: bool = False
    count_include_pad: bool = True
    divisor_override: int | None = None

    def forward(self, x: Tensor) -> Tensor:
        return self._sums().forward(x) / self._cells(x)

    def backward(self, upstream: Tensor, x: Tensor) -> tuple[Tensor]:
        """The error of each region goes to its cells in equal parts, summed where regions overlap."""
        return self._sums().backward(upstream / self._cells(x), x)

    def worked(self, write: Write, cell: Sequence[int], x: Tensor) -> str:
        size = self.regions(x, ceil_mode=self.ceil_mode).size
        count = int(self._cells(x).expand(size)[tuple(cell[x.dim() - len(size) :])])
        return f"({self._sums().worked(write, cell, x)}) / {count}"

    def _sums(self) -> SumPooling:
        return SumPooling(self.kernel, self.stride, self.padding, self.ceil_mode)

    def _cells(self, x: Tensor) -> Tensor:
        """How many cells each region counts, in a shape that broadcasts to the regions."""
        if self.divisor_override is not None:
            return x.new_full((), self.divisor_override)
        over = self.regions(x, ceil_mode=self.ceil_mode)
        counts = x.new_ones(())
        for i, size in enumerate(x.shape[x.dim() - len(over.size) :]):
            before = over.sides[i][0]  # also the padding after the input; the frame may hold more there
            low, high = (-before, size + before) if self.count_include_pad else (0, size)
            starts = torch.arange(over.size[i], device=x.device) * over.stride[i] - before
            inside = (starts + over.kernel[i]).clamp(max=high) - starts.clamp(min=low)
            counts = counts[..., None] * inside.to(x.dtype)
        return counts


@dataclass(frozen=True)
class AdaptivePooling(Operation):
    """One number for each of m regions of n cells, the i-th from floor(i n / m) to ceil((i + 1) n / m).

    Attributes:
        size: how many regions in each of the last dimensions: one number for all but the first two, or one for each
            that is pooled; None for one per cell.
    """

    size: int | Sequence[int | None]

    def counts(self, x: Tensor) -> tuple[int, ...]:
        """How many regions in each pooled dimension of x.

        Raises:
            ValueError: more sizes than dimensions.
        """
        wanted = (self.size,) * (x.dim() - 2) if isinstance(self.size, int) else tuple(self.size)
        if not wanted or len(wanted) > x.dim():
            raise ValueError(f"{len(wanted)} sizes do not fit an input of {x.dim()} dimensions")
        there = x.shape[x.dim() - len(wanted) :]
        return tuple(n if count is None else count for count, n in zip(wanted, there, strict=True))

    def region(self, x: Tensor, cell: Sequence[int]) -> Tensor:
        """The cells of x in the region of one output."""
        counts = self.counts(x)
        lead = x.dim() - len(counts)
        places = zip(cell[lead:], x.shape[lead:], counts, strict=True)
        cells = [slice(i * n // count, ((i + 1) * n + count - 1) // count) for i, n, count in places]
        return x[tuple(cell[:lead])][tuple(cells)]


def _bounds(cells: int, count: int) -> tuple[Tensor, Tensor]:
    """Where each of `count` regions of `cells` begins and ends."""
    places = torch.arange(count)
    return places * cells // count, ((places + 1) * cells + count - 1) // count


@dataclass(frozen=True)
class AdaptiveAveragePooling(AdaptivePooling):
    """Adaptive average pooling: as many regions as are asked for; with one it is the global average."""

    name = "adaptive_average_pooling"
    formula = "y = 1/n sum of x_ij over the n cells of the region"
    latex = r"y = \frac{1}{n} \sum_{(i,j) \in \text{region}} x_{ij}"
    source = "Lin et al. 2014, 'Network in network' (global average pooling); Kovashka, 'Spatial Pooling'"

    def forward(self, x: Tensor) -> Tensor:
        for dimension, matrix in self._matrices(x):
            x = (x.movedim(dimension, -1) @ matrix.T).movedim(-1, dimension)
        return x

    def backward(self, upstream: Tensor, x: Tensor) -> tuple[Tensor]:
        """The error of each region goes to its cells in equal parts, summed where regions overlap."""
        for dimension, matrix in self._matrices(x):
            upstream = (upstream.movedim(dimension, -1) @ matrix).movedim(-1, dimension)
        return (upstream,)

    def worked(self, write: Write, cell: Sequence[int], x: Tensor) -> str:
        values = self.region(x, cell)
        return f"({total(write, values)}) / {values.numel()}"

    def _matrices(self, x: Tensor) -> list[tuple[int, Tensor]]:
        """For each pooled dimension the matrix (regions, cells) that averages it."""
        counts = self.counts(x)
        lead = x.dim() - len(counts)
        matrices = []
        for dimension, count in enumerate(counts, lead):
            starts, ends = _bounds(x.shape[dimension], count)
            places = torch.arange(x.shape[dimension])
            inside = (places >= starts[:, None]) & (places < ends[:, None])
            matrices.append((dimension, inside.to(x) / (ends - starts)[:, None].to(x)))
        return matrices


@dataclass(frozen=True)
class AdaptiveMaxPooling(AdaptivePooling):
    """Adaptive max pooling: as many regions as are asked for."""

    name = "adaptive_max_pooling"
    formula = "y = max of x_ij over the region"
    latex = r"y = \max_{(i,j) \in \text{region}} x_{ij}"
    source = "Kovashka, 'Spatial Pooling'; He et al. 2014, 'Spatial pyramid pooling'"

    def forward(self, x: Tensor) -> Tensor:
        counts = self.counts(x)
        return x.flatten(x.dim() - len(counts))[..., self._cells(x, counts)].amax(-1)

    def backward(self, upstream: Tensor, x: Tensor) -> tuple[Tensor]:
        """The error goes to the cell that was the maximum (of equal ones the first), summed where regions overlap."""
        counts = self.counts(x)
        flat, cells = x.flatten(x.dim() - len(counts)), self._cells(x, counts)
        chosen = flat[..., cells].argmax(-1, keepdim=True)  # (..., *size, 1)
        winners = cells.expand(*chosen.shape[:-1], cells.shape[-1]).gather(-1, chosen).squeeze(-1)
        lead = flat.shape[:-1]
        error = upstream.new_zeros(flat.shape).scatter_add_(-1, winners.reshape(*lead, -1), upstream.reshape(*lead, -1))
        return (error.reshape(x.shape),)

    def worked(self, write: Write, cell: Sequence[int], x: Tensor) -> str:
        return largest(write, self.region(x, cell))

    def _cells(self, x: Tensor, counts: Sequence[int]) -> Tensor:
        """(*size, K): the places, among all cells, of those of each region; a smaller one has its last repeated."""
        sizes, dims = x.shape[x.dim() - len(counts) :], len(counts)
        places = torch.zeros((), dtype=torch.long)
        for i, (n, count) in enumerate(zip(sizes, counts, strict=True)):
            starts, ends = _bounds(n, count)
            widest = int((ends - starts).max())
            own = torch.minimum(starts[:, None] + torch.arange(widest), ends[:, None] - 1)  # (count, widest)
            shape = [1] * (2 * dims)
            shape[i], shape[dims + i] = count, widest
            places = places + own.reshape(shape) * prod(sizes[i + 1 :])
        return places.flatten(dims).to(x.device)
