"""A text as a recurrent network reads it: coloured by one unit, with what it expects next, and its gates; as HTML."""

from collections.abc import Iterator, Sequence
from importlib.resources import files
from itertools import groupby

from glasswork.glassbox.sequences.following import Follower, Following
from glasswork.glassbox.sequences.reading import NextCharacters, UnitReading
from glasswork.glassbox.sequences.saturation import OPEN, SHUT, GateSaturation
from glasswork.record import Record
from glasswork.show import charts, escape, number, percent
from glasswork.show.charts import figure, section, table

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
    "Under each character the ones that the network expects next, most probable first, the darker the more probable. "
    "What did come next is underlined."
)


def sequences_page(title: str, found: Sequence[Record]) -> str:
    """One page with a section for each finding, that needs no script, no other file and no network.

    Args:
        title: of the page.
        found: of the kinds that `glassbox.sequences` makes, in the order in which they shall be read.
    """
    body = f"<header><h1>{escape(title)}</h1></header>{sequences_sections(found)}"
    return charts.document(title, body, style=style(), footer=FOOTER)


def sequences_sections(found: Sequence[Record]) -> str:
    """Sections for a page that has `style` in it.

    Raises:
        TypeError: for a finding of another kind.
    """
    sections = [unit_section(one) for one in found if isinstance(one, UnitReading)]
    sections += [guesses_section(one) for one in found if isinstance(one, NextCharacters)]
    following = [one for one in found if isinstance(one, Following)]
    gates = [one for one in found if isinstance(one, GateSaturation)]
    if len(sections) + len(following) + len(gates) < len(found):
        raise TypeError(f"one of {', '.join(sorted({type(one).__name__ for one in found}))} is drawn elsewhere")
    return "".join([following_section(following), *sections, saturation_section(gates)])


def style() -> str:
    """What these sections need beyond the page's own style sheet."""
    return files("glasswork.show").joinpath("sequences.css").read_text(encoding="utf-8")


def unit_section(found: UnitReading) -> str:
    """The text, each character on the colour of the unit's activation after it."""
    most = max(map(abs, found.values), default=0.0) or 1.0
    parts = []
    for (kind, share), run in groupby(_shades(found, most), key=lambda shade: shade[:2]):
        words = "".join(_visible(character) for _, _, character in run)
        parts.append(f'<span class="{kind}" style="--share:{share:.2f}">{words}</span>' if share else words)
    scale = (
        f'<p class="scale"><span class="down" style="--share:1">{number(-most)}</span> 0 '
        f'<span class="up" style="--share:1">{number(most)}</span></p>'
    )
    reading = "The colour under a character is the unit's activation once it has read that character."
    title = ": ".join([unit_name(found), *([", ".join(found.follows)] if found.follows else [])])
    return section(escape(title), reading, scale, f'<pre class="read">{"".join(parts)}</pre>')


def guesses_section(found: NextCharacters, unit: UnitReading | None = None) -> str:
    """The first characters of the text, each over the guesses about the next one.

    Args:
        found: the guesses.
        unit: colours the characters themselves; of the same text.
    """
    count = min(len(found.text), MOST_COLUMNS)
    most = 1.0 if unit is None else max(map(abs, unit.values), default=0.0) or 1.0
    columns = []
    for place in range(count):
        character, value = found.text[place], 0.0 if unit is None else unit.values[place] / most
        comes = found.text[place + 1 : place + 2]
        guesses = "".join(
            f'<i{" class=came" if guess.character == comes else ""} style="--share:{guess.probability:.2f}" '
            f'title="{escape(VISIBLE.get(guess.character, guess.character))} {percent(guess.probability)}">'
            f"{_cell(guess.character)}</i>"
            for guess in found.guesses[place]
        )
        kind = "up" if value > 0 else "down"
        shown = f'<b class="{kind}" style="--share:{abs(value):.2f}">{_cell(character)}</b>'
        columns.append(f'<span class="column">{shown}{guesses}</span>')
        if character == "\n":
            columns.append('<span class="break"></span>')
    note = f'<p class="note">The first {count} of {number(len(found.text))} characters.</p>'
    cut = note if count < len(found.text) else ""
    return section("Next characters", GUESSES, f'<div class="columns">{"".join(columns)}</div>', cut)


