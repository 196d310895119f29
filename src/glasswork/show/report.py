"""The report of a finished run: all its numbers in one frozen value, and the page that shows them.

The numbers arrive; the page only draws, so it can be drawn again from `report.json` long after the run.
"""

import base64
import math
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field, fields, is_dataclass
from importlib.resources import files
from typing import Any, Literal, get_type_hints

from glasswork.errors import GlassworkError
from glasswork.show import charts, escape, number, percent
from glasswork.show.charts import Series, table

FORMAT = 1
MOST_OPEN_ROWS = 24

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
        headline_low: lower end of the 95 % interval.
        headline_high: upper end of the 95 % interval.
        headline_in_percent: the headline is a share of one.
        headline_higher_is_better: false for errors and losses.
        baseline_name: what needs no learning, `always answering the most frequent class`.
        baseline_value: the main metric of that.
        test_metrics: every metric on the test split.
        validation_metrics: every metric on the validation split.
        data: label and value of each fact about the data: counts per split, sizes, imbalance.
        class_counts: class and number of training examples.
        warnings: sentences about what the reader must know before trusting a number.
        epochs: one point per epoch.
        steps: step and training loss, already thinned.
        best_epoch: the epoch whose weights were kept.
        confusion: for one class per example.
        mistakes: up to 24 wrong answers, most confident first.
        calibration: bins of confidence; empty where the network gives no probabilities.
        expected_calibration_error: mean distance of confidence and accuracy, weighted by count.
        predictions: true and predicted values, for regression.
        per_label: for several labels per example.
        recipe: every setting of the run.
        machine: label and value: device, threads, versions.
        timing: label and value: where the time went.
        next_commands: command and what it does.
        network: the layers.
        parameters: how many numbers were learned in all.
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
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {key: _typed(each, parts[1]) for key, each in value.items()}
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return tuple(_typed(each, parts[0]) for each in value)
    return value


def to_html(report: Report) -> str:
    """The report as one HTML page that needs no script, no other file and no network."""
    sections = (_curves, _mistakes, _calibration, _data, _network, _recipe, _machine, _next)
    body = "".join((_head(report), _warnings(report), *(section(report) for section in sections)))
    style = files("glasswork.show").joinpath("page.css").read_text(encoding="utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        # Whatever a class name smuggled in, the browser loads nothing and runs nothing.
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">"
        '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">'
        f"<title>{escape(report.title)}</title><style>{style}</style></head><body><main>{body}"
        "<footer>Drawn by Glasswork from the numbers in this run’s folder; nothing on the page was computed by it."
        "</footer></main></body></html>\n"
    )


def _section(title: str, reading: str, *parts: str) -> str:
    """A section with its sentence on how to read it; nothing at all when it has nothing to show."""
    body = "".join(parts)
    if not body:
        return ""
    return (
        f'<section><div class="margin"><h2>{title}</h2><p>{reading}</p></div><div class="body">{body}</div></section>'
    )


def _figure(caption: str, drawing: str, style: str = "") -> str:
    return f'<figure class="{style}"><figcaption>{caption}</figcaption>{drawing}</figure>' if drawing else ""


def _facts(rows: Sequence[Row]) -> str:
    lines = "".join(f"<div><dt>{escape(label)}</dt><dd>{escape(number(value))}</dd></div>" for label, value in rows)
    return f'<dl class="facts">{lines}</dl>' if lines else ""


def _folded(summary: str, drawing: str, folded: bool) -> str:
    return f"<details><summary>{summary}</summary>{drawing}</details>" if folded and drawing else drawing


def _measured(report: Report, value: float) -> str:
    return percent(value) if report.headline_in_percent else number(value)


