"""Windows that slide over the last dimensions of a tensor, as convolution and pooling share them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import gcd, prod
from typing import Any

import torch
from torch import Tensor

Size = int | Sequence[int]
"""One number for every dimension, or one for each."""
Index = tuple[Any, ...]


@dataclass(frozen=True)
class Frame:
    """How windows lie over an input; each field has one entry for each of the input's last dimensions.

    Attributes:
        kernel: cells of a window.
        stride: cells of the input from one window to the next.
        dilation: cells of the input from one cell of a window to the next.
        sides: cells of padding before and after the input; negative ones cut it.
        size: how many windows there are: the size of the output.
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    sides: tuple[tuple[int, int], ...]
    size: tuple[int, ...]

    def taps(self) -> Iterator[Index]:
        """For each cell of the kernel, row by row: which cells of the padded input stand there, over all windows."""
        for cell in product(*map(range, self.kernel)):
            starts = [place * apart for place, apart in zip(cell, self.dilation, strict=True)]
            steps = zip(starts, self.stride, self.size, strict=True)
            yield last(slice(start, start + step * (count - 1) + 1, step) for start, step, count in steps)

    def seen(self, place: Sequence[int], sizes: Sequence[int]) -> tuple[Index, Index]:
        """What the window of one output cell sees of an input of `sizes`: its cells, and their cells of the kernel."""
        here, there = [], []
        for i, size in enumerate(sizes):
            start, apart = place[i] * self.stride[i] - self.sides[i][0], self.dilation[i]
            inside = [k for k in range(self.kernel[i]) if 0 <= start + k * apart < size]
            first, count = (inside[0], len(inside)) if inside else (0, 0)
            begin = max(0, start + first * apart)
            here.append(slice(begin, begin + max(0, (count - 1) * apart + 1) if count else begin, apart))
            there.append(slice(first, first + count))
        return tuple(here), tuple(there)


def last(cells: Iterable[Any]) -> Index:
    """These cells of the last dimensions, everything of those before."""
    return (..., *cells)


def per_dimension(value: Size, count: int) -> tuple[int, ...]:
    """A setting as `count` numbers.

    Raises:
        ValueError: it is several numbers, but not `count`.
    """
    values = (value,) if isinstance(value, int) else tuple(value)
    if len(values) not in (1, count):
        raise ValueError(f"{values} has {len(values)} numbers for {count} dimensions")
    return values * count if len(values) == 1 else values


