"""Heat maps over large images: a classifier of patches, trained from regions that somebody has outlined."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from typing_extensions import override

from glasswork.data.dataset import Dataset, Schema, fingerprints
from glasswork.data.splits import Splits
from glasswork.errors import GlassworkError
from glasswork.execution import Execution
from glasswork.networks.convnet_small import ConvNetSmall
from glasswork.networks.patchnet import PatchNet
from glasswork.objectives.froc import area_under_roc
from glasswork.objectives.losses import probabilities
from glasswork.systems.answers import measured_rows, outputs_on
from glasswork.systems.around_supervised import AroundSupervised
from glasswork.systems.heatmap.annotations import Sampling, annotated_by_split, read_annotated
from glasswork.systems.heatmap.recipe import HeatmapRecipe
from glasswork.training.step import Tree

SIZE = 32
LEARNING_RATE = 0.004


class Heatmap(AroundSupervised[HeatmapRecipe]):
    """Supervised learning on patches of large pictures; everything but the reading and the networks is its own.

    `glasswork heatmap` slides the network over whole pictures afterwards.
    """

    @override
    def read(self, source: str | Path, like: Schema | None = None) -> Dataset:
        if not annotated_by_split(Path(source)):
            return super().read(source, like)
        size, channels = (self.recipe.size or SIZE, None) if like is None else (like.shape[-1], like.shape[0])
        return read_annotated(Path(source), self._sampling(size, channels))

    def _sampling(self, size: int, channels: int | None) -> Sampling:
        recipe = self.recipe
        return Sampling(size, recipe.level, recipe.patches, recipe.validation, recipe.test, recipe.seed, channels)

    @override
    def resolve(self, dataset: Dataset, splits: Splits) -> HeatmapRecipe:
        if dataset.schema.inputs != "image":
            raise GlassworkError("A heat map is made of images, and these examples are rows of numbers: use mlp")
        resolved = super().resolve(dataset, splits)
        if self.recipe.learning_rate is None and self.recipe.optimizer in ("adam", "adamw"):
            return resolved.model_copy(update={"learning_rate": LEARNING_RATE})
        return resolved

    @override
    def network(self, schema: Schema) -> nn.Module:
        recipe = self.recipe
        if recipe.network not in ("patchnet", "convnet-small"):
            return super().network(schema)
        channels, height, width = schema.shape
        shape, outputs = (channels, height, width), len(schema.classes)
        if recipe.network == "patchnet":
            return PatchNet(shape, outputs, activation=recipe.activation, dropout=recipe.dropout)
        return ConvNetSmall(shape, outputs, activation=recipe.activation, dropout=recipe.dropout)

    @override
    def score(self, network: nn.Module, dataset: Dataset, rows: Tensor, execution: Execution) -> dict[str, float]:
        outputs = outputs_on(network, dataset, rows, execution)
        metrics = self.supervised.measured(dataset, rows, outputs)
        schema, truth = dataset.schema, dataset.columns["targets"][rows]
        if schema.target == "class" and len(schema.classes) == 2 and 0 < int(truth.sum()) < len(truth):
            chances = probabilities(outputs, self.loss_name, "class")[:, 1]
            metrics["area_under_roc"] = area_under_roc(chances, truth == 1)
        return metrics

    @override
    def findings(
        self, network: nn.Module, dataset: Dataset, splits: Splits, execution: Execution, state: Tree | None
    ) -> dict[str, Any]:
        found = super().findings(network, dataset, splits, execution, state)
        _, rows = measured_rows(splits)
        return {**found, "test_metrics": self.score(network, dataset, rows, execution)}

    @override
    def example(self) -> Dataset:
        generator = torch.Generator().manual_seed(0)
        inputs = torch.randint(0, 256, (40, 3, SIZE, SIZE), generator=generator, dtype=torch.uint8)
        schema = Schema("image", (3, SIZE, SIZE), "class", ("other", "annotated"))
        targets = torch.arange(40) % 2
        return Dataset({"inputs": inputs, "targets": targets, "fingerprints": fingerprints(inputs)}, schema, "example")
