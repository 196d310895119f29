"""The ways of transfer compared: the table in the terminal, and the page."""

import math
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape as plain

from glasswork.show import charts, escape
from glasswork.show.charts import Series, facts, figure, section
from glasswork.show.progress import duration
from glasswork.show.sections import Part, drawn_parts
from glasswork.show.terminal import print_table

BASE = "frozen"
FOOTER = "Drawn by Glasswork from the answers of every network."
READING = (
    "Every way learnt from the same pictures and was judged on the same others, split by split{sides}. Intervals hold "
    "with 95 % confidence (Student's t, with the variance of Nadeau and Bengio 2003, as the training parts overlap)."
)
DOTS = "Grey dots are the single splits; the broken line is the largest class, answered always, or no difference."
SIDES = "; pictures of one thing are on one side"
STYLE = """
.chart .spread { stroke: var(--first); stroke-width: 2.4; stroke-linecap: round; }
.chart .zero { stroke: var(--quiet); stroke-width: 1; stroke-dasharray: 3 3; }
.chart .split { fill: var(--quiet); fill-opacity: 0.45; }
.chart .way { fill: var(--ink); }
.chart .line.faint { stroke: var(--quiet); stroke-width: 1.6; }
.chart .dot.faint { fill: var(--quiet); }
.metrics td { white-space: nowrap; }
"""
WIDTH, ROW, LEFT, RIGHT, TOP, BOTTOM = 420.0, 30.0, 112.0, 18.0, 8.0, 34.0
Found = Mapping[str, Any]


def print_transfer(console: Console, found: Found) -> None:
    """The table, what it says, and the commands."""
    print_table(console, HEAD, _rows(found))
    console.print(plain(f"\n{verdict(found)}\n{reading(found)}"), soft_wrap=True)
    if found["curve"]:
        console.print()
        print_table(console, *_curve_table(found))
    for remark in found["remarks"]:
        console.print(plain(f"note: {remark}"), soft_wrap=True)
    console.print(plain(f"\nnext:\n  {command(found)}"), soft_wrap=True)


def transfer_page(found: Found) -> str:
    """The page of a comparison.

    Args:
        found: `TransferCompared.to_json()`.
    """
    title = f"Transfer on {found['data']}"
    best = max(found["ways"], key=lambda name: float(found["ways"][name]["accuracy"]))
    apart = {name: one for name in found["ways"] if (one := difference(found, name)) is not None}
    drawn = figure(
        "Right answers, with their intervals",
        _intervals(found["ways"], "share of right answers", found["largest_class"]),
    ) + figure(f"Right answers more than {BASE}", _intervals(apart, f"difference from {BASE}"))
    head, rows = _curve_table(found)
    lines = [Series(name, points, style) for (name, points), style in zip(_curves(found), STYLES, strict=False)]
    curve = charts.line_chart(lines, "Right answers by training pictures", "training pictures", None, True)
    body = (
        f'<header><h1>{escape(title)}</h1><p class="headline"><strong>{_percent(found["ways"][best]["accuracy"])}'
        f'</strong> <em>right answers: {escape(best)}</em></p><p class="verdict">{escape(verdict(found))}</p></header>'
        + section("The ways", escape(f"{reading(found)} {DOTS}"), f'<div class="figures">{drawn}</div>')
        + section("What was done", "", facts([(name, way["sentence"]) for name, way in found["ways"].items()]))
        + drawn_parts([Part("In numbers", "Time is of all splits together.", head=HEAD, rows=_rows(found))])
        + section(
            "By the amount of data",
            "The slide's rule: with few examples freeze all but the head, with more tune more of the network.",
            f'<div class="figures">{figure("Right answers by training pictures", curve)}</div>' if curve else "",
            charts.table([escape(one) for one in head], [[escape(str(c)) for c in row] for row in rows], "metrics"),
        )
        + section("The pictures", "", facts(_facts(found)), _notes(found))
        + section("What to try next", "", f'<dl class="next"><dt><code>{escape(command(found))}</code></dt></dl>')
    )
    return charts.document(title, body, footer=FOOTER, style=STYLE)


HEAD = ("way", "accuracy", "95 % interval", f"against {BASE}", "time")
STYLES = ("faint", "first", "second")


def reading(found: Found) -> str:
    """How the figures came about."""
    return READING.format(sides=SIDES if found["groups"] else "")


def verdict(found: Found) -> str:
    """What the intervals allow to say, in words."""
    apart = [(name, one) for name in found["ways"] if (one := difference(found, name)) is not None]
    kinds = (
        (f"clearly above {BASE}", [(name, one) for name, one in apart if one["clear"] and one["accuracy"] > 0]),
        (f"clearly below {BASE}", [(name, one) for name, one in apart if one["clear"] and one["accuracy"] < 0]),
        (f"not told apart from {BASE} by these splits", [(name, one) for name, one in apart if not one["clear"]]),
    )
    said = [f"{words}: {', '.join(_with_points(name, one) for name, one in those)}" for words, those in kinds if those]
    return f"In points of accuracy, {'; '.join(said)}."


def difference(found: Found, name: str) -> Found | None:
    """How much more often a way is right than the frozen one, with the interval the same way round; None for itself."""
    for one in found["differences"]:
        if (one["first"], one["second"]) == (name, BASE):
            return dict(one)
        if (one["first"], one["second"]) == (BASE, name):
            low, high = one["interval"]
            turned = [-each for each in one["splits"]]
            return {**one, "accuracy": -one["accuracy"], "interval": [-high, -low], "splits": turned}
    return None


