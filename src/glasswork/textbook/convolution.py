"""Convolution, whose backward pass is the convolution with the flipped filter, and its transpose."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from glasswork.textbook.operation import Operation, Write, products
from glasswork.textbook.windows import (
    Frame,
    Size,
    add_batch_axis,
    filter_gradient,
    frame,
    per_dimension,
    slide,
    slide_back,
)


@dataclass(frozen=True)
class Convolution(Operation):
    """Convolution, y_o = sum_c x_c * w_oc + b_o: each filter slides over the image and makes one activation map.

    Attributes:
        stride: cells from one window to the next.
        padding: zeros on each side; or 'valid' for none, 'same' for as many outputs as cells.
        dilation: cells of the image from one weight to the next.
        groups: the channels in so many groups, each with its own filters.
    """

    name = "convolution"
    formula = "y_oij = sum_cuv w_ocuv x_c,i+u,j+v + b_o"
    latex = r"y_{oij} = \sum_{c,u,v} w_{ocuv}\, x_{c,\,i+u,\,j+v} + b_o"
    source = "Kolter, 'Convolutions' (y = z * w) and 'Learning with convolutions'; Kovashka, 'Convolution'"
    inputs = ("x", "w", "b")

    stride: Size = 1
    padding: Size | str = 0
    dilation: Size = 1
    groups: int = 1

    def forward(self, x: Tensor, w: Tensor, b: Tensor | None = None) -> Tensor:
        """The activation maps.

        Args:
            x: (N, C, *sizes) with any number of spatial dimensions, or (C, *sizes) for one example.
            w: (O, C/groups, *kernel), a filter for each output.
            b: (O,).

        Returns:
            (N, O, *size), each size floor((size + 2 padding - dilation (kernel - 1) - 1) / stride) + 1.

        Raises:
            ValueError: the filter is larger than the padded image.
        """
        return _with_bias(slide(add_batch_axis(x, w), w, self._windows(x, w), self.groups), x, w, b)

    def backward(
        self, upstream: Tensor, x: Tensor, w: Tensor, b: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """With the error delta_o = dE/dy_o (Kolter, 'Convolutions as matrix multiplication, cont').

        dE/dx_c = sum_o delta_o * flipped w_oc, zero-padded; dE/dw_oc = x_c * delta_o; dE/db_o = sum of delta_o.
        """
        over = self._windows(x, w)
        delta = add_batch_axis(upstream, w)  # (N, O, *size)
        return (
            slide_back(delta, w, x.shape[2 - w.dim() :], over, self.groups).reshape(x.shape),
            filter_gradient(add_batch_axis(x, w), delta, over, self.groups),
            None if b is None else _bias_gradient(delta),
        )

    def worked(self, write: Write, cell: Sequence[int], x: Tensor, w: Tensor, b: Tensor | None = None) -> str:
        """One output in numbers; the zeros of the padding are left out."""
        *example, o = cell[: x.dim() - w.dim() + 2]
        cells, taps = self._windows(x, w).seen(cell[2 - w.dim() :], x.shape[2 - w.dim() :])
        share = w.shape[1]
        first = o * self.groups // w.shape[0] * share
        terms = products(write, w[(o, slice(None), *taps)], x[(*example, slice(first, first + share), *cells)])
        return terms if b is None else f"{terms} + {write(b[o])}"

    def _windows(self, x: Tensor, w: Tensor) -> Frame:
        return frame(x.shape[2 - w.dim() :], w.shape[2:], self.stride, self.padding, self.dilation)


@dataclass(frozen=True)
class TransposedConvolution(Operation):
    """The transposed convolution: a convolution's backward pass taken as a layer that enlarges its input.

    y = W^T x for the matrix W of a convolution: each number of the input stamps its filter into the output.

    Attributes:
        stride: cells of the output from one stamp to the next.
        padding: cells cut off from the output on each side.
        output_padding: cells added to the output's end.
        dilation: cells of the output from one weight to the next.
        groups: the channels in so many groups, each with its own filters.
    """

    name = "transposed_convolution"
    formula = "y = W^T x, W the matrix of the convolution by w: y_u = sum_t w_t x_i over all i, t with stride i + t = u"
    latex = r"y = W^\top x, \quad y_u = \sum_{s i + t = u} w_t\, x_i"
    source = "Kolter, 'Convolutions as matrix multiplication, cont'"
    inputs = ("x", "w", "b")

    stride: Size = 1
    padding: Size = 0
    output_padding: Size = 0
    dilation: Size = 1
    groups: int = 1

    def forward(self, x: Tensor, w: Tensor, b: Tensor | None = None) -> Tensor:
        """The enlarged input.

        Args:
            x: (N, C, *sizes) with any number of spatial dimensions, or (C, *sizes) for one example.
            w: (C, O/groups, *kernel).
            b: (O,).

        Returns:
            (N, O, *size), each (size - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1.
        """
        sizes, over = self._under(x, w)
        return _with_bias(slide_back(add_batch_axis(x, w), w, sizes, over, self.groups), x, w, b)

    def backward(
        self, upstream: Tensor, x: Tensor, w: Tensor, b: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """With the error delta = dE/dy: dE/dx = W delta, the convolution itself; dE/dw correlates delta and x."""
        _, over = self._under(x, w)
        delta = add_batch_axis(upstream, w)  # (N, O, *sizes)
        return (
            slide(delta, w, over, self.groups).reshape(x.shape),
            filter_gradient(delta, add_batch_axis(x, w), over, self.groups),
            None if b is None else _bias_gradient(delta),
        )

    def worked(self, write: Write, cell: Sequence[int], x: Tensor, w: Tensor, b: Tensor | None = None) -> str:
        """One output in numbers: every input whose stamp reaches it."""
        *example, o = cell[: x.dim() - w.dim() + 2]
        _, over = self._under(x, w)
        share = x.shape[len(example)] // self.groups
        first = o // w.shape[1] * share
        values = x[tuple(example)][first : first + share]
        weights = w[first : first + share, o % w.shape[1]]
        for i, place in enumerate(cell[2 - w.dim() :]):
            sums = [(place + over.sides[i][0] - over.dilation[i] * t, t) for t in range(over.kernel[i])]
            fits = [(s // over.stride[i], t) for s, t in sums if s % over.stride[i] == 0]
            fits = [(cell_in, t) for cell_in, t in fits if 0 <= cell_in < over.size[i]]
            values = values.index_select(1 + i, torch.tensor([cell_in for cell_in, _ in fits], dtype=torch.long))
            weights = weights.index_select(1 + i, torch.tensor([t for _, t in fits], dtype=torch.long))
        terms = products(write, weights, values)
        return terms if b is None else f"{terms} + {write(b[o])}"

    def _under(self, x: Tensor, w: Tensor) -> tuple[tuple[int, ...], Frame]:
        """The output's sizes, and the windows over it of the convolution that is transposed."""
        count, before = w.dim() - 2, tuple(x.shape[2 - w.dim() :])
        strides, apart = per_dimension(self.stride, count), per_dimension(self.dilation, count)
        cut, more = per_dimension(self.padding, count), per_dimension(self.output_padding, count)
        sizes = tuple(
            (before[i] - 1) * strides[i] - 2 * cut[i] + apart[i] * (w.shape[2 + i] - 1) + more[i] + 1
            for i in range(count)
        )
        # Under a large output_padding one more window would fit; no input stands behind it.
        return sizes, replace(frame(sizes, tuple(w.shape[2:]), strides, cut, apart), size=before)


def _with_bias(y: Tensor, x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
    """The maps y with their biases, for one example alone if x is one."""
    y = y if b is None else y + b.reshape(-1, *[1] * (w.dim() - 2))
    return y.reshape(*x.shape[: x.dim() - w.dim() + 1], *y.shape[1:])


def _bias_gradient(delta: Tensor) -> Tensor:
    """dE/db_o = sum of delta_o."""
    return delta.sum([0, *range(2, delta.dim())])
