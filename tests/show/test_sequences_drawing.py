"""A text as a network reads it, drawn: colours, guesses, tables, gates; whatever the text holds stays text."""

import io
import re

import pytest
from rich.console import Console

from glasswork.glassbox.sequences.following import Follower, Following
from glasswork.glassbox.sequences.reading import Guess, NextCharacters, UnitReading
from glasswork.glassbox.sequences.unrolled import GateSaturation, GradientByLag
from glasswork.show.html import to_html
from glasswork.show.pages import page
from glasswork.show.sequences import (
    MOST_COLUMNS,
    guesses_section,
    print_following,
    print_next_characters,
    print_saturation,
    print_unit,
    sequences_page,
)
from glasswork.studies.vanishing_gradient import Curve, VanishingGradient

TEXT = "<b>&\n\tx"
UNIT = UnitReading(TEXT, 1, 7, "c", (0.5, 0.5, -1.0, 0.0, 0.25, 0.0, 1.0))
NEXT = NextCharacters(
    TEXT,
    tuple((Guess("b" if place == 0 else "\n", 0.75), Guess("<", 0.2)) for place in range(len(TEXT))),
    (0.75, 0.0, 0.0, 0.75, 0.0, 0.0),
)
FOLLOWING = Following(
    "inside quotes",
    "balanced accuracy",
    0.1,
    (Follower(0, 3, "h", 0.987, 0.951, -0.25, False), Follower(1, 7, "c", 0.9, 0.6, 0.5, True)),
    64,
)
CORRELATED = Following("position in line", "correlation", 20.0, (Follower(1, 0, "h", 0.9, -0.1, None, False),), 64)
GATES = (
    GateSaturation(0, False, "forget gate", 0.125, 0.5, ((0.0, 1.0), (0.25, 0.0))),
    GateSaturation(1, True, "forget gate", 0.0, 0.25, ((0.0, 0.25),)),
)


def terminal(width: int = 80) -> Console:
    return Console(file=io.StringIO(), width=width, force_terminal=True, color_system="truecolor")


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_page_has_every_finding_and_no_markup_of_the_text() -> None:
    drawn = sequences_page("LSTM <1>", [UNIT, NEXT, FOLLOWING, CORRELATED, *GATES])
    assert "<b>&\n" not in drawn and "LSTM &lt;1&gt;" in drawn
    assert "Layer 1, unit 7, memory" in drawn
    # Two neighbours of one colour are one stretch; a value of 0 has none.
    assert '<span class="up" style="--share:0.50">&lt;b</span>' in drawn
    assert '<span class="down" style="--share:1.00">&gt;</span>&amp;' in drawn
    assert '<i class="came" style="--share:0.75" title="b 75.0' in drawn
    for words in ("95.1", "up to -0.25", "above 0.5", "0.900", "-0.100", "falls with it", "layer 1, unit 7, memory"):
        assert words in drawn, words
    assert drawn.count("<circle") == 3 and "layer 1, unit 0: shut 0" in drawn
    assert "1 from the end" in drawn


def test_colours_are_relative_to_the_largest_activation() -> None:
    weak = UnitReading("ab", 0, 0, "h", (0.01, -0.005))
    drawn = sequences_page("weak", [weak])
    assert "--share:1.00" in drawn and "--share:0.50" in drawn and "0.01</span>" in drawn
    still = sequences_page("still", [UnitReading("ab", 0, 0, "h", (0.0, 0.0))])
    assert '<pre class="read">ab</pre>' in still


def test_long_texts_are_cut_where_columns_would_be_too_many() -> None:
    count = MOST_COLUMNS + 5
    long = NextCharacters("a" * count, ((Guess("a", 1.0),),) * count, (1.0,) * (count - 1))
    drawn = guesses_section(long, UnitReading("a" * count, 0, 0, "h", (1.0,) * count))
    assert drawn.count('class="column"') == MOST_COLUMNS and f"first {MOST_COLUMNS} of {count}" in drawn
    assert drawn.count('<b class="up" style="--share:1.00">') == MOST_COLUMNS


def test_every_finding_is_shown_in_a_notebook() -> None:
    for found in (UNIT, NEXT, FOLLOWING, GATES[0]):
        assert page(found).startswith("<!DOCTYPE html>")
    with pytest.raises(TypeError, match="drawn elsewhere"):
        sequences_page("other", [GradientByLag("rnn", 0, (1.0,), None)])


def test_on_a_terminal_too() -> None:
    console = terminal()
    print_unit(console, UNIT)
    print_following(console, [FOLLOWING, CORRELATED])
    print_saturation(console, GATES)
    words = re.sub(r"\x1b\[[0-9;]*m", "", printed(console))
    assert "<b>&\u00b6\n" in words and "up to -0.25" in words and "forget gate" in words and "12.5" in words
    assert "48;2;43;123;186" in printed(console)  # full blue under the largest activation
    assert "48;2;209;89;59" in printed(console)


def test_guesses_stand_under_their_characters() -> None:
    console = terminal(width=3)
    print_next_characters(console, NEXT)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", printed(console)).splitlines()
    assert lines[:4] == ["<b>", "b\u00b6\u00b6", "<<<", ""]
    assert lines[4] == "&\u00b6" and lines[8] == "\u2192x"


def test_what_does_not_arrive_ends_its_line_and_what_explodes_leaves_a_cross() -> None:
    nothing, explodes = (1.0, 0.5, 0.0, 0.0), (1.0, 10.0, float("inf"), float("inf"))
    hidden, memory = (1.0, 0.1, 0.01, 0.001), (0.5, 0.6, 0.7, 0.8)
    curves = (
        Curve(False, 0.25, GradientByLag("relu-rnn", 0, nothing, None), nothing),
        Curve(False, 0.25, GradientByLag("rnn", 0, explodes, None), explodes),
        Curve(False, 0.25, GradientByLag("lstm", 0, hidden, memory), (1.0, 0.6, 0.7, 0.8)),
    )
    drawn = to_html(VanishingGradient(4, 3, 0, 2, 0, curves).report())
    assert "ReLU-RNN 0, RNN \u221e, LSTM 8.0e-01" in drawn
    assert drawn.count('class="cross"') == 2
    assert drawn.count('class="dot second"') == 2 + 4 and drawn.count('class="dot first"') == 4 + 4
    assert drawn.count("<svg") == 2
