"""A report: a headline, what it means, and sections; the same for a run, a study and an answer."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from glasswork.errors import GlassworkError
from glasswork.record import Record
from glasswork.report.blocks import Block
from glasswork.report.words import number, percent

FORMAT = 3
FOOTER = "Drawn by Glasswork from the numbers in this run’s folder; the page computed none of them."


@dataclass(frozen=True)
class Section(Record):
    """A part of a report.

    Attributes:
        title: what it is.
        reading: how to read it, in a sentence or two; may be empty.
        blocks: from above; a section of none is left out.
    """

    title: str
    reading: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Headline(Record):
    """The figure that is asked for first, as it is written.

    Attributes:
        figure: `98.7 %`, in large letters; may be empty.
        name: `accuracy`.
        aside: `987 of 1,000 test images`; may be empty.
    """

    tag: ClassVar[str] = "headline"
    figure: str
    name: str
    aside: str = ""


@dataclass(frozen=True)
class Score(Record):
    """The main figure of an evaluation.

    Attributes:
        metric: its name, `accuracy`.
        value: on the test split (on the validation split if there is no other).
        count: the same in counts, `987 of 1,000 test images`; empty: the metric counts nothing. If given, the figure
            is an accuracy.
        interval: the lower and the upper end of the 95 % interval; None: not known.
        in_percent, higher_is_better: it is a share of one; false for errors and losses.
        baseline: what needs no learning, `always predicting the most frequent class`; may be empty.
        baseline_value: the metric of that; None: there is none.
    """

    tag: ClassVar[str] = "score"
    metric: str
    value: float
    count: str = ""
    interval: tuple[float, float] | None = None
    in_percent: bool = True
    higher_is_better: bool = True
    baseline: str = ""
    baseline_value: float | None = None

    def write(self, value: float) -> str:
        """A value of this metric for people."""
        return percent(value) if self.in_percent else number(value)

    def headline(self) -> Headline:
        """The figure as it is written."""
        return Headline(self.write(self.value), self.metric, self.count)

    def verdict(self) -> str:
        """How good it is and how sure, in words."""
        if not math.isfinite(self.value):
            return "The run ended without a meaningful result; the curves below show where it diverged."
        words = []
        if self.count and self.in_percent:
            wrong = round(1000 * (1 - self.value))
            rare = "None was wrong." if self.value == 1 else "Fewer than one in 1,000 is wrong."
            words.append(f"That is about {number(wrong)} wrong in every 1,000." if wrong else rare)
        if self.interval is not None:
            ends = " and ".join(map(self.write, self.interval))
            words.append(
                f"With this many test examples, the true value is likely to be between {ends} (95 % interval)."
            )
        if self.baseline_value is not None:
            name, value = self.baseline or "answering without looking", self.baseline_value
            words.append(f"For comparison, {name} reaches {self.write(value)}, {self._judge(value)}.")
        return " ".join(words)

    def _judge(self, baseline: float) -> str:
        """The figure, or its interval, beside that of no learning."""
        sign = 1 if self.higher_is_better else -1
        ends = [sign * end for end in self.interval or (self.value,)]
        if min(ends) > sign * baseline:
            return f"so the network {'has clearly learned something' if self.interval else 'is better than that'}"
        if max(ends) < sign * baseline:
            return "so the network is worse than that"
        return "so the test cannot distinguish the two"


@dataclass(frozen=True)
class Report(Record):
    """What a page shows from above, and what of it a terminal shows.

    Attributes:
        title: `lenet on mnist-5k`.
        sections: those without blocks are left out.
        headline: the main figure, as it is written or as it was measured; None: there is none.
        verdict: what it means, in words.
        opening: blocks before the first section.
        summary: what a terminal shows.
        footer: where all of it comes from, in a sentence.
    """

    title: str
    sections: Sequence[Section]
    headline: Headline | Score | None = None
    verdict: str = ""
    opening: Sequence[Block] = ()
    summary: Sequence[Block] = ()
    footer: str = FOOTER

    def to_json(self) -> dict[str, Any]:
        """The report as plain JSON types, with the number of their format."""
        return {"format": FORMAT, **super().to_json()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The report that `to_json` wrote; its sequences come back as tuples."""
        if value.get("format") != FORMAT:
            raise GlassworkError(
                f"This report has format {value.get('format')!r}, and this version of Glasswork reads format {FORMAT}; "
                "run `glasswork evaluate` on its run to write it again."
            )
        return super().from_json(value)
