"""What charts are drawn with: axes, lines and words, as pieces of SVG."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from glasswork.show import escape

Point = tuple[float, float]

WIDTH, HEIGHT = 360, 220
LEFT, RIGHT, TOP, BOTTOM = 46, 16, 24, 34
LEAST_SPAN = 1e-300  # what is less than that apart is drawn as one value: a fifth of it may be 0


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
        """The values at its rules, at most about so many, and whole ones where these are asked for."""
        if self.logarithmic:
            decades = range(math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9) + 1)
            every = max(1, math.ceil(len(decades) / most))
            return [10.0**decade for decade in decades if decade % every == 0]
        step = whole_step(self.high - self.low, most, whole)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [index * step for index in range(first, last + 1)]


def whole_step(span: float, most: int, whole: bool) -> float:
    """The smallest of 1, 2, 5 times a power of ten that needs no more than `most` steps."""
    rough = span / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    return max(1.0, step) if whole else step


def value_range(values: Sequence[float]) -> Point:
    """Lowest and highest value, apart even where all are one."""
    low, high = min(values), max(values)
    if high - low > max(1e-12 * max(abs(low), abs(high)), LEAST_SPAN):
        return low, high
    room = abs(low) / 2 or 0.5
    return low - room, high + room


def linear_axis(values: Sequence[float], start: float, end: float) -> Axis:
    """An axis with room for all values, in whole steps."""
    low, high = value_range(values)
    # No point on the ground line, unless it is nought itself.
    low = low - (high - low) / 25 if low < 0 else max(0.0, low - (high - low) / 25)
    step = whole_step(high - low, 4, whole=False)
    return Axis(math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step, start, end)


def svg(label: str, parts: Iterable[str], width: float = WIDTH, height: float = HEIGHT) -> str:
    """A chart out of its parts, with a label for readers who hear it."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-label="{escape(label)}">{"".join(parts)}</svg>'
    )


def text(x: float, y: float, words: str, anchor: str = "middle", style: str = "") -> str:
    """Words at a place."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{style}">{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    """A straight line."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{style}"/>'
