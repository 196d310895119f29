"""Arithmetic worked out line by line, and an output over two inputs, as sections of the report."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glasswork.glassbox.expressions import written
from glasswork.show import escape, number
from glasswork.show.charts import figure, section, table

if TYPE_CHECKING:
    from glasswork.show.report import Report

SIDE, LEFT, TOP, BOTTOM = 280.0, 46.0, 8.0, 34.0


@dataclass(frozen=True)
class Worked:
    """Something worked out in numbers.

    Attributes:
        title: what it is.
        note: what has to be known to read it.
        lines: symbol, which one, formula, the formula with the numbers put in, value.
    """

    title: str
    note: str
    lines: Sequence[tuple[str, str, str, str, float]]


@dataclass(frozen=True)
class Surface:
    """An output over two inputs.

    Attributes:
        output: its name.
        inputs: their names, the one from left to right first.
        low, high: where they begin and end.
        values: the output from 0 to 1 in rows of cells, the row of the lowest second input first.
        points: training examples: both inputs, and what the output should be.
    """

    output: str
    inputs: tuple[str, str]
    low: tuple[float, float]
    high: tuple[float, float]
    values: Sequence[Sequence[float]]
    points: Sequence[tuple[float, float, float]]


def sections(report: "Report") -> str:
    """The report's sections about what was worked out and about the output's surface."""
    drawn = []
    for each in report.worked:
        rows = [
            (
                f"{escape(symbol)}, {escape(which)}".replace(" ", "\u00a0"),
                written(value),
                escape(formula),
                escape(numbers),
            )
            for symbol, which, formula, numbers, value in each.lines
        ]
        lines = table(("Number", "Is", "By the slide", "With the numbers put in"), rows, "recipe")
        drawn.append(figure(each.title, f'<p class="note">{escape(each.note)}</p>{lines}'))
    reading = "The slide’s formulas with the numbers of this run put in. Numbers are rounded to four digits to be read."
    shown = section("Worked out in numbers", reading, *drawn)
    if report.surface is None:
        return shown
    surface = figure(f"Output {report.surface.output}", surface_chart(report.surface), "single")
    reading = "The darker, the nearer the output is to 1. Full dots are examples that should be 1, rings those of 0."
    return section("What it answers where", reading, surface) + shown


def surface_chart(surface: Surface) -> str:
    """The output as shades over both inputs, with the training examples on it, as an `<svg>`."""
    count = len(surface.values)
    cell = SIDE / count
    parts = ['<g shape-rendering="crispEdges">']
    for row, values in enumerate(surface.values):
        y = TOP + SIDE - (row + 1) * cell
        for column, value in enumerate(values):
            words = f"{escape(surface.output)} = {number(value)}"
            parts.append(
                f'<rect x="{LEFT + column * cell:.1f}" y="{y:.1f}" width="{cell:.1f}" height="{cell:.1f}" '
                f'fill="var(--first)" fill-opacity="{value:.2f}"><title>{words}</title></rect>'
            )
    parts.append("</g>")
    spans = [high - low for low, high in zip(surface.low, surface.high, strict=True)]
    for first, second, wanted in surface.points:
        x, y = (
            LEFT + (first - surface.low[0]) / spans[0] * SIDE,
            TOP + (1 - (second - surface.low[1]) / spans[1]) * SIDE,
        )
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" stroke="var(--second)" stroke-width="2.5" '
            f'fill="{"var(--second)" if wanted > 0.5 else "var(--paper)"}">'
            f"<title>({number(first)}, {number(second)}) should be {number(wanted)}</title></circle>"
        )
    size = f"0 0 {LEFT + SIDE + 16:g} {TOP + SIDE + BOTTOM:g}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="{size}" role="img" '
        f'aria-label="output over two inputs">{"".join(parts)}{_axes(surface)}</svg>'
    )


def _axes(surface: Surface) -> str:
    ground, (left, bottom), (right, top) = TOP + SIDE, surface.low, surface.high
    words = (
        (LEFT, ground + 14, "start", number(left)),
        (LEFT + SIDE, ground + 14, "end", number(right)),
        (LEFT + SIDE / 2, ground + 28, "middle", surface.inputs[0]),
        (LEFT - 6, ground, "end", number(bottom)),
        (LEFT - 6, TOP + 9, "end", number(top)),
        (LEFT - 6, TOP + SIDE / 2, "end", surface.inputs[1]),
    )
    return "".join(
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>' for x, y, anchor, text in words
    )
