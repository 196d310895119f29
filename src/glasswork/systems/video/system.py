"""Frame-level video classification: a label for every frame of a clip (Kovashka, many to many, synchronised)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn
from typing_extensions import override

from glasswork.data.batches import Batches
from glasswork.data.collate import padded_batches
from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.kinds.clips import Clips
from glasswork.data.kinds.kind import Inputs, Target
from glasswork.data.kinds.per_step import PerStep
from glasswork.data.kinds.require import require
from glasswork.data.kinds.task import Task
from glasswork.data.prediction import Prediction
from glasswork.data.reading import read
from glasswork.data.splits import Splits
from glasswork.execution import Execution
from glasswork.objectives.losses import Objective
from glasswork.objectives.metrics import Metrics
from glasswork.systems.evaluation import Evaluation
from glasswork.systems.sample import Sample, write_rows
from glasswork.systems.system import Context, Findings, System
from glasswork.systems.video.network import VideoNetwork
from glasswork.systems.video.recipe import VideoRecipe
from glasswork.systems.video.report import measure_frames, report_frames, watch
from glasswork.training.stage import Tree


class FrameLabelling(System[VideoRecipe, Sequence[Tensor]]):
    """Minimises the mean of -log p(label of a frame | the frames up to it) over all frames."""

    takes: ClassVar[tuple[type[Inputs], ...]] = (Clips,)
    answers: ClassVar[tuple[type[Target], ...]] = (PerStep,)
    wanted: ClassVar[tuple[str, str]] = ("Frames are labelled in clips with a table of labels each",) * 2

    @override
    def objective(self, task: Task) -> Objective:
        return Objective("cross-entropy")

    @override
    def read(self, source: str | Path, like: Task | None = None) -> Dataset:
        recipe = self.recipe
        options = ReadingOptions.of(recipe, classes_known=like is not None, like=like)
        dataset = read(source, options)
        require(dataset, self)
        return dataset

    @override
    def derive(self, dataset: Dataset, splits: Splits) -> Mapping[str, object]:
        return {"epochs": 20, "batch_size": 16, "learning_rate": 0.002, "size": dataset.task.inputs.shape[1]}

    @override
    def network(self, task: Task) -> nn.Module:
        recipe = self.recipe
        channels, height, width = task.inputs.shape
        return VideoNetwork(
            recipe.cell,
            (channels, height, width),
            len(task.target.names),
            recipe.embedding,
            recipe.hidden_size,
            recipe.layers,
            recipe.dropout,
        )

    @override
    def batches(self, context: Context) -> Batches:
        recipe = self.recipe
        assert recipe.batch_size is not None
        pieces, rows = cut(context.dataset, context.splits.training, recipe.bptt_length)
        return padded_batches(pieces, rows, recipe.batch_size, recipe.seed, context.execution)

    @override
    def outputs(self, network: nn.Module, dataset: Dataset, rows: Tensor, execution: Execution) -> Sequence[Tensor]:
        """Scores at every frame of each clip, (frames, classes)."""
        return watch(network, dataset, rows, execution)

    @override
    def measure(self, outputs: Sequence[Tensor], dataset: Dataset, rows: Tensor) -> Metrics:
        figures = measure_frames(dataset, rows, outputs)
        return Metrics(figures, "accuracy", figures["loss"])

    @override
    def report(
        self, network: nn.Module, evaluation: Evaluation[Sequence[Tensor]], context: Context, last: Tree | None
    ) -> Findings:
        return report_frames(context, evaluation)

    @override
    def predict(self, network: nn.Module, dataset: Dataset, execution: Execution) -> list[Prediction]:
        names, found = dataset.task.target.names, []
        for row, scores in enumerate(watch(network, dataset, torch.arange(len(dataset)), execution)):
            said = tuple(names[number] for number in scores.argmax(1).tolist())
            found.append(Prediction(dataset.name(row), said, None, {}, frames=len(said)))
        return found

    @override
    def usual_task(self) -> Task:
        return Task(Clips((1, 16, 16)), PerStep(("left", "right")))

    @override
    def sample(self, folder: Path) -> Sample:
        """A spot that goes left or right through 6 frames, from wherever it is."""
        for clip in range(15):
            _write_clip(folder / f"clip{clip}", clip)
            way = ("left", "right")[clip % 2]
            write_rows(folder / f"labels{clip}.csv", ["frame", "direction"], [(time, way) for time in range(6)])
        names = [(f"clip{clip}", f"labels{clip}.csv") for clip in range(15)]
        write_rows(folder / "clips.csv", ["clip", "labels"], names)
        shape = {"hidden_size": 4, "embedding": 5, "bptt_length": 4, "size": 16}
        asked = [str(folder / "clip0"), str(folder / "clip1")]
        return Sample(str(folder), {**shape, "epochs": 2, "batch_size": 8, "test": 0.2}, asked)


def _write_clip(folder: Path, number: int) -> None:
    """A clip as a folder of pictures; the spot goes right in odd ones."""
    from PIL import Image

    folder.mkdir(parents=True)
    for time in range(6):
        picture = torch.zeros(16, 16, dtype=torch.uint8)
        picture[8, (number + (2 * time if number % 2 else -2 * time)) % 16] = 255
        Image.fromarray(picture.numpy()).save(folder / f"{time}.png")


def cut(dataset: Dataset, rows: Tensor, longest: int) -> tuple[Dataset, Tensor]:
    """Clips cut into pieces of at most so many frames, nearly equal in length: the pieces as examples, and their rows.

    No frame is copied.
    """
    offsets = dataset.offsets["inputs"]
    ends, start = [0], 0
    kept: list[int] = []
    training = set(rows.tolist())
    for row, (begin, end) in enumerate(zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)):
        count = max(1, -(-(end - begin) // longest))
        if row in training:
            kept += range(start, start + count)
        ends += [begin + (end - begin) * piece // count for piece in range(1, count + 1)]
        start += count
    both = torch.tensor(ends)
    columns = {name: dataset.columns[name] for name in ("inputs", "targets")}
    return replace(dataset, columns=columns, names=(), offsets={"inputs": both, "targets": both}), torch.tensor(kept)
