"""`glasswork predict`: a model asked."""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

import glasswork as gw
from glasswork.cli.arguments import add_device, add_run
from glasswork.cli.output import console_for_results
from glasswork.errors import GlassworkError


def fill(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the verb's arguments."""
    add_run(parser)
    parser.add_argument(
        "inputs", nargs="+", metavar="INPUT", help="image files, folders of images, .csv or .parquet tables"
    )
    parser.add_argument("--csv", metavar="FILE", help="write the answers as CSV: class and probabilities")
    add_device(parser)


def carry_out(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.show.terminal import print_table
    from glasswork.systems.answers import write_answers

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
    if options.json:
        print(json.dumps({"run": model.run, "answers": [answer.to_json() for answer in answers]}))
    elif options.csv:
        print(f"{len(answers):,} answers in {options.csv}")
    else:
        rows = []
        for answer in answers:
            said = ", ".join(map(str, answer.answer)) if isinstance(answer.answer, tuple) else answer.answer
            runners = [f"{name} {chance:.1%}" for name, chance in list(answer.probabilities.items())[1:3]]
            sure = "" if answer.probability is None else f"{answer.probability:.1%}"
            rows.append((answer.input, said, sure, ", ".join(runners)))
        print_table(console_for_results(), ("input", "answer", "probability", "next"), rows)
    return 0
