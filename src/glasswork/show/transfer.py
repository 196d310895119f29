"""The ways of transfer compared: the table in the terminal, and the page."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape as plain

from glasswork.show import charts, escape
from glasswork.show.charts import Series, facts, figure, section
from glasswork.show.parts import Part, drawn_parts
from glasswork.show.progress import duration
from glasswork.show.terminal import print_table

BASE = "frozen"
FOOTER = "Drawn by Glasswork from the answers of every network."
READING = (
    "Every way learnt from the same pictures and was judged on the same others, split by split; pictures of one thing "
    "are on one side. Intervals hold with 95 % confidence (Student's t, with the variance of Nadeau and Bengio 2003, "
    "as the training parts overlap)."
)
STYLE = """
.chart .spread { stroke: var(--first); stroke-width: 2.4; stroke-linecap: round; }
.chart .zero { stroke: var(--quiet); stroke-width: 1; stroke-dasharray: 3 3; }
.chart .way { fill: var(--ink); }
.metrics td { white-space: nowrap; }
"""
WIDTH, ROW, LEFT, RIGHT, TOP, BOTTOM = 420.0, 30.0, 112.0, 18.0, 8.0, 34.0
Found = Mapping[str, Any]


def print_transfer(console: Console, found: Found) -> None:
    """The table, what it says, and the commands."""
    print_table(console, HEAD, _rows(found))
    console.print(plain(f"\n{verdict(found)}\n{READING}"), soft_wrap=True)
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
    ways = [(name, way["accuracy"], *way["interval"]) for name, way in found["ways"].items()]
    apart = [
        (name, *(one[key] for key in ("accuracy",)), *one["interval"])
        for name in found["ways"]
        if name != BASE and (one := difference(found, name)) is not None
    ]
    drawn = figure("Right answers, with their intervals", _intervals(ways, "share of right answers", False)) + figure(
        f"Right answers more than {BASE}", _intervals(apart, f"difference from {BASE}", True)
    )
    head, rows = _curve_table(found)
    lines = [Series(name, points, style) for (name, points), style in zip(_curves(found), STYLES, strict=False)]
    curve = charts.line_chart(lines, "Right answers by training pictures", "training pictures", None, True)
    body = (
        f'<header><h1>{escape(title)}</h1><p class="headline"><strong>{_percent(found["ways"][best]["accuracy"])}'
        f'</strong> <em>right answers: {escape(best)}</em></p><p class="verdict">{escape(verdict(found))}</p></header>'
        + section("The ways", escape(READING), f'<div class="figures">{drawn}</div>')
        + drawn_parts(
            [
                Part(
                    "What was done", "", head=("way", ""), rows=[(n, w["sentence"]) for n, w in found["ways"].items()]
                ),
                Part("In numbers", "Time is of all splits together.", head=HEAD, rows=_rows(found)),
            ]
        )
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


def verdict(found: Found) -> str:
    """What the intervals allow to say, in words."""
    words = []
    for name in found["ways"]:
        one = difference(found, name) if name != BASE else None
        if one is not None:
            points = 100 * one["accuracy"]
            side = "above" if points > 0 else "below"
            sure = "clearly " if one["clear"] else ""
            doubt = "" if one["clear"] else " (not clear: the interval holds zero)"
            words.append(f"{name} is {sure}{abs(points):.1f} points {side} {BASE}{doubt}")
    return f"{'; '.join(words)}."


def difference(found: Found, name: str) -> Found | None:
    """How much more often a way is right than the frozen one, with the interval the same way round."""
    for one in found["differences"]:
        if (one["first"], one["second"]) == (name, BASE):
            return dict(one)
        if (one["first"], one["second"]) == (BASE, name):
            low, high = one["interval"]
            return {**one, "accuracy": -one["accuracy"], "interval": [-high, -low]}
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
        one = difference(found, name) if name != BASE else None
        apart = "" if one is None else f"{100 * one['accuracy']:+.1f} ({_signed(one['interval'])})"
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
    counts = list(dict.fromkeys(point["examples"] for point in found["curve"]))
    rows = [
        [
            f"{count:,.0f}",
            *(
                f"{_percent(point['accuracy'])} ({_span(*point['interval'])})"
                for name in names
                for point in found["curve"]
                if (point["way"], point["examples"]) == (name, count)
            ),
        ]
        for count in counts
    ]
    return ["training pictures", *names], rows


def _facts(found: Found) -> list[tuple[str, object]]:
    return [
        ("pictures", found["examples"]),
        ("things that they show", found["groups"] or "not known"),
        ("classes", ", ".join(found["classes"])),
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


def _signed(interval: Sequence[float]) -> str:
    return " to ".join(f"{100 * end:+.1f}" for end in interval)


def _intervals(rows: Sequence[tuple[str, float, float, float]], label: str, around_zero: bool) -> str:
    """A dot per row with a line from the low to the high end of its interval; a broken line at zero.

    Args:
        rows: name, value, low and high end, as shares.
        label: of the axis.
        around_zero: zero is on the axis, and values have signs.
    """
    lows, highs = [row[2] for row in rows], [row[3] for row in rows]
    least, most = (min(0.0, *lows), max(0.0, *highs)) if around_zero else (max(0.0, min(lows)), min(1.0, max(highs)))
    step = next((step for step in (0.01, 0.02, 0.05, 0.1, 0.2) if (most - least) / step <= 6), 0.5)
    first, last = int(least / step) - (least < 0), int(most / step + 1)
    start, end = first * step, last * step

    def across(share: float) -> float:
        return LEFT + (min(max(share, start), end) - start) / (end - start) * (WIDTH - LEFT - RIGHT)

    bottom = TOP + ROW * len(rows)
    parts = []
    for tick in range(first, last + 1):
        x = across(tick * step)
        words = f"{100 * tick * step:{'+' if around_zero and tick else ''}.0f}"
        style = "zero" if around_zero and tick == 0 else "rule"
        parts.append(f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom}" class="{style}"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 14}" text-anchor="middle">{words}</text>')
    parts.append(
        f'<text x="{WIDTH - RIGHT}" y="{bottom + 29}" text-anchor="end" class="label">{escape(label)}, %</text>'
    )
    for place, (name, value, low, high) in enumerate(rows):
        y = TOP + ROW * (place + 0.5)
        parts.append(f'<text x="{LEFT - 10}" y="{y + 4}" text-anchor="end" class="way">{escape(name)}</text>')
        parts.append(f'<line x1="{across(low):.1f}" y1="{y}" x2="{across(high):.1f}" y2="{y}" class="spread"/>')
        words = f"{escape(name)}: {100 * value:.1f} ({_span(low, high)})"
        parts.append(
            f'<circle cx="{across(value):.1f}" cy="{y}" r="4.5" class="dot first"><title>{words}</title></circle>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {WIDTH:g} {bottom + BOTTOM:g}" role="img" '
        f'aria-label="{escape(label)}">{"".join(parts)}</svg>'
    )
