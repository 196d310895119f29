"""Suspected label errors as a page."""

from collections.abc import Sequence
from dataclasses import dataclass

from glasswork.show import charts, escape, number, percent
from glasswork.show.parts import Part, Photograph, drawn_parts

MOST_ROWS = 500
MOST_PAIRS = 30
FOOTER = "Drawn by Glasswork; the data was read and not changed. Look at each suspect before you change a label."


@dataclass(frozen=True)
class SuspectRow:
    """One suspect.

    Attributes:
        name: where the example came from.
        given: its label.
        suggested: what the network takes it for.
        given_probability: of its label.
        suggested_probability: of the suggested one.
        png: a picture; empty where there is none.
    """

    name: str
    given: str
    suggested: str
    given_probability: float
    suggested_probability: float
    png: bytes = b""


@dataclass(frozen=True)
class SuspectPage:
    """What the page says.

    Attributes:
        source: the data.
        examples: how many labels were looked at.
        wrong_share: the estimated share of wrong labels.
        accuracy: share of the labels that the network answered without having seen the example.
        how: what was trained, in words.
        suspects: most suspicious first.
        pairs: given label, suggested label, how many.
        disagreeing_copies: examples that are equal and whose labels are not.
        csv: the file with all suspects; empty where there is none.
    """

    source: str
    examples: int
    wrong_share: float
    accuracy: float
    how: str
    suspects: Sequence[SuspectRow]
    pairs: Sequence[tuple[str, str, int]]
    disagreeing_copies: int
    csv: str = ""


def label_errors_page(found: SuspectPage) -> str:
    """One HTML page that needs no script, no other file and no network."""
    count, title = len(found.suspects), f"Labels of {found.source}"
    words = f"of {number(found.examples)} labels; about {percent(found.wrong_share)} are estimated to be wrong"
    body = (
        f'<header><h1>{escape(title)}</h1><p class="headline"><strong>{number(count)}</strong> '
        f"<em>suspect{'' if count == 1 else 's'}</em> <span>{escape(words)}</span></p>"
        f'<p class="verdict">{escape(_verdict(found))}</p></header>'
    )
    return charts.document(title, body + drawn_parts(_parts(found)), footer=FOOTER)


def _verdict(found: SuspectPage) -> str:
    said = f"{found.how}. Each network was asked about examples that it had not seen, and gave "
    said += f"{percent(found.accuracy)} of them the label that they have."
    if found.disagreeing_copies:
        said += f" {number(found.disagreeing_copies)} examples have an exact copy under another label."
    return said


def _parts(found: SuspectPage) -> list[Part]:
    pictured = [suspect for suspect in found.suspects if suspect.png]
    listed = found.suspects[:MOST_ROWS]
    rest = f"The other {number(len(found.suspects) - len(listed))} are not listed here." if found.suspects[500:] else ""
    return [
        Part(
            "The most suspicious",
            "The label that the picture has, and what a network takes it for that never saw it. The first are the "
            "surest: the probability of the label lies farthest below that of another class.",
            pictures=[Photograph(suspect.png, _caption(suspect)) for suspect in pictured],
        ),
        Part(
            "Which labels are mistaken for which",
            "Examples with the first label that are confidently of the second class (the confident joint of Northcutt "
            "et al. 2021, off its diagonal).",
            head=("Label", "Looks like", "Examples"),
            rows=[list(pair) for pair in found.pairs[:MOST_PAIRS]],
        ),
        Part(
            "All suspects",
            "Most suspicious first.",
            head=("Example", "Label", "Probability", "Looks like", "Probability"),
            rows=[
                [s.name, s.given, _chance(s.given_probability), s.suggested, _chance(s.suggested_probability)]
                for s in listed
            ],
            note=f"{rest} {found.csv and f'All of them are in {found.csv}.'}".strip(),
        ),
    ]


def _caption(suspect: SuspectRow) -> str:
    return f"{suspect.given}? Looks like {suspect.suggested}, {_chance(suspect.suggested_probability)}"


def _chance(probability: float) -> str:
    return (
        f"over {percent(0.999)}"
        if probability > 0.9995
        else percent(probability)
        if probability >= 1e-3
        else "under 0.1 %"
    )
