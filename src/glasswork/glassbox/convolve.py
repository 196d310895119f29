"""One filter over one image: the result, one cell of it worked out in numbers, and the matrix that does the same."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from glasswork.errors import GlassworkError
from glasswork.glassbox.filters import (
    COLOURS,
    Chosen,
    Kernel,
    Rows,
    Sort,
    draw_levels,
    find_kernel,
    is_balanced,
    planes_of,
    png,
    reduce_picture,
)
from glasswork.record import Record
from glasswork.textbook.convolution import Convolution
from glasswork.textbook.convolution_matrix import matrix
from glasswork.textbook.operation import sum_of
from glasswork.textbook.windows import Frame, frame, pad

MOST_CROP = 12


@dataclass(frozen=True)
class Worked(Record):
    """One cell of the result, worked out. Rows and columns count from 1, as on the slide.

    Attributes:
        row, column: of the cell in the result.
        channel: the colour, or `grey`.
        top, left: where its patch begins in the image; below 1 in the padding.
        patch: the pixels under the filter, 0 in the padding.
        terms: for each kernel the products, pixel times number of the kernel.
        sums: for each kernel the sum of its products, divided by its divisor.
        value: the cell: the sum, or sqrt(sum1^2 + sum2^2) of two.
        symbols: the formula with the slide's indices, y_23 = z_23 w_11 + z_24 w_12 + ...
        numbers: for each kernel the formula with the numbers put in.
    """

    row: int
    column: int
    channel: str
    top: int
    left: int
    patch: Rows
    terms: tuple[Rows, ...]
    sums: tuple[float, ...]
    value: float
    symbols: str
    numbers: tuple[str, ...]


@dataclass(frozen=True)
class CropMatrix(Record):
    """The first kernel as a matrix over a small crop: numbers @ pixels / divisor = results.

    Attributes:
        top, left: where the crop begins in the image, counted from 1; below 1 in the padding.
        height, width: of the crop in pixels.
        first_row, first_column: of the result's cells that it gives.
        rows, columns: how many of them.
        numbers: (rows * columns, height * width).
        divisor: of the kernel.
        pixels: of the crop, row by row.
        results: sums of the first kernel, row by row.
    """

    top: int
    left: int
    height: int
    width: int
    first_row: int
    first_column: int
    rows: int
    columns: int
    numbers: Rows
    divisor: float
    pixels: tuple[float, ...]
    results: tuple[float, ...]


@dataclass(frozen=True)
class Convolved(Record):
    """A filter slid over an image.

    Attributes:
        source: path of the image, or `array`.
        name: of the kernel; `gradient` has two.
        kernels: the filters.
        channels: what was filtered: red, green and blue, or grey.
        made_grey: the image has colours, and its brightness was taken.
        height, width: of the image.
        stride: pixels from one cell to the next.
        padding: as asked for.
        padded: rows of zeros above and below, columns left and right.
        rows, columns: of the result.
        lowest, highest: number in the result.
        mapping: a sentence on how numbers were drawn as grey levels.
        remark: a sentence on convolution and correlation.
        worked: one cell in numbers.
        matrix: the same arithmetic as a matrix product.
        before, after: PNG, base64, both reduced by the same factor to at most 640 pixels a side.
        result: PNG, base64, in full size.
    """

    source: str
    name: str
    kernels: tuple[Kernel, ...]
    channels: tuple[str, ...]
    made_grey: bool
    height: int
    width: int
    stride: int
    padding: str
    padded: tuple[int, int, int, int]
    rows: int
    columns: int
    lowest: float
    highest: float
    mapping: str
    remark: str
    worked: Worked
    matrix: CropMatrix
    before: str
    after: str
    result: str


def convolve(
    image: Any,
    kernel: str | Sequence[Sequence[float]],
    stride: int = 1,
    padding: str | int = "same",
    cell: tuple[int, int] | None = None,
    crop: int = 6,
) -> Convolved:
    """Slides a filter over an image; the arithmetic is that of the textbook's convolution.

    Args:
        image: path of an image file, turned as its EXIF data says; or numbers, (height, width) or (height, width, 1 or
            3): whole ones as they are, fractions all in [0, 1] times 255.
        kernel: `sobel-x`, `sobel-y`, `gradient`, `gaussian`, `box`, `sharpen`, `emboss`, `laplacian`, or numbers,
            "1 0 -1; 2 0 -2; 1 0 -1". Filters for edges and relief work on the brightness, others on each colour.
        stride: pixels from one cell of the result to the next.
        padding: 'same' for zeros around so that the size stays (at stride 1), 'valid' for none, or how many a side.
        cell: (row, column) of the result to work out, counted from 1; by default where the filter does most.
        crop: side of the crop that the matrix is for, in pixels; it is cut to whole windows,
            of which there are two at least in each direction unless they are large.

    Raises:
        GlassworkError: an unreadable image, an unknown kernel, a kernel larger than the padded image, a stride, padding
            or crop that makes no sense, or a cell outside of the result.
    """
    chosen = find_kernel(kernel)
    planes, shown, made_grey = planes_of(image, chosen.grey)  # (channels, height, width)
    sides = (len(chosen.kernels[0].numbers), len(chosen.kernels[0].numbers[0]))
    over = _frame((planes.shape[1], planes.shape[2]), sides, stride, padding)
    if not 1 <= crop <= MOST_CROP:
        raise GlassworkError(f"The crop for the matrix has 1 to {MOST_CROP} pixels a side; not {crop}.")
    weights = [_tensor(one.numbers) / one.divisor for one in chosen.kernels]
    parts = [_slid(planes, one, stride, over) for one in weights]  # each (channels, rows, columns)
    values = parts[0] if len(parts) == 1 else torch.stack(parts).square().sum(0).sqrt()
    flat = [value for row in chosen.kernels[0].numbers for value in row]
    edges = is_balanced(flat)
    sort: Sort = "length" if len(parts) > 1 else "signed" if edges else "plain"
    levels, mapping = draw_levels(values, sort, float(weights[0].sum()))
    place = _telling_cell(planes, values, over, edges, cell)
    top_bottom, left_right = over.sides
    return Convolved(
        source=str(image) if isinstance(image, (str, Path)) else "array",
        name="gradient" if len(parts) > 1 else chosen.kernels[0].name,
        kernels=chosen.kernels,
        channels=COLOURS[len(planes)],
        made_grey=made_grey,
        height=planes.shape[1],
        width=planes.shape[2],
        stride=stride,
        padding=str(padding),
        padded=(*top_bottom, *left_right),
        rows=values.shape[1],
        columns=values.shape[2],
        lowest=float(values.min()),
        highest=float(values.max()),
        mapping=mapping,
        remark=_remark(chosen),
        worked=_worked(planes, chosen, over, parts, values, place),
        matrix=_matrix(planes[place[0]], chosen.kernels[0], weights[0], over, place[1:], crop),
        before=_encoded(png(reduce_picture(shown, max(shown.shape[1:])))),
        after=_encoded(png(reduce_picture(levels, max(shown.shape[1:])))),
        result=_encoded(png(levels)),
    )


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _tensor(rows: Rows) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def _frame(size: tuple[int, int], sides: tuple[int, int], stride: int, padding: str | int) -> Frame:
    if not isinstance(stride, int) or stride < 1:
        raise GlassworkError(f"The stride is a whole number of pixels, at least 1; not {stride}.")
    if isinstance(padding, str) and padding.isdecimal():
        padding = int(padding)
    if padding not in ("same", "valid") and not (isinstance(padding, int) and 0 <= padding <= max(size)):
        raise GlassworkError(
            f"The padding is same, valid, or the number of zeros on each side, up to {max(size)} here; not {padding}."
        )
    try:
        return frame(size, sides, stride, padding)
    except ValueError:
        raise GlassworkError(
            f"The kernel has {sides[0]}x{sides[1]} numbers, more than the image's {size[0]}x{size[1]} pixels with its "
            "padding: take a larger image, a smaller kernel, or --padding same."
        ) from None


def _slid(planes: Tensor, weights: Tensor, stride: int, over: Frame) -> Tensor:
    """Each channel on its own: (channels, height, width) to (channels, rows, columns)."""
    framed = pad(planes[:, None], over.sides)
    return Convolution(stride).forward(framed, weights[None, None])[:, 0]


def _telling_cell(
    planes: Tensor, values: Tensor, over: Frame, edges: bool, cell: tuple[int, int] | None
) -> tuple[int, int, int]:
    """Channel, row and column, from 0, of the cell where the filter does most, its patch inside of the image."""
    starts = [torch.arange(count) * over.stride[i] - over.sides[i][0] for i, count in enumerate(over.size)]
    middles = [
        (start + (side - 1) // 2).clamp(0, size - 1)
        for start, side, size in zip(starts, over.kernel, planes.shape[1:], strict=True)
    ]
    change = values.abs() if edges else (values - planes[:, middles[0]][:, :, middles[1]]).abs()
    if cell is not None:
        row, column = cell[0] - 1, cell[1] - 1
        if not (0 <= row < values.shape[1] and 0 <= column < values.shape[2]):
            raise GlassworkError(
                f"The result has {values.shape[1]} rows and {values.shape[2]} columns, counted from 1; there is no "
                f"cell {cell[0]}, {cell[1]}."
            )
        return int(change[:, row, column].argmax()), row, column
    inside = [
        (start >= 0) & (start + side <= size)
        for start, side, size in zip(starts, over.kernel, planes.shape[1:], strict=True)
    ]
    both = inside[0][:, None] & inside[1]
    best = int(change.masked_fill(~both, -1.0).argmax() if bool(both.any()) else change.argmax())
    channel, place = divmod(best, values.shape[1] * values.shape[2])
    return channel, *divmod(place, values.shape[2])


def _worked(
    planes: Tensor, chosen: Chosen, over: Frame, parts: list[Tensor], values: Tensor, place: tuple[int, int, int]
) -> Worked:
    channel, row, column = place
    top, left = (at * over.stride[i] - over.sides[i][0] for i, at in enumerate((row, column)))
    height, width = over.kernel
    framed = pad(planes[channel], over.sides)
    patch = framed[row * over.stride[0] :, column * over.stride[1] :][:height, :width]
    sums = tuple(float(part[place]) for part in parts)
    expressions = []
    for one, total in zip(chosen.kernels, sums, strict=True):
        pairs = [(pixel, weight) for pixels, weights in zip(patch.tolist(), one.numbers, strict=True)
                 for pixel, weight in zip(pixels, weights, strict=True)]  # fmt: skip
        products = [f"{_word(pixel)}*{_word(weight)}" for pixel, weight in pairs]
        words = sum_of(len(products), products.__getitem__)
        expressions.append(f"{words if one.divisor == 1 else f'({words}) / {one.divisor:g}'} = {total:.10g}")
    return Worked(
        row=row + 1,
        column=column + 1,
        channel=COLOURS[len(planes)][channel],
        top=top + 1,
        left=left + 1,
        patch=_as_rows(patch),
        terms=tuple(_as_rows(patch * _tensor(one.numbers)) for one in chosen.kernels),
        sums=sums,
        value=float(values[place]),
        symbols=_symbols((row + 1, column + 1), (top + 1, left + 1), (height, width), chosen.kernels[0].divisor),
        numbers=tuple(expressions),
    )


def _as_rows(values: Tensor) -> Rows:
    return tuple(tuple(row) for row in values.tolist())


def _word(value: float) -> str:
    return f"{value:.6g}" if value >= 0 else f"({value:.6g})"


def _symbols(cell: tuple[int, int], first: tuple[int, int], sides: tuple[int, int], divisor: float) -> str:
    """The slide's formula; the indices of z run over the patch, from its upper left to its lower right pixel."""
    last = [start + side - 1 for start, side in zip(first, sides, strict=True)]
    comma = "" if max(*cell, *last, *sides) < 10 and min(first) >= 0 else ","

    def index(row: int, column: int) -> str:
        return f"{row}{comma}{column}"

    terms = [
        f"z_{index(first[0] + i, first[1] + j)} w_{index(i + 1, j + 1)}"
        for i in range(sides[0])
        for j in range(sides[1])
    ]
    words = sum_of(len(terms), terms.__getitem__)
    return f"y_{index(*cell)} = {words if divisor == 1 else f'({words}) / {divisor:g}'}"


