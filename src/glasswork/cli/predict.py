"""`glasswork predict`: a model asked."""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import glasswork as gw
from glasswork.cli.arguments import add_device, add_out
from glasswork.cli.output import console_for_results, write_page
from glasswork.errors import GlassworkError

if TYPE_CHECKING:
    from glasswork.systems.system import Prediction

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
    from glasswork.show.terminal import print_blocks
    from glasswork.systems.answers import write_answers
    from glasswork.systems.predictions import pictures_report, table_of, texts_report
    from glasswork.systems.pretrained import PUBLISHED

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
        write_answers(Path(options.csv), answers)
    if options.out:
        write_page(options.out, {".html": partial(_page, model.run, [a for a in answers if not a.problem])})
    if options.json:
        print(json.dumps({"run": model.run, "answers": [answer.to_json() for answer in answers]}))
    elif options.csv:
        print(f"{len(answers):,} answers in {options.csv}")
    elif any(answer.moved for answer in answers):
        others = [answer for answer in answers if not answer.moved]
        said = [*texts_report("", answers).summary, *([table_of(others)] if others else [])]
        print_blocks(console_for_results(), said)
    elif model.run in PUBLISHED:
        asked = [answer for answer in answers if not answer.problem]
        print_blocks(console_for_results(), pictures_report("", asked, ()).summary)
    else:
        print_blocks(console_for_results(), [table_of(answers)])
    return 0


def _page(name: str, answers: "Sequence[Prediction]") -> str:
    """The page of answers about pictures or texts."""
    from glasswork.data.thumbnails import thumbnail
    from glasswork.show.html import to_html
    from glasswork.systems.predictions import pictures_report, texts_report

    if any(answer.moved for answer in answers):
        return to_html(texts_report(f"What {name} reads", answers))
    if len(answers) > MOST_PICTURES:
        raise GlassworkError(
            f"A page shows {MOST_PICTURES} pictures at most, and these are {len(answers):,}: use --csv"
        )
    if any(not answer.probabilities for answer in answers):
        raise GlassworkError("A page shows classes and their probabilities, and this model answers numbers: use --csv")
    return to_html(pictures_report(f"What {name} sees", answers, [thumbnail(answer.input) for answer in answers]))
