"""Recurrent against independent predictions: a label for every word or frame, from the whole row or from it alone."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from glasswork.data.dataset import Dataset
from glasswork.data.formats import clips
from glasswork.data.formats import conll as tagged
from glasswork.data.splits import Splits
from glasswork.errors import GlassworkError
from glasswork.execution import Execution, choose_device, usable_cores
from glasswork.objectives.spans import LabelF1, marks_spans, span_f1
from glasswork.report.blocks import Bars, Hue, Table, Text
from glasswork.report.report import Report, Section
from glasswork.report.words import percent
from glasswork.run.in_memory import choose_fastest, fit_in_memory
from glasswork.run.prepare import read_and_split
from glasswork.run.request import Request, make_request
from glasswork.studies.intervals import share_difference
from glasswork.studies.study import Progress, Running

NAMES = {"rnn": "RNN", "relu-rnn": "ReLU-RNN", "gru": "GRU", "lstm": "LSTM"}
HUES: dict[str, Hue] = {"rnn": "fourth", "relu-rnn": "second", "gru": "third", "lstm": "first"}
"""Of recurrent units: what they are called, and a colour for each that is the same on every page."""
INDEPENDENT = "none"
ALONE = "each on its own"
SHOWN = 12
"""Labels in the short table."""
_ROWS = {"tagger": ("sentences", "words"), "video": ("clips", "frames")}


@dataclass(frozen=True)
class Way:
    """One network.

    Attributes:
        cell: its recurrent unit; `none`: every word or frame is judged on its own.
        parameters: how many numbers were learned.
        seconds: of training.
        accuracy: on the test rows.
        labels: F1 of all, then of each kind of label.
    """

    cell: str
    parameters: int
    seconds: float
    accuracy: float
    labels: tuple[LabelF1, ...]


@dataclass(frozen=True)
class Independent:
    """The comparison.

    Attributes:
        data: where the examples came from.
        preset: tagger or video.
        rows, times: what a test row is called and how many there are, in the plural; what a time is called.
        counts: of test rows and of their times.
        ways: the recurrent network, then the independent one.
        difference: of their accuracies, with the ends of its 95 % interval.
    """

    data: str
    preset: str
    rows: str
    times: str
    counts: tuple[int, int]
    ways: tuple[Way, Way]
    difference: tuple[float, float, float]

    def to_json(self) -> dict[str, Any]:
        """The same as plain JSON types."""
        return asdict(self)

    def verdict(self) -> str:
        """The difference of the accuracies with its interval, in words."""
        first, second = self.ways
        mean, low, high = (100 * value for value in self.difference)
        said = "It helps." if low > 0 else "It harms." if high < 0 else "That may be chance."
        return (
            f"With {NAMES[first.cell]} {percent(first.accuracy)} of the {self.times} are right, {ALONE} "
            f"{percent(second.accuracy)}: recurrence gives {mean:+.1f} points (95 % interval {low:+.1f} to "
            f"{high:+.1f}, over {self.rows}). {said}"
        )

    def report(self) -> Report:
        """Both networks, and the labels that gain most from recurrence."""
        rows, times = self.counts
        reading = (
            f"Two networks that differ only in the recurrent layer, trained on the same {self.rows} and tested on the "
            f"same {times:,} {self.times} of {rows:,} {self.rows}. Without it each is classified on its own."
        )
        reading_labels = f"F1 with and without recurrence; {self.times}: how many have the label."
        ways, labels = _ways(self), _gains(self)
        head = ("label", self.times, "F1 with recurrence", f"F1 {ALONE}", "gain")
        most = Table(head, labels[:SHOWN])
        everything = Table(head, labels, noun="labels")
        bars = Bars("", [(_name(way.cell), way.accuracy) for way in self.ways], in_percent=True)
        return Report(
            f"Recurrent against independent predictions: {self.data}",
            [
                Section("Right answers", reading, [bars]),
                Section("In numbers", "Both with the settings of the preset.", [ways]),
                Section("What gains most", reading_labels, [most]),
                Section(
                    "All labels",
                    "The same for all of them, the largest gain first.",
                    [everything] if len(labels) > SHOWN else [],
                ),
            ],
            verdict=self.verdict(),
            summary=[ways, most, Text(self.verdict())],
            footer="Drawn by Glasswork from the answers of both networks.",
        )


@dataclass(frozen=True)
class IndependentComparison:
    """A comparison made ready; `steps` carries it out.

    Attributes:
        preset: tagger or video.
        requests: of the recurrent and of the independent network; all else is the same.
        examples, splits: what both learn from and are judged on.
        execution: how the arithmetic is carried out.
    """

    preset: str
    requests: tuple[Request, Request]
    dataset: Dataset
    splits: Splits
    execution: Execution

    def steps(self) -> Running[Independent]:
        """Trains both networks and judges them on the same rows."""
        self.execution.apply()
        yield Progress(words="measuring the arithmetic")
        execution = choose_fastest(self.requests[0], self.dataset, self.splits)
        execution.apply()
        truths, ways, right = self._truths(), [], []
        for number, request in enumerate(self.requests):
            cell = str(request.recipe.model_dump()["cell"])
            yield Progress(number, 2, "every one on its own" if cell == INDEPENDENT else f"with {cell}")
            began = time.perf_counter()
            fitted = fit_in_memory(request, self.dataset, self.splits, execution)
            seconds = time.perf_counter() - began
            exact = replace(execution, precision="float32")
            judged = fitted.dataset.take(self.splits.test)
            said = [_labels(one.answer) for one in fitted.system.predict(fitted.network, judged, exact)]
            right.append(list(map(_right, truths, said)))
            parameters = sum(parameter.numel() for parameter in fitted.network.parameters())
            labels = tuple(span_f1(truths, said, marks_spans(self.dataset.task.target.names)))
            ways.append(Way(cell, parameters, seconds, sum(right[-1]) / sum(map(len, truths)), labels))
        yield Progress(1.0)
        counts = list(map(len, truths))
        difference = share_difference([one - other for one, other in zip(*right, strict=True)], counts)
        sizes = (len(truths), sum(counts))
        rows, times = _ROWS[self.preset]
        return Independent(self.dataset.source, self.preset, rows, times, sizes, (ways[0], ways[1]), difference)

    def _truths(self) -> list[tuple[str, ...]]:
        """The true labels of each test row."""
        names, offsets = self.dataset.task.target.names, self.dataset.offsets["targets"]
        targets = self.dataset.columns["targets"]
        return [
            tuple(names[number] for number in targets[offsets[row] : offsets[row + 1]].tolist())
            for row in self.splits.test.tolist()
        ]


def prepare(
    data: str | Path,
    target: str | None = None,
    cell: str | None = None,
    epochs: int | None = None,
    seed: int = 0,
    threads: int | None = None,
) -> IndependentComparison:
    """Reads the data and makes the comparison ready.

    Raises:
        GlassworkError: for data of another kind, or a cell that there is not.
    """
    path = Path(data).expanduser()
    preset = "video" if path.exists() and clips.claims(path) else "tagger"
    if path.exists() and preset == "tagger" and not tagged.claims(path):
        raise GlassworkError(
            f"This compares predictions of a label for every word or frame, and {path} has neither: expected "
            f"{tagged.FORMAT}, or {clips.FORMAT}"
        )
    asked = {"data": str(data), "target": target, "cell": cell, "epochs": epochs, "seed": seed}
    if preset == "tagger":
        if target is not None:
            raise GlassworkError("--target names the column of a clip's labels; sentences have their own")
        del asked["target"]
    values = {key: value for key, value in asked.items() if value is not None}
    request = make_request(preset, values if threads is None else {**values, "threads": threads})
    if request.recipe.model_dump()["cell"] == INDEPENDENT:
        raise GlassworkError("The recurrent network is compared with --cell none: choose another cell")
    dataset, splits = read_and_split(request)
    if len(splits.test) < 2:
        raise GlassworkError(f"{data} leaves {len(splits.test)} rows to judge by; at least two are needed")
    alone = replace(request, recipe=request.recipe.model_copy(update={"cell": INDEPENDENT}))
    execution = Execution(choose_device("auto"), threads or usable_cores())
    return IndependentComparison(preset, (request, alone), dataset, splits, execution)


def _labels(answer: object) -> tuple[str, ...]:
    assert isinstance(answer, tuple)
    return answer


def _right(truth: Sequence[str], said: Sequence[str]) -> int:
    return sum(one == other for one, other in zip(truth, said, strict=True))


def _name(cell: str) -> str:
    return "every one on its own" if cell == INDEPENDENT else f"with {NAMES[cell]}"


def _ways(found: Independent) -> Table:
    rows = [
        (
            _name(way.cell),
            percent(way.accuracy),
            percent(sum(one.f1 for one in way.labels[1:]) / max(1, len(way.labels) - 1)),
            f"{way.parameters:,}",
            f"{way.seconds:.0f}",
        )
        for way in found.ways
    ]
    return Table(("network", "right", "F1, mean of labels", "parameters", "seconds"), rows)


def _gains(found: Independent) -> list[tuple[str, str, str, str, str]]:
    """Label by label, the largest gain first."""
    recurrent, alone = ({one.label: one for one in way.labels[1:]} for way in found.ways)
    pairs = [(name, one, alone.get(name)) for name, one in recurrent.items() if one.count]
    gains = [(one.f1 - (other.f1 if other else 0.0), name, one, other) for name, one, other in pairs]
    return [
        (name, f"{one.count:,}", f"{one.f1:.3f}", f"{other.f1 if other else 0.0:.3f}", f"{gain:+.3f}")
        for gain, name, one, other in sorted(gains, key=lambda item: -item[0])
    ]
