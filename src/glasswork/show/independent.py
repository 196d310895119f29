"""Recurrent against independent predictions, in the terminal and as a page."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape as plain

from glasswork.show import charts, escape, percent
from glasswork.show.rnn_colours import NAMES
from glasswork.show.sections import Part, drawn_parts
from glasswork.show.terminal import print_table

Found = Mapping[str, Any]
ALONE = "each on its own"
SHOWN = 12
FOOTER = "Drawn by Glasswork from the answers of both networks."


def print_independent(console: Console, found: Found) -> None:
    """The two networks, the labels that gain most, and what it says."""
    print_table(console, HEAD, _ways(found))
    console.print()
    print_table(console, _label_head(found), _labels(found)[:SHOWN])
    console.print(plain(f"\n{verdict(found)}"), soft_wrap=True)


def independent_page(found: Found) -> str:
    """The page.

    Args:
        found: `Independent.to_json()`.
    """
    title = f"Recurrent against independent predictions: {found['data']}"
    bars = charts.bars([(_name(way["cell"]), way["accuracy"]) for way in found["ways"]], as_percent=True)
    rows, times = found["counts"]
    reading = (
        f"Two networks alike but for the recurrent layer, trained on the same {found['rows']} and asked about the same "
        f"{times:,} {found['times']} of {rows:,} {found['rows']}. Without it each is judged "
        "on its own."
    )
    labels, head = _labels(found), _label_head(found)
    reading_labels = f"F1 with and without recurrence; {found['times']}: how many have the label."
    parts = [
        Part("In numbers", "Both with the settings of the preset.", head=HEAD, rows=_ways(found)),
        Part("What gains most", reading_labels, head=head, rows=labels[:SHOWN]),
    ]
    if len(labels) > SHOWN:
        parts.append(Part("All labels", "The same for all of them, the greatest gain first.", head=head, rows=labels))
    body = (
        f'<header><h1>{escape(title)}</h1><p class="verdict">{escape(verdict(found))}</p></header>'
        + charts.section("Right answers", escape(reading), bars)
        + drawn_parts(parts)
    )
    return charts.document(title, body, footer=FOOTER)


def verdict(found: Found) -> str:
    """The difference of the accuracies with its interval, in words."""
    first, second = found["ways"]
    mean, low, high = (100 * value for value in found["difference"])
    said = "It helps." if low > 0 else "It harms." if high < 0 else "That may be chance."
    return (
        f"With {NAMES[first['cell']]} {percent(first['accuracy'])} of the {found['times']} are right, {ALONE} "
        f"{percent(second['accuracy'])}: recurrence gives {mean:+.1f} points (95 % interval {low:+.1f} to {high:+.1f}, "
        f"over {found['rows']}). {said}"
    )


HEAD = ("network", "right", "F1, mean of labels", "parameters", "seconds")


def _name(cell: str) -> str:
    return "every one on its own" if cell == "none" else f"with {NAMES[cell]}"


def _ways(found: Found) -> list[tuple[str, str, str, str, str]]:
    return [
        (
            _name(way["cell"]),
            percent(way["accuracy"]),
            percent(sum(one["f1"] for one in way["labels"][1:]) / max(1, len(way["labels"]) - 1)),
            f"{way['parameters']:,}",
            f"{way['seconds']:.0f}",
        )
        for way in found["ways"]
    ]


def _label_head(found: Found) -> tuple[str, str, str, str, str]:
    return "label", found["times"], "F1 with recurrence", f"F1 {ALONE}", "gain"


def _labels(found: Found) -> list[tuple[str, str, str, str, str]]:
    """Label by label, the greatest gain first."""
    recurrent, alone = ({one["label"]: one for one in way["labels"][1:]} for way in found["ways"])
    pairs = [(name, one, alone.get(name)) for name, one in recurrent.items() if one["count"]]
    gains = [(one["f1"] - (other["f1"] if other else 0.0), name, one, other) for name, one, other in pairs]
    return [
        (name, f"{one['count']:,}", f"{one['f1']:.3f}", f"{other['f1'] if other else 0.0:.3f}", f"{gain:+.3f}")
        for gain, name, one, other in sorted(gains, key=lambda item: -item[0])
    ]
