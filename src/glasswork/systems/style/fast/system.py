"""Fast style: a network learns to paint one style by the losses of neural style on photos (Johnson et al. 2016)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn
from typing_extensions import override

from glasswork.data.augmentation import parse
from glasswork.data.batches import Batch
from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.formats.decoding import decode_files
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.kind import Inputs, Port, Reading, Target, new_inputs
from glasswork.data.kinds.task import Task
from glasswork.data.listing import image_files
from glasswork.data.pictures import as_png, thumbnail
from glasswork.data.prediction import Prediction
from glasswork.data.reading import without_columns
from glasswork.data.splits import Splits
from glasswork.errors import GlassworkError
from glasswork.execution import Execution
from glasswork.objectives.losses import Objective
from glasswork.objectives.metrics import Metrics
from glasswork.objectives.style import gram, relative_error, total_variation
from glasswork.recipe.base import Machine
from glasswork.report.blocks import Picture, Pictures
from glasswork.report.report import Score, Section
from glasswork.systems.evaluation import Evaluation, measured_rows
from glasswork.systems.sample import Sample
from glasswork.systems.style.fast.network import Painter
from glasswork.systems.style.fast.recipe import FastStyleRecipe
from glasswork.systems.style.likeness import Goal, Likeness
from glasswork.systems.style.looking import (
    eight_bits,
    find_picture,
    make_likeness,
    read_picture,
    resize,
    sides,
    trimmed,
)
from glasswork.systems.system import Context, Findings, System
from glasswork.training.stage import Carry, Moment, Tree

CHUNK = 4
SHOWN = 6
SIDE = 256
LONGEST = 2048
FIGURES = ("content_loss", "style_loss", "variation")


@dataclass(frozen=True)
class Painting(Target):
    """Nothing is known of what is wanted but a style: the photo itself, painted."""

    tag: ClassVar[str] = "painting"
    word: ClassVar[str] = "painting"
    what: ClassVar[str] = "paintings"
    losses: ClassVar[tuple[str, ...]] = ("squared-error",)
    unit: ClassVar[str] = "photos"

    names: tuple[str, ...] = ()

    @override
    def describe(self, task: Task) -> str:
        return "the same photo, painted"

    @override
    def ports(self) -> tuple[Port, ...]:
        return (Port("painting", "float32", ("batch", 3, "height", "width"), "red, green and blue from 0 to 1"),)

    @override
    def parse(self, word: str | float) -> Tensor:
        raise GlassworkError("Of a painting no right answer is known: leave it out")

    @override
    def output_shape(self, count: int) -> tuple[int, ...]:
        return (count, 3, SIDE, SIDE)

    @override
    def accepts(self, shape: tuple[int, ...], count: int) -> bool:
        return len(shape) == 4 and shape[:2] == (count, 3)

    @override
    def answers(self, outputs: Tensor, loss: str) -> tuple[Tensor, ...]:
        return (outputs,)


class FastStyle(System[FastStyleRecipe, Tensor]):
    """Minimises the losses of neural style between photos and what a network paints of them, over its weights.

    Args:
        recipe: what to minimise.
    """

    takes: ClassVar[tuple[type[Inputs], ...]] = (Images,)
    answers: ClassVar[tuple[type[Target], ...]] = (Painting,)
    wanted: ClassVar[tuple[str, str]] = ("A style is learnt on photos",) * 2
    needed: ClassVar[str] = "give a folder of photos with --data"

    def __init__(self, recipe: FastStyleRecipe) -> None:
        super().__init__(recipe)
        self.augmentation = parse(recipe.augment) if recipe.augment else None

    @cached_property
    def likeness(self) -> Likeness:
        """What looks at photos and paintings."""
        return make_likeness(self.recipe)

    @cached_property
    def goal(self) -> Goal:
        """The Gram matrices of the style."""
        style = read_picture(find_picture(self.recipe.style))
        style = trimmed(resize(style, sides(style, self.recipe.style_size)), self.likeness.stride)
        return self.likeness.goal(style, [style], [1.0])

    @override
    def read(self, source: str | Path, like: Task | None = None) -> Dataset:
        path, options = Path(source), ReadingOptions.of(self.recipe, channels=3)
        files = image_files(path)
        decoded = decode_files(files, options)
        targets = torch.zeros(len(decoded.kept), dtype=torch.int64)
        columns = {"inputs": decoded.inputs, "targets": targets, "fingerprints": decoded.fingerprints}
        task = Task(Images((3, self.recipe.size, self.recipe.size), span=decoded.span), Painting())
        names = [str(files[row]) for row in decoded.kept.tolist()]
        return without_columns(Dataset(columns, task, str(source), names, skipped=decoded.skipped), options)

    @override
    def fit(self, dataset: Dataset, rows: Tensor) -> Task:
        inputs = Images.of(dataset.task)
        return Task(Images(inputs.shape, (0.0,) * 3, (1.0,) * 3, inputs.span), dataset.task.target)

    @override
    def derive(self, dataset: Dataset, splits: Splits) -> Mapping[str, object]:
        assert self.goal.style  # style, network and layers are there before the work begins
        layers = {"content_layers": self.likeness.content_layers, "style_layers": self.likeness.style_layers}
        return {"epochs": 20, "batch_size": 4, "learning_rate": 0.003, **layers}

    @override
    def network(self, task: Task) -> nn.Module:
        return Painter(self.recipe.width, self.recipe.blocks)

    @override
    def restrict(self, machine: Machine, network: nn.Module) -> Machine:
        if machine.precision == "bfloat16":
            raise GlassworkError("Gram matrices need float32, and a style takes it: leave out --precision bfloat16")
        return machine.model_copy(update={"precision": "float32"})

    @override
    def minimised(self, task: Task) -> str:
        return "style and content losses"

    @override
    def loss(
        self, network: nn.Module, batch: Batch, carry: Carry, moment: Moment, objective: Objective
    ) -> tuple[Tensor, Carry]:
        return self._total(self.losses(network(batch.inputs), batch.inputs)).mean(), carry

    def losses(self, painted: Tensor, photos: Tensor) -> Tensor:
        """Content loss, style loss and variation of each painting, (batch, 3)."""
        likeness, goal = self.likeness, self.goal
        likeness.perception.network.to(painted.device)
        with torch.no_grad():
            wanted = likeness.look(photos, likeness.content_layers)
        seen = likeness.look(painted, likeness.layers)
        rows = []
        for place in range(len(painted)):
            one = slice(place, place + 1)
            content = [relative_error(seen[name][one], wanted[name][one]) for name in likeness.content_layers]
            style = [relative_error(gram(seen[name][one]), goal.style[name].to(painted.device)) for name in goal.style]
            rows.append([torch.stack(content).mean(), torch.stack(style).mean(), total_variation(painted[one])])
        return torch.stack([torch.stack(row) for row in rows])

    def _total(self, losses: Tensor) -> Tensor:
        recipe = self.recipe
        return losses @ losses.new_tensor([recipe.content_weight, recipe.style_weight, recipe.variation_weight])

    @override
    def outputs(self, network: nn.Module, dataset: Dataset, rows: Tensor, execution: Execution) -> Tensor:
        """The losses of the painting of each photo, (rows, 3)."""
        network.eval()
        parts = [torch.zeros(0, len(FIGURES))]
        with torch.no_grad():
            for start in range(0, len(rows), CHUNK):
                photos = self.batch(dataset, rows[start : start + CHUNK], execution).inputs
                parts.append(self.losses(network(photos), photos).cpu())
        return torch.cat(parts)

    @override
    def measure(self, outputs: Tensor, dataset: Dataset, rows: Tensor) -> Metrics:
        if len(outputs) == 0:
            raise GlassworkError("There are no photos to paint")
        loss, means = float(self._total(outputs).mean()), dict(zip(FIGURES, outputs.mean(0).tolist(), strict=True))
        return Metrics({"loss": loss, **means}, "loss", loss, higher_is_better=False)

    @override
    def report(
        self, network: nn.Module, evaluation: Evaluation[Tensor], context: Context, last: Tree | None
    ) -> Findings:
        where, rows = measured_rows(context.splits)
        values, files = evaluation.metrics.values, dict[str, bytes]()
        shown = [Picture(thumbnail(find_picture(self.recipe.style), SIDE), "the style")]
        dataset = context.dataset.take(rows[:SHOWN])
        for place, said in enumerate(self.predict(network, dataset, context.execution)):
            photo = dataset.task.inputs.picture(dataset, place)
            assert photo is not None
            shown += [Picture(as_png(photo), Path(dataset.name(place)).name), Picture(said.painting, "painted")]
        reading = f"Photos of the {where} part, and each as the network paints it."
        sections = [Section("What it paints", reading, [Pictures(shown)])]
        score = Score("style loss", values["style_loss"], in_percent=False, higher_is_better=False)
        return Findings(score, sections, files)

    @override
    def inputs(self, sources: Sequence[Path], task: Task) -> Iterator[Reading]:
        """Photos one by one in their own size, up to `LONGEST` pixels."""
        for path in (file for source in sources for file in image_files(source)):
            try:
                photo = read_picture(path)
            except GlassworkError as error:
                yield Reading([str(path)], new_inputs(torch.zeros(0, *task.inputs.shape), task, []), {0: str(error)})
                continue
            if max(photo.shape) > LONGEST:
                photo = resize(photo, sides(photo, LONGEST))
            yield Reading([str(path)], new_inputs(eight_bits(photo)[None], task, [str(path)]))

    @override
    def predict(self, network: nn.Module, dataset: Dataset, execution: Execution) -> list[Prediction]:
        network.eval()
        found = []
        with torch.no_grad():
            for row in range(len(dataset)):
                painted = eight_bits(network(self.batch(dataset, torch.tensor([row]), execution).inputs))
                said = f"painted, {painted.shape[2]} x {painted.shape[1]} pixels"
                found.append(Prediction(dataset.name(row), said, None, {}, painting=as_png(painted)))
        return found

    @override
    def next_commands(self, run: str, task: Task) -> list[tuple[str, str]]:
        return [
            (f"glasswork predict {run} photo.jpg --out painted.jpg", "paints a photo of your own"),
            (f"glasswork evaluate {run} --data PHOTOS", "measures the losses on other photos"),
        ]

    @override
    def usual_task(self) -> Task:
        return Task(Images((3, SIDE, SIDE)), Painting())

    @override
    def sample(self, folder: Path) -> Sample:
        write_photos(folder / "photos")
        small = {"size": 32, "style_size": 48, "width": 4, "blocks": 1, "epochs": 2, "batch_size": 4}
        photos = folder / "photos"
        return Sample(str(photos), {**small, "style_layers": "stem,block2"}, [str(photos / "photo 3.png")])


def write_photos(folder: Path, count: int = 12) -> Path:
    """Pictures of soft random colours."""
    folder.mkdir()
    draws = torch.Generator().manual_seed(0)
    for number in range(count):
        photo = eight_bits(resize(torch.rand(1, 3, 6, 8, generator=draws), (36, 48)))
        (folder / f"photo {number}.png").write_bytes(as_png(photo))
    return folder
