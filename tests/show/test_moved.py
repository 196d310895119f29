"""A text on the colours of its words, on a terminal and on a page."""

import io

from rich.console import Console

from glasswork.show.moved import moved_page, print_moved, strongest

MOVED = [["  ", 0.0], ["good ", 1.25], ["<b>", -0.5], ["tea", 0.001]]
ANSWER = {"input": "row 1", "answer": "kind", "probability": 0.9, "probabilities": {"kind": 0.9}, "moved": MOVED}
NUMBER = {"input": "row 2", "answer": 3.5, "probability": None, "probabilities": {}}


def test_the_strongest_words_come_first() -> None:
    assert strongest(MOVED) == "good +1.2, <b> -0.5, tea +0.001"


def test_the_page_colours_words_and_leaves_markup_alone() -> None:
    page = moved_page("What a <run> reads", [ANSWER, NUMBER])
    assert '<span class="for" style="--share:1.00">good</span> ' in page
    assert '<span class="against" style="--share:0.40">&lt;b&gt;</span>' in page
    assert "tea</p>" in page and "<run>" not in page and "3.5" in page


def test_the_terminal_shows_the_text_as_it_was_written() -> None:
    file = io.StringIO()
    print_moved(Console(file=file, width=80, force_terminal=True, color_system="truecolor"), [ANSWER, NUMBER])
    shown = file.getvalue()
    assert "kind" in shown and "48;2;43;123;186mgood" in shown
    assert "row 2" not in shown
