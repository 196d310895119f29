"""The grammar of charts: axes, grids, lines, dots, words and legends, as pieces of SVG coloured by the page's CSS.

A chart is drawn about 360 units wide, so that its lettering keeps one size on a phone (one chart to a row) and on a
desk (two to a row); a wide one takes the whole row. Names come in as the user wrote them and are escaped here.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

from glasswork.report.blocks import Point
from glasswork.report.words import NARROW_SPACE, compact, measured, number
from glasswork.show.markup import escape

WIDTH, HEIGHT = 360.0, 220.0
WIDE, WIDE_HEIGHT = 760.0, 250.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 16.0, 24.0, 34.0
LETTER = 6.2  # units that a letter is wide
LEGEND_ROW = 16.0
_CLOSE = 0.01  # of their size: values that differ by less need more digits than usual
_WIDEST = 7  # letters of a label beside the vertical axis
LEAST_SPAN = 1e-300  # what is less than that apart is drawn as one value: a fifth of it may be 0
# Above this ratio of the largest to the smallest value a linear axis no longer shows the smallest above the ground.
LOGARITHMIC_FROM_RATIO = 30.0


@dataclass(frozen=True)
class Axis:
    """Where a value lies, in units of the drawing."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """Where a value lies."""
        low, high = self.low, self.high
        if self.logarithmic:
            low, high, value = math.log10(low), math.log10(high), math.log10(value)
        return self.start + (value - low) / (high - low) * (self.end - self.start)

    def ticks(self, most: int = 5, whole: bool = False) -> list[float]:
        """The values at its rules, at most about so many, and whole ones if these are asked for."""
        if self.logarithmic:
            decades = range(math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9) + 1)
            every = max(1, math.ceil(len(decades) / most))
            return [10.0**decade for decade in decades if decade % every == 0]
        step = whole_step(self.high - self.low, most, whole)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [index * step for index in range(first, last + 1)]


def whole_step(span: float, most: int, whole: bool = False) -> float:
    """The smallest of 1, 2, 5 times a power of ten that needs no more than `most` steps."""
    rough = span / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    return max(1.0, step) if whole else step


def value_range(values: Sequence[float]) -> Point:
    """Lowest and highest value, apart even if all are one."""
    low, high = min(values), max(values)
    if high - low > max(1e-12 * max(abs(low), abs(high)), LEAST_SPAN):
        return low, high
    room = abs(low) / 2 or 0.5
    return low - room, high + room


def axis_across(values: Sequence[float], start: float, end: float, logarithmic: bool = False) -> Axis:
    """An axis from the least value to the greatest."""
    if logarithmic and min(values) > 0:
        low, high = min(values), max(values)
        return Axis(low, high if high > low else 10 * low, start, end, True)
    return Axis(*value_range(values), start, end)


def axis_up(
    values: Sequence[float],
    start: float,
    end: float,
    *,
    in_percent: bool = False,
    logarithmic: bool | None = False,
    reach: Point | None = None,
) -> Axis:
    """A vertical axis with room for all values: linear in whole steps, or logarithmic in whole decades.

    Args:
        values: at least one, all of them finite.
        start: where its low end lies.
        end: where its high end lies.
        in_percent: the values are shares of one, of which none is above one.
        logarithmic: whether it shall be; None: if the values span a wide range. It needs values above 0.
        reach: the least and the greatest value that it has room for; None: those of the values.
    """
    if reach is not None:
        values, logarithmic = reach, False
    low, high = value_range(values)
    wide = min(values) > 0 and not in_percent and max(values) / min(values) >= LOGARITHMIC_FROM_RATIO
    if (wide if logarithmic is None else logarithmic) and min(values) > 0:
        # Whole decades, so that at least two ticks carry a label.
        low, high = 10.0 ** math.floor(math.log10(low)), 10.0 ** math.ceil(math.log10(high))
        return Axis(low, high if high > low else 10 * low, start, end, True)
    # No point on the ground line, unless it is nought itself.
    low = low - (high - low) / 25 if low < 0 else max(0.0, low - (high - low) / 25)
    step = whole_step(high - low, 4)
    axis = Axis(math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step, start, end)
    return replace(axis, high=min(axis.high, 1.0)) if in_percent and max(values) <= 1 else axis


def svg(label: str, parts: Iterable[str], width: float = WIDTH, height: float = HEIGHT) -> str:
    """A chart out of its parts, with a label for readers who hear it."""
    style = "chart broad" if width > 2 * WIDTH else "chart"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{style}" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-label="{escape(label)}">{"".join(parts)}</svg>'
    )


def text(x: float, y: float, words: str, anchor: str = "middle", style: str = "") -> str:
    """Words at a place."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{style}">{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    """A straight line."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{style}"/>'


def dot(x: float, y: float, style: str, words: str = "", radius: float = 2.2) -> str:
    """A dot, which says its words when it is pointed at."""
    circle = f'<circle class="{style}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}"'
    return f"{circle}><title>{escape(words)}</title></circle>" if words else f"{circle}/>"


def box(x: float, y: float, width: float, height: float, style: str, words: str = "") -> str:
    """A rectangle, which says its words when it is pointed at."""
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect class="{style}" {place}><title>{escape(words)}</title></rect>'


def path(points: Sequence[Point], style: str, closed: bool = False) -> str:
    """A line through places in units of the drawing; nothing for a single one."""
    drawn = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return f'<path class="{style}" d="M{drawn}{"Z" if closed else ""}"/>' if len(points) > 1 else ""


def grid(
    across: Axis,
    up: Axis,
    label: str,
    *,
    in_percent: bool = False,
    across_in_percent: bool = False,
    whole: bool = False,
    labels: Sequence[str] | None = None,
) -> list[str]:
    """Ground line, faint horizontal rules, and the words of both axes.

    Args:
        across: the horizontal axis.
        up: the vertical axis.
        label: what goes from left to right.
        in_percent: values on the vertical axis are shares of one.
        across_in_percent: those on the horizontal one are.
        whole: only whole numbers have ticks on the horizontal axis.
        labels: what stands at 0, 1, 2 on the horizontal axis, as many as fit; None: its numbers.
    """
    parts = []
    heights = up.ticks(5 if up.logarithmic else 4)
    labels_up, offset = tick_labels(heights, in_percent)
    for tick, words in zip(heights, labels_up, strict=True):
        y = up.at(tick)
        parts += [line(across.start, y, across.end, y, "rule")]
        parts += [text(across.start - 6, y + 3.5, words, "end")]
    parts += [text(4, up.start + 29, f"\N{UPWARDS ARROW} {offset}", "start", "label")] if offset else []
    parts.append(line(across.start, up.start, across.end, up.start, "ground"))
    places = across.ticks(6, whole)
    labels_across, offset = tick_labels(places, across_in_percent)
    ticks = list(zip(places, labels_across, strict=True))
    if labels is not None:
        offset = ""
        every = max(1, math.ceil(len(labels) * max(map(len, labels), default=0) * 6.4 / (across.end - across.start)))
        ticks = [(place, words) for place, words in enumerate(labels) if place % every == 0]
    parts += [text(across.at(tick), up.start + 14, words) for tick, words in ticks]
    return [*parts, text(across.end, up.start + 29, f"{label} {offset}".rstrip(), "end", "label")]


def tick_labels(values: Sequence[float], in_percent: bool = False) -> tuple[list[str], str]:
    """The labels of ticks, all different, and the offset that has to be added to them; empty: nothing has to be.

    Args:
        values: from the least to the greatest.
        in_percent: whether they are shares of one.
    """
    labels = [_tick(value, in_percent) for value in values]
    if len(set(labels)) == len(labels):
        return labels, ""
    step = min(after - before for before, after in pairwise(values))
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    exact = [f"{value:,.{digits}f}" for value in values]
    if max(map(len, exact)) <= _WIDEST:
        return exact, ""
    # A round number below all of them; what remains is a few steps.
    unit = 10.0 ** (math.floor(math.log10(values[-1] - values[0]) + 1e-9) + 1)
    offset = math.floor(values[0] / unit) * unit
    rest = [f"{value - offset:+,.{digits}f}" for value in values]
    rest = [words if words.strip("+-0.") else "0" for words in rest]
    short = [
        words if words == "0" else f"+{_tick(value - offset, False)}" for words, value in zip(rest, values, strict=True)
    ]
    if max(map(len, rest)) > _WIDEST and len(set(short)) == len(short):
        rest = short
    return rest, f"{offset:+,.{digits}f}".rstrip("0").rstrip(".") if digits else f"{offset:+,.0f}"


def write_on(axis: Axis) -> Callable[[float], str]:
    """How values on an axis are written: with the digits that tell them apart."""
    span = axis.high - axis.low
    if axis.logarithmic or span > _CLOSE * max(abs(axis.low), abs(axis.high)):
        return number
    return partial(measured, spread=span)


def _tick(value: float, in_percent: bool) -> str:
    if in_percent:
        return f"{float(f'{100 * value:.6g}'):g}{NARROW_SPACE}%"
    return compact(value) if abs(value) >= 10_000 else number(float(f"{value:.6g}"))


@dataclass(frozen=True)
class Key:
    """One entry of a legend: the class of the line or dot that is drawn, and its words."""

    style: str
    words: str
    round: bool = False


def legend(keys: Sequence[Key], left: float, right: float) -> tuple[list[str], float]:
    """Entries from left to right, in as many rows as they need.

    Returns:
        The parts, and how many units the rows take beyond the first.
    """
    parts: list[str] = []
    x, y = left, 9.0
    for key in keys:
        width = 40 + LETTER * len(key.words)
        if x > left and x + width - 16 > right:
            x, y = left, y + LEGEND_ROW
        drawn = dot(x + 8, y, key.style, radius=4) if key.round else line(x, y, x + 16, y, key.style)
        parts += [drawn, text(x + 21, y + 3.5, key.words, "start", "name")]
        x += width
    return parts, y - 9.0
