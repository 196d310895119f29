"""The curve of error against a setting, with standard errors (Kovashka, "Determining best number of hidden units")."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from glasswork.show import escape, number, percent

WIDTH, HEIGHT = 360, 250
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 46, 36
STYLE = """
.chart .whisker { stroke: var(--first); stroke-width: 1.2; }
.chart .limit { stroke: var(--wrong); stroke-dasharray: 5 3; }
.chart .ring { fill: none; stroke: var(--ink); stroke-width: 1.6; }
"""


@dataclass(frozen=True)
class Point:
    """One setting in the curve.

    Attributes:
        label: what stands under it.
        error, standard_error, training_error: of the setting.
        chosen: whether it was chosen.
    """

    label: str
    error: float
    standard_error: float
    training_error: float
    chosen: bool


@dataclass(frozen=True)
class Axis:
    """The vertical axis: from `low` to `high` in steps."""

    low: float
    high: float
    step: float

    def at(self, value: float) -> float:
        """Where a value lies, in units of the drawing."""
        return HEIGHT - BOTTOM - (value - self.low) / (self.high - self.low) * (HEIGHT - BOTTOM - TOP)

    def ticks(self) -> list[float]:
        """The values at its rules."""
        return [self.low + place * self.step for place in range(round((self.high - self.low) / self.step) + 1)]


def axis_around(points: Iterable[Point], threshold: float) -> Axis:
    """An axis with room for all of the points, in whole steps of 1, 2 or 5 times a power of ten."""
    values = [threshold]
    for one in points:
        values += [one.error - one.standard_error, one.error + one.standard_error, one.training_error]
    low, high = min(values), max(values)
    span = max(high - low, 1e-6 * max(abs(high), 1e-6))
    power = 10.0 ** math.floor(math.log10(span / 4))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= span / 4)
    start = math.floor(low / step - 0.2) * step
    return Axis(max(0.0, start) if low >= 0 else start, math.ceil(high / step + 0.2) * step, step)


def curve(
    points: Sequence[Point],
    labels: Sequence[str],
    across: str,
    threshold: float,
    axis: Axis,
    in_percent: bool,
    ordered: bool,
) -> str:
    """Training and validation error against a setting (Kovashka, "Determining best number of hidden units").

    Args:
        points: from left to right.
        labels: all values of the field that goes from left to right, at equal distances.
        across: that field.
        threshold: the least error plus one standard error of it, over all settings.
        axis: the vertical one.
        in_percent: errors are shares of one, written as percentages.
        ordered: the values are amounts, so that lines between them mean something.
    """
    width = (WIDTH - LEFT - RIGHT) / len(labels)
    at = {label: LEFT + (place + 0.5) * width for place, label in enumerate(labels)}
    write: Callable[[float], str] = percent if in_percent else number
    parts = []
    for tick in axis.ticks():
        y, words = axis.at(tick), f"{100 * tick:.3g} %" if in_percent else number(float(f"{tick:.6g}"))
        parts += [_line(LEFT, y, WIDTH - RIGHT, y, "rule"), _text(LEFT - 6, y + 3.5, words, "end")]
    ground = HEIGHT - BOTTOM
    parts.append(_line(LEFT, ground, WIDTH - RIGHT, ground, "ground"))
    every = math.ceil(len(labels) * max(map(len, labels)) * 6.4 / (WIDTH - LEFT - RIGHT))
    parts += [_text(at[label], ground + 15, label) for place, label in enumerate(labels) if place % every == 0]
    parts.append(_text(WIDTH - RIGHT, ground + 30, across, "end", "label"))
    limit = axis.at(threshold)
    parts.append(_line(LEFT, limit, WIDTH - RIGHT, limit, "limit"))
    for style, heights in (("second", [p.training_error for p in points]), ("first", [p.error for p in points])):
        places = [f"{at[p.label]:.1f} {axis.at(height):.1f}" for p, height in zip(points, heights, strict=True)]
        if ordered and len(places) > 1:
            parts.append(f'<path class="line {style}" d="M{"L".join(places)}"/>')
    for point in points:
        parts += _marks(point, at[point.label], axis, across, write)
    parts += _legend()
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="error against {escape(across)}">{"".join(parts)}</svg>'
    )


def _marks(point: Point, x: float, axis: Axis, across: str, write: Callable[[float], str]) -> list[str]:
    y, trained = axis.at(point.error), axis.at(point.training_error)
    top, bottom = axis.at(point.error + point.standard_error), axis.at(point.error - point.standard_error)
    words = f"{escape(across)} {escape(point.label)}: "
    validation = f"validation {write(point.error)} ± {write(point.standard_error)}"
    parts = [
        *(_line(x - 3.5, end, x + 3.5, end, "whisker") for end in (top, bottom)),
        _line(x, top, x, bottom, "whisker"),
        f'<circle class="dot second" cx="{x:.1f}" cy="{trained:.1f}" r="2.6">'
        f"<title>{words}training {write(point.training_error)}</title></circle>",
        f'<circle class="dot first" cx="{x:.1f}" cy="{y:.1f}" r="3.2"><title>{words}{validation}</title></circle>',
    ]
    if point.chosen:
        parts.append(f'<circle class="ring" cx="{x:.1f}" cy="{y:.1f}" r="7"><title>chosen</title></circle>')
    return parts


def _legend() -> list[str]:
    parts = []
    entries = (
        (LEFT, 9, "line second", "training"),
        (LEFT, 25, "line first", "validation"),
        (LEFT + 92, 9, "limit", "least + 1 standard error"),
    )
    for x, y, style, words in entries:
        parts += [_line(x, y, x + 18, y, style), _text(x + 24, y + 3.5, words, "start", "name")]
    x = LEFT + 92
    parts += [
        f'<circle class="ring" cx="{x + 9}" cy="25" r="5"/>',
        _text(x + 24, 28.5, "chosen", "start", "name"),
    ]
    return parts


def _text(x: float, y: float, words: str, anchor: str = "middle", style: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{style}">{escape(words)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{style}"/>'