def _matrix(plane: Tensor, kernel: Kernel, weights: Tensor, over: Frame, cell: Sequence[int], crop: int) -> CropMatrix:
    framed = pad(plane, over.sides)
    firsts, counts, lengths = [], [], []
    for i, side in enumerate(over.kernel):
        two = side + over.stride[i]  # two windows show how the filter moves on
        length = min(max(crop, two if two <= MOST_CROP else side), framed.shape[i])
        count = (length - side) // over.stride[i] + 1
        counts.append(count)
        lengths.append((count - 1) * over.stride[i] + side)
        firsts.append(min(max(cell[i] - count // 2, 0), over.size[i] - count))
    top, left = (first * over.stride[i] for i, first in enumerate(firsts))
    pixels = framed[top : top + lengths[0], left : left + lengths[1]]
    whole = matrix(_tensor(kernel.numbers), tuple(lengths), over.stride)
    results = matrix(weights, tuple(lengths), over.stride) @ pixels.reshape(-1)
    return CropMatrix(
        top=top - over.sides[0][0] + 1,
        left=left - over.sides[1][0] + 1,
        height=lengths[0],
        width=lengths[1],
        first_row=firsts[0] + 1,
        first_column=firsts[1] + 1,
        rows=counts[0],
        columns=counts[1],
        numbers=_as_rows(whole),
        divisor=kernel.divisor,
        pixels=tuple(pixels.reshape(-1).tolist()),
        results=tuple(results.tolist()),
    )


def _remark(chosen: Chosen) -> str:
    """What flipping the filter would change."""
    weights = [_tensor(one.numbers) for one in chosen.kernels]
    same = all(torch.equal(one, one.flip(0, 1)) for one in weights)
    opposite = all(torch.equal(one, -one.flip(0, 1)) for one in weights)
    change = "would give another result"
    if same:
        change = "changes nothing, as it is the same either way round"
    elif opposite:
        change = "changes only the sign" if len(weights) == 1 else "changes nothing, as signs do not count in a length"
    return (
        "The filter is laid on the image as it stands, multiplied number by number and added up: networks call that "
        "convolution. Signal processing calls it correlation; its convolution flips the filter upside-down and "
        f"left-right first, which for this filter {change}."
    )
