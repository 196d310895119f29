"""Forecasts of a series with their intervals, as SVG: a fan over what came."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from glasswork.show import escape, number
from glasswork.show.drawing import BOTTOM, LEFT, RIGHT, TOP, Axis, Point, line, linear_axis, svg, text

WIDTH, HEIGHT = 760, 250
TICKS = 6
_LETTER = 6.2  # units that a letter is wide


@dataclass(frozen=True)
class Stretch:
    """One forecast.

    Attributes:
        places: where its values are from left to right.
        median: its values.
        bands: lower and upper ends of its intervals, the widest first.
        naive: what the seasonal-naive forecast says there; may be empty.
    """

    places: Sequence[float]
    median: Sequence[float]
    bands: Sequence[tuple[Sequence[float], Sequence[float]]]
    naive: Sequence[float] = ()


@dataclass(frozen=True)
class Fan:
    """A series and forecasts of it.

    Attributes:
        caption: the name of the series.
        known: what came.
        forecasts: from left to right.
        places: where the times in `words` are.
        words: times, of which a few are written.
    """

    caption: str
    known: Sequence[Point]
    forecasts: Sequence[Stretch]
    places: Sequence[float]
    words: Sequence[str]


def fan_chart(fan: Fan) -> str:
    """The chart: an `<svg>` of full width; the empty string where there is nothing to draw."""
    known = [(x, y) for x, y in fan.known if math.isfinite(y)]
    heights = [y for _, y in known]
    for stretch in fan.forecasts:
        heights += [*stretch.naive, *(value for low, high in stretch.bands for value in (*low, *high))]
    if not heights or not fan.places:
        return ""
    across = Axis(min(fan.places), max(*fan.places, min(fan.places) + 1), LEFT, WIDTH - RIGHT)
    up = linear_axis(heights, HEIGHT - BOTTOM, TOP)
    parts = [*_rules(across, up), *_times(fan, across, up)]
    for stretch in fan.forecasts:
        for low, high in stretch.bands:
            parts.append(_band(stretch.places, low, high, across, up))
    for stretch in fan.forecasts:
        if stretch.naive:
            parts.append(_path(list(zip(stretch.places, stretch.naive, strict=True)), across, up, "naive"))
    parts.append(_path(known, across, up, "known"))
    for stretch in fan.forecasts:
        if len(stretch.places) == 1:
            x, y = across.at(stretch.places[0]), up.at(stretch.median[0])
            parts.append(f'<circle class="dot first" cx="{x:.1f}" cy="{y:.1f}" r="3"/>')
        parts.append(_path(list(zip(stretch.places, stretch.median, strict=True)), across, up, "line first"))
    return svg(f"forecasts of {fan.caption}", [*parts, *_legend(fan)], WIDTH, HEIGHT)


def _rules(across: Axis, up: Axis) -> list[str]:
    parts = []
    for tick in up.ticks(4):
        y = up.at(tick)
        parts.append(line(across.start, y, across.end, y, "rule"))
        parts.append(text(across.start - 6, y + 3.5, number(float(f"{tick:.6g}")), "end"))
    parts.append(line(across.start, up.start, across.end, up.start, "ground"))
    return parts


def _times(fan: Fan, across: Axis, up: Axis) -> list[str]:
    """A few times below the ground line, as many as fit."""
    longest = max(len(word) for word in fan.words)
    most = max(2, min(TICKS, int((across.end - across.start) / (_LETTER * longest + 20))))
    last = len(fan.words) - 1
    chosen = sorted({round(last * place / (most - 1)) for place in range(most)})
    parts = []
    for place in chosen:
        anchor = "start" if place == 0 else "end" if place == last else "middle"
        parts.append(text(across.at(fan.places[place]), up.start + 14, fan.words[place], anchor))
    return parts


def _band(places: Sequence[float], low: Sequence[float], high: Sequence[float], across: Axis, up: Axis) -> str:
    if len(places) == 1:
        x = across.at(places[0])
        corners = [(x - 4, up.at(low[0])), (x + 4, up.at(low[0])), (x + 4, up.at(high[0])), (x - 4, up.at(high[0]))]
    else:
        corners = [(across.at(x), up.at(y)) for x, y in zip(places, high, strict=True)]
        corners += [(across.at(x), up.at(y)) for x, y in zip(reversed(places), reversed(low), strict=True)]
    return f'<path class="band" d="M{"L".join(f"{x:.1f} {y:.1f}" for x, y in corners)}Z"/>'


def _path(points: Sequence[Point], across: Axis, up: Axis, style: str) -> str:
    drawn = "L".join(f"{across.at(x):.1f} {up.at(y):.1f}" for x, y in points)
    return f'<path class="{escape(style)}" fill="none" d="M{drawn}"/>' if len(points) > 1 else ""


def _legend(fan: Fan) -> list[str]:
    named = [("what came", "known"), ("forecast", "line first")]
    named += [("seasonal naive", "naive")] if any(stretch.naive for stretch in fan.forecasts) else []
    parts, x = [], float(LEFT)
    for name, style in named:
        parts += [line(x, 9, x + 16, 9, style), text(x + 21, 12.5, name, "start", "name")]
        x += 44 + _LETTER * len(name)
    return parts
