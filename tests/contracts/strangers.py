"""A system that the package does not know: melodies as intervals, and a ranking of three instruments for each."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from glasswork.data.dataset import Dataset, fingerprints
from glasswork.data.kinds.kind import Inputs, Port, Reading, Target
from glasswork.data.kinds.task import Task
from glasswork.data.prediction import Prediction
from glasswork.errors import GlassworkError
from glasswork.objectives.losses import Objective
from glasswork.recipe.base import Recipe
from glasswork.report.blocks import Table, Text
from glasswork.report.report import Score, Section
from glasswork.systems.evaluation import Evaluation, measured_rows
from glasswork.systems.sample import Sample, write_rows
from glasswork.systems.system import Context, Findings, System

LENGTH = 6
INSTRUMENTS = ("flute", "horn", "viola")


def plackett_luce(outputs: Tensor, targets: Tensor) -> Tensor:
    """The mean of -log p(ranking): each place is a softmax over what is left (Plackett 1975)."""
    ordered = outputs.gather(1, targets)
    return (ordered.flip(1).logcumsumexp(1).flip(1) - ordered).sum(1).mean()


@dataclass(frozen=True)
class Melodies(Inputs):
    """Six intervals in semitones, int64 (rows, 6)."""

    tag: ClassVar[str] = "melody"
    word = words = trained = noun = asked = "melodies"
    preset: ClassVar[str] = "ranker"
    file: ClassVar[str] = "FILE.csv"
    several: ClassVar[bool] = True
    dtype: ClassVar[torch.dtype] = torch.int64

    @property
    def shape(self) -> tuple[int, ...]:
        return (LENGTH,)

    def zeros(self, count: int) -> Tensor:
        return torch.zeros(count, LENGTH, dtype=torch.int64)

    def describe(self, dataset: Dataset) -> str:
        return f"melodies of {LENGTH} intervals"

    def port(self) -> Port:
        return Port("intervals", "int64", ("batch", LENGTH), "semitones from one note to the next")

    def read(self, paths: Sequence[Path], task: Task) -> Iterator[Reading]:
        for path in paths:
            dataset = read_melodies(path, task)
            yield Reading(dataset.names, dataset)


@dataclass(frozen=True)
class Ranking(Target):
    """The instruments from the one that suits best to the one that suits least, int64 (rows, 3)."""

    tag = word = "ranking"
    what: ClassVar[str] = "rankings"
    main: ClassVar[str] = "first_right"
    losses: ClassVar[tuple[str, ...]] = ("plackett-luce",)

    names: tuple[str, ...]

    def describe(self, task: Task) -> str:
        return f"a ranking of {', '.join(self.names)}"

    def ports(self) -> tuple[Port, ...]:
        return (Port("scores", "float32", ("batch", len(self.names)), "of " + ", ".join(self.names)),)

    def answers(self, outputs: Tensor, loss: str) -> tuple[Tensor, ...]:
        return (outputs,)

    def parse(self, word: str | float) -> Tensor:
        return torch.tensor([[self.place(name.strip()) for name in str(word).split(",")]])

    def measure(self, outputs: Tensor, targets: Tensor, loss: str) -> dict[str, float]:
        return {"first_right": float((outputs.argmax(1) == targets[:, 0]).double().mean())}

    def predict(self, outputs: Tensor, names: Sequence[str], loss: str) -> list[Prediction]:
        ranked = zip(names, outputs.argsort(1, descending=True).tolist(), strict=True)
        return [Prediction(name, tuple(self.names[k] for k in order), None, {}) for name, order in ranked]


def read_melodies(path: str | Path, task: Task | None = None) -> Dataset:
    """A table with a column for each interval, and with columns first, second, third if the ranking is known."""
    if not Path(path).is_file():
        raise GlassworkError(f"There is no file {path}: melodies stand in a table of intervals")
    with Path(path).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    inputs = torch.tensor([[int(row[f"i{k}"]) for k in range(LENGTH)] for row in rows]).reshape(-1, LENGTH)
    columns = {"inputs": inputs, "fingerprints": fingerprints(inputs)}
    if rows and "first" in rows[0]:
        places = [[INSTRUMENTS.index(row[name]) for name in ("first", "second", "third")] for row in rows]
        columns["targets"] = torch.tensor(places)
    else:
        columns["targets"] = torch.zeros(len(rows), len(INSTRUMENTS), dtype=torch.int64)
    names = [f"row {row}" for row in range(1, len(rows) + 1)]
    return Dataset(columns, task or Task(Melodies(), Ranking(INSTRUMENTS)), str(path), names)


class RankerRecipe(Recipe):
    """How a ranking is learnt."""

    hidden_size: int = Field(8, ge=1, description="hidden units")


class Ranker(System[RankerRecipe, Tensor]):
    """Ranks the instruments that suit a melody."""

    recipe_class = RankerRecipe
    takes = (Melodies,)
    answers = (Ranking,)

    def read(self, source: str | Path, like: Task | None = None) -> Dataset:
        return read_melodies(source, like)

    def network(self, task: Task) -> nn.Module:
        hidden = self.recipe.hidden_size
        return nn.Sequential(nn.Embedding(25, 4), nn.Flatten(), nn.Linear(24, hidden), nn.Tanh(), nn.Linear(hidden, 3))

    def objective(self, task: Task) -> Objective:
        return Objective("plackett-luce", function=plackett_luce)

    def report(self, network: nn.Module, evaluation: Evaluation, context: Context, last: object) -> Findings:
        value, count = evaluation.metrics.values["first_right"], len(measured_rows(context.splits)[1])
        table = Table(("instrument", "weight"), [(name, "1") for name in INSTRUMENTS], "Instruments", "numbers")
        section = Section("What suits", "From best to least.", [Text(f"{count} melodies."), table])
        return Findings(Score("first right", value, f"{round(value * count)} of {count} melodies"), [section])

    def sample(self, folder: Path) -> Sample:
        draws = torch.Generator().manual_seed(0)
        notes = torch.randint(0, 25, (60, LENGTH), generator=draws).tolist()
        head = [f"i{k}" for k in range(LENGTH)]
        turns = [[INSTRUMENTS[(sum(row) + k) % 3] for k in range(3)] for row in notes]
        data = write_rows(folder / "melodies.csv", [*head, "first", "second", "third"], map(list.__add__, notes, turns))
        asked = write_rows(folder / "asked.csv", head, notes[:2])
        return Sample(str(data), {"epochs": 2, "batch_size": 8}, [str(asked)], "horn,viola,flute")