def frame(
    sizes: Sequence[int],
    kernel: Size,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    ceil: bool = False,
) -> Frame:
    """The windows over an input of `sizes`: floor((size + 2 padding - dilation (kernel - 1) - 1) / stride) + 1 of them.

    Args:
        sizes: of the input's last dimensions, without padding.
        kernel: cells of a window.
        stride: from one window to the next.
        padding: on both sides, or 'valid' for none, or 'same' for as many windows as cells (at stride 1).
        dilation: from one cell of a window to the next.
        ceil: whether a last window may reach over the end, as long as it begins in the input or its padding.

    Raises:
        ValueError: a window is larger than the padded input.
    """
    count = len(sizes)
    kernels, strides, apart = per_dimension(kernel, count), per_dimension(stride, count), per_dimension(dilation, count)
    spans = [d * (k - 1) + 1 for k, d in zip(kernels, apart, strict=True)]
    if padding == "same":
        sides = [((span - 1) // 2, span // 2) for span in spans]
    else:
        sides = [(p, p) for p in per_dimension(0 if isinstance(padding, str) else padding, count)]
    counts = []
    for i, size in enumerate(sizes):
        (before, after), step = sides[i], strides[i]
        free = size + before + after - spans[i]
        if free < 0 and not (ceil and free > -step):
            raise ValueError(f"a window of {spans[i]} cells is larger than the padded input of {free + spans[i]}")
        windows = -(-free // step) + 1 if ceil else free // step + 1
        if ceil and (windows - 1) * step >= size + before:
            windows -= 1
        sides[i] = (before, max(after, (windows - 1) * step + spans[i] - size - before))
        counts.append(windows)
    return Frame(kernels, strides, apart, tuple(sides), tuple(counts))


def pad(x: Tensor, sides: Sequence[tuple[int, int]], value: float = 0.0) -> Tensor:
    """`x` with cells of `value` before and after each of its last dimensions; negative numbers cut cells off."""
    if not any(before or after for before, after in sides):
        return x
    kept, place, sizes = [], [], []
    for size, (before, after) in zip(x.shape[-len(sides) :], sides, strict=True):
        length = max(0, size + min(0, before) + min(0, after))
        kept.append(slice(max(0, -before), max(0, -before) + length))
        place.append(slice(max(0, before), max(0, before) + length))
        sizes.append(size + before + after)
    if all(before <= 0 and after <= 0 for before, after in sides):
        return x[last(kept)]
    result = x.new_full((*x.shape[: -len(sides)], *sizes), value)
    result[last(place)] = x[last(kept)]
    return result


def windows(x: Tensor, over: Frame) -> Tensor:
    """Every window of an input that is padded already, as a view: (..., *size, *kernel)."""
    count = len(over.size)
    lead, steps = x.stride()[:-count], x.stride()[-count:]
    between = [step * stride for step, stride in zip(steps, over.stride, strict=True)]
    within = [step * apart for step, apart in zip(steps, over.dilation, strict=True)]
    shape = (*x.shape[:-count], *over.size, *over.kernel)
    return x.as_strided(shape, (*lead, *between, *within), x.storage_offset())


def spread(parts: Iterator[Tensor], like: Tensor, over: Frame) -> Tensor:
    """What every window says of its cells (a tensor for each tap), added up where windows overlap, without padding."""
    sizes = like.shape[-len(over.size) :]
    whole = [size + before + after for size, (before, after) in zip(sizes, over.sides, strict=True)]
    grid = like.new_zeros((*like.shape[: -len(over.size)], *whole))
    for tap, part in zip(over.taps(), parts, strict=True):
        grid[tap].add_(part)
    return pad(grid, [(-before, -after) for before, after in over.sides])


PART = 2**20
"""How many numbers of windows are laid out at once: 8 MB in float64; larger parts are no faster."""


def add_batch_axis(x: Tensor, w: Tensor) -> Tensor:
    """Images (N, C, *sizes) for filters w, where there may be one alone, (C, *sizes)."""
    return x if x.dim() == w.dim() else x[None]


def slide(x: Tensor, w: Tensor, over: Frame, groups: int) -> Tensor:
    """y = z * w, the lecture's convolution (a correlation for signal processing), for every filter.

    Args:
        x: (N, C, *sizes), not padded yet.
        w: (O, C/groups, *kernel).
        over: how the windows lie.
        groups: the first O/groups filters see the first C/groups channels, and so on.

    Returns:
        (N, O, *size).
    """
    x = pad(x, over.sides)
    # The weights first or the windows first: of the two, that which makes fewer numbers.
    if w.shape[0] * x[0, 0].numel() < w.shape[1] * groups * prod(over.size):
        return _weighted_first(x, w, over, groups)
    rows = w.reshape(groups, w.shape[0] // groups, -1)  # (G, O/G, C/G K)
    y = x.new_empty((x.shape[0], w.shape[0], *over.size))
    for examples, lines, columns in _columns(x, over, groups):
        part = y[examples, :, lines]
        scores = _product(rows, columns).reshape(w.shape[0], part.shape[0], *part.shape[2:])
        if part.shape == y.shape and part.shape[0] == 1:
            return scores.transpose(0, 1)
        part.copy_(scores.transpose(0, 1))
    return y


def _weighted_first(x: Tensor, w: Tensor, over: Frame, groups: int) -> Tensor:
    """`slide` of a padded input with few filters: every weight times every cell, then the sum over each window."""
    share, taps = w.shape[1], list(over.taps())
    weights = w.reshape(groups, -1, share, len(taps)).transpose(2, 3)  # (G, O/G, K, C/G)
    together = max(1, PART // (w.shape[0] * x[0, 0].numel()))
    y = x.new_zeros((x.shape[0], w.shape[0], *over.size))
    for result, example in zip(y, x, strict=True):
        cells = example.reshape(groups, share, -1)
        for first in range(0, len(taps), together):
            part = slice(first, first + together)
            scores = _product(weights[:, :, part].reshape(groups, -1, share), cells)  # (G, O/G K, cells)
            maps = scores.reshape(w.shape[0], -1, *x.shape[2:]).unbind(1)
            for tap, weighted in zip(taps[part], maps, strict=True):
                result.add_(weighted[tap])
    return y


def slide_back(g: Tensor, w: Tensor, sizes: Sequence[int], over: Frame, groups: int) -> Tensor:
    """W^T g: the zero-padded convolution of the error with the flipped filter (Kolter).

    With stride s there are s - 1 zeros between the errors. They are not multiplied: the cells of the input at
    distance s from each other see the same few cells of the filter, so each such phase is a convolution of its own.

    Args:
        g: the error at the output of `slide`, (N, O, *size).
        w: (O, C/groups, *kernel).
        sizes: of the input of `slide`.
        over: how its windows lay.
        groups: as in `slide`.

    Returns:
        The error at the input of `slide`, (N, C, *sizes).
    """
    count, share = len(sizes), w.shape[1]
    turned = w.reshape(groups, -1, share, *over.kernel).transpose(1, 2).flatten(0, 1)  # (C, O/G, *kernel)
    phases = [list(_phases(over, dimension, size)) for dimension, size in enumerate(sizes)]
    result = g.new_zeros((g.shape[0], groups * share, *sizes))
    for parts in product(*phases):
        flipped = turned[last(part.taps for part in parts)].flip([*range(-count, 0)])
        back = Frame(
            kernel=tuple(flipped.shape[2:]),
            stride=(1,) * count,
            dilation=tuple(part.dilation for part in parts),
            sides=tuple(part.sides for part in parts),
            size=tuple(part.size for part in parts),
        )
        error = slide(g, flipped, back, groups)
        if error.shape == result.shape:
            return error
        result[last(part.cells for part in parts)] = error
    return result


def filter_gradient(x: Tensor, g: Tensor, over: Frame, groups: int) -> Tensor:
    """dE/dw: the correlation of the input with the error.

    Args:
        x: the input of `slide`, (N, C, *sizes).
        g: the error at its output, (N, O, *size).
        over: how its windows lay.
        groups: as in `slide`.

    Returns:
        (O, C/groups, *kernel).
    """
    shape = (g.shape[1], x.shape[1] // groups, *over.kernel)
    gradient: Tensor | None = None
    for examples, lines, columns in _columns(pad(x, over.sides), over, groups):
        errors = g[examples, :, lines].transpose(0, 1).reshape(groups, shape[0] // groups, -1)  # (G, O/G, L)
        part = _product(errors, columns.transpose(1, 2))  # (G, O/G, C/G K)
        gradient = part if gradient is None else gradient.add_(part)
    return x.new_zeros(shape) if gradient is None else gradient.reshape(shape)


def _columns(x: Tensor, over: Frame, groups: int) -> Iterator[tuple[slice, slice, Tensor]]:
    """The windows as columns, part by part: which examples, which lines of the output, and (G, C/G K, windows)."""
    every = windows(x, over)  # (N, C, *size, *kernel)
    count, (examples, channels), lines = len(over.size), x.shape[:2], over.size[0]
    order = [1, *range(2 + count, 2 + 2 * count), 0, *range(2, 2 + count)]
    line = channels * prod(over.kernel) * prod(over.size[1:])
    # A window of one cell is laid out without a copy, so there is nothing to save.
    if prod(over.kernel) > 1:
        lines = min(lines, max(1, PART // line))
        examples = max(1, PART // (line * lines)) if lines == over.size[0] else 1
    for first in range(0, x.shape[0], max(1, examples)):
        for top in range(0, over.size[0], max(1, lines)):
            part = slice(first, first + examples), slice(top, top + lines)
            chosen = every[part[0], :, part[1]].permute(order)  # (C, *kernel, N, *size)
            yield *part, chosen.reshape(groups, channels // groups * prod(over.kernel), -1)


def _product(a: Tensor, b: Tensor) -> Tensor:
    """The matrix product of each group."""
    return (a[0] @ b[0])[None] if len(a) == 1 else torch.bmm(a, b)


@dataclass(frozen=True)
class _Phase:
    """One dimension of a convolution with the flipped filter, for those cells of the input that see the same taps."""

    cells: slice
    taps: slice
    dilation: int
    sides: tuple[int, int]
    size: int


def _phases(over: Frame, dimension: int, length: int) -> Iterator[_Phase]:
    """The phases of an input of `length`; cells that no window sees are in none.

    Cell u of the padded input has the error sum_t w_t g_o over all t, o with stride o + dilation t = u. The t that fit
    one u are `step` apart, from the smallest one, `first`; with each, o falls by `apart`.
    """
    stride, dilation, kernel = over.stride[dimension], over.dilation[dimension], over.kernel[dimension]
    step = stride // gcd(stride, dilation)
    apart = step * dilation // stride
    for start in range(min(stride, length)):
        u = over.sides[dimension][0] + start
        first = next((t for t in range(min(kernel, step)) if (u - dilation * t) % stride == 0), None)
        if first is not None:
            size, reach = len(range(start, length, stride)), (len(range(first, kernel, step)) - 1) * apart
            latest = (u - dilation * first) // stride
            sides = (reach - latest, size + latest - over.size[dimension])
            yield _Phase(slice(start, None, stride), slice(first, None, step), apart, sides, size)
