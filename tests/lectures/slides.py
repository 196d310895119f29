"""Ties a test to the slide that it reproduces, and the slide to the command that shows it; the lecture map is made of it."""

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from glasswork import cli


@dataclass(frozen=True)
class Slide:
    """One line of docs/lectures.md.

    Attributes:
        deck: Kovashka or Kolter.
        title: of the slide, as printed.
        command: what to type, on the command line (`glasswork ...`) or in Python.
        sees: what one sees.
        test: name of the test that holds it.
    """

    deck: str
    title: str
    command: str
    sees: str
    test: str


SLIDES: list[Slide] = []


def slide(deck: str, title: str, command: str, sees: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Notes down which slide a test reproduces; the test is unchanged."""

    def note(test: Callable[..., None]) -> Callable[..., None]:
        SLIDES.append(Slide(deck, title, command, sees, test.__name__))
        return test

    return note


def command_of(test: Callable[..., None]) -> str:
    """The command that the map prints for a test, so that the test runs just that."""
    return next(one.command for one in SLIDES if one.test == test.__name__)


def run(capsys: pytest.CaptureFixture[str], command: str) -> Any:
    """Runs a `glasswork ...` command line with --json in process; what it printed."""
    words = shlex.split(command)
    assert words[0] == "glasswork"
    capsys.readouterr()
    assert cli.main([*words[1:], "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def as_markdown() -> str:
    """docs/lectures.md."""
    lines = [
        "# The lectures, slide by slide",
        "",
        "What each slide prints, the command that shows it, and what one sees. Every line is held by a test in",
        "`tests/lectures/`, which runs the command; this page is made from those tests",
        "(`python tests/lectures/make_map.py`). Both decks are text here; numbers that stood in a picture are CS231n's",
        "published ones, and the test says so. Where a slide is wrong, the line gives both.",
    ]
    for deck in dict.fromkeys(one.deck for one in SLIDES):
        lines += ["", f"## {deck}", "", "| slide | command | what you see |", "|---|---|---|"]
        for one in SLIDES:
            if one.deck == deck:
                shown = f"`{one.command}`".replace("|", "\\|")
                lines.append(f"| {one.title} | {shown} | {one.sees} |".replace("\n", " "))
    return "\n".join([*lines, ""])
