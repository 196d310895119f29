"""Signals of a text worked out by hand; units made to follow them are found, with the right threshold and direction."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some

from closeness import assert_same_numbers
from glasswork.errors import GlassworkError
from glasswork.glassbox.sequences.following import Following, Signal, find_followers, signals
from glasswork.glassbox.sequences.reading import NextCharacters, UnitReading, read_through
from glasswork.glassbox.sequences.unrolled import UnrolledLayer
from glasswork.networks.recurrent import Recurrent


def told(text: str, name: str) -> str:
    """A signal as digits under the text."""
    (found,) = [one for one in signals(text) if one.name == name]
    return "".join(f"{value:.0f}" for value in found.values)


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("position in line", "ab\nc\n\nde", "12010012"),
        ("indentation", "  a b\n\tc\n \td", "122220880188"),
        ("nesting depth", "a(b[c]{})d", "0112212100"),
        ("nesting depth", "a)(b]c) :( [x]", "00111100011221"),
        ("inside brackets", "a(b[c]{})d", "0111111100"),
        ("inside quotes", 'a "bc" d', "00111000"),
        ("inside quotes", r'"a\"b" c', "11111000"),
        ("inside quotes", "'\"' a “b” „c“", "0000001100110"),
        ("inside quotes", '"a\nb\n\nc"d', "111110011"),
        ("inside a comment", "a/*b*/c//d\ne", "001110001100"),
        ("inside a comment", 'a/*/b*/"//"c', "001111000000"),
        ("inside quotes", '/*"*/"a"', "00000110"),
    ],
)
def test_signals(name: str, text: str, values: str) -> None:
    assert told(text, name) == values


@given(some.text('ab ()[]{}"\\\n\t/*', max_size=80))
def test_every_signal_has_a_value_for_every_character(text: str) -> None:
    for signal in signals(text):
        assert len(signal.values) == len(text)
        assert all(value >= 0 for value in signal.values)
        assert not signal.yes_or_no or set(signal.values) <= {0.0, 1.0}


TEXT = 'He said "go (now)".\n\tThen "no".\n' * 30


def made(*columns: torch.Tensor, memory: bool = False) -> UnrolledLayer:
    states = torch.stack(columns, 1)[None].float()
    return UnrolledLayer(0, False, states, states.clone() if memory else None, {})


def test_units_that_follow_are_found() -> None:
    generator = torch.Generator().manual_seed(0)
    by_name = {one.name: torch.tensor(one.values) for one in signals(TEXT)}
    noise = [torch.randn(len(TEXT), generator=generator) for _ in range(4)]
    quotes = 0.3 - by_name["inside quotes"] + 0.1 * noise[0]
    line = -by_name["position in line"] + 0.5 * noise[1]
    found = {one.signal: one for one in find_followers([made(noise[2], quotes, line, noise[3])], signals(TEXT), most=2)}
    best = found["inside quotes"].units[0]
    assert (best.unit, best.above, found["inside quotes"].searched) == (1, False, 4)
    assert best.score > 0.99 and best.checked > 0.99
    assert best.threshold == pytest.approx(-0.2, abs=0.2)
    best, second = found["position in line"].units
    assert (best.unit, best.above, best.threshold) == (2, False, None)
    assert best.score > 0.99 and best.checked > 0.99 and abs(second.checked) < 0.6 < best.checked
    assert "inside a comment" not in found  # the text has none
    assert found["inside quotes"].mean == pytest.approx(float(by_name["inside quotes"].mean()))
    assert Following.from_json(found["inside quotes"].to_json()) == found["inside quotes"]


def test_a_threshold_is_the_best_there_is() -> None:
    torch.manual_seed(2)
    values = torch.randint(0, 6, (80,)).float()  # ties, which no threshold may part
    inside = torch.rand(80) < 0.2 + 0.1 * values
    inside[40:] = inside[:40]
    values[40:] = values[:40]
    (found,) = find_followers([made(values)], [Signal("told", tuple(map(float, inside)), True)])
    half, kept = values[:40], inside[:40]
    shares = []
    for cut in (0.5, 1.5, 2.5, 3.5, 4.5):
        right = ((half > cut)[kept].float().mean() + (half <= cut)[~kept].float().mean()) / 2
        shares += [float(right), 1 - float(right)]
    (unit,) = found.units
    assert unit.score == pytest.approx(max(shares), abs=1e-6)
    assert unit.checked == pytest.approx(unit.score)  # the second half is the first


def test_what_fits_by_chance_is_found_out_by_the_second_half() -> None:
    generator = torch.Generator().manual_seed(5)
    noise = [torch.randn(60, generator=generator) for _ in range(300)]
    signal = Signal("chance", tuple((torch.rand(60, generator=generator) < 0.5).float().tolist()), True)
    (found,) = find_followers([made(*noise)], [signal])
    assert all(unit.score > 0.75 and unit.checked < unit.score for unit in found.units)
    assert sum(unit.checked for unit in found.units) / 5 < 0.65


def test_memories_and_units_from_the_end_are_searched_too() -> None:
    values = torch.linspace(-2, 2, 40)
    signal = Signal("time", tuple(values.tolist()), False)
    still = torch.zeros(40)
    first = made(still, still)
    from_end = UnrolledLayer(0, True, torch.stack([still, still], 1)[None], values[None, :, None].repeat(1, 1, 2), {})
    (found,) = find_followers([first, from_end], [signal], most=1)
    assert (found.units[0].unit, found.units[0].part, found.searched) == (2, "c", 6)


def test_a_reading_tells_units_and_guesses() -> None:
    torch.manual_seed(0)
    network, output = Recurrent("lstm", 3, 4, 2), torch.nn.Linear(4, 3)
    text, inputs = "abcab?", torch.randn(1, 6, 3)
    reading = read_through(network, inputs, output, text, "abc")
    states = network(inputs)[0].detach()
    unit = reading.unit(1, 2)
    assert_same_numbers(unit.values, states[0, :, 2])
    memory = reading.unit(0, 3, "c")
    assert max(map(abs, memory.values)) < 1
    expected = output(states)[0].softmax(1).detach()
    found = reading.next_characters(2)
    assert [len(each) for each in found.guesses] == [2] * 6
    for row, guesses in zip(expected, found.guesses, strict=True):
        assert guesses[0].probability == pytest.approx(float(row.max()), rel=1e-5)
        assert guesses[0].character == "abc"[int(row.argmax())]
    truth = [float(expected[place, "abc".index(text[place + 1])]) for place in range(4)]
    assert_same_numbers(found.truth, [*truth, 0.0])  # nobody taught it the question mark
    assert UnitReading.from_json(unit.to_json()) == unit
    assert NextCharacters.from_json(found.to_json()) == found
    with pytest.raises(GlassworkError, match="units 0 to 3, and no unit 9"):
        reading.unit(0, 9)
    with pytest.raises(GlassworkError, match="layers 0 to 1, and no layer 2"):
        reading.unit(2, 0)
    with pytest.raises(GlassworkError, match=r"are \(1, 3, features\)"):
        read_through(network, inputs, output, "abc", "abc")
    with pytest.raises(GlassworkError, match="over a vocabulary of 4"):
        read_through(network, inputs, output, text, "abcd")


def test_texts_too_short_and_signals_of_other_lengths_are_refused() -> None:
    with pytest.raises(GlassworkError, match="at least 8"):
        find_followers([made(torch.randn(5))], signals("abcde"))
    with pytest.raises(GlassworkError, match="3 values for 20 times"):
        find_followers([made(torch.randn(20))], [Signal("odd", (1.0, 2.0, 3.0), False)])
