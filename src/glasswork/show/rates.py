"""The learning-rate range test and the speeds of batch sizes: in the terminal, and as a page."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape as plain

from glasswork.show import charts, escape, number
from glasswork.show.charts import figure, section
from glasswork.show.sections import Part, drawn_parts
from glasswork.show.terminal import print_table
from glasswork.training.memory import worded_bytes

WIDTH, HEIGHT = 560, 300
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 30, 40
LINES, COLUMNS = 12, 70
HIGHEST_DRAWN = 1.25
STYLE = """
.wider { max-width: 720px; }
.chart .raw { fill: var(--second); fill-opacity: .35; }
"""
FOOTER = "Drawn by Glasswork from the steps of the test."
Found = Mapping[str, Any]


def print_rates(console: Console, found: Found) -> None:
    """The curve, the rates, the speeds and the command."""
    console.print(plain(f"{found['preset']} on {found['data']}: smoothed loss against learning rate\n"))
    console.print(plain(plot(found)), soft_wrap=True)
    console.print(plain(f"\n{verdict(found)}"), soft_wrap=True)
    rows = [
        [
            one["batch_size"],
            f"{one['examples_per_second']:,.0f}",
            f"{one['milliseconds']:.2f}",
            worded_bytes(one["memory"]),
        ]
        for one in found["speeds"]
    ]
    if rows:
        console.print()
        print_table(console, ["batch size", "examples per second", "ms per step", "memory"], rows)
        console.print(plain(f"\n{fitting(found)}"), soft_wrap=True)
    if found["command"]:
        console.print(plain(f"\nnext:\n  {found['command']}"), soft_wrap=True)


def plot(found: Found) -> str:
    """The smoothed loss against the rate, in letters."""
    points = found["points"]
    low_rate, high_rate = math.log10(points[0]["rate"]), math.log10(points[-1]["rate"])
    low, high = _span(found)
    cells = [[" "] * COLUMNS for _ in range(LINES)]
    for point in points:
        if point["smoothed"] <= high:
            across = (math.log10(point["rate"]) - low_rate) / (high_rate - low_rate or 1)
            up = (point["smoothed"] - low) / (high - low)
            cells[round((1 - up) * (LINES - 1))][round(across * (COLUMNS - 1))] = "*"
    ruler, marks = [" "] * (COLUMNS + 6), [" "] * COLUMNS
    for decade in range(math.ceil(low_rate), math.floor(high_rate) + 1):
        place = round((decade - low_rate) / (high_rate - low_rate or 1) * (COLUMNS - 1))
        ruler[place : place + 5] = f"1e{decade}".ljust(5)
        marks[place] = "|"
    labels = {0: f"{high:.3g}", LINES - 1: f"{low:.3g}"}
    lines = [f"{labels.get(place, ''):>8} {''.join(row).rstrip()}" for place, row in enumerate(cells)]
    return "\n".join([*lines, f"{'':>8} {''.join(marks).rstrip()}", f"{'':>8} {''.join(ruler).rstrip()}"])


def verdict(found: Found) -> str:
    """The rates in words."""
    if found["suggested"] is None:
        return (
            "The loss never falls below what it is at the least rate, so no rate can be read off: "
            f"{found['optimizer']} may need other inputs, another loss or larger weights at the start."
        )
    exploded = f" It explodes at {found['exploded']:.2g}." if found["exploded"] else " It never explodes."
    why = (
        "half of that, as a one-cycle schedule touches its rate for a moment only"
        if found["schedule"] == "one-cycle"
        else "a tenth of that, or the steepest where that is higher, as the rate is kept"
    )
    return (
        f"The loss falls fastest at {found['steepest']:.2g} and is least at {found['least']:.2g}.{exploded} Suggested: "
        f"{found['suggested']:g} ({why}); a tenth, for a rate that stays the same, is {found['cautious']:g}. Without "
        f"asking, a run takes {found['usual']:g}. All this is for {found['optimizer']} with batches of "
        f"{found['batch_size']}."
    )


def fitting(found: Found) -> str:
    """What the memory allows, in words."""
    largest, examples = found["largest_batch"], found["training_examples"]
    if largest is None:
        return f"There are {examples:,} training examples."
    if largest >= examples:
        return f"All {examples:,} training examples in one batch would fit into the memory."
    return f"Batches of up to about {largest:,} examples fit into four fifths of the free memory."


def rates_page(found: Found) -> str:
    """The page of the test.

    Args:
        found: `RateTest.to_json()`.
    """
    title = f"{found['preset']} on {found['data']}, learning rates"
    suggested = "none" if found["suggested"] is None else f"{found['suggested']:g}"
    rows = [
        [one["batch_size"], round(one["examples_per_second"]), one["milliseconds"], worded_bytes(one["memory"])]
        for one in found["speeds"]
    ]
    speeds = Part(
        "Batch sizes",
        "Whole steps: gathering the examples, forward, loss, backward, update. Larger batches keep the machine busier, "
        "and make fewer updates in an epoch. " + fitting(found),
        head=["examples in a batch", "examples per second", "milliseconds per step", "memory"],
        rows=rows,
    )
    body = (
        f'<header><h1>{escape(title)}</h1><p class="headline"><strong>{suggested}</strong> <em>suggested</em></p>'
        f'<p class="verdict">{escape(verdict(found))}</p></header>'
        + section(
            "Loss against rate",
            "One pass over the training examples while the rate grows by the same factor at every step (Smith 2015). "
            "Dots are the losses of single batches, the line is their mean over neighbours.",
            figure("Loss of the batch, before its update", curve(found), "wider"),
        )
        + drawn_parts([speeds])
    )
    if found["command"]:
        shown = f'<dl class="next"><dt><code>{escape(found["command"])}</code></dt><dd>trains with it</dd></dl>'
        body += section("What to try next", "", shown)
    return charts.document(title, body, footer=FOOTER, style=STYLE)


def curve(found: Found) -> str:
    """Losses over a logarithmic axis of rates, with the steepest, the least and the suggested rate marked."""
    points = found["points"]
    low_rate, high_rate = math.log10(points[0]["rate"]), math.log10(points[-1]["rate"])
    low, high = _span(found)

    def x(rate: float) -> float:
        return LEFT + (math.log10(rate) - low_rate) / (high_rate - low_rate or 1) * (WIDTH - LEFT - RIGHT)

    def y(loss: float) -> float:
        return HEIGHT - BOTTOM - (min(max(loss, low), high) - low) / (high - low) * (HEIGHT - BOTTOM - TOP)

    ground = HEIGHT - BOTTOM
    parts = [_line(LEFT, ground, WIDTH - RIGHT, ground, "ground")]
    for loss in _ticks(low, high):
        parts += [
            _line(LEFT, y(loss), WIDTH - RIGHT, y(loss), "rule"),
            _text(LEFT - 6, y(loss) + 3.5, number(loss), "end"),
        ]
    for decade in range(math.ceil(low_rate), math.floor(high_rate) + 1):
        words = f"{10.0**decade:g}"
        parts += [_line(x(10.0**decade), ground, x(10.0**decade), ground + 4, "ground")]
        parts.append(_text(x(10.0**decade), ground + 16, words))
    parts.append(_text(WIDTH - RIGHT, ground + 32, "learning rate", "end", "label"))
    parts += [
        f'<circle class="raw" cx="{x(p["rate"]):.1f}" cy="{y(p["loss"]):.1f}" r="1.8"/>'
        for p in points
        if low <= p["loss"] <= high
    ]
    drawn = [f"{x(p['rate']):.1f} {y(p['smoothed']):.1f}" for p in points if p["smoothed"] <= high]
    parts.append(f'<path class="line first" d="M{"L".join(drawn)}"/>')
    parts += _marks(found, x, ground)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="loss against learning rate">{"".join(parts)}</svg>'
    )


def _marks(found: Found, x: Any, ground: float) -> list[str]:
    parts = []
    names = {"steepest": found["steepest"], "suggested": found["suggested"], "least": found["least"]}
    for place, (name, rate) in enumerate(names.items()):
        if rate is not None and found["suggested"] is not None:
            at, height = x(rate), 10 + 11 * (place % 3)
            anchor, aside = ("end", -4) if name == "steepest" else ("start", 4)
            parts += [
                _line(at, height - 6, at, ground, "mark"),
                _text(at + aside, height, f"{name} {rate:.2g}", anchor),
            ]
    return parts


def _span(found: Found) -> tuple[float, float]:
    """The losses that are drawn: from the least to a little above that at the start."""
    smoothed = [point["smoothed"] for point in found["points"]]
    low, start = min(smoothed), smoothed[0]
    high = max(start + (HIGHEST_DRAWN - 1) * (start - low), low + 1e-6 * max(1.0, abs(low)))
    return max(0.0, low - 0.08 * (high - low)), high


def _ticks(low: float, high: float) -> Sequence[float]:
    power = 10.0 ** math.floor(math.log10((high - low) / 4))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= (high - low) / 4 * (1 - 1e-9))
    return [float(f"{k * step:.6g}") for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _text(x: float, y: float, words: str, anchor: str = "middle", style: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{style}">{escape(words)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{style}"/>'
