"""`glasswork predict`: a model asked."""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import glasswork as gw
from glasswork.cli.arguments import add_device, add_out
from glasswork.cli.output import console_for_results, write_page
from glasswork.errors import GlassworkError

if TYPE_CHECKING:
    from glasswork.data.prediction import Prediction

    pass

MOST_PICTURES = 100


def fill(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the verb's arguments."""
    parser.add_argument(
        "run", metavar="RUN", help="the run's folder, or its name under runs/; or efficientnet-lite0, resnet50, ..."
    )
    parser.add_argument(
        "inputs", nargs="+", metavar="INPUT", help="images, folders, .csv or .parquet tables, text files, or 'a text'"
    )
    parser.add_argument("--csv", metavar="FILE", help="write the answers as CSV: class and probabilities")
    add_device(parser)
    add_out(parser, "write a page here (.html): each picture or text with its answer")


def carry_out(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.show.moved import print_moved
    from glasswork.show.predictions import print_top
    from glasswork.systems.prediction import write_predictions
    from glasswork.systems.supervised.pretrained import PUBLISHED

    model = gw.load(options.run, device=options.device)
    answers = model.predict(options.inputs)
    answers = answers if isinstance(answers, list) else [answers]
    problems = [answer.problem for answer in answers if answer.problem]
    if len(problems) == len(answers):
        raise GlassworkError(problems[0])
    for problem in problems:
        print(f"glasswork: left out: {problem.removesuffix('.')}", file=sys.stderr)
    for remark in model.remarks(options.inputs):
        print(f"glasswork: note: {remark.removesuffix('.')}", file=sys.stderr)
    if options.csv:
        write_predictions(Path(options.csv), answers)
    if options.out:
        write_page(options.out, {".html": partial(_page, model.run, [a for a in answers if not a.problem])})
    if options.json:
        print(json.dumps({"run": model.run, "answers": [answer.to_json() for answer in answers]}))
    elif options.csv:
        print(f"{len(answers):,} answers in {options.csv}")
    elif any(answer.moved for answer in answers):
        print_moved(console_for_results(), [answer.to_json() for answer in answers])
        _print_table([answer for answer in answers if not answer.moved])
    elif model.run in PUBLISHED:
        print_top(console_for_results(), [answer.to_json() for answer in answers if not answer.problem])
    else:
        _print_table(answers)
    return 0


def _print_table(answers: "Sequence[Prediction]") -> None:
    """A line for each answer."""
    from glasswork.show.terminal import print_table

    if not answers:
        return
    rows = []
    figures = list(dict.fromkeys(name for answer in answers for name in answer.figures))
    for answer in answers:
        said = ", ".join(map(str, answer.answer)) if isinstance(answer.answer, tuple) else answer.answer
        if answer.words and isinstance(answer.answer, tuple):
            said = " ".join(f"{word}/{label}" for word, label in zip(answer.words, answer.answer, strict=True))
        if answer.frames and isinstance(answer.answer, tuple):
            said = _along(answer.answer)
        runners = [f"{_visible(name)} {chance:.1%}" for name, chance in list(answer.probabilities.items())[1:3]]
        sure = "" if answer.probability is None else f"{answer.probability:.1%}"
        further = (answer.figures.get(name, "-") for name in figures)
        rows.append((answer.input, _visible(said), sure, ", ".join(runners), *further))
    header = ("input", "answer", "probability", "next", *(name.replace("_", " ") for name in figures))
    print_table(console_for_results(), header, rows)


def _along(labels: "Sequence[object]") -> str:
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


def _page(name: str, answers: "Sequence[Prediction]") -> str:
    """The page of answers about pictures or texts."""
    from glasswork.data.thumbnails import thumbnail
    from glasswork.show.moved import moved_page
    from glasswork.show.predictions import predictions_page

    if any(answer.moved for answer in answers):
        return moved_page(f"What {name} reads", [answer.to_json() for answer in answers])
    if len(answers) > MOST_PICTURES:
        raise GlassworkError(
            f"A page shows {MOST_PICTURES} pictures at most, and these are {len(answers):,}: use --csv"
        )
    if any(not answer.probabilities for answer in answers):
        raise GlassworkError("A page shows classes and their probabilities, and this model answers numbers: use --csv")
    found = [answer.to_json() for answer in answers]
    return predictions_page(f"What {name} sees", found, [thumbnail(answer.input) for answer in answers])
