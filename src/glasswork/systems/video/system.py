"""Frame-level video classification: a label for every frame of a clip (Kovashka, many to many, synchronised)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn
from typing_extensions import override

from glasswork.data import ragged
from glasswork.data.collate import padded_batches
from glasswork.data.dataset import HOLDS, Dataset, ReadingOptions, Schema, fingerprints
from glasswork.data.formats.video import UnreadableClipError, frames
from glasswork.data.inputs import Inputs
from glasswork.data.reading import read
from glasswork.data.splits import Splits
from glasswork.errors import GlassworkError
from glasswork.execution import Execution
from glasswork.objectives.metrics import Metrics
from glasswork.objectives.objective import Objective
from glasswork.systems.evaluation import Evaluation
from glasswork.systems.findings import Findings
from glasswork.systems.prediction import Prediction
from glasswork.systems.stages import stage_of
from glasswork.systems.system import Context, System
from glasswork.systems.video.network import VideoNetwork
from glasswork.systems.video.recipe import VideoRecipe
from glasswork.systems.video.report import measure_frames, report_frames, watch
from glasswork.training.stage import Stage
from glasswork.training.step import Tree


class FrameLabelling(System[VideoRecipe, Sequence[Tensor]]):
    """Minimises the mean of -log p(label of a frame | the frames up to it) over all frames."""

    @override
    def objective(self, schema: Schema) -> Objective:
        return Objective("cross-entropy")

    @override
    def read(self, source: str | Path, like: Schema | None = None) -> Dataset:
        recipe = self.recipe
        options = ReadingOptions(recipe.size, target=recipe.target, strict=recipe.strict)
        if like is not None:
            options = ReadingOptions(target=recipe.target, strict=recipe.strict, classes_known=True, like=like)
        return _require_clips(read(source, options))

    @override
    def derive(self, dataset: Dataset, splits: Splits) -> Mapping[str, object]:
        return {"epochs": 20, "batch_size": 16, "learning_rate": 0.002, "size": dataset.schema.shape[1]}

    @override
    def network(self, schema: Schema) -> nn.Module:
        recipe = self.recipe
        channels, height, width = schema.shape
        return VideoNetwork(
            recipe.cell,
            (channels, height, width),
            len(schema.classes),
            recipe.embedding,
            recipe.units,
            recipe.layers,
            recipe.dropout,
        )

    @override
    def stages(self, network: nn.Module, context: Context) -> list[Stage]:
        dataset, splits, execution = context.dataset, context.splits, context.execution
        recipe = self.recipe
        assert recipe.batch_size is not None
        pieces, rows = cut(dataset, splits.training, recipe.sequence)
        batches = padded_batches(pieces, rows, recipe.batch_size, recipe.seed, execution)
        return [stage_of(self, network, batches, context)]

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
    def inputs(self, sources: Sequence[Path], schema: Schema) -> Iterator[Inputs]:
        """Video files and folders of pictures, a clip each."""
        channels, side, _ = schema.shape
        for source in sources:
            if not source.exists():
                raise GlassworkError(f"There is no file or folder {source}: name a video, or a folder of its frames")
            problems, read = {}, torch.zeros(0, *schema.shape, dtype=torch.uint8)
            try:
                read = torch.stack([torch.from_numpy(pixels.copy()) for pixels in frames(source, side, channels)])
            except UnreadableClipError as error:
                problems[0] = str(error)
            columns = {"inputs": read, "targets": torch.zeros(len(read), dtype=torch.int64)}
            offsets = ragged.offsets_of(torch.tensor([] if problems else [len(read)]))
            dataset = Dataset(
                columns,
                schema,
                "predict",
                () if problems else (str(source),),
                offsets={"inputs": offsets, "targets": offsets},
            )
            yield Inputs([str(source)], dataset, problems)

    @override
    def predict(self, network: nn.Module, dataset: Dataset, execution: Execution) -> list[Prediction]:
        names, found = dataset.schema.classes, []
        for row, scores in enumerate(watch(network, dataset, torch.arange(len(dataset)), execution)):
            said = tuple(names[number] for number in scores.argmax(1).tolist())
            found.append(Prediction(dataset.name(row), said, None, {}, frames=len(said)))
        return found

    @override
    def example(self) -> Dataset:
        """A spot that goes left or right through 10 frames, from wherever it is."""
        clips, labels = [], []
        for clip in range(12):
            way = 1 if clip % 2 else -1
            places = [(clip + way * time) % 16 for time in range(10)]
            picture = torch.zeros(10, 1, 16, 16, dtype=torch.uint8)
            picture[range(10), 0, 8, places] = 255
            clips.append(picture)
            labels += [clip % 2] * 10
        inputs, offsets = ragged.pack(clips)
        prints = torch.stack([fingerprints(clip.flatten()[None])[0] for clip in clips])
        schema = Schema("sequence", (1, 16, 16), "class", ("left", "right"), each=True)
        columns = {"inputs": inputs, "targets": torch.tensor(labels), "fingerprints": prints}
        names = [f"clip {clip}" for clip in range(12)]
        return Dataset(columns, schema, "example", names, offsets={"inputs": offsets, "targets": offsets})


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


def _require_clips(dataset: Dataset) -> Dataset:
    if dataset.schema.inputs != "sequence":
        raise GlassworkError(
            f"Frames are labelled in clips with a table of labels each, and {dataset.source} holds "
            f"{HOLDS[dataset.schema.inputs]}"
        )
    return dataset
