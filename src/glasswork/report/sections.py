"""The sections that the reports of runs have in common: how it learned, what it gets wrong, data, network, recipe."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from glasswork.record import Record
from glasswork.report.blocks import (
    Bars,
    Bin,
    Block,
    Calibration,
    Cell,
    Commands,
    Curves,
    Facts,
    Line,
    Matrix,
    Picture,
    Pictures,
    Point,
    Remark,
    Scatter,
    Table,
    Text,
)
from glasswork.report.figures import figure, name_figure
from glasswork.report.report import Score, Section
from glasswork.report.words import number, percent

MOST_CLASSES_IN_A_MATRIX = 20
"""With more of them a page lists the pairs that are most often confused."""


@dataclass(frozen=True)
class Epoch(Record):
    """What one pass over the training data ended with; None: nothing was measured."""

    epoch: int
    training_loss: float
    validation_loss: float | None = None
    validation_metric: float | None = None
    learning_rate: float | None = None


@dataclass(frozen=True)
class Setting(Record):
    """One setting, where it came from, and the sentence that explains it."""

    name: str
    value: str | int | float | bool | None
    origin: Literal["asked", "preset", "derived", "default"]
    sentence: str = ""


@dataclass(frozen=True)
class Layer(Record):
    """One layer of the network, in the order of the data's way through it."""

    layer: str
    output_shape: str
    parameters: int


@dataclass(frozen=True)
class Mistake(Record):
    """A wrong answer: its picture as PNG (empty: there is none) and the probability the network gave its answer."""

    png: bytes
    name: str
    truth: str
    answer: str
    probability: float


@dataclass(frozen=True)
class LabelFigures(Record):
    """How one label of many fares; `count` is how many test examples carry it."""

    label: str
    count: int
    precision: float
    recall: float
    f1: float


def metrics(score: Score, splits: Mapping[str, Mapping[str, float]]) -> Table:
    """Every metric on each split, the main one as it is written in the headline."""
    splits = {split: values for split, values in splits.items() if values}
    names = dict.fromkeys(name for values in splits.values() for name in values)
    rows = [
        [name, *(_metric(score, name, values[name]) if name in values else "" for values in splits.values())]
        for name in names
    ]
    return Table(["Metric", *splits], rows)


def _metric(score: Score, name: str, value: float) -> str:
    return score.write(value) if name == score.metric else number(value)


def warnings(words: Sequence[str]) -> Section:
    """What the reader must know before trusting a figure."""
    reading = "What is unusual about the data or the run; each point may affect the figures on this page."
    return Section("Before you trust it", reading, [Text(line, "warning") for line in words])


def learning_curves(
    epochs: Sequence[Epoch], steps: Sequence[tuple[int, float]], best: int | None, score: Score, metric: str = ""
) -> Section:
    """Losses, the metric of the validation and the learning rate over the epochs.

    Args:
        epochs: in order.
        steps: number and training loss of each.
        best: the epoch whose weights were kept; None: there is none.
        score: the figure above the report.
        metric: name of the metric after each epoch; empty: that of the score.
    """
    drawn, in_percent = (name_figure(metric), figure(metric).share) if metric else (score.metric, score.in_percent)
    points = {
        name: [(float(one.epoch), value) for one in epochs if (value := getattr(one, name)) is not None]
        for name in ("training_loss", "validation_loss", "validation_metric", "learning_rate")
    }
    marks = [] if best is None else [(f"best epoch: {number(best)}", float(best))]
    losses = [Line("training", points["training_loss"], "second")]
    losses += [Line("validation", points["validation_loss"], "first")] if points["validation_loss"] else []
    by_step: list[Point] = [(float(step), loss) for step, loss in steps]
    blocks = [
        Curves("Loss", losses, marks=marks),
        Curves(
            f"Validation {drawn}",
            [Line(drawn, points["validation_metric"])],
            marks=marks,
            in_percent=in_percent,
        ),
        Curves("Training loss, step by step", [Line("training loss", by_step, "faint")], "step"),
        Curves("Learning rate", [Line("learning rate", points["learning_rate"], "second")]),
    ]
    return Section(
        "How it learned",
        "Both losses should fall. If the training loss keeps falling while the validation loss rises, the network has "
        "begun to memorise its examples; the best epoch, whose weights were kept, comes before that.",
        [block for block in blocks if any(one.points for one in block.lines)],
    )


def mistakes(
    confusion: tuple[Sequence[str], Sequence[Sequence[int]]] | None = None,
    numbers: Sequence[Point] = (),
    labels: Sequence[LabelFigures] = (),
    examples: Sequence[Mistake] = (),
) -> Section:
    """What the network gets wrong on the examples it was tested on.

    Args:
        confusion: classes, and counts of answers by truth, `counts[truth][answer]`.
        numbers: true and predicted values.
        labels: how each of several labels fares.
        examples: wrong answers, most confident first.
    """
    reading, blocks = "", list[Block]()
    if confusion is not None:
        blocks += _confusion(*confusion)
        reading = (
            "The true classes of the examples, and the predicted ones."
            if len(confusion[0]) > MOST_CLASSES_IN_A_MATRIX
            else "Each row is a true class, each column a predicted class: the diagonal is right, every other count "
            "is a confusion."
        )
    if numbers:
        reading = "Each point is one example; the nearer to the diagonal, the better the prediction."
        caption = "Predicted against true"
        blocks.append(Scatter(caption, [numbers], across="true value", up="predicted", square=True))
    if labels:
        reading = (
            "Precision: how many of the predicted labels were right. Recall: how many of the true labels were found."
        )
        blocks.append(_by_label(labels))
    return Section("What it gets wrong", reading, [*blocks, *_gallery(examples)])


