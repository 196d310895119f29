"""A filter slid over an image, shown: before and after, one number worked out, and the matrix that does the same."""

import base64
from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup

from glasswork.show.html import figure, note, section_of
from glasswork.show.markup import asset, document, macro

if TYPE_CHECKING:
    from glasswork.glassbox.convolve import Convolved
    from glasswork.glassbox.filters import Kernel

MINUS = "\u2212"
BOTH = "How steeply the brightness changes, in whatever direction: large at every edge."
WIDEST_TEXT = 40
"""Columns of a matrix that are still printed on a terminal."""

Rows = Sequence[Sequence[float]]


class _Cell(NamedTuple):
    """One number of a grid: its words, the classes of its look, and further style."""

    words: str
    look: str = ""
    style: str = ""


Cells = Sequence[Sequence[_Cell]]


def convolve_page(result: "Convolved") -> str:
    """The result as one HTML page that needs no script, no other file and no network."""
    title = f"{result.name} over {PurePath(result.source).name}"
    body = Markup("").join(part(result) for part in (_head, _pictures, _filter, _worked, _matrix))
    footer = "Drawn by Glasswork; the page computed none of these numbers."
    return document(title, body, style=asset("convolve.css"), footer=footer)


def convolve_text(result: "Convolved") -> str:
    """The result as text for a terminal."""
    worked, matrix = result.worked, result.matrix
    lines = [f"{result.name} over {result.source}: {_sentence(result)}", ""]
    for kernel in result.kernels:
        lines += [kernel.about, *_lines(kernel.numbers), *_divided(kernel), ""]
    lines += [result.mapping, result.remark, ""]
    lines.append(f"One number: row {worked.row}, column {worked.column} of the result ({worked.channel})")
    lines += [f"  {worked.symbols}", *(f"  {words}" for words in worked.numbers)]
    lines += [f"  {_length(result)}"] if len(worked.sums) > 1 else []
    lines += ["", _matrix_reading(result)]
    if len(matrix.pixels) <= WIDEST_TEXT:
        lines += _lines(matrix.numbers, apart=1)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _lines(rows: Rows, apart: int = 2) -> list[str]:
    words = [[_short(value, "-") for value in row] for row in rows]
    width = max(len(word) for row in words for word in row) + apart
    return ["".join(word.rjust(width) for word in row) for row in words]


def _divided(kernel: "Kernel") -> list[str]:
    return [f"  all divided by {kernel.divisor:g}"] if kernel.divisor != 1 else []


def _short(value: float, minus: str = MINUS, digits: int = 4) -> str:
    """A number for a cell: of a fraction `digits` digits."""
    size = abs(value)
    words = f"{size:,.0f}" if size >= 1000 or size == round(size) else f"{size:.{digits}g}"
    return (minus if value < 0 and words != "0" else "") + words


def _sentence(result: "Convolved") -> str:
    rows, columns = len(result.kernels[0].numbers), len(result.kernels[0].numbers[0])
    filters = "two filters" if len(result.kernels) > 1 else "a filter"
    of = "brightness of " if result.made_grey else ""
    each = f", for each of {', '.join(result.channels)}" if len(result.channels) > 1 else ""
    return (
        f"{filters} of {rows}x{columns} numbers on the {of}{result.height}x{result.width} pixels, "
        f"stride {result.stride}, {_zeros(result)}: {result.rows}x{result.columns} numbers{each}"
    )


def _zeros(result: "Convolved") -> str:
    if not any(result.padded):
        return "no padding"
    if len(set(result.padded)) == 1:
        return f"{result.padded[0]} zero{'' if result.padded[0] == 1 else 's'} on each side"
    top, bottom, left, right = result.padded
    return f"zeros: {top} above, {bottom} below, {left} left, {right} right"


def _macro(name: str, *values: object) -> Markup:
    return macro("convolve.html", name, *values)


def _head(result: "Convolved") -> Markup:
    about = result.kernels[0].about if len(result.kernels) == 1 else BOTH
    title = f"{result.name} over {PurePath(result.source).name}"
    return _macro("head", title, f"{_sentence(result).capitalize()}.", about)


def _pictures(result: "Convolved") -> Markup:
    worked, kernel = result.worked, result.kernels[0].numbers
    before = (worked.top - 1 + len(kernel) / 2) / result.height, (worked.left - 1 + len(kernel[0]) / 2) / result.width
    after = (worked.row - 0.5) / result.rows, (worked.column - 0.5) / result.columns
    share = min(1.0, result.columns / result.width)
    drawn = (
        figure(f"Before: {result.height} x {result.width} pixels", _picture(result.before, "the image", before, 1.0)),
        figure(f"After: {result.rows} x {result.columns} numbers", _picture(result.after, "the result", after, share)),
    )
    reading = (
        "The image on the left, the result of the filter on the right. The ring marks the number that is worked "
        "out below."
    )
    return section_of("Before and after", reading, _macro("pair", drawn), note(result.mapping))


