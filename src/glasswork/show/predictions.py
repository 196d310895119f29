"""Answers about pictures: the most probable classes as bars (Kolter, "ImageNet": a picture and its five answers)."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape as plain

from glasswork.show import charts, escape, percent
from glasswork.show.charts import section

SHOWN = 5
BAR = 24
FOOTER = "Drawn by Glasswork from the network's answers."
STYLE = """
.asked { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1.1fr); gap: 26px; align-items: center; }
.asked img { width: 100%; height: auto; }
@media (max-width: 620px) { .asked { grid-template-columns: 1fr; } }
"""
Found = Mapping[str, Any]


def print_top(console: Console, answers: Sequence[Found]) -> None:
    """The most probable classes of each input, with a bar each.

    Args:
        console: where to.
        answers: `Answer.to_json()` of each.
    """
    for answer in answers:
        console.print(plain(answer["input"]))
        for name, chance in _top(answer):
            filled = round(BAR * chance)
            bar = "\u2588" * filled + "\u2591" * (BAR - filled)
            console.print(plain(f"  {bar} {100 * chance:5.1f} %  {name}"), soft_wrap=True)


def predictions_page(title: str, answers: Sequence[Found], pictures: Sequence[bytes]) -> str:
    """A page with each picture beside its most probable classes.

    Args:
        title: of the page.
        answers: `Answer.to_json()` of each.
        pictures: PNG of each.
    """
    parts = []
    for answer, png in zip(answers, pictures, strict=True):
        drawn = charts.picture(png, answer["input"]) + charts.bars(_top(answer), as_percent=True)
        name, chance = next(iter(_top(answer)))
        said = f"{name}, {percent(chance)}"
        parts.append(section(escape(said), escape(answer["input"]), f'<div class="asked">{drawn}</div>'))
    body = f"<header><h1>{escape(title)}</h1></header>{''.join(parts)}"
    return charts.document(title, body, footer=FOOTER, style=STYLE)


def _top(answer: Found) -> list[tuple[str, float]]:
    return list(answer["probabilities"].items())[:SHOWN]
