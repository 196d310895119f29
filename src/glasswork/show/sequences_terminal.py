"""A text as a recurrent network reads it, on a terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from glasswork.glassbox.sequences.following import Following
from glasswork.glassbox.sequences.reading import NextCharacters, UnitReading
from glasswork.glassbox.sequences.unrolled import GateSaturation
from glasswork.report.words import percent
from glasswork.show.palette import AGAINST, FOR
from glasswork.show.sequences import VISIBLE, place_name, rule, unit_name
from glasswork.show.terminal import print_table, shade

GUESSED = (178, 106, 27)


def print_unit(console: Console, found: UnitReading) -> None:
    """The text on the colours of the unit's activation: blue above 0, red below it."""
    most = max(map(abs, found.values), default=0.0) or 1.0
    text = Text()
    for character, value in zip(found.text, found.values, strict=True):
        shown = VISIBLE["\n"] + "\n" if character == "\n" else character
        text.append(shown, shade(FOR if value > 0 else AGAINST, abs(value) / most))
    console.print(Text(f"{unit_name(found)}: blue up to {most:.3g}, red down to {-most:.3g}", "bold"))
    console.print(text)


def print_next_characters(console: Console, found: NextCharacters) -> None:
    """Lines of the text, and under each character what the network expects next, most probable first."""
    width = console.width
    lines: list[list[int]] = [[]]
    for place, character in enumerate(found.text):
        lines[-1].append(place)
        if character == "\n" or len(lines[-1]) == width:
            lines.append([])
    for line in filter(None, lines):
        console.print(Text("".join(_cell(found.text[place]) for place in line), "bold"))
        for rank in range(len(found.guesses[line[0]])):
            row = Text()
            for place in line:
                guess = found.guesses[place][rank]
                row.append(_cell(guess.character), shade(GUESSED, guess.probability))
            console.print(row)
        console.print()


def print_following(console: Console, found: Sequence[Following]) -> None:
    """A table: the units that follow each signal best."""
    rows = [
        (one.signal, place_name(unit), one.measure, f"{unit.score:.3f}", f"{unit.checked:.3f}", rule(unit))
        for one in found
        for unit in one.units
    ]
    print_table(console, ("signal", "unit", "measure", "found", "checked", "rule"), rows)


def print_saturation(console: Console, found: Sequence[GateSaturation]) -> None:
    """A table: how often each gate is shut and open."""
    rows = [
        (f"{one.layer}{' from the end' if one.from_end else ''}", one.gate, percent(one.shut), percent(one.open))
        for one in found
    ]
    print_table(console, ("layer", "gate", "shut", "open"), rows)


def _cell(character: str) -> str:
    return VISIBLE.get(character, character) if character.isprintable() or character in VISIBLE else "\ufffd"
