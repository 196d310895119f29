"""Predictions as reports and as CSV: pictures beside their classes, texts on the colours of their words."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

from glasswork.data.listing import is_named_as_picture
from glasswork.data.pictures import thumbnail
from glasswork.data.prediction import BoxFound, Prediction
from glasswork.errors import GlassworkError
from glasswork.files import write_new
from glasswork.report.blocks import Bars, Beside, Block, Cell, Picture, Pictures, ShadedText, Table, Text
from glasswork.report.csv_text import csv_text
from glasswork.report.report import Report, Section
from glasswork.report.words import measured, number, percent
from glasswork.systems.sequence_report import sequences_report

SHOWN = 5
MOST_PICTURES = 100
NAMED = 3


def report_predictions(
    run: str, predictions: Sequence[Prediction], *, bars: bool = False, page: bool = False
) -> Report:
    """Predictions in the form that fits them: words on their colours, bars, or a line of a table.

    Args:
        run: whose model was asked.
        predictions: of which those with a problem have no answer.
        bars: whether a terminal shows the most probable classes as bars.
        page: whether a page is drawn, for which pictures are read.

    Raises:
        GlassworkError: for more pictures than a page shows.
    """
    if any(one.boxes is not None for one in predictions):
        return _boxes_report(run, predictions)
    if any(one.tokens for one in predictions):
        return sequences_report(run, predictions)
    if any(one.moved for one in predictions):
        return texts_report(f"What {run} reads", predictions)
    if not page:
        answered = [one for one in predictions if not one.problem]
        return pictures_report("", answered, ()) if bars else Report("", [], summary=[table_of(predictions)])
    answered = [one for one in predictions if not one.problem]
    if not all(one.probabilities and is_named_as_picture(Path(one.path).name) for one in answered):
        what = "A line for each input, in the order they were given."
        footer = "Drawn by Glasswork from the network's answers."
        return Report(f"What {run} answers", [Section("Answers", what, [table_of(predictions)])], footer=footer)
    if len(answered) > MOST_PICTURES:
        raise GlassworkError(f"A page shows at most {MOST_PICTURES} images, and these are {len(answered):,}: use --csv")
    found = pictures_report(f"What {run} sees", answered, [thumbnail(one.path) for one in answered])
    return replace(found, sections=[*found.sections, *_left_out(predictions)])


def pictures_report(title: str, predictions: Sequence[Prediction], pictures: Sequence[bytes]) -> Report:
    """A page with each picture beside its most probable classes (Kolter, "ImageNet": a picture and its five answers).

    Args:
        title: of the page.
        predictions: with the probabilities of classes.
        pictures: PNG of each; empty: only the summary is looked at.
    """
    sections = []
    for one, png in zip(predictions, pictures, strict=False):
        top = _top(one)
        beside = Beside(Pictures([Picture(png, one.input)], look="alone"), Bars("", top, in_percent=True))
        sections.append(Section(f"{top[0][0]}, {percent(top[0][1])}", one.input, [beside]))
    summary = [Beside(Pictures([Picture(b"", one.input)]), Bars("", _top(one), in_percent=True)) for one in predictions]
    return Report(title, sections, summary=summary, footer="Drawn by Glasswork from the network's answers.")


def texts_report(title: str, predictions: Sequence[Prediction]) -> Report:
    """A page of texts on the colours of what their words did to the answer.

    Args:
        title: of the page.
        predictions: those whose words were not looked at stand without colours.
    """
    sections, summary = [], list[Block]()
    for one in predictions:
        most = max((abs(value) for _, value in one.moved), default=0.0) or 1.0
        text = ShadedText([(piece, value / most) for piece, value in one.moved])
        words = strongest(one.moved)
        said = one.problem or words or "its words were not examined"
        sections.append(Section(_said(one) or "No answer", one.input, [text, Text(said)]))
        if one.moved:
            summary += [Text(f"{one.input}: {_said(one)}"), text, Text(words)]
    others = [one for one in predictions if not one.moved]
    summary += [table_of(others)] if others else []
    return Report(
        title,
        sections,
        verdict="Blue words speak for the answer, red ones against it: each was left out in turn. The figure is by how "
        "many bits the log odds of the prediction fall without the word; 1 bit halves the odds.",
        summary=summary,
        footer="Drawn by Glasswork: each word was left out in turn, and the network run again.",
    )


def strongest(moved: Sequence[tuple[str, float]]) -> str:
    """The words that moved the answer most, each with its figure: `great +1.3, not -0.8`."""
    ranked = sorted(moved, key=lambda pair: -abs(pair[1]))[:NAMED]
    return ", ".join(f"{piece.strip()} {value:+.2g}" for piece, value in ranked if value)


def table_of(predictions: Sequence[Prediction]) -> Table:
    """A line for each prediction, with the columns that such answers have: numbers have no probability."""
    rows: list[list[Cell]] = []
    problem = ["problem"] if any(one.problem for one in predictions) else []
    told = {
        "probability": any(one.probability is not None for one in predictions),
        "next": any(len(one.probabilities) > 1 for one in predictions),
    }
    figures = list(dict.fromkeys(name for one in predictions for name in one.figures))
    for one in predictions:
        said = ", ".join(_in_words(one))
        if one.words and isinstance(one.answer, tuple):
            said = " ".join(f"{word}/{label}" for word, label in zip(one.words, one.answer, strict=True))
        if one.frames and isinstance(one.answer, tuple):
            said = _along(one.answer)
        runners = [f"{_visible(name)} {chance:.1%}" for name, chance in list(one.probabilities.items())[1:3]]
        sure = "" if one.probability is None else f"{one.probability:.1%}"
        further = (one.figures.get(name, "-") for name in figures)
        reason = [one.problem or ""] if problem else []
        chances = ([sure] if told["probability"] else []) + ([", ".join(runners)] if told["next"] else [])
        rows.append([one.input, _visible(said), *chances, *further, *reason])
    heads = [name for name, has in told.items() if has]
    return Table(("input", "answer", *heads, *(name.replace("_", " ") for name in figures), *problem), rows)


def _boxes_report(run: str, predictions: Sequence[Prediction]) -> Report:
    """The boxes of all pictures, a line each; a page shows the stages of each picture."""
    head, *rows = _box_lines(predictions)
    lines = Table(
        tuple(head), [[one if isinstance(one, str) else number(one) for one in row] for row in rows], noun="boxes"
    )
    answered = [one for one in predictions if not one.problem]
    if len(answered) > MOST_PICTURES:
        raise GlassworkError(f"A page shows at most {MOST_PICTURES} images, and these are {len(answered):,}: use --csv")
    shown = [Section(", ".join(_in_words(one)) or "Nothing", one.input, one.evidence) for one in answered]
    found = Section("Boxes", "In pixels of each picture, counted from 0 at its upper left corner.", [lines])
    footer = "Drawn by Glasswork from the network's answers."
    return Report(f"What {run} finds", [found, *shown, *_left_out(predictions)], summary=[lines], footer=footer)


def _box_lines(predictions: Sequence[Prediction]) -> list[list[Any]]:
    """A head and a line for each box; an input without boxes has a line without them."""
    problem = ["problem"] if any(one.problem for one in predictions) else []
    lines: list[list[Any]] = [["input", *BoxFound._fields, *problem]]
    for one in predictions:
        reason = [one.problem or ""] if problem else []
        boxes: Sequence[Sequence[Any]] = one.boxes or [[""] * len(BoxFound._fields)]
        lines += ([one.input, *box, *reason] for box in boxes)
    return lines


def _left_out(predictions: Sequence[Prediction]) -> list[Section]:
    """The inputs without an answer, and why."""
    rows = [(one.input, one.problem) for one in predictions if one.problem]
    return [Section("Without an answer", "", [Table(("input", "problem"), rows)])] if rows else []


def _top(one: Prediction) -> list[tuple[str, float]]:
    return list(one.probabilities.items())[:SHOWN]


def _said(one: Prediction) -> str:
    """The answer, and how probable it is."""
    said = ", ".join(_in_words(one))
    return said if one.probability is None else f"{said}, {percent(one.probability)}"


def _in_words(one: Prediction) -> list[str]:
    """The parts of an answer; numbers with as many digits as tell examples apart."""
    parts = one.answer if isinstance(one.answer, tuple) else (one.answer,)
    spread = one.spread or (0.0,) * len(parts)
    return [
        measured(part, each) if isinstance(part, float) else str(part)
        for part, each in zip(parts, spread if len(spread) == len(parts) else (0.0,) * len(parts), strict=True)
    ]


def _along(labels: Sequence[object]) -> str:
    """The labels of a clip, with the frames where each begins and ends."""
    parts, start = [], 0
    for label, group in groupby(labels):
        end = start + len(list(group))
        parts.append(f"{start}-{end - 1} {label}" if end - start > 1 else f"{start} {label}")
        start = end
    return ", ".join(parts)


def _visible(words: str) -> str:
    """An answer as it can be seen in a table: a space or a line break in quotes."""
    return repr(words) if words and not words.strip() else words


def write_predictions(path: Path, predictions: Sequence[Prediction]) -> None:
    """Writes predictions as CSV: input, answer and, of classes, the probability of the answer and of each class.

    Of answers that were searched for, the others follow with their scores. Of clips there is a line for each frame:
    input, frame, answer; of pictures with boxes, one for each box. An input without an answer has its line as well,
    with the reason in a last column `problem`.

    Raises:
        GlassworkError: where the file exists already or cannot be written.
    """
    classes = sorted({name for answer in predictions for name in answer.probabilities})
    problem = ["problem"] if any(answer.problem for answer in predictions) else []
    lines: list[list[Any]] = []
    if any(answer.boxes is not None for answer in predictions):
        write_new(path, csv_text(_box_lines(predictions)))
        return
    if any(answer.frames for answer in predictions):
        lines.append(["input", "frame", "answer", *problem])
        for answer in predictions:
            if answer.problem:
                lines.append([answer.input, "", "", answer.problem])
            elif isinstance(answer.answer, tuple):
                reason = [""] if problem else []
                lines += ([answer.input, frame, said, *reason] for frame, said in enumerate(answer.answer))
        write_new(path, csv_text(lines))
        return
    sure = ["probability"] if any(answer.probability is not None for answer in predictions) else []
    ranks = range(max((len(answer.alternatives) for answer in predictions), default=0))
    others = [name for rank in ranks for name in (f"answer {rank + 1}", f"score {rank + 1}")][1:]
    lines.append(["input", "answer", *sure, *classes, *others, *problem])
    for answer in predictions:
        words = answer.answer
        said = ";".join(map(str, words)) if isinstance(words, tuple) else words
        chance = ["" if answer.probability is None else answer.probability] if sure else []
        reason = [answer.problem or ""] if problem else []
        chances = (answer.probabilities.get(name, "") for name in classes)
        searched = [cell for one in answer.alternatives for cell in one]
        padded = [*searched, *[""] * (2 * len(ranks) - len(searched))][1:]  # the first of them is the answer itself
        lines.append([answer.input, said, *chance, *chances, *padded, *reason])
    write_new(path, csv_text(lines))