def _confusion(classes: Sequence[str], counts: Sequence[Sequence[int]]) -> list[Block]:
    many = len(classes) > MOST_CLASSES_IN_A_MATRIX
    caption = "Most often confused" if many else "Predictions for the test examples"
    silent = [name for index, name in enumerate(classes) if not any(row[index] for row in counts)]
    flawless = not any(count for i, row in enumerate(counts) for j, count in enumerate(row) if i != j)
    return [
        Matrix(caption, classes, counts),
        *([Text(f"Never predicted: {', '.join(silent)}.")] if silent else []),
        *([Text("No mistakes in the test.")] if flawless else []),
    ]


def _gallery(examples: Sequence[Mistake]) -> list[Pictures]:
    """Wrong answers with their pictures."""
    pictures = [
        Picture(
            one.png,
            one.name,
            [
                Remark("is", one.truth),
                Remark("said", one.answer, "wrong"),
                Remark(f"{_sureness(one.probability)} sure", tone="quiet"),
            ],
        )
        for one in examples
    ]
    return [Pictures(pictures, "The most confident mistakes", "gallery")] if pictures else []


def _sureness(probability: float) -> str:
    """A probability for narrow places: 99.998 % and 99.9 % look the same to a reader."""
    return f"over {percent(0.999)}" if probability > 0.9995 else percent(probability)


def _by_label(figures: Sequence[LabelFigures]) -> Table:
    """How each of several labels fares."""
    rows: list[Sequence[Cell]] = [
        (one.label, one.count, *(percent(share) for share in (one.precision, one.recall, one.f1))) for one in figures
    ]
    return Table(("Label", "Count", "Precision", "Recall", "F1"), rows, noun="labels")


def calibration(bins: Sequence[Bin], error: float | None) -> Section:
    """Confidence against accuracy."""
    words = "" if error is None else f"On average, its confidence and its accuracy differ by {percent(error)}"
    note = [Text(f"{words} (expected calibration error).")] if words else []
    return Section(
        "Can its confidence be trusted?",
        "Of all predictions with 80 % confidence, 80 % should be right: then the bar ends on the diagonal. Below "
        "it the network is overconfident, above it underconfident; the number on a bar is its count of predictions.",
        [Calibration("How often it was right, by how sure it was", bins), *note],
    )


def worked(blocks: Sequence[Block]) -> Section:
    """Arithmetic worked out line by line."""
    reading = "The slide’s formulas with the numbers of this run put in. Numbers are rounded to four digits to be read."
    return Section("Worked out in numbers", reading, blocks)


def data(facts: Sequence[tuple[str, Cell]], class_counts: Sequence[tuple[str, int]]) -> Section:
    """What was learned from."""
    return Section(
        "The data",
        "The data it learned from; classes with few examples are usually learned worst.",
        [Facts(facts), Bars("Training examples", [(name, float(n)) for name, n in class_counts], "classes")],
    )


def network(layers: Sequence[Layer], parameters: int | None) -> Section:
    """The layers, and how many numbers were learned in all."""
    rows = [(one.layer, one.output_shape, one.parameters) for one in layers]
    total = [] if parameters is None else [Text(f"{number(parameters)} parameters in all.")]
    return Section(
        "The network",
        "The data pass from top to bottom; output is the shape of a layer's output, parameters the number of learned "
        "values.",
        [Table(("Layer", "Output", "Parameters"), rows, noun="layers", look="listing"), *total],
    )


def recipe(settings: Sequence[Setting]) -> Section:
    """Every setting, those left at their defaults behind a line to open them."""
    kept = [_setting(one) for one in settings if one.origin == "default"]
    chosen = [_setting(one) for one in settings if one.origin != "default"]
    head = ("Field", "Value", "From", "What it is")
    folded = "The settings left at their defaults" if chosen else ""
    return Section(
        "The recipe",
        "Every setting: “asked” by you, part of the “preset”, “derived” from the data or the machine, or left at its "
        "“default”.",
        [
            Table(head, chosen, noun="settings", look="recipe"),
            Table(head, kept, noun="settings", look="recipe", folded=folded),
        ],
    )


def _setting(one: Setting) -> tuple[str, str, str, str]:
    """As the recipe file writes it, so that it can be copied from the page."""
    value = "–" if one.value is None else str(one.value).lower() if isinstance(one.value, bool) else str(one.value)
    return one.name, value, one.origin, one.sentence


def machine(timing: Sequence[tuple[str, Cell]], facts: Sequence[tuple[str, Cell]]) -> Section:
    """Where it ran, and where the time went."""
    reading = (
        "Where it ran and how long each part took; another machine takes a different time for nearly the same results."
    )
    return Section("Machine and time", reading, [Facts(timing), Facts(facts)])


def next_steps(commands: Sequence[tuple[str, str]]) -> Section:
    """Commands and what each does."""
    reading = "Commands for a terminal, in the folder where you trained."
    return Section("What to do next", reading, [Commands(commands)])
