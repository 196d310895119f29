"""Suspected label errors in the terminal, as a page and as a table."""

import csv
import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console

from glasswork.show import charts, escape, number, percent
from glasswork.show.charts import section
from glasswork.show.sections import Part, drawn_parts
from glasswork.show.terminal import print_table

SHOWN = 20
COLUMNS = ("row", "name", "given", "suggested", "given_probability", "suggested_probability", "margin")
MOST_ROWS = 500
MOST_PAIRS = 30
FOOTER = "Drawn by Glasswork; the data was read and not changed. Look at each suspect before you change a label."


@dataclass(frozen=True)
class SuspectRow:
    """One suspect.

    Attributes:
        row: the example's place in the data, from 0.
        name: where the example came from.
        given: its label.
        suggested: what the network takes it for.
        given_probability: of its label.
        suggested_probability: of the suggested one.
        margin: the probability of its label less the greatest one of another class.
        png: a picture; empty where there is none.
    """

    row: int
    name: str
    given: str
    suggested: str
    given_probability: float
    suggested_probability: float
    margin: float
    png: bytes = b""


@dataclass(frozen=True)
class SuspectPage:
    """What the page says.

    Attributes:
        source: the data.
        preset: what was trained.
        folds: how many times, each on all of the data but one part.
        examples: how many labels were looked at.
        wrong_share: the estimated share of wrong labels.
        accuracy: share of the labels that the network answered without having seen the example.
        suspects: most suspicious first.
        pairs: given label, suggested label, how many.
        disagreeing_copies: examples that are equal and whose labels are not.
        csv: the file with all suspects; empty where there is none.
    """

    source: str
    preset: str
    folds: int
    examples: int
    wrong_share: float
    accuracy: float
    suspects: Sequence[SuspectRow]
    pairs: Sequence[tuple[str, str, int]]
    disagreeing_copies: int
    csv: str = ""


def print_label_errors(console: Console, found: SuspectPage) -> None:
    """How many labels are suspected, and the first of them."""
    console.print(
        f"suspects: {len(found.suspects):,} of {found.examples:,} labels; about {percent(found.wrong_share)} are "
        f"estimated to be wrong ({found.preset}, {found.folds} folds; {percent(found.accuracy)} answered as labelled)",
        soft_wrap=True,
    )
    if found.disagreeing_copies:
        console.print(f"{found.disagreeing_copies:,} examples have an exact copy under another label", soft_wrap=True)
    rows = [(s.name, s.given, s.suggested, percent(s.suggested_probability)) for s in found.suspects[:SHOWN]]
    if rows:
        print_table(console, ("example", "label", "looks like", "probability"), rows)
    if len(found.suspects) > SHOWN and not found.csv:
        print(f"{len(found.suspects) - SHOWN:,} more: write them all with --csv FILE.csv", file=sys.stderr)


def label_errors_csv(found: SuspectPage) -> str:
    """All suspects, a line each."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([getattr(suspect, column) for column in COLUMNS] for suspect in found.suspects)
    return file.getvalue()


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
    said = f"{found.preset} was trained {found.folds} times, on all of the data but one part. Each network was asked "
    said += "about examples that it had not seen, and gave "
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
