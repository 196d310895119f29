"""Parts of a page that any system or experiment may add: lines, a table, pictures, under a title with a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass

from glasswork.show import charts, escape, number
from glasswork.show.charts import Series, figure, folded, section, table
from glasswork.show.fans import Fan, fan_chart
from glasswork.show.timelines import Timeline, timeline_chart


@dataclass(frozen=True)
class Chart:
    """Lines over a common horizontal axis.

    Attributes:
        caption: what is drawn.
        lines: name of each line, and its points.
        across: what goes from left to right.
        marked: where on that axis something was chosen; None: nowhere.
        in_percent: the values are shares of one.
    """

    caption: str
    lines: Sequence[tuple[str, Sequence[tuple[float, float]]]]
    across: str = "epoch"
    marked: float | None = None
    in_percent: bool = False


@dataclass(frozen=True)
class Photograph:
    """A picture as PNG or GIF, with a line below it."""

    png: bytes
    caption: str


@dataclass(frozen=True)
class Quotation:
    """A text as it was written, with its spaces and line breaks, under a caption."""

    caption: str
    text: str


@dataclass(frozen=True)
class Part:
    """A section of a page.

    Attributes:
        title: what it is.
        reading: how to read it, in a sentence or two.
        charts: lines over an axis.
        head: names of the table's columns.
        rows: its cells; numbers are written for people.
        pictures: side by side.
        note: a sentence below all of it.
        quotations: texts, one below the other.
        fans: forecasts of series, one below the other.
        timelines: labels over time, one below the other.
    """

    title: str
    reading: str
    charts: Sequence[Chart] = ()
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str | int | float | None]] = ()
    pictures: Sequence[Photograph] = ()
    note: str = ""
    quotations: Sequence[Quotation] = ()
    fans: Sequence[Fan] = ()
    timelines: Sequence[Timeline] = ()


STYLES = ("first", "second", "faint")


def drawn_parts(parts: Sequence[Part]) -> str:
    """Sections in HTML, one per part that has anything to show."""
    return "".join(_drawn(part) for part in parts)


def _drawn(part: Part) -> str:
    lines = "".join(_chart(chart) for chart in part.charts)
    rows = [[_cell(cell) for cell in row] for row in part.rows]
    cells = folded("rows", table([escape(name) for name in part.head], rows, "metrics"), len(rows))
    pictures = "".join(figure(one.caption, charts.picture(one.png, one.caption)) for one in part.pictures)
    quoted = "".join(
        f'<div class="quotation"><h3>{escape(one.caption)}</h3><pre>{escape(one.text)}</pre></div>'
        for one in part.quotations
    )
    return section(
        escape(part.title),
        escape(part.reading),
        f'<div class="figures">{lines}</div>' if lines else "",
        "".join(figure(fan.caption, fan_chart(fan)) for fan in part.fans),
        "".join(figure(one.caption, timeline_chart(one)) for one in part.timelines),
        cells,
        quoted,
        f'<div class="figures">{pictures}</div>' if pictures else "",
        f'<p class="note">{escape(part.note)}</p>' if part.note else "",
    )


def _chart(chart: Chart) -> str:
    series = [Series(name, points, STYLES[min(i, 2)]) for i, (name, points) in enumerate(chart.lines)]
    drawn = charts.line_chart(series, chart.caption, chart.across, chart.marked, chart.in_percent)
    return figure(chart.caption, drawn)


def _cell(cell: str | int | float | None) -> str:
    return "\u2013" if cell is None else escape(cell if isinstance(cell, str) else number(cell))
