"""Arithmetic worked out line by line, as a section of the report."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glasswork.glassbox.graph.expressions import written
from glasswork.show import escape
from glasswork.show.charts import figure, section, table

if TYPE_CHECKING:
    from glasswork.show.report import Report


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


def sections(report: "Report") -> str:
    """The report's section about what was worked out."""
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
    return section("Worked out in numbers", reading, *drawn)
