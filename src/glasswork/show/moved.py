"""A text whose words stand on the colour of what they did to the answer: on a terminal and as HTML."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.style import Style
from rich.text import Text

from glasswork.show import charts, escape, percent
from glasswork.show.charts import section

UP, DOWN = (43, 123, 186), (209, 89, 59)
PAPER = (24, 24, 24)
LEAST_SHARE = 0.05
"""Below it, of the most that a word moved, a word stands on the page's own ground."""
NAMED = 3
FOOTER = "Drawn by Glasswork: each word was left out in turn, and the network asked again."
READING = (
    "Blue words speak for the answer, red ones against it: each was left out in turn. The figure is by how many bits "
    "the answer's log odds fall without the word; 1 bit halves the odds."
)
STYLE = """
.moved { font: 1.02rem/1.9 var(--serif, serif); white-space: pre-wrap; overflow-wrap: anywhere; }
.moved .for { background: color-mix(in srgb, var(--first) calc(var(--share) * 62%), transparent); }
.moved .against { background: color-mix(in srgb, var(--wrong) calc(var(--share) * 62%), transparent); }
"""
Moved = Sequence[tuple[str, float]]


def print_moved(console: Console, answers: Sequence[Mapping[str, Any]]) -> None:
    """Each text on the colours of its words, under its answer.

    Args:
        console: where to.
        answers: `Answer.to_json()` of each; those without `moved` are passed over.
    """
    for answer in answers:
        if not answer.get("moved"):
            continue
        chance = "" if answer["probability"] is None else f", {percent(answer['probability'])}"
        head = Text(f"{answer['input']}: ", "dim").append(f"{_said(answer)}{chance}", "bold not dim")
        text = Text()
        for piece, share in _shares(answer["moved"]):
            word = piece.rstrip()
            text.append(word, _on(share)).append(piece[len(word) :])
        console.print(head, text, Text(strongest(answer["moved"]), "dim"), sep="\n")
        console.print()


def moved_page(title: str, answers: Sequence[Mapping[str, Any]]) -> str:
    """A page of texts on the colours of their words.

    Args:
        title: of the page.
        answers: `Answer.to_json()` of each.
    """
    parts = []
    for answer in answers:
        chance = "" if answer["probability"] is None else f", {percent(answer['probability'])}"
        text = "".join(map(_span, _shares(answer.get("moved", ()))))
        words = strongest(answer.get("moved", ())) or "its words were not looked at"
        parts.append(
            section(
                escape(f"{_said(answer)}{chance}"),
                escape(answer["input"]),
                f'<p class="moved">{text}</p>' if text else "",
                f'<p class="note">{escape(words)}</p>',
            )
        )
    body = f"<header><h1>{escape(title)}</h1><p>{escape(READING)}</p></header>{''.join(parts)}"
    return charts.document(title, body, footer=FOOTER, style=STYLE)


def strongest(moved: Moved) -> str:
    """The words that moved the answer most, each with its figure: `great +1.3, not -0.8`."""
    ranked = sorted(moved, key=lambda pair: -abs(pair[1]))[:NAMED]
    return ", ".join(f"{piece.strip()} {value:+.2g}" for piece, value in ranked if value)


def _said(answer: Mapping[str, Any]) -> str:
    said = answer["answer"]
    return ", ".join(map(str, said)) if isinstance(said, list) else str(said)


def _shares(moved: Moved) -> list[tuple[str, float]]:
    """Every piece with its share, -1 to 1, of the most that a piece moved."""
    most = max((abs(value) for _, value in moved), default=0.0) or 1.0
    return [(piece, value / most) for piece, value in moved]


def _on(share: float) -> Style:
    """White letters on the colour, mixed with dark paper by its share."""
    if abs(share) < LEAST_SHARE:
        return Style()
    colour = UP if share > 0 else DOWN
    ground = [round(dark + abs(share) * (full - dark)) for dark, full in zip(PAPER, colour, strict=True)]
    return Style(color="#ffffff", bgcolor=f"#{ground[0]:02x}{ground[1]:02x}{ground[2]:02x}")


def _span(pair: tuple[str, float]) -> str:
    piece, share = pair
    word = piece.rstrip()
    if abs(share) < LEAST_SHARE:
        return escape(piece)
    kind = "for" if share > 0 else "against"
    return f'<span class="{kind}" style="--share:{abs(share):.2f}">{escape(word)}</span>{escape(piece[len(word) :])}'
