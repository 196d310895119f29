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

LONGER: dict[str, tuple[tuple[str, str, str], ...]] = {
    "Kovashka: CS 1675, Neural Networks (2018)": (
        ("Neural network definition, drawn", "draw RUN --input row.csv", "glassbox"),
        ("Activation functions, losses, as curves", "draw activations --out a.html; draw losses", "glassbox"),
        ("Training: the online algorithm", "train xor", "xor"),
        ("Learning rate", "rate lenet --data digits", "lenet"),
        ("Multi-layer networks on two numbers", "train points --data spiral", "points"),
        ("Any function can be approximated", "train function", "function"),
        ("Number of hidden units, drawn", "vary points hidden 1 3 8 --out vary.html", "points"),
        (
            "Determining the number of hidden units",
            "crossvalidate mlp --data table.csv --hidden 4 8",
            "crossvalidate",
        ),
        ("Random restarts", "train mlp --data table.csv --restarts 8", "restarts"),
        ("Choosing by validation", "tune mlp --data digits --trials 20", "tune"),
        ("Effect of regularization", "compare --penalties", "points"),
        ("Linear classifiers, and dense networks", "train linear; train mlp; train own --network net.py:Net", "linear"),
        ("Convolutional networks", "train lenet; train convnet-small; convolve photo.jpg", "lenet"),
        ("AlexNet, and deeper ones", "train alexnet; vgg11, vgg13, vgg16, vgg19", "deep"),
        ("Residual networks", "train resnet18; resnet34, resnet50, efficientnet-lite0", "deep"),
        ("Transfer learning", "train transfer --data photos/; transfer photos/", "transfer"),
        ("What is learned: units and features", "open RUN INPUT --features --attribution --out look.html", "glassbox"),
        ("Features of neighbours", "train embed --data photos/; nearest RUN photo.jpg", "embed"),
        ("CNN features for detection", "train rcnn --data VOC2007/; train fast-rcnn", "rcnn"),
        ("Packages", "export RUN --to onnx", "export"),
        (
            "Generating poetry, textbooks and code",
            "train char-rnn --data book.txt; write RUN --prompt TEXT",
            "char_rnn",
        ),
        ("Sentiment classification", "train sentiment --data reviews.csv", "sentiment"),
        ("Machine translation", "train translate --data pairs.tsv", "translate"),
        ("Video by frame", "train video --data clips/", "video"),
        ("Image captions, START to END", "train caption --data coco/", "caption"),
    ),
    "Kolter: 15-780, Convolutional and recurrent networks (2017)": (
        ("Why convolution", "why-convolution --out why.html", "why_convolution"),
        ("Number of parameters", "count lenet; draw lenet --out lenet.svg", "glassbox"),
        ("Computation graphs and back-propagation", 'graph "(x+y)*z" x=-2 y=5 z=-4; diagnose RUN', "glassbox"),
        ("Intermediate layers as features, on 2,000 images", "transfer photos/", "transfer"),
        ("Wrong labels in such data", "label-errors photos/ --out suspects.html", "scikit_learn"),
        ("Neural style", "style photo.jpg painting.jpg -o new.jpg; train fast-style", "style"),
        ("Detecting cancerous cells in images", "train heatmap --data slides/; heatmap RUN slide.tif", "heatmap"),
        ("Playing Atari", "train atari --game Pong; train cartpole; train acrobot; play RUN", "atari"),
        ("Time series forecasting", "train forecast --data demand.csv --target demand; forecast RUN", "forecast"),
        ("Sentence labeling", "train tagger --data pos/", "tagger"),
        ("Speech to text", "train speech --data recordings/", "speech"),
        ("Why memory: far dependencies", "why-recurrence --out why.html; vanishing-gradient", "recurrent"),
        ("Char-RNN: Linux code and LaTeX", "train char-rnn --data linux.txt; units RUN linux.txt", "char_rnn"),
        ("Sequence to sequence models", "train translate --attention none", "translate"),
        ("Combining RNNs and CNNs: captions", "train caption", "caption"),
    ),
}
"""Slides whose commands train for minutes or take data of the reader's, with the page that goes through them."""

NOT_HERE = """\
These commands train for a minute or more, or take data of your own, and are tested elsewhere. Every verb and preset
stands here or above; use any run with `predict`, `evaluate`, `compare`, `runs` and `resume`, and see `systems` for what
can be trained."""

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
        lines += ["### With a page of its own", "", NOT_HERE, "", "| topic | `glasswork` ... | page |", "|---|---|---|"]
        lines += [f"| {title} | `{command}` | [{page}]({page}.md) |" for title, command, page in LONGER[deck]]
        lines.append("")
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
