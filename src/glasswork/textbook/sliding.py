"""A filter slid over an input, and the two ways back; convolution and transposed convolution share them.

Every window becomes a column, so that one matrix product (one for each group) gives all outputs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import gcd, prod

import torch
from torch import Tensor

from glasswork.textbook.windows import Frame, last, padded, windows

PART = 2**20
"""How many numbers of windows are laid out at once: 8 MB in float64; larger parts are no faster."""


def batched(x: Tensor, w: Tensor) -> Tensor:
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
    x = padded(x, over.sides)
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
    for examples, lines, columns in _columns(padded(x, over.sides), over, groups):
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
