"""What the report of a run says that only its system can know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from glasswork.show.report import CalibrationBin, Confusion, LabelRow, Mistake
from glasswork.show.sections import Part
from glasswork.show.worked import Worked

Remarks = tuple[str, ...]
"""Sentences for the terminal and the report."""


@dataclass(frozen=True)
class Headline:
    """The figure that a report begins with, beside that of something that needs no learning.

    Attributes:
        metric: its name in words.
        value: of the network.
        count: the same in counts, such as `987 of 1,000 test images`; empty if the figure counts nothing.
        interval: the lower and the upper end of the 95 % interval; None: not known.
        in_percent: it is a share of one.
        higher_is_better: false for errors.
        baseline: what needs no learning, such as `always answering the most frequent class`; empty: nothing.
        baseline_value: the figure of that.
    """

    metric: str
    value: float
    count: str = ""
    interval: tuple[float, float] | None = None
    in_percent: bool = True
    higher_is_better: bool = True
    baseline: str = ""
    baseline_value: float | None = None


@dataclass(frozen=True)
class Findings:
    """What a system has to say about a trained network.

    Attributes:
        headline: the main figure.
        sections: of the report, in order.
        files: to be left in the run's folder, by name.
        remarks: sentences about how the training ended.
        warnings: what the reader must know before trusting a number.
        results: further entries of `result.json`.
        confusion, mistakes, calibration, expected_calibration_error, predictions, per_label, worked: as in `Report`.
    """

    headline: Headline
    sections: Sequence[Part] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    remarks: Remarks = ()
    warnings: Remarks = ()
    results: Mapping[str, Any] = field(default_factory=dict)
    confusion: Confusion | None = None
    mistakes: Sequence[Mistake] = ()
    calibration: Sequence[CalibrationBin] = ()
    expected_calibration_error: float | None = None
    predictions: Sequence[tuple[float, float]] = ()
    per_label: Sequence[LabelRow] = ()
    worked: Sequence[Worked] = ()
