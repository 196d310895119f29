"""Ties a test to the slide that it reproduces and to the command that shows it; docs/lectures.md is made of these."""

import ast
import json
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from itertools import groupby
from pathlib import Path
from textwrap import dedent, fill
from typing import Any

import pytest

from glasswork.cli import main

PAGE = Path(__file__).parent.parent.parent / "docs" / "lectures.md"

PREAMBLE = """\
import torch
from torch import nn, tensor
import glasswork as gw
from glasswork.textbook import operation

torch.manual_seed(0)
"""
"""What every command in Python finds imported."""

ON_THIS_MACHINE = "--threads 1 --precision float32 --memory-format contiguous --allocator default"
"""Spares small trainings the measurements that choose these; none of it changes what is minimised."""

DECKS: dict[str, tuple[str, ...]] = {
    "Kovashka: CS 1675, Neural Networks (2018)": (
        "test_kovashka",
        "test_kovashka_training",
        "test_kovashka_practice",
        "test_kovashka_convolution",
        "test_kovashka_recurrent",
    ),
    "Kolter: 15-780, Convolutional and recurrent networks (2017)": ("test_kolter", "test_kolter_recurrent"),
}
"""Deck -> the files of its tests, in the order of its slides."""

STILL_TO_COME: dict[str, tuple[str, ...]] = {
    "Kovashka: CS 1675, Neural Networks (2018)": (
        "Determining best number of hidden units: internal cross-validation; random restarts by a flag",
        "Effect of regularization: the rows of pictures in two dimensions",
        "Transfer learning: freeze, fine-tune, features for an SVM or logistic regression",
        "Packages: exchange with TensorFlow, Keras and Caffe's model zoo",
        '"Shallow" vs. "deep" vision architectures: the two compared',
        "Example: CNN features for detection (R-CNN, 53.7 mAP)",
        "Recurrent Neural Networks: image captioning, sentiment classification, machine translation, video by frame",
        "Generating poetry, textbooks and code with RNNs",
        "Image captions (test image, START to END)",
    ),
    "Kolter: 15-780, Convolutional and recurrent networks (2017)": (
        "Image classification: ImageNet",
        "Using intermediate layers as features: 80, 90 and 94 % on 2,000 images",
        "Detecting cancerous cells in images",
        "Predicting temporal data: time series forecasting, sentence labeling, speech to text",
        "Char-RNN, and its samples of Linux code and LaTeX",
        "Sequence to sequence models; Machine translation",
        "Combining RNNs and CNNs: captions",
    ),
}
"""Slides without a command on the page."""

NOT_HERE = """\
These slides have no command here. For many of them there is another page: [cross-validation](crossvalidate.md),
[restarts](restarts.md), [transfer](transfer.md), [points](points.md), [text classification](sentiment.md), [labels
for words](tagger.md), [translation](translate.md), [video](video.md), [forecasts](forecast.md), [heat
maps](heatmap.md), [neural style](style.md), [playing](atari.md), [text by characters](char_rnn.md) and
[convolution](why_convolution.md)."""

WIDTH = 120

HEAD = """\
# The lectures, slide by slide

For each slide, run the command below its title to see what the slide shows. The sentence after it says what you
should see.

This page is generated from the tests in `tests/lectures/` by `python tests/lectures/make_map.py`. The tests run every
command exactly as it is here and check the numbers. They add `--json`, and to `train`:
`{machine}`.

Run the commands in the repository's folder, where `samples/` is. Commands in Python are for a notebook, which shows
the value of a cell's last line. Start with

```python
{preamble}```

We only have the text of the decks. If a number was in a picture, it comes from the published slides of CS231n, and
the line says so. If a slide or its text is wrong, the line gives both versions. Slides with nothing to check
(outlines, photographs, reading lists, summaries) are left out.
"""


@dataclass(frozen=True)
class Slide:
    """One entry of docs/lectures.md.

    Attributes:
        title: of the slide, as printed.
        command: what to type: lines of `glasswork ...`, or lines of Python whose last one is what one sees.
        sees: what one sees.
    """

    title: str
    command: str
    sees: str

    @property
    def in_shell(self) -> bool:
        """Whether it is for the shell rather than for Python."""
        return self.command.startswith("glasswork ")


def slide(title: str, command: str, sees: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Says which slide a test reproduces; the test finds what the command shows as `shown`."""

    def note(test: Callable[..., None]) -> Callable[..., None]:
        test.slide = Slide(title, dedent(command).strip(), " ".join(sees.split()))
        return test

    return note


def carry_out(one: Slide, capsys: pytest.CaptureFixture[str]) -> tuple[Any, dict[str, Any]]:
    """Runs the command of a slide.

    Returns:
        What it shows: the JSON of the last line in the shell, or the value of the last expression in Python; and the
        names that the Python lines made.
    """
    names: dict[str, Any] = {}
    if one.in_shell:
        names["lines"] = [_typed(line, capsys) for line in one.command.splitlines()]
        return names["lines"][-1], names
    tree = ast.parse(PREAMBLE + one.command)
    last = tree.body.pop()
    assert isinstance(last, ast.Expr), f"the last line shows nothing: {one.command}"
    exec(compile(tree, one.title, "exec"), names)
    return eval(compile(ast.Expression(last.value), one.title, "eval"), names), names


def _typed(line: str, capsys: pytest.CaptureFixture[str]) -> Any:
    program, verb, *words = shlex.split(line)
    assert program == "glasswork"
    machine = shlex.split(ON_THIS_MACHINE) if verb == "train" else []
    capsys.readouterr()
    assert main([verb, *words, *machine, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def slides_of(deck: str) -> list[Slide]:
    """The entries of a deck, in the order of its tests."""
    modules = [import_module(name) for name in DECKS[deck]]
    found = (getattr(value, "slide", None) for module in modules for value in vars(module).values())
    return [one for one in found if isinstance(one, Slide)]


def as_markdown() -> str:
    """The whole of docs/lectures.md."""
    lines = [HEAD.format(machine=ON_THIS_MACHINE, preamble=PREAMBLE)]
    for deck in DECKS:
        lines += [f"## {deck}", ""]
        for title, entries in groupby(slides_of(deck), key=lambda one: one.title):
            lines += [f"### {title}", "", *_entries(entries)]
        lines += ["### Not on this page", "", NOT_HERE, ""]
        lines += [*(f"- {title}" for title in STILL_TO_COME[deck]), ""]
    return "\n".join(lines).rstrip() + "\n"


def _entries(entries: Iterable[Slide]) -> Iterable[str]:
    """The entries of one slide: a command once, then all that is seen of it."""
    for command, alike in groupby(entries, key=lambda one: one.command):
        shown = list(alike)
        yield from (f"```{'sh' if shown[0].in_shell else 'python'}", command, "```", "")
        if len(shown) == 1:
            yield from (fill(shown[0].sees, WIDTH, break_on_hyphens=False), "")
        else:
            yield from (
                *(fill(f"- {one.sees}", WIDTH, subsequent_indent="  ", break_on_hyphens=False) for one in shown),
                "",
            )
