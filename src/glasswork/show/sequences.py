"""A text as a recurrent network reads it: coloured by one unit, with what it expects next, and its gates."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from markupsafe import Markup
from rich.console import Console
from rich.text import Text as RichText

from glasswork.glassbox.sequences.following import Follower, Following
from glasswork.glassbox.sequences.reading import NextCharacters, UnitReading
from glasswork.glassbox.sequences.unrolled import OPEN, SHUT, GateSaturation
from glasswork.record import Record
from glasswork.report.blocks import Table
from glasswork.report.report import Section
from glasswork.report.words import number, percent
from glasswork.show.html import draw, draw_section, figure, note, section_of
from glasswork.show.markup import asset, document, macro
from glasswork.show.palette import AGAINST, FOR
from glasswork.show.svg import Axis, dot, line, svg, text
from glasswork.show.terminal import print_table, shade

MOST_COLUMNS = 600
"""Characters whose guesses are drawn."""
VISIBLE = {"\n": "\u00b6", "\t": "\u2192", " ": "\u00a0"}
FOOTER = "Drawn by Glasswork from what the network did with this text; the page computed none of the numbers."
SIDE, LEFT, BOTTOM = 200.0, 34.0, 32.0
SATURATION = (
    f"Each dot is a unit: how often its gate is shut (below {SHUT}) from left to right, and how often open (above "
    f"{OPEN}) upwards. A forget gate at the top left remembers; dots at the origin are gates that are always half open "
    "(Karpathy, Johnson and Li 2015, figure 4)."
)
FOLLOWING = (
    "Units were ranked on the first half of the text; 'checked' is the same unit with the same rule on the second. "
    "Balanced accuracy of a guess is 50 %, correlation 0."
)
GUESSES = (
    "Below each character are the ones the network expects next, most probable first and darkest. "
    "The actual next character is underlined."
)


def sequences_page(title: str, found: Sequence[Record]) -> str:
    """One page with a section for each finding, that needs no script, no other file and no network."""
    body = Markup("<header><h1>{}</h1></header>").format(title) + sequences_sections(found)
    return document(title, body, style=asset("sequences.css"), footer=FOOTER)


def sequences_sections(found: Sequence[Record]) -> Markup:
    """Sections for a page that has `sequences.css` in it.

    Raises:
        TypeError: for a finding of another kind.
    """
    sections = [unit_section(one) for one in found if isinstance(one, UnitReading)]
    sections += [guesses_section(one) for one in found if isinstance(one, NextCharacters)]
    following = [one for one in found if isinstance(one, Following)]
    gates = [one for one in found if isinstance(one, GateSaturation)]
    if len(sections) + len(following) + len(gates) < len(found):
        raise TypeError(f"one of {', '.join(sorted({type(one).__name__ for one in found}))} is drawn elsewhere")
    return Markup("").join([following_section(following), *sections, saturation_section(gates)])


def unit_section(found: UnitReading) -> Markup:
    """The text, each character on the colour of the unit's activation after it."""
    most = max(map(abs, found.values), default=0.0) or 1.0
    runs = [
        (kind, f"{share:.2f}" if share else "", "".join(character for *_, character in run))
        for (kind, share), run in groupby(_shades(found, most), key=lambda shade: shade[:2])
    ]
    reading = "The colour under a character is the unit's activation once it has read that character."
    title = ": ".join([unit_name(found), *([", ".join(found.follows)] if found.follows else [])])
    return section_of(
        title,
        reading,
        macro("sequences.html", "scale", number(-most), number(most)),
        macro("sequences.html", "text", runs, VISIBLE["\n"]),
    )


def guesses_section(found: NextCharacters, unit: UnitReading | None = None) -> Markup:
    """The first characters of the text, each over the guesses about the next one."""
    count = min(len(found.text), MOST_COLUMNS)
    most = 1.0 if unit is None else max(map(abs, unit.values), default=0.0) or 1.0
    columns = []
    for place in range(count):
        value = 0.0 if unit is None else unit.values[place] / most
        comes = found.text[place + 1 : place + 2]
        guesses = [
            (_cell(guess.character), f"{guess.probability:.2f}", percent(guess.probability), guess.character == comes)
            for guess in found.guesses[place]
        ]
        kind = "up" if value > 0 else "down"
        columns.append((_cell(found.text[place]), kind, f"{abs(value):.2f}", guesses, found.text[place] == "\n"))
    cut = f"The first {count} of {number(len(found.text))} characters." if count < len(found.text) else ""
    return section_of("Next characters", GUESSES, macro("sequences.html", "columns", columns), note(cut))


def following_section(found: Sequence[Following]) -> Markup:
    """The units that follow each signal best."""
    head = ("Signal", "Unit", "Measure", "Found", "Checked", "Rule")
    return draw_section(Section("What units follow", FOLLOWING, [Table(head, following_rows(found), noun="units")]))


