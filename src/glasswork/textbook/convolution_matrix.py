"""Convolution is a matrix product, and its transpose the convolution with the flipped filter (Kolter).

Here images stand alone, without a dimension for examples. A filter is bare, (*kernel) for an image (*sizes), or it has
channels, (O, C, *kernel) for an image (C, *sizes).
"""

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor

from glasswork.textbook.windows import Size, frame, last, pad, slide, windows


def matrix(w: Tensor, shape: Sequence[int], stride: Size = 1, padding: Size = 0, dilation: Size = 1) -> Tensor:
    """The matrix W of a convolution, W z = z * w with both sides flattened (Kolter, 'Convolutions as matrix ...').

    Args:
        w: (*kernel), or (O, C, *kernel).
        shape: of z: (*sizes), or (C, *sizes).
        stride: cells from one window to the next.
        padding: zeros on each side of z.
        dilation: cells of z from one weight to the next.

    Returns:
        (outputs, inputs): for w in R^3 and z in R^6 the slide's 4x6 matrix.

    Raises:
        ValueError: w and shape do not fit, or w is larger than the padded z.
    """
    filters, (channels, *sizes) = _with_channels(w, shape)
    over = frame(sizes, filters.shape[2:], stride, padding, dilation)
    # Input number i stands in column i + 1; column 0 takes the weights that lie on the padding.
    numbers = torch.arange(1, channels * prod(sizes) + 1, device=w.device).reshape(channels, *sizes)
    seen = windows(pad(numbers, over.sides), over)  # (C, *size, *kernel)
    count = len(sizes)
    seen = seen.permute(*range(1, count + 1), 0, *range(count + 1, 2 * count + 1)).reshape(prod(over.size), -1)
    rows = w.new_zeros(len(filters), len(seen), channels * prod(sizes) + 1)
    rows.scatter_(
        2, seen.expand(len(filters), *seen.shape), filters.reshape(len(filters), 1, -1).expand(-1, *seen.shape)
    )
    return rows[..., 1:].reshape(len(filters) * len(seen), -1)


def transpose_product(
    g: Tensor, w: Tensor, shape: Sequence[int], stride: Size = 1, padding: Size = 0, dilation: Size = 1
) -> Tensor:
    """W^T g as the slide says: the zero-padded convolution of g with the flipped filter.

    With a stride, zeros are put between the errors first; what falls on the padding of z is cut off.

    Args:
        g: the error at the output of the convolution: (*size), or (O, *size); flattened ones do too.
        w: (*kernel), or (O, C, *kernel).
        shape: of z: (*sizes), or (C, *sizes).
        stride: of the convolution.
        padding: of the convolution.
        dilation: of the convolution.

    Returns:
        In `shape`.

    Raises:
        ValueError: w and shape do not fit, or w is larger than the padded z.
    """
    filters, (_, *sizes) = _with_channels(w, shape)
    over = frame(sizes, filters.shape[2:], stride, padding, dilation)
    apart = [step * (size - 1) + 1 for step, size in zip(over.stride, over.size, strict=True)]
    spread = g.new_zeros(len(filters), *apart)
    spread[last(slice(None, None, step) for step in over.stride)] = g.reshape(len(filters), *over.size)
    sides = []
    for i, size in enumerate(sizes):
        before, reach = over.sides[i][0], over.dilation[i] * (over.kernel[i] - 1)
        sides.append((reach - before, size + before - apart[i]))
    turned = flip(filters, len(sizes)).transpose(0, 1)  # (C, O, *kernel)
    z = pad(spread[None], sides)
    back = slide(z, turned, frame(z.shape[2:], over.kernel, dilation=over.dilation), 1)
    return back.reshape(tuple(shape))


def correlation(x: Tensor, w: Tensor, stride: Size = 1, padding: Size = 0, dilation: Size = 1) -> Tensor:
    """y_i = sum_t w_t x_(i+t): what the lecture and all deep learning call convolution (Kolter, 'Additional').

    Args:
        x: (*sizes), or (C, *sizes).
        w: (*kernel), or (O, C, *kernel).
        stride: cells from one window to the next.
        padding: zeros on each side.
        dilation: cells of x from one weight to the next.

    Returns:
        (*size), or (O, *size).

    Raises:
        ValueError: w and x do not fit, or w is larger than the padded x.
    """
    filters, (channels, *sizes) = _with_channels(w, x.shape)
    y = slide(x.reshape(1, channels, *sizes), filters, frame(sizes, filters.shape[2:], stride, padding, dilation), 1)
    return y[0, 0] if w.dim() == x.dim() else y[0]


def true_convolution(x: Tensor, w: Tensor, stride: Size = 1, padding: Size = 0, dilation: Size = 1) -> Tensor:
    """y_i = sum_t w_t x_(i+k-1-t): convolution as signal processing has it, the filter flipped in every dimension.

    Arguments, result and errors as of `correlation`; correlation(x, w) is true_convolution(x, flipped w).
    """
    count = x.dim() - (w.dim() - x.dim())
    return correlation(x, flip(w, count), stride, padding, dilation)


def flip(w: Tensor, dimensions: int) -> Tensor:
    """The filter upside-down and left-right: its last `dimensions` turned round."""
    return w.flip([*range(-dimensions, 0)])


def _with_channels(w: Tensor, shape: Sequence[int]) -> tuple[Tensor, tuple[int, ...]]:
    """The filter as (O, C, *kernel), and the image's shape with channels."""
    if w.dim() == len(shape):
        return w[None, None], (1, *shape)
    if w.dim() == len(shape) + 1 and w.dim() > 2 and w.shape[1] == shape[0]:
        return w, tuple(shape)
    raise ValueError(f"a filter of shape {tuple(w.shape)} does not fit an image of shape {tuple(shape)}")
