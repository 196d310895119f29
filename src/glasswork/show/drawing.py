"""Drawings of networks as SVG: units with their links, feature maps as boxes; light, dark and print by themselves."""

import math
from collections.abc import Mapping

from markupsafe import Markup

from glasswork.errors import GlassworkError
from glasswork.glassbox.drawing import Box, Boxes, Column, Drawing, Nodes
from glasswork.show.markup import document, escape
from glasswork.show.palette import DARK, LIGHT, PRINTED
from glasswork.show.svg import text

GAP, ROW, RADIUS, SIDE = 210.0, 62.0, 20.0, 140.0
"""Between columns of units, between units, of a unit, and beside the outermost."""
NUMBERED = 6
"""Links of a gap up to which each has its weight beside it."""
TALLEST, SMALLEST, SHEETS, SHIFT = 104.0, 12.0, 6, 4.0
"""Sides of feature maps, how many of a stack are drawn, and how far apart."""
LINE, BETWEEN, HIGH = 1000.0, 30.0, 226.0
"""Of boxes: how wide a row of them is, what is between two, and how high a row is."""
PNG_WIDTH = 1600


def drawing_svg(drawing: Drawing) -> str:
    """The drawing as one SVG that needs no other file."""
    themes = f"{_style(LIGHT)}@media (prefers-color-scheme:dark){{{_style(DARK)}}}@media print{{{_style(PRINTED)}}}"
    return _drawn(drawing, themes)


def drawing_png(drawing: Drawing) -> bytes:
    """The same on light paper, 1,600 pixels wide.

    Raises:
        GlassworkError: where the package that draws SVG is missing.
    """
    try:
        import resvg_py
    except ImportError as error:
        raise GlassworkError(
            "PNG is drawn by the package resvg-py, which is missing: pip install 'glasswork[pictures]'"
        ) from error
    return bytes(resvg_py.svg_to_bytes(svg_string=_drawn(drawing, _style(LIGHT)), width=PNG_WIDTH))


def drawing_page(drawing: Drawing) -> str:
    """The drawing as a page with what it shows in words."""
    words = "".join(f"<p>{escape(sentence)}</p>" for sentence in _reading(drawing))
    body = Markup(f"<h1>{escape(drawing.title)}</h1>{drawing_svg(drawing)}{words}")
    return document(
        drawing.title,
        body,
        footer="Drawn by Glasswork; numbers are rounded to two digits here; point at one to read it whole.",
    )


def drawing_text(drawing: Drawing) -> str:
    """The drawing in words, for a terminal."""
    if isinstance(drawing, Boxes):
        rows = [f"{_size(box):>16}   {box.how}{_times(box)}" for box in drawing.boxes]
    else:
        rows = [
            f"{column.title} ({column.count} units{f', {column.how}' if column.how else ''}): "
            + "  ".join(_unit_words(unit.name, unit.value, unit.error) for unit in column.units)
            + ("  ..." if column.count > len(column.units) else "")
            for column in drawing.columns
        ]
    return "\n".join([drawing.title, *rows, *_reading(drawing), "draw it with --out FILE.svg, .png or .html"])


def _short(value: float) -> str:
    """A number in two digits, with a minus sign as it is set in print."""
    return f"{value:.2g}".replace("-", "\u2212")


def _unit_words(name: str, value: float | None, error: float | None) -> str:
    parts = [name, "" if value is None else _short(value), "" if error is None else f"(δ {_short(error)})"]
    return " ".join(filter(None, parts)) or "·"


def _reading(drawing: Drawing) -> list[str]:
    if isinstance(drawing, Boxes):
        return [f"{drawing.parameters:,} parameters, {drawing.multiply_adds:,} multiply-adds for one input."]
    said = ["A link is as wide as its weight is large: blue if it is positive, red if it is negative."]
    if any(unit.value is not None for column in drawing.columns for unit in column.units):
        said.append("The number in a unit is its activation.")
    if drawing.loss is not None:
        said.append(f"δ below a unit is the error dE/da that flows back into it; E = {_short(drawing.loss)}.")
    return said


def _drawn(drawing: Drawing, style: str) -> str:
    parts, width, height = _nodes(drawing) if isinstance(drawing, Nodes) else _boxes(drawing)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="drawing" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-label="{escape(drawing.title)}"><style>{style}</style>'
        f'<rect class="paper" width="{width:g}" height="{height:g}"/>{"".join(parts)}</svg>'
    )


