"""Convolution, with its backward pass: the error convolved with the flipped filter."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.sliding import batched, filter_gradient, slide, slide_back
from glasswork.textbook.terms import products
from glasswork.textbook.windows import Size, frame


def forward(
    x: Tensor,
    w: Tensor,
    b: Tensor | None = None,
    *,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """y_o = sum_c x_c * w_oc + b_o: each filter slides over the image and makes one activation map.

    Args:
        x: (N, C, *sizes) with any number of spatial dimensions, or (C, *sizes) for one example.
        w: (O, C/groups, *kernel), a filter for each output.
        b: (O,).
        stride: cells from one window to the next.
        padding: zeros on each side; or 'valid' for none, 'same' for as many outputs as cells.
        dilation: cells of the image from one weight to the next.
        groups: the channels in so many groups, each with its own filters.

    Returns:
        (N, O, *size), each size floor((size + 2 padding - dilation (kernel - 1) - 1) / stride) + 1.

    Raises:
        ValueError: the filter is larger than the padded image.
    """
    y = slide(batched(x, w), w, frame(x.shape[2 - w.dim() :], w.shape[2:], stride, padding, dilation), groups)
    y = y if b is None else y + b.reshape(-1, *[1] * (w.dim() - 2))
    return y.reshape(*x.shape[: x.dim() - w.dim() + 1], *y.shape[1:])


def backward(
    upstream: Tensor,
    x: Tensor,
    w: Tensor,
    b: Tensor | None = None,
    *,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """With the error delta_o = dE/dy_o (Kolter, 'Convolutions as matrix multiplication, cont').

    dE/dx_c = sum_o delta_o * flipped w_oc, zero-padded; dE/dw_oc = x_c * delta_o; dE/db_o = sum of delta_o.
    """
    over = frame(x.shape[2 - w.dim() :], w.shape[2:], stride, padding, dilation)
    delta = batched(upstream, w)  # (N, O, *size)
    return (
        slide_back(delta, w, x.shape[2 - w.dim() :], over, groups).reshape(x.shape),
        filter_gradient(batched(x, w), delta, over, groups),
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
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> str:
    """One output in numbers; the zeros of the padding are left out."""
    *example, o = cell[: x.dim() - w.dim() + 2]
    over = frame(x.shape[2 - w.dim() :], w.shape[2:], stride, padding, dilation)
    cells, taps = over.seen(cell[2 - w.dim() :], x.shape[2 - w.dim() :])
    share = w.shape[1]
    first = o * groups // w.shape[0] * share
    terms = products(write, w[(o, slice(None), *taps)], x[(*example, slice(first, first + share), *cells)])
    return terms if b is None else f"{terms} + {write(b[o])}"


OPERATION = Operation(
    name="convolution",
    formula="y_oij = sum_cuv w_ocuv x_c,i+u,j+v + b_o",
    latex=r"y_{oij} = \sum_{c,u,v} w_{ocuv}\, x_{c,\,i+u,\,j+v} + b_o",
    source="Kolter, 'Convolutions' (y = z * w) and 'Learning with convolutions'; Kovashka, 'Convolution'",
    inputs=("x", "w", "b"),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
