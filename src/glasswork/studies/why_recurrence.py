"""Why gates: how far back an RNN and an LSTM remember an open bracket."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from glasswork.data.batches import Batch
from glasswork.data.brackets import CHARACTERS, CLOSING, KINDS, BracketTexts, bracket_texts, spread
from glasswork.data.collate import shuffled_batches
from glasswork.data.dataset import Dataset, fingerprints
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.table import Table as Features
from glasswork.data.kinds.task import Task
from glasswork.errors import GlassworkError
from glasswork.execution import Execution, mixed
from glasswork.networks.recurrent import ManyToOne
from glasswork.report.blocks import Curves, Line, Table, Text
from glasswork.report.report import Report, Section
from glasswork.report.words import percent
from glasswork.studies import recurrence_ablation
from glasswork.studies.options import WhyRecurrenceOptions
from glasswork.studies.recurrence_ablation import HUES, NAMES, Independent
from glasswork.studies.study import Progress, Running
from glasswork.training.fit import fit
from glasswork.training.stage import Carry, Clock, Moment, Stage

TEXTS = 20_000
JUDGED = 1000  # texts per distance; the standard error of an accuracy is at most 1.6 %
BATCH = 64
THREADS = 1  # the networks are small; and sums are rounded alike on machines with more cores
SHARES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0)
"""Distances that are tested, as shares of the farthest in training."""
OF_BRACKETS = {
    "cells": "cells",
    "distance": "farthest",
    "hidden_size": "hidden_size",
    "steps": "updates",
    "repeats": "repeats",
}
"""Options of the comparison on brackets, by what `prepare` calls them."""
OF_DATA = ("target", "cell", "epochs", "threads")
RATES = {"rnn": 0.002, "relu-rnn": 0.001, "gru": 0.005, "lstm": 0.005}
"""Highest learning rate of each cell; LOG.md has what else was tried for the RNN and the ReLU-RNN."""
READING = (
    "A network reads a text of letters and brackets, character by character, and says at its end which bracket has to "
    "be closed: (, [, { or <. Pairs of all kinds are in between, so it must know which ones are already closed. "
    "Guessing is right in a quarter of the texts."
)


@dataclass(frozen=True)
class Judged:
    """One network.

    Attributes:
        cell: the kind of unit.
        seed: of weights and texts.
        parameters: how many numbers were learned.
        learning_rate: the highest.
        seconds: of training.
        accuracy: pairs of distance and share of texts answered rightly; chance is a quarter.
    """

    cell: str
    seed: int
    parameters: int
    learning_rate: float
    seconds: float
    accuracy: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Curve:
    """All networks of one cell together.

    Attributes:
        cell: the kind of unit.
        accuracy: distance, mean over the networks, the lowest and the highest of them.
    """

    cell: str
    accuracy: tuple[tuple[int, float, float, float], ...]


@dataclass(frozen=True)
class WhyRecurrence:
    """The comparison.

    Attributes:
        farthest: the longest distance in training.
        hidden_size, steps: of every network.
        training, judged: how many texts train, and are judged at each distance.
        example: a text, and the bracket that closes it.
        networks: every cell with every seed.
        curves: cell by cell.
    """

    farthest: int
    hidden_size: int
    steps: int
    training: int
    judged: int
    example: tuple[str, str]
    networks: Sequence[Judged]
    curves: Sequence[Curve]

    def to_json(self) -> dict[str, Any]:
        """The same as plain JSON types."""
        return asdict(self)

    def verdict(self) -> str:
        """What the curve says at the farthest distance of training, in words."""
        said = [
            f"{NAMES[one.cell]} {percent(mean)}"
            for one in self.curves
            for distance, mean, *_ in one.accuracy
            if distance == self.farthest
        ]
        return f"Opened {self.farthest} characters ago: {', '.join(said)} right."

    def report(self) -> Report:
        """Accuracy against distance, as curves and in numbers."""
        text, answer = self.example
        example, table = f"such as  {text}  answer  {answer}", _table(self)
        lines = [
            Line(NAMES[one.cell], [(float(at), mean) for at, mean, *_ in one.accuracy], HUES[one.cell])
            for one in self.curves
        ]
        across = "characters since it was opened"
        asked = (
            f"Every network has {self.hidden_size} units, learns from {self.training:,} texts in {self.steps:,} "
            f"updates, with brackets opened 1 to {self.farthest} characters ago, and is tested on "
            f"{self.judged:,} texts at each distance. Larger distances did not occur in training."
        )
        return Report(
            "Why recurrence with gates",
            [
                Section(
                    "Accuracy against distance",
                    READING,
                    [
                        Curves("Accuracy, mean over seeds", lines, across, in_percent=True),
                        Text(example, "code"),
                        Text(asked),
                    ],
                ),
                Section("In numbers", "Mean over seeds, and the lowest and the highest.", [table]),
            ],
            verdict=self.verdict(),
            summary=[Text(example), table, Text(READING), Text(self.verdict())],
            footer="Drawn by Glasswork from the answers of every network.",
        )


@dataclass(frozen=True)
class Comparison:
    """A comparison made ready; `steps` carries it out.

    Attributes:
        cells: the kinds of units, in the order in which they are trained.
        farthest: the longest distance in training.
        hidden_size, updates: of every network.
        seeds: one network of each cell for each.
    """

    cells: Sequence[str]
    farthest: int
    hidden_size: int
    updates: int
    seeds: Sequence[int]

    def steps(self) -> Running[WhyRecurrence]:
        """Trains every network."""
        execution = Execution("cpu", THREADS)
        execution.apply()
        whole = len(self.cells) * len(self.seeds)
        judged: list[Judged] = []
        for seed in self.seeds:
            texts = training_texts(self.farthest, seed)
            for cell in self.cells:
                words = f"{cell}, seed {seed}"
                network, began = bracket_reader(cell, self.hidden_size, seed), time.perf_counter()
                for share in train_reader(network, texts, self.updates, seed, execution):
                    yield Progress(len(judged) + share, whole, words)
                seconds = time.perf_counter() - began
                parameters = sum(parameter.numel() for parameter in network.parameters())
                accuracy = accuracies(network, self.farthest, seed)
                judged.append(Judged(cell, seed, parameters, RATES[cell], seconds, accuracy))
        yield Progress(1.0)
        shown = bracket_texts(40, torch.tensor([30]), torch.Generator().manual_seed(self.seeds[0]))
        example = (shown.text(0), CLOSING[int(shown.kinds[0])])
        curves = [_together([one for one in judged if one.cell == cell]) for cell in self.cells]
        return WhyRecurrence(self.farthest, self.hidden_size, self.updates, TEXTS, JUDGED, example, judged, curves)


def why_recurrence(options: WhyRecurrenceOptions) -> Running[WhyRecurrence | Independent]:
    """Compares recurrent units on brackets opened ever farther back; or labels of your data, with and without them.

    Raises:
        GlassworkError: for an option of the other comparison, or one that does not fit.
    """
    asked = options.model_dump()
    on_data = options.data is not None
    strange = [name for name in (OF_BRACKETS if on_data else OF_DATA) if asked[name] is not None]
    if strange:
        raise GlassworkError(f"--{strange[0]} goes {'without' if on_data else 'with'} --data")
    if options.data is not None:
        of_data = {name: asked[name] for name in OF_DATA}
        return (yield from recurrence_ablation.prepare(options.data, seed=options.seed, **of_data).steps())
    given = {name: asked[of] for of, name in OF_BRACKETS.items() if asked[of] is not None}
    return (yield from prepare(seed=options.seed, **given).steps())


def prepare(
    cells: Sequence[str] = ("rnn", "lstm"),
    farthest: int = 100,
    hidden_size: int = 64,
    updates: int = 2000,
    repeats: int = 3,
    seed: int = 0,
) -> Comparison:
    """Makes the comparison ready.

    Raises:
        GlassworkError: for a cell that there is not, or numbers with which nothing can be compared.
    """
    check(
        cells,
        {
            "--distance": (farthest, 5),
            "--hidden-size": (hidden_size, 1),
            "--steps": (updates, 1),
            "--repeats": (repeats, 1),
        },
    )
    return Comparison(tuple(dict.fromkeys(cells)), farthest, hidden_size, updates, range(seed, seed + repeats))


def check(cells: Sequence[str], numbers: dict[str, tuple[int, int]]) -> None:
    """Refuses cells that there are not, and numbers below the least that makes sense.

    Raises:
        GlassworkError: naming what is wrong.
    """
    if not cells or (strange := [cell for cell in cells if cell not in RATES]):
        what = f"There is no recurrent cell named '{strange[0]}'" if cells else "There is no cell to compare"
        raise GlassworkError(f"{what}: choose from {', '.join(RATES)}")
    for flag, (value, least) in numbers.items():
        if value < least:
            raise GlassworkError(f"{flag} {value} has to be at least {least}")


def training_texts(farthest: int, seed: int) -> BracketTexts:
    """`TEXTS` of them, `farthest` characters long, with distances spread over their orders of magnitude."""
    generator = torch.Generator().manual_seed(mixed(seed, 0))
    return bracket_texts(farthest, spread(TEXTS, farthest, generator), generator)


def bracket_reader(cell: str, hidden_size: int, seed: int) -> ManyToOne:
    """A fresh network that reads a text and says which bracket comes next; torch's generator stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(mixed(seed, 1))
        return ManyToOne(cell, len(CHARACTERS), hidden_size, KINDS)