def _style(colours: Mapping[str, str]) -> str:
    """The rules of one theme. Plain colours and no variables, which not every program that shows SVG knows."""
    font = "font-family:system-ui,'Segoe UI','Helvetica Neue','Liberation Sans','DejaVu Sans',Arial,sans-serif"
    rules = {
        ".drawing text": f"{font};font-size:13px;fill:{colours['ink']}",
        ".drawing .paper": f"fill:{colours['paper']}",
        ".drawing .quiet": f"fill:{colours['quiet']};font-size:12px",
        ".drawing .title": f"fill:{colours['ink']};font-weight:600",
        ".drawing .unit": f"fill:{colours['tint']};stroke:{colours['ink']};stroke-width:1.3",
        ".drawing .error": f"fill:{colours['fourth']};font-size:12px",
        ".drawing .for": f"stroke:{colours['first']};fill:none",
        ".drawing .against": f"stroke:{colours['fourth']};fill:none",
        ".drawing .weight": f"font-size:12px;paint-order:stroke;stroke:{colours['paper']};stroke-width:4px",
        ".drawing .sheet": f"fill:{colours['tint']};stroke:{colours['ink']};stroke-width:1",
        ".drawing .front": f"fill:{colours['paper']};stroke:{colours['ink']};stroke-width:1.2",
        ".drawing .window": f"fill:{colours['first']};fill-opacity:0.25;stroke:{colours['first']};stroke-width:1.2",
        ".drawing .ray": f"stroke:{colours['first']};stroke-width:1;fill:none",
        ".drawing .way": f"stroke:{colours['quiet']};stroke-width:1.3;fill:none",
        ".drawing .branch": f"stroke:{colours['third']};stroke-width:1.6;fill:none",
    }
    return "".join(f"{name}{{{rule}}}" for name, rule in rules.items())


def _nodes(drawing: Nodes) -> tuple[list[str], float, float]:
    rows = [len(column.units) + (column.count > len(column.units)) for column in drawing.columns]
    height = 74 + ROW * max(rows) + 14
    width = 2 * SIDE + GAP * (len(drawing.columns) - 1)
    places = [
        [(SIDE + GAP * number, 74 + ROW * (max(rows) - row) / 2 + ROW * (place + 0.5)) for place in range(row)]
        for number, row in enumerate(rows)
    ]
    parts = []
    for number, gap in enumerate(drawing.weights):
        largest = max((abs(weight) for row in gap for weight in row), default=0.0) or 1.0
        several = sum(map(len, gap)) <= NUMBERED
        for to, row in enumerate(gap):
            for origin, weight in enumerate(row):
                parts.append(_link(places[number][origin], places[number + 1][to], weight, largest))
                if several:
                    parts.append(_weight(places[number][origin], places[number + 1][to], weight, to))
    for number, column in enumerate(drawing.columns):
        parts += _column(column, places[number], number, len(drawing.columns) - 1)
    return parts, width, height


def _link(begin: tuple[float, float], end: tuple[float, float], weight: float, largest: float) -> str:
    share = abs(weight) / largest if math.isfinite(weight) else 1.0
    style = "for" if weight >= 0 else "against"
    return (
        f'<path class="{style}" d="M{begin[0] + RADIUS:.1f} {begin[1]:.1f}L{end[0] - RADIUS:.1f} {end[1]:.1f}" '
        f'stroke-width="{0.4 + 4 * share:.2f}" stroke-opacity="{0.25 + 0.7 * share:.2f}">'
        f"<title>w = {weight!r}</title></path>"
    )


def _weight(begin: tuple[float, float], end: tuple[float, float], weight: float, to: int) -> str:
    share = 0.28 if to % 2 == 0 else 0.62  # crossing links have their numbers in different places
    x = begin[0] + (end[0] - begin[0]) * share
    y = begin[1] + (end[1] - begin[1]) * share
    return text(x, y - 3, _short(weight), style="weight")


def _column(column: Column, places: list[tuple[float, float]], number: int, last: int) -> list[str]:
    x = places[0][0]
    parts = [text(x, 26, column.title, style="title"), text(x, 44, f"{column.count} units", style="quiet")]
    if column.how:
        parts.append(text(x, 60, column.how, style="quiet"))
    for unit, (across, down) in zip(column.units, places, strict=False):
        said = [
            f"{name} = {value!r}"
            for name, value in (("z", unit.value), ("δ", unit.error), ("b", unit.bias))
            if value is not None
        ]
        title = f"<title>{escape('; '.join(said))}</title>" if said else ""
        parts.append(f'<circle class="unit" cx="{across:.1f}" cy="{down:.1f}" r="{RADIUS:g}">{title}</circle>')
        if unit.value is not None:
            parts.append(text(across, down + 4, _short(unit.value)))
        if unit.error is not None:
            parts.append(text(across, down + RADIUS + 13, f"δ {_short(unit.error)}", style="error"))
        if unit.name and number in {0, last}:
            side = -1 if number == 0 else 1
            parts.append(text(across + side * (RADIUS + 8), down + 4, unit.name[:18], "end" if side < 0 else "start"))
    if len(places) > len(column.units):
        parts.append(text(x, places[-1][1] + 4, f"… {column.count - len(column.units)} more", style="quiet"))
    return parts