def command(found: Found) -> str:
    """What trains a network for use."""
    best = max((BASE, "fine-tuned"), key=lambda name: float(found["ways"][name]["accuracy"]))
    weights = f" --weights {found['weights']}" if found["weights"] != found["network"] else ""
    network = f" --network {found['network']}" if found["network"] != "efficientnet-lite0" else ""
    return f"glasswork train transfer --data {found['data']} --way {best}{network}{weights} --size {found['size']}"


def _rows(found: Found) -> list[list[str]]:
    rows = []
    for name, way in found["ways"].items():
        low, high = way["interval"]
        one = difference(found, name)
        apart = "" if one is None else f"{_points(one['accuracy'])} ({' to '.join(map(_points, one['interval']))})"
        seconds = f"{way['seconds']:.1f} s" if way["seconds"] < 10 else duration(way["seconds"])
        rows.append([name, _percent(way["accuracy"]), f"{_span(low, high)} %", apart, seconds])
    return rows


def _curves(found: Found) -> list[tuple[str, list[tuple[float, float]]]]:
    names = list(dict.fromkeys(point["way"] for point in found["curve"]))
    return [
        (name, [(point["examples"], point["accuracy"]) for point in found["curve"] if point["way"] == name])
        for name in names
    ]


def _curve_table(found: Found) -> tuple[list[str], list[list[str]]]:
    """A row per number of training pictures, a column per way."""
    names = [name for name, _ in _curves(found)]
    by_way = [[point for point in found["curve"] if point["way"] == name] for name in names]
    rows = [
        [f"{points[0]['examples']:,.0f}", *(f"{_percent(p['accuracy'])} ({_span(*p['interval'])})" for p in points)]
        for points in zip(*by_way, strict=True)  # with few things two shares may be of as many pictures
    ]
    return ["training pictures", *names], rows


def _facts(found: Found) -> list[tuple[str, object]]:
    return [
        ("pictures", found["examples"]),
        ("things that they show", found["groups"] or "not known"),
        ("classes", ", ".join(found["classes"])),
        ("the largest class, answered always", _percent(found["largest_class"])),
        ("splits", found["splits"]),
        ("trained network", f"{found['network']}, weights {found['weights']}"),
        ("seconds for the features of all pictures", round(found["feature_seconds"], 1)),
    ]


def _notes(found: Found) -> str:
    return "".join(f'<p class="note">{escape(remark)}</p>' for remark in found["remarks"])


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _span(low: float, high: float) -> str:
    return f"{100 * low:.1f} to {100 * high:.1f}"


def _with_points(name: str, one: Found) -> str:
    return f"{name} ({_points(one['accuracy'])})"


def _points(difference: float) -> str:
    points = round(100 * difference, 1)
    return f"{points:+.1f}" if points else "0.0"


def _intervals(rows: Mapping[str, Found], label: str, chance: float | None = None) -> str:
    """A row per name: its splits as grey dots, its mean, and a line from the low to the high end of the interval.

    Args:
        rows: by name, figures with `accuracy`, `interval` and `splits`.
        label: of the axis.
        chance: a share, drawn as a broken line; absent: the values are differences, and the line is zero.
    """
    reached: list[float] = [
        chance or 0.0,
        *(end for row in rows.values() for end in (*row["interval"], *row["splits"])),
    ]
    least, most = min(reached), max(reached)
    step = next((step for step in (0.01, 0.02, 0.05, 0.1, 0.2) if (most - least) / step <= 6), 0.5)
    first, last = math.floor(least / step + 1e-9), math.ceil(most / step - 1e-9)
    start, end = first * step, max(last, first + 1) * step

    def across(share: float) -> float:
        return LEFT + (share - start) / (end - start) * (WIDTH - LEFT - RIGHT)

    bottom = TOP + ROW * len(rows)
    parts = []
    for tick in range(first, last + 1):
        x, sign = across(tick * step), "+" if chance is None and tick else ""
        parts.append(f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom}" class="rule"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 14}" text-anchor="middle">{100 * tick * step:{sign}.0f}</text>')
    x = across(chance or 0.0)
    parts.append(f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom}" class="zero"/>')
    parts.append(
        f'<text x="{WIDTH - RIGHT}" y="{bottom + 29}" text-anchor="end" class="label">{escape(label)}, %</text>'
    )
    for place, (name, row) in enumerate(rows.items()):
        y, (low, high) = TOP + ROW * (place + 0.5), row["interval"]
        parts.append(f'<text x="{LEFT - 10}" y="{y + 4}" text-anchor="end" class="way">{escape(name)}</text>')
        parts += [f'<circle cx="{across(each):.1f}" cy="{y + 8}" r="2" class="split"/>' for each in row["splits"]]
        parts.append(f'<line x1="{across(low):.1f}" y1="{y}" x2="{across(high):.1f}" y2="{y}" class="spread"/>')
        words = f"{escape(name)}: {100 * row['accuracy']:.1f} ({_span(low, high)})"
        parts.append(
            f'<circle cx="{across(row["accuracy"]):.1f}" cy="{y}" r="4.5" class="dot first"><title>{words}</title>'
            "</circle>"
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {WIDTH:g} {bottom + BOTTOM:g}" role="img" '
        f'aria-label="{escape(label)}">{"".join(parts)}</svg>'
    )
