"""The transposed convolution: a convolution's backward pass taken as a layer that enlarges its input."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.sliding import batched, filter_gradient, slide, slide_back
from glasswork.textbook.terms import products
from glasswork.textbook.windows import Frame, Size, frame, per_dimension


def forward(
    x: Tensor,
    w: Tensor,
    b: Tensor | None = None,
    *,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Tensor:
    """y = W^T x for the matrix W of a convolution: each number of the input stamps its filter into the output.

    Args:
        x: (N, C, *sizes) with any number of spatial dimensions, or (C, *sizes) for one example.
        w: (C, O/groups, *kernel).
        b: (O,).
        stride: cells of the output from one stamp to the next.
        padding: cells cut off from the output on each side.
        output_padding: cells added to the output's end.
        groups: the channels in so many groups, each with its own filters.
        dilation: cells of the output from one weight to the next.

    Returns:
        (N, O, *size), each (size - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1.
    """
    sizes, over = _under(x, w, stride, padding, output_padding, dilation)
    y = slide_back(batched(x, w), w, sizes, over, groups)
    y = y if b is None else y + b.reshape(-1, *[1] * (w.dim() - 2))
    return y.reshape(*x.shape[: x.dim() - w.dim() + 1], *y.shape[1:])


def backward(
    upstream: Tensor,
    x: Tensor,
    w: Tensor,
    b: Tensor | None = None,
    *,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """With the error delta = dE/dy: dE/dx = W delta, the convolution itself; dE/dw the correlation of delta and x."""
    _, over = _under(x, w, stride, padding, output_padding, dilation)
    delta = batched(upstream, w)  # (N, O, *sizes)
    return (
        slide(delta, w, over, groups).reshape(x.shape),
        filter_gradient(delta, batched(x, w), over, groups),
        None if b is None else delta.sum([0, *range(2, w.dim())]),
    )


def put_in(
    write: Write,
    cell: Sequence[int],
    x: Tensor,
    w: Tensor,
    b: Tensor | None = None,
    *,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> str:
    """One output in numbers: every input whose stamp reaches it."""
    *example, o = cell[: x.dim() - w.dim() + 2]
    _, over = _under(x, w, stride, padding, output_padding, dilation)
    share = x.shape[len(example)] // groups
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


def _under(
    x: Tensor, w: Tensor, stride: Size, padding: Size, output_padding: Size, dilation: Size
) -> tuple[tuple[int, ...], Frame]:
    """The output's sizes, and the windows over it of the convolution that is transposed."""
    count, before = w.dim() - 2, tuple(x.shape[2 - w.dim() :])
    strides, apart = per_dimension(stride, count), per_dimension(dilation, count)
    cut, more = per_dimension(padding, count), per_dimension(output_padding, count)
    sizes = tuple(
        (before[i] - 1) * strides[i] - 2 * cut[i] + apart[i] * (w.shape[2 + i] - 1) + more[i] + 1 for i in range(count)
    )
    # Under a large output_padding one more window would fit; no input stands behind it.
    return sizes, replace(frame(sizes, tuple(w.shape[2:]), strides, cut, apart), size=before)


OPERATION = Operation(
    name="transposed_convolution",
    formula="y = W^T x, W the matrix of the convolution by w: y_u = sum_t w_t x_i over all i, t with stride i + t = u",
    latex=r"y = W^\top x, \quad y_u = \sum_{s i + t = u} w_t\, x_i",
    source="Kolter, 'Convolutions as matrix multiplication, cont'",
    inputs=("x", "w", "b"),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
