"""Answers about pictures: the most probable classes as bars (Kolter, "ImageNet": a picture and its five answers)."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.markup import escape as plain

from glasswork.data.thumbnails import thumbnail
from glasswork.errors import GlassworkError
from glasswork.show import charts, escape, percent
from glasswork.show.charts import section
from glasswork.show.moved import moved_page, print_moved
from glasswork.show.terminal import print_table

SHOWN = 5
MOST_PICTURES = 100
WORDS = {"input", "answer", "probability", "probabilities", "problem", "words", "frames", "moved"}
"""What an answer says about itself; all else are figures."""
BAR = 24
FOOTER = "Drawn by Glasswork from the network's answers."
STYLE = """
.asked { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1.1fr); gap: 26px; align-items: center; }
.asked img { width: 100%; height: auto; }
@media (max-width: 620px) { .asked { grid-template-columns: 1fr; } }
"""
Found = Mapping[str, Any]


def print_answers(console: Console, answers: Sequence[Found], bars: bool = False) -> None:
    """Each answer in the form that fits it: words on their colours, bars, or a line of a table.

    Args:
        console: where to.
        answers: `Prediction.to_json()` of each.
        bars: whether the most probable classes are drawn as bars.
    """
    plain_ones = [answer for answer in answers if not answer.get("moved")]
    if len(plain_ones) < len(answers):
        print_moved(console, answers)
    elif bars:
        print_top(console, [answer for answer in answers if "problem" not in answer])
        return
    if plain_ones:
        _print_lines(console, plain_ones)


def _print_lines(console: Console, answers: Sequence[Found]) -> None:
    """A line for each answer."""
    rows = []
    figures = list(dict.fromkeys(name for answer in answers for name in answer if name not in WORDS))
    for answer in answers:
        said = answer["answer"]
        if isinstance(said, list):
            said = _several(answer, said)
        runners = [f"{_visible(name)} {chance:.1%}" for name, chance in list(answer["probabilities"].items())[1:3]]
        sure = "" if answer["probability"] is None else f"{answer['probability']:.1%}"
        further = (answer.get(name, "-") for name in figures)
        rows.append((answer["input"], _visible(said), sure, ", ".join(runners), *further))
    header = ("input", "answer", "probability", "next", *(name.replace("_", " ") for name in figures))
    print_table(console, header, rows)


def _several(answer: Found, said: Sequence[object]) -> str:
    """Several answers about one input: beside their words, along the frames of a clip, or in a row."""
    if answer.get("words"):
        return " ".join(f"{word}/{label}" for word, label in zip(answer["words"], said, strict=True))
    return _along(said) if answer.get("frames") else ", ".join(map(str, said))


def _along(labels: Sequence[object]) -> str:
    """The labels of a clip, with the frames where each begins and ends."""
    parts, start = [], 0
    for label, group in groupby(labels):
        end = start + len(list(group))
        parts.append(f"{start}-{end - 1} {label}" if end - start > 1 else f"{start} {label}")
        start = end
    return ", ".join(parts)


def _visible(said: object) -> object:
    """An answer as it can be seen in a table: a space or a line break in quotes."""
    return repr(said) if isinstance(said, str) and said and not said.strip() else said


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


def answers_page(name: str, answers: Sequence[Found]) -> str:
    """A page of texts with what moved their answers, or of pictures with their most probable classes.

    Args:
        name: of the model.
        answers: `Prediction.to_json()` of each; those without an answer are left out.

    Raises:
        GlassworkError: for more pictures than a page shows, or answers that are numbers.
    """
    answers = [answer for answer in answers if "problem" not in answer]
    if any(answer.get("moved") for answer in answers):
        return moved_page(f"What {name} reads", answers)
    if len(answers) > MOST_PICTURES:
        raise GlassworkError(
            f"A page shows {MOST_PICTURES} pictures at most, and these are {len(answers):,}: use --csv"
        )
    if any(not answer["probabilities"] for answer in answers):
        raise GlassworkError("A page shows classes and their probabilities, and this model answers numbers: use --csv")
    return predictions_page(f"What {name} sees", answers, [thumbnail(answer["input"]) for answer in answers])


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