def _picture(png: str, name: str, spot: tuple[float, float], share: float) -> Markup:
    top, left = (f"{100 * min(max(place, 0.0), 1.0):.2f}" for place in spot)
    return _macro("seen", base64.b64decode(png), name, top, left, f"{100 * share:.1f}")


def _filter(result: "Convolved") -> Markup:
    several = len(result.kernels) > 1
    drawn = [
        Markup("<div>{}{}</div>").format(
            figure(_called(kernel), _grid(_signed(kernel.numbers))), note(kernel.about if several else "")
        )
        for kernel in result.kernels
    ]
    reading = (
        "These numbers are multiplied with every patch of the image in turn. A network learns such numbers by itself."
    )
    negative = any(value < 0 for kernel in result.kernels for row in kernel.numbers for value in row)
    key = _macro("key") if negative else Markup("")
    return section_of("The filter", reading, _macro("pair", drawn), key, note(result.remark))


def _called(kernel: "Kernel") -> str:
    return kernel.name if kernel.divisor == 1 else f"{kernel.name}, all divided by {kernel.divisor:g}"


def _worked(result: "Convolved") -> Markup:
    worked, matrix, first = result.worked, result.matrix, result.kernels[0]
    fine = "fine" if max(len(first.numbers), len(first.numbers[0])) > 3 else ""
    several = len(result.kernels) > 1
    alone = f"; y is that of {first.name} alone" if several else ""
    bottom, right = matrix.top + matrix.height - 1, matrix.left + matrix.width - 1
    steps = [
        _macro(
            "sum",
            [
                figure("image z", _grid(_crop(result), "fine")),
                "*",
                figure(f"filter w{_over(first)}", _grid(_signed(first.numbers), fine)),
                "=",
                figure("result y", _grid(_results(result), "fine")),
            ],
        ),
        Markup('<p class="note quiet">{}.</p>').format(
            f"Of z rows {matrix.top} to {bottom} and columns {matrix.left} to {right} are shown"
            f"{'; hatched is padding' if _padded_crop(result) else ''}{alone}"
        ),
        _formula(worked.symbols),
    ]
    for one, terms, total, words in zip(result.kernels, worked.terms, worked.sums, worked.numbers, strict=True):
        name = f"filter w{f', {one.name}' if several else ''}{_over(one)}"
        steps.append(
            _macro(
                "sum",
                [
                    figure("patch of z", _grid(_patch(result), fine)),
                    "times",
                    figure(name, _grid(_signed(one.numbers), fine)),
                    "=",
                    figure("products", _grid(_signed(terms), fine)),
                    f"added up{_over(one)} = {_short(total, digits=6)}",
                ],
            )
        )
        steps.append(_formula(words))
    steps += [_formula(_length(result))] if several else []
    reading = (
        f"The number in row {worked.row}, column {worked.column} of the result ({worked.channel}): each pixel of the "
        "patch times the weight on top of it, all added up. The whole picture is this sum, once for every place. "
        "z counts rows and columns of the image, w of the filter, y of the result, from 1."
    )
    return section_of("One number, worked out", reading, *steps)


def _formula(words: str) -> Markup:
    """A formula that is broken between its terms only."""
    return _macro("formula", words.split(" + "))


def _over(kernel: "Kernel") -> str:
    return "" if kernel.divisor == 1 else f" / {kernel.divisor:g}"


def _length(result: "Convolved") -> str:
    words = (_short(total, "-") for total in result.worked.sums)
    squares = " + ".join(f"({word})^2" if word.startswith("-") else f"{word}^2" for word in words)
    return f"sqrt({squares}) = {result.worked.value:.6g}"


def _matrix_reading(result: "Convolved") -> str:
    matrix = result.matrix
    of = f" ({result.kernels[0].name} alone)" if len(result.kernels) > 1 else ""
    divided = f", all divided by {matrix.divisor:g}" if matrix.divisor != 1 else ""
    return (
        f"The same as a matrix product{of}: a crop of {matrix.height}x{matrix.width} pixels in one row of "
        f"{len(matrix.pixels)}, times this matrix of {len(matrix.numbers)}x{len(matrix.pixels)} numbers{divided}, "
        f"gives {matrix.rows}x{matrix.columns} numbers of the result."
    )