def _head(report: Report) -> str:
    names = list(dict.fromkeys((*report.test_metrics, *report.validation_metrics)))
    rows = []
    for name in names:
        cells = (metrics.get(name) for metrics in (report.test_metrics, report.validation_metrics))
        write = _measured if name == report.headline_metric else lambda _, value: number(value)
        rows.append((escape(name), *("" if cell is None else write(report, cell) for cell in cells)))
    count = f" <span>{escape(report.headline_count)}</span>" if report.headline_count else ""
    return (
        f"<header><h1>{escape(report.title)}</h1>"
        f'<p class="headline"><strong>{_measured(report, report.headline_value)}</strong> '
        f"<em>{escape(report.headline_metric)}</em>{count}</p>"
        f'<p class="verdict">{_verdict(report)}</p>'
        f"{table(('Metric', 'Test', 'Validation'), rows, 'metrics')}</header>"
    )


def _verdict(report: Report) -> str:
    """How good the headline is and how sure, in words."""
    value, low, high = report.headline_value, report.headline_low, report.headline_high
    words = []
    if report.headline_count and report.headline_in_percent and math.isfinite(value):
        wrong = round(1000 * (1 - value))
        words.append(
            f"That is about {number(wrong)} wrong in every 1,000." if wrong else "Hardly one in 1,000 is wrong."
        )
    if low is not None and high is not None:
        words.append(
            "With this many examples to test on, the true figure plausibly lies between "
            f"{_measured(report, low)} and {_measured(report, high)} (95 % interval)."
        )
    if report.baseline_value is not None:
        worst, best = (value if low is None else low), (value if high is None else high)
        if not report.headline_higher_is_better:
            worst, best = -best, -worst
        bar = report.baseline_value if report.headline_higher_is_better else -report.baseline_value
        judged = "so the network has clearly learned something" if worst > bar else "so the test cannot tell them apart"
        judged = "so the network does worse than that" if best < bar else judged
        name = escape(report.baseline_name or "answering without looking")
        words.append(f"For comparison, {name} reaches {_measured(report, report.baseline_value)}, {judged}.")
    return " ".join(words)


def _warnings(report: Report) -> str:
    lines = "".join(f"<li>{escape(line)}</li>" for line in report.warnings)
    title, reading = (
        "Before you trust it",
        "What was odd about the data or the run; each may move the figures on this page.",
    )
    return _section(title, reading, f'<ul class="warnings">{lines}</ul>' if lines else "")


def _curves(report: Report) -> str:
    training = Series("training", [(point.epoch, point.training_loss) for point in report.epochs], "second")
    losses, metric, rates = (
        [(point.epoch, value) for point in report.epochs if (value := getattr(point, name)) is not None]
        for name in ("validation_loss", "validation_metric", "learning_rate")
    )
    best, name, shares = report.best_epoch, escape(report.headline_metric), report.headline_in_percent
    both = [training, Series("validation", losses)] if losses else [training]
    drawings = (
        ("Loss", charts.line_chart(both, "loss by epoch", marked=best)),
        (f"Validation {name}", charts.line_chart([Series("validation", metric)], name, marked=best, as_percent=shares)),
        ("Training loss, step by step", charts.line_chart([Series("step", report.steps, "faint")], "loss", "step")),
        ("Learning rate", charts.line_chart([Series("learning rate", rates, "second")], "learning rate")),
    )
    figures = "".join(_figure(caption, drawing) for caption, drawing in drawings)
    reading = (
        "Both losses should fall. Where training goes on falling while validation rises, the network has begun to learn "
        "its examples by heart; the best epoch, the one that was kept, lies before that."
    )
    return _section("How it learned", reading, f'<div class="figures">{figures}</div>' if figures else "")


