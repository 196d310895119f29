"""The report of a finished run: all its numbers in one frozen value; `report_page` draws them.

The numbers arrive; the page only draws, so it can be drawn again from `report.json` long after the run.
"""

import base64
import math
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal, get_type_hints

from glasswork.errors import GlassworkError
from glasswork.show.sections import Part
from glasswork.show.worked import Worked

FORMAT = 2

Value = str | int | float | bool | None
Row = tuple[str, Value]


@dataclass(frozen=True)
class EpochPoint:
    """What one pass over the training data ended with; `None` where nothing was measured."""

    epoch: int
    training_loss: float
    validation_loss: float | None = None
    validation_metric: float | None = None
    learning_rate: float | None = None


@dataclass(frozen=True)
class Confusion:
    """Counts of test examples: `matrix[truth][answer]`."""

    classes: Sequence[str]
    matrix: Sequence[Sequence[int]]


@dataclass(frozen=True)
class Mistake:
    """A wrong answer: its picture as PNG (empty: none to show) and the probability the network gave its answer."""

    png: bytes
    name: str
    truth: str
    answer: str
    probability: float


@dataclass(frozen=True)
class CalibrationBin:
    """Answers given with a confidence from `low` to `high`: how many, how sure on average, how often right."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class LabelRow:
    """How one label of many fares; `count` is how many test examples carry it."""

    label: str
    count: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class RecipeRow:
    """One setting, where it came from, and the sentence that explains it."""

    name: str
    value: Value
    origin: Literal["asked", "preset", "derived", "default"]
    sentence: str = ""


@dataclass(frozen=True)
class LayerRow:
    """One layer of the network, in the order of the data's way through it."""

    layer: str
    output_shape: str
    parameters: int


@dataclass(frozen=True)
class Report:
    """Everything the page of a finished run shows.

    Attributes:
        title: network and data, `LeNet on mnist-5k`.
        headline_metric: name of the task's main metric, `accuracy`.
        headline_value: its value on the test split (on the validation split where there is no other).
        headline_count: the same in counts, `987 of 1,000 test images`; empty where the metric counts nothing. Where
            given, the headline is a share of right answers.
        headline_low: lower end of the 95 % interval; `headline_high` is its upper end.
        headline_in_percent, headline_higher_is_better: it is a share of one; false for errors and losses.
        baseline_name: what needs no learning, `always answering the most frequent class`.
        baseline_value: the main metric of that.
        test_metrics, validation_metrics: every metric on that split.
        measured_on: the examples that `test_metrics` are really about: Test, Validation or Training.
        data: label and value of each fact about the data: counts per split, sizes, imbalance.
        class_counts: class and number of training examples.
        warnings: sentences about what the reader must know before trusting a number.
        epochs, steps: one point per epoch; step and training loss, already thinned.
        best_epoch: the epoch whose weights were kept.
        confusion: for one class per example.
        mistakes: up to 24 wrong answers, most confident first.
        calibration: bins of confidence; empty where the network gives no probabilities.
        expected_calibration_error: mean distance of confidence and accuracy, weighted by count.
        predictions: true and predicted values, for regression.
        per_label: for several labels per example.
        worked: what was worked out in numbers.
        parts: sections that only this system or this kind of run has, after the learning curves.
        recipe: every setting of the run.
        machine, timing: label and value: device, threads, versions; where the time went.
        next_commands: command and what it does.
        network, parameters: the layers, and how many numbers were learned in all.
    """

    title: str
    headline_metric: str
    headline_value: float
    headline_count: str = ""
    headline_low: float | None = None
    headline_high: float | None = None
    headline_in_percent: bool = True
    headline_higher_is_better: bool = True
    baseline_name: str = ""
    baseline_value: float | None = None
    test_metrics: Mapping[str, float] = field(default_factory=dict)
    measured_on: str = "Test"
    validation_metrics: Mapping[str, float] = field(default_factory=dict)
    data: Sequence[Row] = ()
    class_counts: Sequence[tuple[str, int]] = ()
    warnings: Sequence[str] = ()
    epochs: Sequence[EpochPoint] = ()
    steps: Sequence[tuple[int, float]] = ()
    best_epoch: int | None = None
    confusion: Confusion | None = None
    mistakes: Sequence[Mistake] = ()
    calibration: Sequence[CalibrationBin] = ()
    expected_calibration_error: float | None = None
    predictions: Sequence[tuple[float, float]] = ()
    per_label: Sequence[LabelRow] = ()
    worked: Sequence[Worked] = ()
    parts: Sequence[Part] = ()
    recipe: Sequence[RecipeRow] = ()
    machine: Sequence[Row] = ()
    timing: Sequence[Row] = ()
    next_commands: Sequence[tuple[str, str]] = ()
    network: Sequence[LayerRow] = ()
    parameters: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The report as plain JSON types, pictures as base64 and `nan` as a word; `from_json` turns it back."""
        return {"format": FORMAT} | typing.cast("dict[str, Any]", _plain(self))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Report":
        """The report that `to_json` wrote; its sequences come back as tuples."""
        if data.get("format") != FORMAT:
            raise GlassworkError(
                f"This report has format {data.get('format')!r}, and this version of Glasswork reads format {FORMAT}; "
                "run `glasswork evaluate` on its run to write it anew."
            )
        return typing.cast("Report", _typed({key: data[key] for key in data if key != "format"}, cls))


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, float) and not math.isfinite(value):
        # Strict JSON has no word for it; `float("nan")` reads it back.
        return str(value)
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(each) for each in value]
    return value


def _typed(value: Any, kind: Any) -> Any:
    """Plain `value` as the annotation `kind` says it was."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return typing.cast("Any", kind)(**{key: _typed(each, hints[key]) for key, each in value.items()})
    if kind is bytes:
        return base64.b64decode(value)
    if kind is float:
        return float(value)
    if origin is types.UnionType and len(parts) == 2 and type(None) in parts:
        return None if value is None else _typed(value, next(part for part in parts if part is not type(None)))
    if origin is tuple:
        return tuple(_typed(each, part) for each, part in zip(value, parts, strict=True))
    if origin is Mapping:
        return {key: _typed(each, parts[1]) for key, each in value.items()}
    if origin is Sequence:
        return tuple(_typed(each, parts[0]) for each in value)
    return value