def _size(box: Box) -> str:
    return f"{box.maps:,}" if box.height == box.width == 1 else f"{box.maps:,} @ {box.height}×{box.width}"


def _times(box: Box) -> str:
    return f", {box.layers} layers" if box.layers > 1 else ""


def _scaled(side: int, largest: int) -> float:
    """Sides to scale by their root, so that the small ones of deep networks can be seen."""
    return max(SMALLEST, TALLEST * math.sqrt(side / largest))


class _Placed:
    """A box on the paper: its front sheet, and where the stack ends."""

    def __init__(self, box: Box, left: float, middle: float, largest: int) -> None:
        self.box = box
        self.is_units = box.height == box.width == 1
        sheets = 1 if self.is_units else max(1, min(SHEETS, 1 + round(math.log2(box.maps))))
        self.width = 12.0 if self.is_units else _scaled(box.width, largest)
        self.height = min(120.0, 18 + 11 * math.log2(1 + box.maps)) if self.is_units else _scaled(box.height, largest)
        self.shifts = [SHIFT * place for place in range(sheets)][::-1]
        self.left, self.top = left, middle - (self.height + self.shifts[0]) / 2 + self.shifts[0]
        self.right = left + self.width + self.shifts[0]
        self.middle = middle

    def sheets(self) -> list[str]:
        return [
            f'<rect class="{"sheet" if shift else "front"}" x="{self.left + shift:.1f}" y="{self.top - shift:.1f}" '
            f'width="{self.width:.1f}" height="{self.height:.1f}"/>'
            for shift in self.shifts
        ]


def _boxes(drawing: Boxes) -> tuple[list[str], float, float]:
    largest = max(max(box.height, box.width) for box in drawing.boxes)
    placed: list[_Placed] = []
    rows, x = 0, 30.0
    for box in drawing.boxes:
        room = max(_Placed(box, 0, 0, largest).right, 84.0)
        if placed and x + room > LINE:
            rows, x = rows + 1, 30.0
        placed.append(_Placed(box, x, 44 + HIGH * rows + TALLEST / 2 + 16, largest))
        x += room + BETWEEN
    parts = []
    for place, one in enumerate(placed):
        before = placed[place - 1] if place else None
        parts += one.sheets()
        parts.append(text(one.left, one.middle + TALLEST / 2 + 34, _size(one.box), "start", "title"))
        for line, words in enumerate(_wrapped(f"{one.box.how}{_times(one.box)}")):
            parts.append(text(one.left, one.middle + TALLEST / 2 + 50 + 15 * line, words, "start", "quiet"))
        if before is not None and before.middle == one.middle:
            parts += _window(before, one)
        if one.box.back is not None and place:
            parts += _branch(placed[max(0, place - one.box.back)], one)
    width = max(one.right for one in placed) + 90
    return parts, min(max(width, 320.0), LINE + 90), 44 + HIGH * (rows + 1)


def _wrapped(words: str) -> list[str]:
    """In lines of some 14 letters."""
    lines: list[str] = []
    for word in words.split():
        if lines and len(lines[-1]) + len(word) < 14:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines[:4]


def _window(before: _Placed, one: _Placed) -> list[str]:
    """The window that slides over the maps before, with rays to the place that it makes; else a way."""
    if not one.box.window or before.is_units:
        return [f'<path class="way" d="M{before.right + 4:.1f} {one.middle:.1f}L{one.left - 4:.1f} {one.middle:.1f}"/>']
    high = max(4.0, before.height * min(1.0, one.box.window[0] / before.box.height))
    wide = max(4.0, before.width * min(1.0, one.box.window[-1] / before.box.width))
    left, top = before.left + (before.width - wide) * 0.6, before.top + (before.height - high) * 0.4
    x, y = one.left + one.width * 0.3, one.top + one.height * 0.4
    return [
        f'<rect class="window" x="{left:.1f}" y="{top:.1f}" width="{wide:.1f}" height="{high:.1f}"/>',
        f'<path class="ray" d="M{left + wide:.1f} {top:.1f}L{x:.1f} {y:.1f}L{left + wide:.1f} {top + high:.1f}"/>',
    ]


def _branch(origin: _Placed, one: _Placed) -> list[str]:
    """What is added to a box again, over the row; nothing if it lies in another row."""
    if origin.middle != one.middle:
        return []
    begin, end = origin.left + origin.width / 2, one.left + one.width / 2
    if origin is one:
        begin, end = one.left, one.left + one.width
    top = one.middle - TALLEST / 2 - 20
    return [
        f'<path class="branch" d="M{begin:.1f} {origin.top - 4:.1f}L{begin:.1f} {top:.1f}L{end:.1f} {top:.1f}'
        f'L{end:.1f} {one.top - 4:.1f}"/>',
        text((begin + end) / 2, top - 5, "+", style="title"),
    ]