def _mistakes(report: Report) -> str:
    reading = (
        "Each row is what the examples are, each column what the network said; the diagonal is right, every other "
        "count is a confusion. The pictures are the mistakes it was surest of."
    )
    parts = []
    if report.confusion is not None:
        classes, matrix = report.confusion.classes, report.confusion.matrix
        parts.append(charts.confusion_table(classes, matrix))
        silent = [escape(name) for index, name in enumerate(classes) if not any(row[index] for row in matrix)]
        if silent:
            parts.append(f'<p class="note">Never given as an answer: {", ".join(silent)}.</p>')
        if not report.mistakes and not any(n for i, row in enumerate(matrix) for j, n in enumerate(row) if i != j):
            parts.append('<p class="note">Not one mistake on the test examples.</p>')
    if report.predictions:
        reading = "Each point is one test example; the nearer to the diagonal, the better the prediction."
        parts.append(_figure("Predicted against true", charts.scatter(report.predictions), "single"))
    if report.per_label:
        reading = "Precision: how many of the labels given were right. Recall: how many of the true labels were found."
        rows = [
            (escape(row.label), number(row.count), *(percent(share) for share in (row.precision, row.recall, row.f1)))
            for row in report.per_label
        ]
        drawn = table(("Label", "Count", "Precision", "Recall", "F1"), rows, "numbers")
        parts.append(_folded(f"All {len(rows)} labels", drawn, len(rows) > MOST_OPEN_ROWS))
    parts.append(charts.gallery([astuple(mistake) for mistake in report.mistakes]))
    return _section("What it gets wrong", reading, *parts)


def _calibration(report: Report) -> str:
    error = report.expected_calibration_error
    diagram = charts.reliability_diagram([astuple(each) for each in report.calibration])
    note = (
        ""
        if error is None
        else (
            f'<p class="note">On average, how sure it was and how often it was right lie {percent(error)} apart '
            "(expected calibration error).</p>"
        )
    )
    reading = (
        "Of all the answers given with 80 % confidence, 80 % should be right: then each bar ends on the diagonal. "
        "A bar below it means too sure, above it too modest; the figure on a bar is how many answers it stands for."
    )
    return _section("Can its confidence be trusted?", reading, _figure("Right answers by confidence", diagram), note)


def _data(report: Report) -> str:
    drawn = charts.bars(report.class_counts)
    reading = "What it learned from. A class with few examples is learned last; compare its row above."
    counts = _folded(
        f"Training examples in each of {len(report.class_counts)} classes",
        drawn,
        len(report.class_counts) > MOST_OPEN_ROWS,
    )
    return _section("The data", reading, _facts(report.data), counts)


def _network(report: Report) -> str:
    rows = [(escape(row.layer), escape(row.output_shape), number(row.parameters)) for row in report.network]
    drawn = table(("Layer", "Output", "Parameters"), rows, "numbers")
    total = "" if report.parameters is None else f'<p class="note">{number(report.parameters)} parameters in all.</p>'
    reading = "The data pass from top to bottom; the output is the shape of what each layer hands on."
    return _section(
        "The network", reading, _folded(f"All {len(rows)} layers", drawn, len(rows) > MOST_OPEN_ROWS), total
    )


def _recipe(report: Report) -> str:
    def drawn(rows: Sequence[RecipeRow]) -> str:
        cells = [
            (
                f"<code>{escape(row.name)}</code>",
                f"<code>{escape(_setting(row.value))}</code>",
                row.origin,
                escape(row.sentence),
            )
            for row in rows
        ]
        return table(("Field", "Value", "From", "What it is"), cells, "recipe")

    chosen = [row for row in report.recipe if row.origin != "default"]
    rest = [row for row in report.recipe if row.origin == "default"]
    reading = (
        "Every setting of this run: <i>asked</i> by you, part of the <i>preset</i>, <i>derived</i> from the data or the "
        "machine, or left at its <i>default</i>."
    )
    folded = _folded(f"{len(rest)} more, at their defaults", drawn(rest), bool(chosen))
    return _section("The recipe", reading, drawn(chosen), folded)


def _setting(value: Value) -> str:
    """As the recipe file writes it, so that it can be copied from here."""
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _machine(report: Report) -> str:
    reading = (
        "Where it ran and what the time went into; another machine gives other times and the same kind of figures."
    )
    return _section("Machine and time", reading, _facts(report.timing), _facts(report.machine))


def _next(report: Report) -> str:
    lines = "".join(
        f"<dt><code>{escape(command)}</code></dt><dd>{escape(what)}</dd>" for command, what in report.next_commands
    )
    reading = "Commands to type in a terminal, in the folder where you trained."
    return _section("What to do next", reading, f'<dl class="next">{lines}</dl>' if lines else "")