def following_rows(found: Sequence[Following]) -> list[tuple[str, ...]]:
    """A row for each unit: signal, unit, measure, found, checked, rule."""
    rows = []
    for one in found:
        for unit in one.units:
            figures = [_figure(one.measure, value) for value in (unit.score, unit.checked)]
            rows.append((one.signal, place_name(unit), one.measure, *figures, rule(unit)))
    return rows


def saturation_section(found: Sequence[GateSaturation]) -> Markup:
    """A drawing for each gate, with the layers in colours, and the shares of each layer."""
    gates = list(dict.fromkeys(one.gate for one in found))
    drawings = [figure(gate, _scatter([one for one in found if one.gate == gate])) for gate in gates]
    rows = [
        (one.gate, str(one.layer) + (" from the end" if one.from_end else ""), percent(one.shut), percent(one.open))
        for one in found
    ]
    drawn = Markup('<div class="gates">{}</div>').format(Markup("").join(drawings)) if drawings else Markup("")
    return section_of("Gates", SATURATION, drawn, draw(Table(("Gate", "Layer", "Shut", "Open"), rows)))


def unit_name(found: UnitReading) -> str:
    """`Layer 0, unit 3`, and whether it is its memory."""
    return f"Layer {found.layer}, unit {found.unit}" + (", memory" if found.part == "c" else "")


def place_name(unit: Follower) -> str:
    """The same of a unit that was found."""
    return f"layer {unit.layer}, unit {unit.unit}" + (", memory" if unit.part == "c" else "")


def rule(unit: Follower) -> str:
    """When the unit tells that its signal holds, or in which direction it goes."""
    if unit.threshold is None:
        return "grows with it" if unit.above else "falls with it"
    return f"{'above' if unit.above else 'up to'} {number(unit.threshold)}"


def _figure(measure: str, value: float) -> str:
    return percent(value) if measure == "balanced accuracy" else f"{value:.3f}"


def _shades(found: UnitReading, most: float) -> Iterator[tuple[str, float, str]]:
    for character, value in zip(found.text, found.values, strict=True):
        yield "up" if value > 0 else "down", round(abs(value) / most, 2), character


def _cell(character: str) -> str:
    """A character alone in its column."""
    return VISIBLE.get(character, character)


def _scatter(found: Sequence[GateSaturation]) -> str:
    """Units in the square of both shares, a colour for each layer."""
    across, up = Axis(0, 1, LEFT, SIDE - 8), Axis(0, 1, SIDE - BOTTOM, 10)
    parts = [
        line(across.start, up.start, across.end, up.start, "ground"),
        line(across.start, up.start, across.start, up.end, "ground"),
        line(across.start, up.end, across.end, up.start, "diagonal"),
    ]
    for share, words in ((0.0, "0"), (0.5, "50"), (1.0, "100 %")):
        parts.append(text(across.at(share), up.start + 13, words))
        parts.append(text(across.start - 5, up.at(share) + 3.5, words.removesuffix(" %"), "end"))
    parts.append(text(across.end, up.start + 27, "shut", "end", "label"))
    parts.append(text(across.start + 5, up.end + 4, "open", "start", "label"))
    for one in found:
        for unit, (shut, opened) in enumerate(one.units):
            words = f"layer {one.layer}, unit {unit}: shut {percent(shut)}, open {percent(opened)}"
            parts.append(dot(across.at(shut), up.at(opened), f"layer-{min(one.layer, 2)}", words, 2.6))
    return svg(f"{found[0].gate}: share of the time open against share shut", parts, SIDE, SIDE)


GUESSED = (178, 106, 27)


def print_unit(console: Console, found: UnitReading) -> None:
    """The text on the colours of the unit's activation: blue above 0, red below it."""
    most = max(map(abs, found.values), default=0.0) or 1.0
    coloured = RichText()
    for character, value in zip(found.text, found.values, strict=True):
        shown = VISIBLE["\n"] + "\n" if character == "\n" else character
        coloured.append(shown, shade(FOR if value > 0 else AGAINST, abs(value) / most))
    console.print(RichText(f"{unit_name(found)}: blue up to {most:.3g}, red down to {-most:.3g}", "bold"))
    console.print(coloured)


def print_next_characters(console: Console, found: NextCharacters) -> None:
    """Lines of the coloured, and under each character what the network expects next, most probable first."""
    width = console.width
    lines: list[list[int]] = [[]]
    for place, character in enumerate(found.text):
        lines[-1].append(place)
        if character == "\n" or len(lines[-1]) == width:
            lines.append([])
    for places in filter(None, lines):
        console.print(RichText("".join(_printable(found.text[place]) for place in places), "bold"))
        for rank in range(len(found.guesses[places[0]])):
            row = RichText()
            for place in places:
                guess = found.guesses[place][rank]
                row.append(_printable(guess.character), shade(GUESSED, guess.probability))
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


def _printable(character: str) -> str:
    return VISIBLE.get(character, character) if character.isprintable() or character in VISIBLE else "\ufffd"
