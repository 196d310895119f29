"""The vanishing gradient in numbers: each kind of recurrent unit before and after it learned to remember a bracket."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from glasswork.data.brackets import bracket_texts
from glasswork.execution import Execution, mixed
from glasswork.glassbox.sequences.unrolled import GradientByLag, gradient_by_lag
from glasswork.networks.recurrent import ManyToOne
from glasswork.record import Record
from glasswork.report.blocks import Curves, Line, Point, Table, Text
from glasswork.report.report import Report, Section
from glasswork.report.words import number
from glasswork.studies.options import VanishingGradientOptions
from glasswork.studies.recurrence_ablation import HUES, NAMES
from glasswork.studies.study import Progress, Running
from glasswork.studies.why_recurrence import THREADS, bracket_reader, check, train_reader, training_texts

MEASURED = 64
LAGS = (1, 10, 50, 200, 500)
"""Lags of the table, beside the last one."""
READING = (
    "The norm of d loss(t) / d h(t-k), mean over texts: how much the loss at the last character changes with the state "
    "k characters before it. A straight line on this axis is exponential decay: the same factor at every step. If a "
    "line "
    "ends early, the gradient is exactly 0 from there on."
)
MEMORY = (
    "An LSTM passes two things on. Through its output h, errors flow as in any network. Through its memory c, they "
    "are multiplied by the forget gate: one that stays open lets them through."
)


@dataclass(frozen=True)
class Curve(Record):
    """One network at one time.

    Attributes:
        trained: whether it has been.
        accuracy: on the texts that were measured; chance is a quarter.
        gradient: by lag, of h and of c.
        arriving: by lag, what arrives at all: the norm for h, or of an LSTM the larger one of h and c.
    """

    trained: bool
    accuracy: float
    gradient: GradientByLag
    arriving: tuple[float, ...]


@dataclass(frozen=True)
class VanishingGradient(Record):
    """The curves of all cells.

    Attributes:
        length: characters of each text; the bracket that has to be closed is the first of them.
        hidden_size: of every network.
        steps: updates of every trained network; 0 where none was.
        texts: over how many the gradient is averaged.
        seed: of weights and texts.
        curves: cell by cell, each untrained and then trained.
    """

    length: int
    hidden_size: int
    steps: int
    texts: int
    seed: int
    curves: tuple[Curve, ...]

    def verdict(self) -> str:
        """How much arrives at the first character, in words."""
        lag = self.length - 1
        said = [
            f"{NAMES[one.gradient.cell]} {_write(one.arriving[lag])}"
            for one in self.curves
            if bool(self.steps) == one.trained
        ]
        when = f"after {self.steps:,} updates" if self.steps else "untrained"
        return f"Gradient that arrives {lag} characters back, {when}: {', '.join(said)}."

    def task(self) -> str:
        """What the networks read and what the loss is."""
        return (
            f"{self.hidden_size} units read {self.texts} texts of {self.length} characters. The loss is the "
            "cross-entropy of the bracket that closes the first of them; an LSTM's value is the larger one of h and c."
        )

    def report(self) -> Report:
        """The norm of the error that arrives k characters back, on a logarithmic axis, and in numbers."""
        trained, table = [one for one in self.curves if one.trained], _table(self)
        charts = [_chart("Untrained", _by_cell([one for one in self.curves if not one.trained]))]
        charts += [_chart(f"After {self.steps:,} updates", _by_cell(trained))] if trained else []
        memories = [
            _chart(f"LSTM, {'trained' if one.trained else 'untrained'}: memory and state", _memory(one.gradient))
            for one in self.curves
            if one.gradient.memory is not None
        ]
        in_numbers = "The same at some lags, with the accuracy; guessing is right in a quarter."
        return Report(
            "The vanishing gradient",
            [
                Section("Gradient against lag", READING, charts),
                Section("State and memory", MEMORY, memories),
                Section("In numbers", in_numbers, [table]),
            ],
            verdict=f"{self.verdict()} {self.task()}",
            summary=[table, Text(READING), Text(self.task())],
            footer="Drawn by Glasswork from gradients through the textbook's cells; the page computed none of these "
            "numbers.",
        )


@dataclass(frozen=True)
class Measurement:
    """A measurement made ready; `steps` carries it out."""

    cells: Sequence[str]
    length: int
    hidden_size: int
    updates: int
    seed: int

    def steps(self) -> Running[VanishingGradient]:
        """Measures and trains every network."""
        execution = Execution("cpu", THREADS)
        execution.apply()
        texts = training_texts(self.length, self.seed) if self.updates else None
        curves = []
        for place, cell in enumerate(self.cells):
            yield Progress(place, len(self.cells), cell)
            network = bracket_reader(cell, self.hidden_size, self.seed)
            curves.append(self._curve(network, False))
            if texts is not None:
                for share in train_reader(network, texts, self.updates, self.seed, execution):
                    yield Progress(place + share, len(self.cells), cell)
                curves.append(self._curve(network, True))
        yield Progress(1.0)
        return VanishingGradient(self.length, self.hidden_size, self.updates, MEASURED, self.seed, tuple(curves))

    def _curve(self, network: ManyToOne, was_trained: bool) -> Curve:
        """Cross-entropy at the end of texts whose open bracket is their first character."""
        generator = torch.Generator().manual_seed(mixed(self.seed, 3))
        texts = bracket_texts(self.length, torch.full((MEASURED,), self.length), generator)
        weight, bias = network.output.weight.detach().double(), network.output.bias.detach().double()

        def loss(last: Tensor) -> Tensor:
            return nn.functional.cross_entropy(last @ weight.T + bias, texts.kinds, reduction="none")

        gradient = gradient_by_lag(network.recurrent, network.one_hot(texts.codes), loss)
        with torch.no_grad():
            right = (network(texts.codes).argmax(1) == texts.kinds).float().mean()
        memory = gradient.memory or gradient.hidden
        arriving = tuple(map(max, gradient.hidden, memory))
        return Curve(was_trained, float(right), gradient, arriving)


def vanishing_gradient(options: VanishingGradientOptions) -> Running[VanishingGradient]:
    """Measures what of an error arrives k characters back, untrained and trained.

    Raises:
        GlassworkError: for a cell that there is not, or numbers with which nothing can be measured.
    """
    least = {"--length": (options.length, 2), "--hidden-size": (options.hidden_size, 1), "--steps": (options.steps, 0)}
    check(options.cells, least)
    cells = tuple(dict.fromkeys(options.cells))
    return (yield from Measurement(cells, options.length, options.hidden_size, options.steps, options.seed).steps())


def _by_cell(curves: Sequence[Curve]) -> list[Line]:
    return [Line(NAMES[one.gradient.cell], _above_zero(one.arriving), HUES[one.gradient.cell]) for one in curves]


def _memory(gradient: GradientByLag) -> list[Line]:
    memory = _above_zero(gradient.memory or ())
    return [Line("memory c", memory, "first"), Line("state h", _above_zero(gradient.hidden), "second")]


def _above_zero(values: Sequence[float]) -> list[Point]:
    """The points of a line; 0 has no place on a logarithmic axis, so that the line ends there."""
    return [(float(lag), value) for lag, value in enumerate(values) if value > 0 or math.isnan(value)]


def _chart(caption: str, lines: Sequence[Line]) -> Curves:
    return Curves(caption, lines, "characters back (k)", logarithmic=True)


def _table(found: VanishingGradient) -> Table:
    last = found.length - 1
    lags = [*(lag for lag in LAGS if lag < last), last]
    rows = [
        [
            "- trained" if one.trained else NAMES[one.gradient.cell],
            f"{100 * one.accuracy:.0f} %",
            *(_write(one.arriving[lag]) for lag in lags),
        ]
        for one in found.curves
    ]
    return Table(["cell", "right", *(f"k = {lag}" for lag in lags)], rows)


def _write(value: float) -> str:
    return "0" if value == 0 else f"{value:.1e}" if math.isfinite(value) else number(value)