def _matrix(result: "Convolved") -> Markup:
    matrix, worked = result.matrix, result.worked
    this = (worked.row - matrix.first_row) * matrix.columns + worked.column - matrix.first_column
    largest = max(abs(value) for row in matrix.numbers for value in row) or 1.0
    pixels = [
        _pixel(value, place % matrix.width == 0, _in_padding(result, *divmod(place, matrix.width)))
        for place, value in enumerate(matrix.pixels)
    ]
    lines = [
        ([_weight(value, largest, place % matrix.width == 0) for place, value in enumerate(row)], f"= {_short(total)}")
        for row, total in zip(matrix.numbers, matrix.results, strict=True)
    ]
    reading = (
        "At the top are the pixels of the crop, row after row. Each line of the matrix makes one number of the "
        "result: the filter again, spread over the columns and shifted from line to line, with zeros elsewhere. The "
        "framed line is the number above."
    )
    so = (
        "So a convolution is a fully connected layer most of whose weights are 0, while the others are shared; errors "
        "flow back through it by the transposed matrix."
    )
    drawn = _macro("matrix", pixels, lines, this)
    return section_of("The same as a matrix", reading, note(_matrix_reading(result)), drawn, note(so))


def _grid(rows: Cells, style: str = "") -> Markup:
    return _macro("grid", rows, style)


def _signed(rows: Rows) -> Cells:
    largest = max(abs(value) for row in rows for value in row) or 1.0
    return [[_weight(value, largest) for value in row] for row in rows]


def _weight(value: float, largest: float, edge: bool = False) -> _Cell:
    sign = "plus" if value > 0 else "minus" if value < 0 else "zero"
    share = f"--share:{abs(value) / largest:.2f}" if value else ""
    return _Cell(_short(value), f"{sign}{' first' if edge else ''}", share)


def _pixel(value: float, edge: bool = False, outside: bool = False, style: str = "") -> _Cell:
    """A pixel in its own shade of grey; hatched if it is padding."""
    names = " ".join(name for name, holds in (("first", edge), ("outside", outside)) if holds)
    level = round(min(max(value, 0.0), 255.0))
    shade = "" if outside else f"background:rgb({level},{level},{level});color:{'#000' if level > 127 else '#fff'};"
    return _Cell(_short(value), names, shade + style)


def _outside(result: "Convolved", row: int, column: int) -> bool:
    """Whether a place of the image, counted from 1, lies in the padding."""
    return not (1 <= row <= result.height and 1 <= column <= result.width)


def _in_padding(result: "Convolved", row: int, column: int) -> bool:
    """The same for a cell of the crop, counted from 0."""
    return _outside(result, result.matrix.top + row, result.matrix.left + column)


def _patch(result: "Convolved") -> Cells:
    worked = result.worked
    return [
        [_pixel(value, outside=_outside(result, worked.top + i, worked.left + j)) for j, value in enumerate(row)]
        for i, row in enumerate(worked.patch)
    ]


def _padded_crop(result: "Convolved") -> bool:
    matrix = result.matrix
    return any(_in_padding(result, row, column) for row in range(matrix.height) for column in range(matrix.width))


def _crop(result: "Convolved") -> Cells:
    """The pixels around the patch, with a frame around those under the filter."""
    matrix, worked, kernel = result.matrix, result.worked, result.kernels[0].numbers
    top, left = worked.top - matrix.top, worked.left - matrix.left
    bottom, right = top + len(kernel) - 1, left + len(kernel[0]) - 1
    rows = []
    for row in range(matrix.height):
        cells = []
        for column in range(matrix.width):
            sides = []
            if top <= row <= bottom and left <= column <= right:
                edges = (row == top, column == right, row == bottom, column == left)
                lines = ("0 3px", "-3px 0", "0 -3px", "3px 0")
                sides = [f"inset {line} #e8892b" for line, on in zip(lines, edges, strict=True) if on]
            style = f"box-shadow:{','.join(sides)}" if sides else ""
            value = matrix.pixels[row * matrix.width + column]
            cells.append(_pixel(value, outside=_in_padding(result, row, column), style=style))
        rows.append(cells)
    return rows


def _results(result: "Convolved") -> Cells:
    """What the first filter makes of the crop, with the worked number framed."""
    matrix, worked = result.matrix, result.worked
    here = worked.row - matrix.first_row, worked.column - matrix.first_column
    largest = max(map(abs, matrix.results)) or 1.0
    rows = []
    for row in range(matrix.rows):
        values = matrix.results[row * matrix.columns : (row + 1) * matrix.columns]
        cells = [_weight(value, largest) for value in values]
        if row == here[0]:
            cells[here[1]] = cells[here[1]]._replace(look=f"here {cells[here[1]].look}")
        rows.append(cells)
    return rows
