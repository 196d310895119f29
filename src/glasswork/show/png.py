"""Pictures for slides and documents: curves on no paper of their own, sheets of pictures, and their lettering."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from glasswork.data.pictures import encode_png
from glasswork.report.blocks import Curves, Line, Point
from glasswork.report.words import number
from glasswork.show.palette import GREY, HUES, INK, WHITE, Colour

WIDTH, LEFT, RIGHT, TOP = 1000, 104, 24, 20
HEIGHTS = (440, 340)
GAP, FOOT = 106, 92
AIM: Colour = (216, 205, 186)
RULE: Colour = (150, 145, 136)
COLOURS: dict[str, Colour] = {"first": HUES[1], "second": HUES[0], "third": HUES[2], "fourth": HUES[6], "faint": GREY}
BY_PLACE = ("first", "second", "faint")
MOST_NAMED = 8
OVERSAMPLED = 3
DASH = 18


@dataclass(frozen=True)
class Panel:
    """Where lines are drawn: a rectangle of the picture, and what its sides stand for."""

    left: float
    top: float
    right: float
    bottom: float
    low: Point
    high: Point

    def at(self, point: Point) -> Point:
        """The pixel of a point."""
        x, y = ((value - low) / (high - low) for value, low, high in zip(point, self.low, self.high, strict=True))
        return self.left + x * (self.right - self.left), self.bottom - y * (self.bottom - self.top)


def curves_png(blocks: Sequence[Curves]) -> bytes:
    """Charts below each other, the first one higher than the others."""
    heights = [HEIGHTS[min(place, 1)] for place in range(len(blocks))]
    sheet = Pillow.new("RGBA", (WIDTH, TOP + sum(heights) + GAP * (len(blocks) - 1) + FOOT), (0, 0, 0, 0))
    top = TOP
    for block, height in zip(blocks, heights, strict=True):
        draw_curves(sheet, block, (LEFT, top, WIDTH - RIGHT, top + height))
        top += height + GAP
    return encode_png(sheet)


def draw_curves(sheet: Pillow.Image, block: Curves, where: tuple[float, float, float, float]) -> None:
    """Draws a chart into a picture: axes, dots, lines over them, marks, and a key below.

    Args:
        sheet: the picture.
        block: what is drawn.
        where: left, top, right and bottom of the rectangle between its axes.
    """
    panel = _panel(block, where)
    _axes(sheet, panel, block.across)
    draw = ImageDraw.Draw(sheet)
    for one in block.lines:
        if not one.joined:
            for point in one.points:
                x, y = panel.at(point)
                draw.ellipse((x - 4, y - 4, x + 4, y + 4), fill=_colour(one, 0))
    for place, one in enumerate(block.lines):
        if one.joined:
            _draw_line(sheet, panel, one, place, len(block.lines))
    for words, at in block.marks:
        _mark(draw, panel, words, at, sheet.width)
    _key(draw, panel, [(one.name, _colour(one, place)) for place, one in enumerate(block.lines)])


def on_axis(value: float) -> str:
    """A value with as many digits as an axis has room for."""
    return number(float(f"{value:.3g}"))


def _panel(block: Curves, where: tuple[float, float, float, float]) -> Panel:
    """A panel for all values that are drawn, with some room above and below them."""
    xs = [x for one in block.lines for x, _ in one.points]
    left, right = min(xs), max(xs)
    if block.reach is not None:
        return Panel(*where, (left, block.reach[0]), (right, block.reach[1]))
    ys = [y for one in block.lines for _, y in one.points if math.isfinite(y)]
    room = 0.06 * (max(ys) - min(ys)) or 0.5
    return Panel(*where, (left, min(ys) - room), (right, max(ys) + room))


def _axes(sheet: Pillow.Image, where: Panel, across: str) -> None:
    draw = ImageDraw.Draw(sheet)
    if where.low[1] < 0 < where.high[1]:
        (left, y), (right, _) = where.at((where.low[0], 0)), where.at((where.high[0], 0))
        draw.line((left, y, right, y), (*RULE, 110), 2)
        draw.text((where.left - 12, y), "0", GREY, letters(), "rm")
    draw.line((where.left, where.bottom, where.right, where.bottom), (*RULE, 255), 2)
    span = where.high[1] - where.low[1]
    for value, anchor in ((where.low[1], "rs"), (where.high[1], "ra")):
        if abs(value) > 0.08 * span or not where.low[1] < 0 < where.high[1]:
            draw.text((where.left - 12, where.at((where.low[0], value))[1]), on_axis(value), GREY, letters(), anchor)
    for value, anchor in ((where.low[0], "la"), (where.high[0], "ra")):
        draw.text((where.at((value, where.low[1]))[0], where.bottom + 8), on_axis(value), GREY, letters(), anchor)
    draw.text(((where.left + where.right) / 2, where.bottom + 8), across, GREY, letters(), "ma")


def _colour(one: Line, place: int) -> Colour:
    if isinstance(one.hue, int):
        return HUES[one.hue % len(HUES)]
    if one.hue == "aim":
        return AIM
    return COLOURS[one.hue or BY_PLACE[min(place, 2)]]


def _mark(draw: ImageDraw.ImageDraw, where: Panel, words: str, at: float, width: int) -> None:
    """A dashed upright line, and its words beside it."""
    (x, low), (_, high) = where.at((at, where.low[1])), where.at((at, where.high[1]))
    for y in range(int(high), int(low), 16):
        draw.line((x, y, x, min(y + 8, low)), INK, 2)
    aside, anchor = (-12, "ra") if x > width / 2 else (12, "la")
    draw.text((x + aside, high), words, INK, letters(), anchor)


def _key(draw: ImageDraw.ImageDraw, where: Panel, names: Sequence[tuple[str, Colour]]) -> None:
    """Names and colours in a line below the panel's axis, of many the first ones and the last."""
    x, y = where.left, where.bottom + 64
    shown = names if len(names) <= MOST_NAMED else [*names[: MOST_NAMED - 1], names[-1]]
    for name, colour in shown:
        draw.rounded_rectangle((x, y - 4, x + 26, y + 4), 4, fill=colour)
        draw.text((x + 36, y), name, GREY, letters(), "lm")
        x += 36 + draw.textlength(name, letters()) + 24


