"""Texts on the colours of their words, pictures beside their classes, on a terminal and on a page."""

import io

from rich.console import Console

from glasswork.data.prediction import Prediction
from glasswork.show.html import to_html
from glasswork.show.terminal import print_report
from glasswork.systems.prediction_report import pictures_report, strongest, texts_report

FULL, EMPTY = "\u2588", "\u2591"
MOVED = [("  ", 0.0), ("good ", 1.25), ("<b>", -0.5), ("tea", 0.001)]
KIND = Prediction("row 1", "kind", 0.9, {"kind": 0.9}, moved=MOVED)
NUMBER = Prediction("row 2", 3.5, None, {})


def test_the_strongest_words_come_first() -> None:
    assert strongest(MOVED) == "good +1.2, <b> -0.5, tea +0.001"


def test_the_page_colours_words_and_leaves_markup_alone() -> None:
    page = to_html(texts_report("What a <run> reads", [KIND, NUMBER]))
    assert '<span class="up" style="--share:1.00">good</span> ' in page
    assert '<span class="down" style="--share:0.40">&lt;b&gt;</span>' in page
    assert "tea</p>" in page and "<run>" not in page and "3.5" in page


def test_the_terminal_shows_the_text_as_it_was_written() -> None:
    file = io.StringIO()
    console = Console(file=file, width=80, force_terminal=True, color_system="truecolor")
    print_report(console, texts_report("", [KIND, NUMBER]))
    shown = file.getvalue()
    assert "kind" in shown and "48;2;43;123;186mgood" in shown
    assert "row 2" in shown.splitlines()[-1]  # its words were not looked at: a line of a table


def test_the_terminal_has_a_bar_for_each_of_the_most_probable_classes() -> None:
    file = io.StringIO()
    asked = Prediction("cat.png", "cat", 0.75, {"cat": 0.75, "dog": 0.25})
    print_report(Console(file=file, width=80), pictures_report("", [asked], ()))
    assert file.getvalue().splitlines() == [
        "cat.png",
        f"  {FULL * 18}{EMPTY * 6}  75.0 %  cat",
        f"  {FULL * 6}{EMPTY * 18}  25.0 %  dog",
    ]