def train_reader(
    network: ManyToOne, texts: BracketTexts, updates: int, seed: int, execution: Execution
) -> Iterator[float]:
    """Trains a network in place by cross-entropy: AdamW, one cycle, gradients clipped at a norm of 1.

    Yields:
        After every hundredth of the updates, the share that is done.
    """
    inputs = texts.codes.float()
    columns = {"inputs": inputs, "targets": texts.kinds, "fingerprints": fingerprints(inputs)}
    task = Task(Features((inputs.shape[1],)), OneClass(tuple(CLOSING)))
    dataset = Dataset(columns, task, "brackets")
    stage = Stage(
        name="brackets",
        network=network,
        parameters=list(network.parameters()),
        batches=shuffled_batches(dataset, torch.arange(len(texts)), BATCH, seed, execution),
        loss=_loss,
        judge=None,
        clock=Clock(total=updates),
        execution=execution,
        seed=seed,
        learning_rate=RATES[network.recurrent.cell],
        gradient_clip=1.0,
    )
    with torch.random.fork_rng(devices=[]):
        for step in fit(stage):
            if step.number % max(1, updates // 100) == 0:
                yield step.number / updates
    network.eval()


def _together(networks: Sequence[Judged]) -> Curve:
    points = []
    for same in zip(*(one.accuracy for one in networks), strict=True):
        shares = [share for _, share in same]
        points.append((same[0][0], sum(shares) / len(shares), min(shares), max(shares)))
    return Curve(networks[0].cell, tuple(points))


def _loss(network: nn.Module, batch: Batch, carry: Carry, moment: Moment) -> tuple[Tensor, Carry]:
    return nn.functional.cross_entropy(network(batch.inputs), batch.targets), carry


@torch.no_grad()
def accuracies(network: ManyToOne, farthest: int, seed: int) -> tuple[tuple[int, float], ...]:
    """Share of right answers at each distance, on texts that were never trained on; the same texts for every cell."""
    distances = sorted({1, 2, *(max(1, round(share * farthest)) for share in SHARES)})
    found = []
    for distance in distances:
        generator = torch.Generator().manual_seed(mixed(seed, 2, distance))
        texts = bracket_texts(max(distance, farthest), torch.full((JUDGED,), distance), generator)
        right = network(texts.codes).argmax(1) == texts.kinds
        found.append((distance, float(right.float().mean())))
    return tuple(found)


def _table(found: WhyRecurrence) -> Table:
    rows = []
    for same in zip(*(one.accuracy for one in found.curves), strict=True):
        distance = same[0][0]
        beyond = ", beyond training" if distance > found.farthest else ""
        rows.append([f"{distance}{beyond}", *(_range(*figures) for _, *figures in same)])
    return Table(["distance", *(NAMES[one.cell] for one in found.curves)], rows)


def _range(mean: float, lowest: float, highest: float) -> str:
    return percent(mean) if lowest == highest else f"{percent(mean)} ({percent(lowest)} to {percent(highest)})"
