"""Forecasts for people: a page with a fan for each series, a table, and CSV."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from glasswork.show import charts, escape, number
from glasswork.show.charts import figure, folded, section, table
from glasswork.show.fans import Fan, fan_chart
from glasswork.show.terminal import print_table

FOOTER = "Drawn by Glasswork from the forecasts of a trained network."
MOST_PRINTED = 12
Found = Mapping[str, Any]


def forecast_page(title: str, found: Found, fans: Sequence[Fan]) -> str:
    """A page of forecasts.

    Args:
        title: of the page.
        found: `Foretold.to_json()`.
        fans: of each series.
    """
    low, high = found["levels"][0], found["levels"][-1]
    reading = (
        f"The line is the median: the value is as likely above as below it. The wide interval shall hold "
        f"{high - low:.0%} of the values."
    )
    parts = []
    for one, fan in zip(found["series"], fans, strict=True):
        rows = [[escape(time), *map(_cell, cells)] for time, *cells in _lines(found, one)]
        head = ["time", "median", f"{low:.0%} below", f"{high:.0%} below", "seasonal naive"]
        drawn = figure(one["name"], fan_chart(fan))
        parts.append(section(escape(one["name"]), reading, drawn, folded("times", table(head, rows), len(rows))))
    return charts.document(title, f"<header><h1>{escape(title)}</h1></header>{''.join(parts)}", footer=FOOTER)


def forecast_csv(found: Found) -> str:
    """A line for each series and time: series, time, median, seasonal_naive, and a column per quantile."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(
        ["series", "time", "median", "seasonal_naive", *(f"quantile_{level:g}" for level in found["levels"])]
    )
    for one in found["series"]:
        rows = zip(found["times"], one["median"], one["seasonal_naive"], one["quantiles"], strict=True)
        writer.writerows([one["name"], time, median, naive, *values] for time, median, naive, values in rows)
    return text.getvalue()


def print_forecast(console: Console, found: Found) -> None:
    """The first values to come of each series."""
    low, high = found["levels"][0], found["levels"][-1]
    for one in found["series"]:
        lines = _lines(found, one)
        console.print(f"[bold]{one['name']}[/bold]", markup=True)
        head = ("time", "median", f"{low:.0%} below", f"{high:.0%} below", "seasonal naive")
        print_table(console, head, lines[:MOST_PRINTED])
        if len(lines) > MOST_PRINTED:
            console.print(f"... and {len(lines) - MOST_PRINTED:,} more: --out forecast.csv or forecast.html has all")


def _lines(found: Found, one: Found) -> list[tuple[str, float, float, float, float]]:
    """Time, median, lowest and highest quantile, seasonal-naive value."""
    rows = zip(found["times"], one["median"], one["quantiles"], one["seasonal_naive"], strict=True)
    return [(time, median, values[0], values[-1], naive) for time, median, values, naive in rows]


def _cell(value: float) -> str:
    return escape(number(value))
