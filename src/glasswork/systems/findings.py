"""What the report of a run says that only its system can know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from glasswork.report.blocks import Curves
from glasswork.report.report import Score, Section

Remarks = tuple[str, ...]
"""Sentences for the terminal and the report."""


@dataclass(frozen=True)
class Findings:
    """What a system has to say about a trained network.

    Attributes:
        score: the main figure.
        sections: of the report, in order, between the learning curves and the data.
        files: to be left in the run's folder, by name.
        figures: charts to be left there as pictures, by name.
        remarks: sentences about how the training ended.
        warnings: what the reader must know before trusting a number.
        results: further entries of `result.json`.
    """

    score: Score
    sections: Sequence[Section] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    figures: Mapping[str, Sequence[Curves]] = field(default_factory=dict)
    remarks: Remarks = ()
    warnings: Remarks = ()
    results: Mapping[str, Any] = field(default_factory=dict)