def _draw_line(sheet: Pillow.Image, where: Panel, one: Line, place: int, lines: int) -> None:
    """One line, drawn larger and made small again so that its edges are soft."""
    if len(one.points) < 2:
        return
    points = [(x, min(max(y, where.low[1]), where.high[1])) for x, y in one.points if math.isfinite(y)]
    places = [tuple(OVERSAMPLED * value for value in where.at(point)) for point in points]
    mask = Pillow.new("L", (sheet.width * OVERSAMPLED, sheet.height * OVERSAMPLED), 0)
    draw = ImageDraw.Draw(mask)
    width = OVERSAMPLED * (12 if one.hue == "aim" else 4 if lines < 4 else 3)
    if one.hue == "faint":
        (x1, y1), (x2, _) = places[0], places[-1]
        step = DASH * OVERSAMPLED
        for k in range(int((x2 - x1) / step / 2) + 1):
            draw.line((x1 + 2 * k * step, y1, min(x2, x1 + (2 * k + 1) * step), y1), 255, width)
    else:
        draw.line([value for place in places for value in place], 255, width, joint="curve")
    soft = mask.resize(sheet.size, Pillow.Resampling.BOX)
    sheet.paste(Pillow.new("RGBA", sheet.size, (*_colour(one, place), 255)), (0, 0), soft)


LETTERS = 24


def letters(size: int = LETTERS) -> ImageFont.FreeTypeFont:
    """The font in a size, in pixels."""
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font


def shorten(words: str, most: int) -> str:
    """Words of at most so many letters."""
    return words if len(words) <= most else f"{words[: most - 1]}\u2026"


CELL, COLUMNS, LETTER_ROW, BESIDE = 128, 5, 18, 6


def neighbours_png(cells: Sequence[tuple[bytes, str, str]]) -> bytes:
    """Pictures in rows, each over two lines of words: PNG, what it is, and how far away."""
    columns = min(COLUMNS, len(cells))
    height = CELL + 2 * LETTER_ROW + 2 * BESIDE
    sheet = Pillow.new("RGB", (columns * (CELL + 2 * BESIDE), -(-len(cells) // columns) * height + BESIDE), WHITE)
    draw, font = ImageDraw.Draw(sheet), letters(14)
    for place, (png, words, distance) in enumerate(cells):
        left, top = BESIDE + place % columns * (CELL + 2 * BESIDE), BESIDE + place // columns * height
        sheet.paste(_fit(png, CELL), (left, top))
        draw.text((left, top + CELL + 2), shorten(words, 18), fill=INK, font=font)
        draw.text((left, top + CELL + 2 + LETTER_ROW), distance, fill=GREY, font=font)
    return encode_png(sheet, small=True)


def _fit(png: bytes, side: int) -> Pillow.Image:
    """The picture in a square; small ones are enlarged with hard edges."""
    if not png:
        return Pillow.new("RGB", (side, side), WHITE)
    with Pillow.open(io.BytesIO(png)) as opened:
        image = opened.convert("RGB")
    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    how = Pillow.Resampling.NEAREST if scale >= 1 else Pillow.Resampling.LANCZOS
    square = Pillow.new("RGB", (side, side), WHITE)
    square.paste(image.resize(size, how), ((side - size[0]) // 2, (side - size[1]) // 2))
    return square
