"""Heat maps over large images: a classifier of patches, trained on annotated regions."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from torch import Tensor, nn
from typing_extensions import override

from glasswork.data.augmentation import Augmentation, least_margin, parse
from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.kind import Inputs
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.require import require
from glasswork.data.kinds.task import Task
from glasswork.data.reading import without_columns
from glasswork.data.splits import Splits
from glasswork.execution import require_size
from glasswork.networks.patchnet import PatchNet
from glasswork.objectives.froc import area_under_roc
from glasswork.objectives.losses import Objective
from glasswork.objectives.metrics import Metrics
from glasswork.systems.heatmap.annotations import Sampling, annotated_by_split, read_annotated
from glasswork.systems.heatmap.recipe import HeatmapRecipe
from glasswork.systems.labelled import objective_of, read_labelled, usual_values, weigh_classes
from glasswork.systems.networks import Architecture, build_network, refuse_inputs
from glasswork.systems.sample import Sample, write_images
from glasswork.systems.system import Context, System

SIZE = 32
LEARNING_RATE = 0.004


class Heatmap(System[HeatmapRecipe, Tensor]):
    """Minimises the mean of a loss between the scores of patches and what is annotated there.

    `glasswork heatmap` slides the network over whole pictures afterwards.
    """

    takes: ClassVar[tuple[type[Inputs], ...]] = (Images,)
    wanted: ClassVar[tuple[str, str]] = ("A heat map is made of images",) * 2

    def __init__(self, recipe: HeatmapRecipe) -> None:
        super().__init__(recipe)
        self.augmentation: Augmentation | None = parse(recipe.augment) if recipe.augment else None

    @override
    def objective(self, task: Task) -> Objective:
        return objective_of(self.recipe.loss, task, self.recipe.label_smoothing)

    @override
    def training_objective(self, context: Context) -> Objective:
        return weigh_classes(self.objective(context.dataset.task), self.recipe.class_weights, context)

    @override
    def read(self, source: str | Path, like: Task | None = None) -> Dataset:
        recipe = self.recipe
        if annotated_by_split(Path(source)):
            require_size(recipe.size or SIZE)
            size, channels = (
                (recipe.size or SIZE, None) if like is None else (like.inputs.shape[-1], like.inputs.shape[0])
            )
            annotated = read_annotated(Path(source), self._sampling(size, channels))
            return without_columns(annotated, ReadingOptions.of(recipe, classes_known=like is not None))
        margin = least_margin(self.augmentation, recipe.size) if self.augmentation and recipe.size else 0
        return read_labelled(source, ReadingOptions.of(recipe, margin=margin), like)

    def _sampling(self, size: int, channels: int | None) -> Sampling:
        recipe = self.recipe
        return Sampling(size, recipe.level, recipe.patches, recipe.validation, recipe.test, recipe.seed, channels)

    @override
    def derive(self, dataset: Dataset, splits: Splits) -> Mapping[str, object]:
        recipe, task = self.recipe, dataset.task
        require(dataset, self, "these examples are")
        refuse_inputs(recipe.network, task)
        values = usual_values(
            recipe,
            task,
            len(splits.training),
            recipe.network,
            recipe.loss,
            recipe.label_smoothing,
            recipe.class_weights,
            recipe.augment,
        )
        return {**values, "learning_rate": LEARNING_RATE} if recipe.optimizer in ("adam", "adamw") else values

    @override
    def network(self, task: Task) -> nn.Module:
        recipe = self.recipe
        if recipe.network != "patchnet":
            return build_network(Architecture(recipe.network, (), recipe.activation, recipe.dropout), task)
        channels, height, width = task.inputs.shape
        shape = channels, height, width
        return PatchNet(shape, len(task.target.names), activation=recipe.activation, dropout=recipe.dropout)

    @override
    def measure(self, outputs: Tensor, dataset: Dataset, rows: Tensor) -> Metrics:
        metrics = super().measure(outputs, dataset, rows)
        task, sizes = dataset.task, dataset.task.target.class_sizes(dataset, rows)
        if sizes is None or len(sizes) != 2 or not sizes.all():
            return metrics
        truth = dataset.columns["targets"][rows]
        chances = task.target.probabilities(outputs, self.objective(task).name)[:, 1]
        return replace(metrics, values={**metrics.values, "area_under_roc": area_under_roc(chances, truth == 1)})

    @override
    def usual_task(self) -> Task:
        return Task(Images((3, SIZE, SIZE)), OneClass(("other", "annotated")))

    @override
    def sample(self, folder: Path) -> Sample:
        data, one = write_images(folder)
        return Sample(str(data), {"epochs": 2, "batch_size": 8}, [str(one)], "1")
