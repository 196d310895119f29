"""Ways against over-training compared: the table in the terminal, and the page."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape as plain

from glasswork.show import charts, escape, number
from glasswork.show.charts import facts, section
from glasswork.show.progress import duration
from glasswork.show.sections import Part, drawn_parts
from glasswork.show.terminal import print_table

SHARES = ("accuracy", "f1", "exact_match")
STYLE = """
.metrics thead th { white-space: normal; vertical-align: bottom; }
.metrics td { white-space: nowrap; }
.metrics td, .metrics th { padding-right: 7px; }
.metrics td + td, .metrics th + th { padding-left: 1px; }
"""
FOOTER = "Drawn by Glasswork from the figures of every network."
READING = (
    "All methods have the same examples and the same first weights. Each has the strength (lambda, the share dropped, "
    "the longest length, the patience) whose loss on the validation examples is least; the test examples chose "
    "nothing. Without early stopping a network keeps its last weights."
)
Found = Mapping[str, Any]


def print_penalties(console: Console, found: Found) -> None:
    """The table, what it says, and the commands."""
    print_table(console, _head(found), [_row(found, one) for one in found["methods"]])
    console.print(plain(f"\n{verdict(found)} {READING}"), soft_wrap=True)
    for remark in found["remarks"]:
        console.print(plain(f"note: {remark}"), soft_wrap=True)
    console.print(plain(f"\nnext:\n  {best(found)['command']}"), soft_wrap=True)


def penalties_page(found: Found) -> str:
    """The page of a comparison.

    Args:
        found: `PenaltiesCompared.to_json()`.
    """
    title = f"{found['preset']} on {found['data']}, ways against over-training"
    first = best(found)
    tried = [
        [one["method"], None if one["value"] is None else f"{one['value']:g}", one["validation_loss"] or one["problem"]]
        for one in found["tried"]
    ]
    head, rows = _head(found), [_row(found, one) for one in found["methods"]]
    parts = [
        Part("What they come to", READING, head=head, rows=rows, note=" ".join(found["remarks"])),
        Part(
            "Every strength",
            "Means over the seeds. A method has the strength of its least loss here.",
            head=["method", "strength", "validation loss"],
            rows=tried,
        ),
    ]
    counts = facts(
        [*((f"{name} examples", count) for name, count in found["examples"].items()), ("seeds", _seeds(found))]
    )
    shown = "".join(
        f"<dt><code>{escape(one['command'])}</code></dt><dd>{escape(one['method'])}</dd>" for one in found["methods"]
    )
    body = (
        f'<header><h1>{escape(title)}</h1><p class="headline"><strong>{escape(first["method"])}</strong> '
        f'<em>least validation loss</em></p><p class="verdict">{escape(verdict(found))}</p></header>'
        + drawn_parts(parts)
        + section("What was trained on what", "", counts)
        + section("What to try next", "Each trains one network of the table.", f'<dl class="next">{shown}</dl>')
    )
    return charts.document(title, body, footer=FOOTER, style=STYLE)


def best(found: Found) -> Found:
    """The method of the least validation loss."""
    return min(found["methods"], key=lambda one: float(one["validation"]["loss"]["mean"]))


def verdict(found: Found) -> str:
    """What the table says, in words."""
    first = best(found)
    plainly = next((one for one in found["methods"] if one["method"] == "none"), None)
    words = []
    if plainly is not None:
        words.append(
            f"Without any method the loss is {_mean(plainly, 'training')} on the training and {_mean(plainly, 'test')} "
            "on the test examples: the gap is what was learnt by heart."
        )
    if plainly is not first:
        words.append(
            f"The validation examples choose {first['method']}, with {_mean(first, 'training')} and "
            f"{_mean(first, 'test')}."
        )
    return " ".join(words)


def _head(found: Found) -> list[str]:
    metric = [] if found["metric"] == "loss" else [found["metric"]]
    names = [f"{part} {name}" for part in ("training", "validation", "test") for name in (*metric, "loss")]
    return ["method", "strength", *names, "weights' norm", "epochs", "time"]


def _row(found: Found, one: Found) -> list[str | int | float | None]:
    metric = [] if found["metric"] == "loss" else [found["metric"]]
    figures = [
        _figure(name, one[part][name], part == "test")
        for part in ("training", "validation", "test")
        for name in (*metric, "loss")
    ]
    strength = "-" if one["value"] is None else f"{one['value']:g}"
    norm = number(float(f"{one['weights_norm']['mean']:.3g}"))
    return [one["method"], strength, *figures, norm, f"{one['epochs']:.0f}", _time(one["seconds"])]


def _figure(name: str, figure: Found, spread: bool) -> str:
    mean, error = figure["mean"], figure["standard_error"]
    if name in SHARES:
        return f"{100 * mean:.1f} ± {100 * error:.1f} %" if spread else f"{100 * mean:.1f} %"
    return f"{mean:.3f} ± {error:.3f}" if spread else f"{mean:.3f}"


def _mean(one: Found, part: str) -> str:
    return f"{one[part]['loss']['mean']:.3f}"


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else duration(seconds)


def _seeds(found: Found) -> str:
    return ", ".join(map(str, found["seeds"]))
