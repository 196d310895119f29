"""Suspected label errors as a page."""

from collections.abc import Sequence
from dataclasses import dataclass

from glasswork.show import charts, escape, number, percent
from glasswork.show.charts import section
from glasswork.show.sections import Part, drawn_parts

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
    return charts.document(title, body + _gallery(found) + drawn_parts(_parts(found)), footer=FOOTER)


def _verdict(found: SuspectPage) -> str:
    said = f"{found.how}. Each network was asked about examples that it had not seen, and gave "
    said += f"{percent(found.accuracy)} of them the label that they have."
    if found.disagreeing_copies:
        said += f" {number(found.disagreeing_copies)} examples have an exact copy under another label."
    return said


def _gallery(found: SuspectPage) -> str:
    """The suspects that have pictures, with both labels below each."""
    items = []
    for one in found.suspects:
        if one.png:
            items.append(
                f'<figure title="{escape(one.name)}">{charts.picture(one.png, one.name)}<figcaption>'
                f'<span>label <b class="wrong">{escape(one.given)}</b></span>'
                f"<span>looks like <b>{escape(one.suggested)}</b></span>"
                f'<span class="quiet">{_chance(one.suggested_probability)}</span></figcaption></figure>'
            )
    wordy = any(len(name) > 8 for one in found.suspects for name in (one.given, one.suggested))
    return section(
        "The most suspicious",
        "The label that each picture has, and what a network takes it for that never saw it. First come those whose "
        "label is the least probable beside another class.",
        f'<div class="gallery {"wordy" if wordy else ""}">{"".join(items)}</div>' if items else "",
    )


def _parts(found: SuspectPage) -> list[Part]:
    listed = found.suspects[:MOST_ROWS]
    rest = len(found.suspects) - len(listed)
    notes = [f"{number(rest)} more are not listed here."] if rest else []
    notes += [f"All of them are in {found.csv}."] if found.csv else []
    return [
        Part(
            "Which labels are mistaken for which",
            "How many suspects have the first label and look like the second class.",
            head=("Label", "Looks like", "Suspects"),
            rows=[list(pair) for pair in found.pairs[:MOST_PAIRS]],
        ),
        Part(
            "All suspects",
            "Most suspicious first, with the probability of the label and of the class that each looks like.",
            head=("Example", "Label", "Probability", "Looks like", "Probability"),
            rows=[
                [one.name, one.given, _chance(one.given_probability), one.suggested, _chance(one.suggested_probability)]
                for one in listed
            ],
            note=" ".join(notes),
        ),
    ]


def _chance(probability: float) -> str:
    """A probability for people: nobody tells 99.998 % from 99.9."""
    if probability > 0.9995:
        return f"over {percent(0.999)}"
    return percent(probability) if probability >= 0.001 else f"under {percent(0.001)}"
