"""The vanishing gradient drawn: the norm of the error that arrives k characters back, on a logarithmic axis."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape as plain

from glasswork.show import charts, escape, number
from glasswork.show.charts import Series
from glasswork.show.drawing import Point
from glasswork.show.rnn_colours import NAMES, STYLE
from glasswork.show.sections import Part, drawn_parts
from glasswork.show.terminal import print_table

Found = Mapping[str, Any]
LAGS = (1, 10, 50, 200, 500)
ACROSS = "characters back (k)"
FOOTER = "Drawn by Glasswork from gradients through the textbook's cells; the page computed none of these numbers."
READING = (
    "The norm of d loss(t) / d h(t-k), mean over texts: how much the loss at the last character changes with the state "
    "k characters before it. A straight line on this axis is a power: the same factor at every step. Where a line ends "
    "early, exactly nothing arrives."
)
MEMORY = (
    "An LSTM hands two things on. Through what it shows, h, errors go as in any network. Through its memory, c, they "
    "are multiplied by the forget gate: one that stays open lets them through."
)


def print_vanishing(console: Console, found: Found) -> None:
    """A table: what arrives at some lags, for every network."""
    rows = _rows(found)
    print_table(console, _head(found), rows)
    console.print(plain(f"\n{READING}\n{task(found)}"), soft_wrap=True)


def vanishing_page(found: Found) -> str:
    """The page.

    Args:
        found: `VanishingGradient.to_json()`.
    """
    curves = found["curves"]
    trained = [one for one in curves if one["trained"]]
    before = [one for one in curves if not one["trained"]]
    drawings = [_chart("Untrained", _by_cell(before))]
    drawings += [_chart(f"After {found['steps']:,} updates", _by_cell(trained))] if trained else []
    with_memory = [one for one in curves if one["gradient"]["memory"] is not None]
    memories = [
        _chart(f"LSTM, {'trained' if one['trained'] else 'untrained'}: memory and state", _parts(one))
        for one in with_memory
    ]
    body = (
        '<header><h1>The vanishing gradient</h1><p class="verdict">'
        f"{escape(verdict(found))} {escape(task(found))}</p></header>"
        + charts.section("Gradient against lag", escape(READING), _figures(drawings))
        + charts.section("State and memory", escape(MEMORY), _figures(memories))
        + drawn_parts(
            [
                Part(
                    "In numbers",
                    "The same at some lags, and how many answers are right; guessing is right in a quarter.",
                    head=_head(found),
                    rows=_rows(found),
                )
            ]
        )
    )
    return charts.document("The vanishing gradient", body, style=STYLE, footer=FOOTER)


def verdict(found: Found) -> str:
    """How much arrives at the first character, in words."""
    lag = found["length"] - 1
    said = []
    for one in found["curves"]:
        if bool(found["steps"]) == one["trained"]:
            last = _arrived(one)[lag]
            said.append(f"{NAMES[one['gradient']['cell']]} {_written(last)}")
    when = f"after {found['steps']:,} updates" if found["steps"] else "untrained"
    return f"Gradient that arrives {lag} characters back, {when}: {', '.join(said)}."


def task(found: Found) -> str:
    """What the networks read and what the loss is."""
    return (
        f"{found['units']} units read {found['texts']} texts of {found['length']} characters. The loss is the "
        "cross-entropy of the bracket that closes the first of them; an LSTM's figure is the larger one of h and c."
    )


def _arrived(curve: Found) -> list[float]:
    """Numbers out of JSON, which has words for inf and nan."""
    return [float(value) for value in curve["arriving"]]


def _by_cell(curves: Sequence[Found]) -> list[Series]:
    return [Series(NAMES[one["gradient"]["cell"]], _points(_arrived(one)), one["gradient"]["cell"]) for one in curves]


def _parts(curve: Found) -> list[Series]:
    gradient = curve["gradient"]
    return [
        Series("memory c", _points([float(value) for value in gradient["memory"]]), "first"),
        Series("state h", _points([float(value) for value in gradient["hidden"]]), "second"),
    ]


def _points(values: Sequence[float]) -> list[Point]:
    """The points of a line; 0 has no place on a logarithmic axis, so that the line ends there."""
    return [(float(lag), value) for lag, value in enumerate(values) if value > 0 or math.isnan(value)]


def _chart(caption: str, lines: Sequence[Series]) -> str:
    return charts.figure(caption, charts.line_chart(lines, caption, ACROSS, logarithmic_from=1))


def _figures(drawings: Sequence[str]) -> str:
    return f'<div class="figures">{"".join(drawings)}</div>' if any(drawings) else ""


def _lags(found: Found) -> Iterator[int]:
    last = found["length"] - 1
    yield from (lag for lag in LAGS if lag < last)
    yield last


def _head(found: Found) -> list[str]:
    return ["cell", "right", *(f"k = {lag}" for lag in _lags(found))]


def _rows(found: Found) -> list[list[str]]:
    return [
        [
            "- trained" if one["trained"] else NAMES[one["gradient"]["cell"]],
            f"{100 * one['accuracy']:.0f} %",
            *(_written(_arrived(one)[lag]) for lag in _lags(found)),
        ]
        for one in found["curves"]
    ]


def _written(value: float) -> str:
    return "0" if value == 0 else f"{value:.1e}" if math.isfinite(value) else number(value)