def following_section(found: Sequence[Following]) -> str:
    """The units that follow each signal best."""
    head = ("Signal", "Unit", "Measure", "Found", "Checked", "Rule")
    return section("What units follow", FOLLOWING, table(head, following_rows(found), "metrics"))


def following_rows(found: Sequence[Following]) -> list[tuple[str, ...]]:
    """A row for each unit: signal, unit, measure, found, checked, rule; as HTML."""
    rows = []
    for one in found:
        for unit in one.units:
            figures = [_figure(one.measure, value) for value in (unit.score, unit.checked)]
            rows.append((escape(one.signal), place_name(unit), one.measure, *figures, rule(unit)))
    return rows


def saturation_section(found: Sequence[GateSaturation]) -> str:
    """A drawing for each gate, with the layers in colours, and the shares of each layer."""
    gates = list(dict.fromkeys(one.gate for one in found))
    drawings = "".join(figure(gate, _scatter([one for one in found if one.gate == gate])) for gate in gates)
    rows = [
        (
            escape(one.gate),
            str(one.layer) + (" from the end" if one.from_end else ""),
            percent(one.shut),
            percent(one.open),
        )
        for one in found
    ]
    shares = table(("Gate", "Layer", "Shut", "Open"), rows, "metrics")
    return section("Gates", SATURATION, f'<div class="gates">{drawings}</div>' if drawings else "", shares)


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


def _visible(character: str) -> str:
    """A character of running text; a line's end is marked, for a unit has a value there too."""
    return f'<span class="end">{VISIBLE[character]}</span>\n' if character == "\n" else escape(character)


def _cell(character: str) -> str:
    """A character alone in its column."""
    return escape(VISIBLE.get(character, character))


def _scatter(found: Sequence[GateSaturation]) -> str:
    """Units in the square of both shares, a colour for each layer."""
    low, high = SIDE - BOTTOM, 10.0
    right = SIDE - 8
    parts = [
        f'<line x1="{LEFT}" y1="{low}" x2="{right}" y2="{low}" class="ground"/>',
        f'<line x1="{LEFT}" y1="{low}" x2="{LEFT}" y2="{high}" class="ground"/>',
        f'<line x1="{LEFT}" y1="{high}" x2="{right}" y2="{low}" class="diagonal"/>',
    ]
    for share, words in ((0.0, "0"), (0.5, "50"), (1.0, "100 %")):
        x, y = LEFT + share * (right - LEFT), low - share * (low - high)
        parts.append(f'<text x="{x:.1f}" y="{low + 13:.1f}" text-anchor="middle">{words}</text>')
        parts.append(f'<text x="{LEFT - 5:.1f}" y="{y + 3.5:.1f}" text-anchor="end">{words.removesuffix(" %")}</text>')
    parts.append(f'<text x="{right:.1f}" y="{low + 27:.1f}" text-anchor="end" class="label">shut</text>')
    parts.append(f'<text x="{LEFT + 5:.1f}" y="{high + 4:.1f}" text-anchor="start" class="label">open</text>')
    for one in found:
        for unit, (shut, opened) in enumerate(one.units):
            x, y = LEFT + shut * (right - LEFT), low - opened * (low - high)
            words = f"layer {one.layer}, unit {unit}: shut {percent(shut)}, open {percent(opened)}"
            dot = f'<circle class="layer-{min(one.layer, 2)}" cx="{x:.1f}" cy="{y:.1f}" r="2.6">'
            parts.append(f"{dot}<title>{words}</title></circle>")
    label = f"{found[0].gate}: share of the time open against share shut"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {SIDE:g} {SIDE:g}" role="img" '
        f'aria-label="{escape(label)}">{"".join(parts)}</svg>'
    )
