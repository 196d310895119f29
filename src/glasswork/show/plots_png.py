"""Lines over an axis as PNG, for slides and documents: a function and its shares, errors over the epochs."""

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image as Pillow
from PIL import ImageDraw

from glasswork.glassbox.contributions import Shares
from glasswork.show.regions import GREY, HUES, OVERSAMPLED, Colour, letters, on_axis, png

WIDTH, LEFT, RIGHT, TOP = 1000, 104, 24, 20
ABOVE, BELOW, GAP, FOOT = 440, 340, 106, 92
AIM: Colour = (216, 205, 186)
SUM: Colour = HUES[1]
RULE: Colour = (150, 145, 136)
MOST_NAMED = 7


@dataclass(frozen=True)
class Line:
    """A line of a picture: its points, colour, width in pixels, and whether it is broken into dashes."""

    points: Sequence[tuple[float, float]]
    colour: Colour
    width: float = 3.0
    dashed: bool = False


@dataclass(frozen=True)
class Panel:
    """Where lines are drawn: a rectangle of the picture, and what its sides stand for."""

    left: float
    top: float
    right: float
    bottom: float
    low: tuple[float, float]
    high: tuple[float, float]

    def at(self, point: tuple[float, float]) -> tuple[float, float]:
        """The pixel of a point."""
        share = [(value - low) / (high - low) for value, low, high in zip(point, self.low, self.high, strict=True)]
        return self.left + share[0] * (self.right - self.left), self.bottom - share[1] * (self.bottom - self.top)


def function_png(shares: Shares) -> bytes:
    """A function, the network's sum, and below it what each unit adds, as PNG."""
    both = bool(shares.shares)
    height = TOP + ABOVE + (GAP + BELOW if both else 0) + FOOT
    sheet = Pillow.new("RGBA", (WIDTH, height), (0, 0, 0, 0))
    values = [*shares.y, *shares.target, *(value for _, value in shares.points)]
    ends = (shares.x[0], shares.x[-1])
    upper = panel(TOP, ABOVE, ends, values)
    draw_lines(
        sheet,
        upper,
        shares.input,
        [
            Line(list(zip(shares.x, shares.target, strict=True)) if shares.target else [], AIM, 12),
            Line(list(zip(shares.x, shares.y, strict=True)), SUM, 4),
        ],
        shares.points,
    )
    known = [(shares.output, AIM)] if shares.target else [("examples", AIM)] if shares.points else []
    draw_key(sheet, upper, [*known, ("network", SUM)])
    if both:
        parts = [value for share in shares.shares for value in share]
        lower = panel(TOP + ABOVE + GAP, BELOW, ends, [*parts, shares.constant, 0.0])
        hues = [HUES[k % len(HUES)] for k in range(len(shares.shares))]
        draw_lines(
            sheet,
            lower,
            shares.input,
            [
                Line([(end, shares.constant) for end in ends], GREY, 3, dashed=True),
                *(
                    Line(list(zip(shares.x, share, strict=True)), hue)
                    for share, hue in zip(shares.shares, hues, strict=True)
                ),
            ],
        )
        named = [(f"unit {k}", hue) for k, hue in enumerate(hues, 1)][:MOST_NAMED]
        draw_key(sheet, lower, [*named, ("constant", GREY)])
    return png(sheet)


def panel(top: float, height: float, ends: tuple[float, float], values: Sequence[float]) -> Panel:
    """A panel as wide as the picture, for values over `ends`, with some room above and below them."""
    low, high = min(values), max(values)
    room = 0.06 * (high - low) or 0.5
    return Panel(LEFT, top, WIDTH - RIGHT, top + height, (ends[0], low - room), (ends[1], high + room))


def draw_lines(
    sheet: Pillow.Image,
    where: Panel,
    across: str,
    lines: Sequence[Line],
    dots: Sequence[tuple[float, float]] = (),
) -> None:
    """Draws axes, with what goes `across` from left to right, then dots, then lines over them."""
    draw = ImageDraw.Draw(sheet)
    if where.low[1] < 0 < where.high[1]:
        (left, y), (right, _) = where.at((where.low[0], 0)), where.at((where.high[0], 0))
        draw.line((left, y, right, y), (*RULE, 110), 2)
        draw.text((where.left - 12, y), "0", GREY, letters(), "rm")
    draw.line((where.left, where.bottom, where.right, where.bottom), (*RULE, 255), 2)
    reach = where.high[1] - where.low[1]
    for value, anchor in ((where.low[1], "rs"), (where.high[1], "ra")):
        if abs(value) > 0.08 * reach or not where.low[1] < 0 < where.high[1]:
            draw.text((where.left - 12, where.at((where.low[0], value))[1]), on_axis(value), GREY, letters(), anchor)
    for value, anchor in ((where.low[0], "la"), (where.high[0], "ra")):
        draw.text((where.at((value, 0))[0], where.bottom + 8), on_axis(value), GREY, letters(), anchor)
    draw.text(((where.left + where.right) / 2, where.bottom + 8), across, GREY, letters(), "ma")
    for dot in dots:
        x, y = where.at(dot)
        draw.ellipse((x - 4, y - 4, x + 4, y + 4), fill=AIM)
    for line in lines:
        _draw_line(sheet, where, line)


def draw_key(sheet: Pillow.Image, where: Panel, names: Sequence[tuple[str, Colour]]) -> None:
    """Names and colours in a line below the panel's axis."""
    draw, x, y = ImageDraw.Draw(sheet), where.left, where.bottom + 64
    for name, colour in names:
        draw.rounded_rectangle((x, y - 4, x + 26, y + 4), 4, fill=colour)
        draw.text((x + 36, y), name, GREY, letters(), "lm")
        x += 36 + draw.textlength(name, letters()) + 24


def _draw_line(sheet: Pillow.Image, where: Panel, line: Line) -> None:
    """One line, drawn larger and made small again so that its edges are soft."""
    if len(line.points) < 2:
        return
    size = (sheet.width * OVERSAMPLED, sheet.height * OVERSAMPLED)
    mask = Pillow.new("L", size, 0)
    draw = ImageDraw.Draw(mask)
    places = [tuple(OVERSAMPLED * value for value in where.at(point)) for point in line.points]
    width = round(line.width * OVERSAMPLED)
    if line.dashed:
        (x1, y1), (x2, _) = places[0], places[-1]
        step = 18 * OVERSAMPLED
        for k in range(int((x2 - x1) / step / 2) + 1):
            draw.line((x1 + 2 * k * step, y1, min(x2, x1 + (2 * k + 1) * step), y1), 255, width)
    else:
        draw.line([value for place in places for value in place], 255, width, joint="curve")
    soft = mask.resize(sheet.size, Pillow.Resampling.BOX)
    sheet.paste(Pillow.new("RGBA", sheet.size, (*line.colour, 255)), (0, 0), soft)
