"""Why recurrence with gates: accuracy against distance, in the terminal and as a page."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape as plain

from glasswork.show import charts, escape, percent
from glasswork.show.charts import Series
from glasswork.show.rnn_colours import NAMES, STYLE
from glasswork.show.sections import Part, drawn_parts
from glasswork.show.terminal import print_table

Found = Mapping[str, Any]
ACROSS = "characters since it was opened"
FOOTER = "Drawn by Glasswork from the answers of every network."
READING = (
    "A network reads a text of letters and brackets, character by character, and says at its end which bracket has to "
    "be closed: (, [, { or <. Pairs of all kinds stand between, so that it must know which ones are closed already. "
    "Guessing is right in a quarter of the texts."
)


def print_why(console: Console, found: Found) -> None:
    """The table, and what it says."""
    console.print(plain(example(found)), soft_wrap=True)
    console.print()
    print_table(console, _head(found), _rows(found))
    console.print(plain(f"\n{READING}\n{verdict(found)}"), soft_wrap=True)


def why_page(found: Found) -> str:
    """The page.

    Args:
        found: `WhyRecurrence.to_json()`.
    """
    lines = [
        Series(NAMES[one["cell"]], [(float(distance), mean) for distance, mean, *_ in one["accuracy"]], one["cell"])
        for one in found["curves"]
    ]
    caption = "Right answers, mean over seeds"
    chart = charts.figure(caption, charts.line_chart(lines, caption, ACROSS, as_percent=True))
    asked = (
        f"Every network has {found['units']} units, learns from {found['training']:,} texts in {found['steps']:,} "
        f"updates, with brackets opened 1 to {found['farthest']} characters ago, and is asked about "
        f"{found['judged']:,} texts at each distance. Beyond that distance none of them has learnt."
    )
    title = "Why recurrence with gates"
    body = (
        f'<header><h1>{escape(title)}</h1><p class="verdict">{escape(verdict(found))}</p></header>'
        + charts.section(
            "Accuracy against distance",
            escape(READING),
            f'<div class="figures">{chart}</div>',
            f'<p class="note"><code>{escape(example(found))}</code></p>',
            f'<p class="note">{escape(asked)}</p>',
        )
        + drawn_parts(
            [
                Part(
                    "In numbers",
                    "Mean over seeds, and the lowest and the highest.",
                    head=_head(found),
                    rows=_rows(found),
                )
            ]
        )
    )
    return charts.document(title, body, style=STYLE, footer=FOOTER)


def example(found: Found) -> str:
    """A text and its answer."""
    text, answer = found["example"]
    return f"such as  {text}  answer  {answer}"


def verdict(found: Found) -> str:
    """What the curve says at the farthest distance of training, in words."""
    far = found["farthest"]
    said = [
        f"{NAMES[one['cell']]} {percent(mean)}"
        for one in found["curves"]
        for distance, mean, *_ in one["accuracy"]
        if distance == far
    ]
    return f"Opened {far} characters ago: {', '.join(said)} right."


def _head(found: Found) -> list[str]:
    return ["distance", *(NAMES[one["cell"]] for one in found["curves"])]


def _rows(found: Found) -> list[list[str]]:
    rows = []
    for same in zip(*(one["accuracy"] for one in found["curves"]), strict=True):
        distance = same[0][0]
        beyond = ", beyond training" if distance > found["farthest"] else ""
        rows.append([f"{distance}{beyond}", *(_spread(*figures) for _, *figures in same)])
    return rows


def _spread(mean: float, lowest: float, highest: float) -> str:
    return percent(mean) if lowest == highest else f"{percent(mean)} ({percent(lowest)} to {percent(highest)})"
