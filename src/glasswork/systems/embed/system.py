"""Metric learning: an embedding with examples of one class near and those of two far (Kovashka: FaceNet)."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn
from typing_extensions import override

from glasswork.data.augmentation import Augmentation, parse
from glasswork.data.batches import Batch, Batches
from glasswork.data.collate import Rows
from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.kind import Inputs, Target
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.require import require
from glasswork.data.kinds.task import Task
from glasswork.data.reading import read
from glasswork.data.samplers import Balanced, balanced_rows, by_class
from glasswork.data.splits import Splits, hold_classes_out
from glasswork.errors import GlassworkError
from glasswork.execution import Execution, require_memory
from glasswork.networks.embedding import Embedding
from glasswork.objectives.losses import Objective
from glasswork.objectives.metrics import Metrics
from glasswork.objectives.retrieval import recall, verification
from glasswork.objectives.triplets import triplet_loss
from glasswork.systems.embed.recipe import EmbedRecipe
from glasswork.systems.embed.report import gallery_rows, report_embedding
from glasswork.systems.evaluation import Evaluation
from glasswork.systems.networks import NETWORKS, Architecture, build_network
from glasswork.systems.retrieval import embeddings_on
from glasswork.systems.sample import Sample, write_images
from glasswork.systems.system import Context, Findings, System, stage_of
from glasswork.training.stage import Carry, Moment, Stage, Tree

BATCH = 128
EACH = 4
NAME_BYTES = 64  # of the name of a coordinate
NOTHING_JUDGED = (
    "no two validation examples are of the same class, so nothing could be judged: "
    "the weights are those of the last step; hold out more with --validation"
)


class Embed(System[EmbedRecipe, Tensor]):
    """Minimises the triplet loss over the triplets mined in batches of P classes with K examples each."""

    takes: ClassVar[tuple[type[Inputs], ...]] = (Images,)
    answers: ClassVar[tuple[type[Target], ...]] = (OneClass,)
    wanted: ClassVar[tuple[str, str]] = (
        "Embeddings are learned from images",
        "Embeddings are learned from examples with one class each",
    )

    def __init__(self, recipe: EmbedRecipe) -> None:
        super().__init__(recipe)
        self.augmentation: Augmentation | None = parse(recipe.augment) if recipe.augment else None

    @override
    def objective(self, task: Task) -> Objective:
        return Objective("cross-entropy")  # of the nearest class mean; a triplet takes three examples

    @override
    def minimised(self, task: Task) -> str:
        return "triplet loss"

    @override
    def read(self, source: str | Path, like: Task | None = None) -> Dataset:
        recipe = self.recipe
        # No margin for the augmentation: a query is seen whole, and so should be the images it is compared with.
        options = ReadingOptions.of(recipe)
        if like is not None:
            side = like.inputs.shape[1] if like.inputs.shape[1] == like.inputs.shape[2] else None
            options = replace(
                options, size=side, channels=like.inputs.shape[0], classes_known=True, span=Images.of(like).span
            )
        dataset = read(source, options)
        require(dataset, self)
        if like is not None:
            return _with_classes_of(dataset, like)
        return hold_classes_out(dataset, recipe.held_out_classes, recipe.validation, recipe.seed)

    @override
    def derive(self, dataset: Dataset, splits: Splits) -> Mapping[str, object]:
        recipe = self.recipe
        counts = torch.bincount(dataset.columns["targets"][splits.training])
        classes, most = int((counts > 0).sum()), int(counts.max())
        if most < 2:
            raise GlassworkError(
                f"{dataset.source} has only one training example per class, and a triplet needs two of the same class"
            )
        batch = recipe.batch_size or BATCH
        each = recipe.examples_per_class or max(2, min(most, max(EACH, batch // classes)))
        per_batch = min(recipe.classes_per_batch or max(2, batch // each), classes)
        if recipe.batch_size and recipe.classes_per_batch and recipe.examples_per_class and per_batch * each != batch:
            raise GlassworkError(
                f"A batch of {recipe.classes_per_batch} classes with {each} examples each does not give {batch}: "
                "leave out --batch-size"
            )
        shape, named = dataset.task.inputs.shape, NETWORKS.get(recipe.network)
        return {
            "epochs": 20,
            "batch_size": per_batch * each,
            "classes_per_batch": per_batch,
            "examples_per_class": each,
            "learning_rate": named.learning_rate if named else 0.001,
            "size": shape[1] if shape[1] == shape[2] else None,
        }

    @override
    def resolve(self, dataset: Dataset, splits: Splits) -> EmbedRecipe:
        """As usual; more classes in a batch than there are become all of them."""
        resolved = super().resolve(dataset, splits)
        assert resolved.classes_per_batch is not None
        classes = len(torch.unique(dataset.columns["targets"][splits.training]))
        return resolved.model_copy(update={"classes_per_batch": min(resolved.classes_per_batch, classes)})

    @override
    def network(self, task: Task) -> nn.Module:
        return Embedding(self._body(task), self.recipe.embedding, len(task.target.names))

    def _body(self, task: Task) -> nn.Module:
        size = self.recipe.embedding
        require_memory(NAME_BYTES * size, f"an embedding of {size:,} numbers", "choose a smaller --embedding")
        coordinates = tuple(map(str, range(size)))
        return build_network(Architecture(self.recipe.network), Task(task.inputs, OneClass(coordinates)))

    @override
    def stages(self, network: nn.Module, context: Context) -> list[Stage]:
        dataset, splits, execution = context.dataset, context.splits, context.execution
        recipe = self.recipe
        assert recipe.classes_per_batch is not None and recipe.examples_per_class is not None
        classes = dataset.columns["targets"][splits.training]
        count, each = recipe.classes_per_batch, recipe.examples_per_class
        sampler = Balanced(splits.training, classes, count, each, recipe.seed)
        batches = Batches(sampler, Rows(dataset, execution, self.augmentation))
        stage = stage_of(self, network, batches, context)
        return [stage if has_pairs(dataset.columns["targets"][splits.validation]) else replace(stage, judge=None)]

    @override
    def loss(
        self, network: nn.Module, batch: Batch, carry: Carry, moment: Moment, objective: Objective
    ) -> tuple[Tensor, Carry]:
        """The triplet loss of the embeddings, in place of the objective of the scores."""
        assert isinstance(network, Embedding)
        embeddings = network.embed(batch.inputs).float()
        return triplet_loss(embeddings, batch.targets, self.recipe.mining, self.recipe.margin), carry

    @override
    def complete(self, network: nn.Module, context: Context) -> None:
        """Sets the mean embedding of each class."""
        assert isinstance(network, Embedding)
        dataset, execution = context.dataset, context.execution
        rows = gallery_rows(dataset, context.splits)
        network.remember(
            embeddings_on(network, dataset, rows, execution).to(execution.device),
            dataset.columns["targets"][rows].to(execution.device),
        )

    @override
    def outputs(self, network: nn.Module, dataset: Dataset, rows: Tensor, execution: Execution) -> Tensor:
        """The embeddings of some rows, (rows, size)."""
        return embeddings_on(network, dataset, rows, execution)

    @override
    def measure(self, outputs: Tensor, dataset: Dataset, rows: Tensor) -> Metrics:
        classes = dataset.columns["targets"][rows]
        verified, found = verification(outputs, classes), self._measure_retrieval(outputs, classes)
        areas = {"verification_auc": verified.area, "true_accepts_at_1_percent": verified.true_accepts}
        return replace(found, values={**found.values, **areas})

    @override
    def judge(self, network: nn.Module, context: Context) -> Metrics:
        dataset, rows = context.dataset, context.splits.validation
        embeddings = self.outputs(network, dataset, rows, context.execution)
        return self._measure_retrieval(embeddings, dataset.columns["targets"][rows])

    def _measure_retrieval(self, embeddings: Tensor, classes: Tensor) -> Metrics:
        """Retrieval among the examples themselves, and their mean triplet loss in batches drawn as in training."""
        recipe = self.recipe
        assert recipe.classes_per_batch is not None and recipe.examples_per_class is not None
        members = by_class(torch.arange(len(classes)), classes)
        batches = max(1, len(classes) // (recipe.classes_per_batch * recipe.examples_per_class))
        losses = []
        for index in range(batches):
            drawn = balanced_rows(members, recipe.classes_per_batch, recipe.examples_per_class, recipe.seed, 0, index)
            losses.append(triplet_loss(embeddings[drawn], classes[drawn], recipe.mining, recipe.margin))
        shares = {f"recall_at_{count}": share for count, share in recall(embeddings, classes).shares.items()}
        return Metrics({"loss": float(torch.stack(losses).mean()), **shares}, "recall_at_1", 1 - shares["recall_at_1"])

    @override
    def report(
        self, network: nn.Module, evaluation: Evaluation[Tensor], context: Context, last: Tree | None
    ) -> Findings:
        held_out = context.dataset.columns["targets"][context.splits.validation]
        warnings = (NOTHING_JUDGED,) if len(held_out) and not has_pairs(held_out) else ()
        return replace(report_embedding(context, evaluation), warnings=warnings)

    @override
    def sample(self, folder: Path) -> Sample:
        data, one = write_images(folder)
        options = {"network": "lenet", "embedding": 8, "held_out_classes": "0", "epochs": 2, "batch_size": 8}
        return Sample(str(data), options, [str(one)], "1")


def has_pairs(classes: Tensor) -> bool:
    """Whether any class (int64 (N,)) has two examples, of which one can find the other."""
    return len(classes) > 0 and int(torch.bincount(classes).max()) > 1


def _with_classes_of(dataset: Dataset, task: Task) -> Dataset:
    """Examples numbered as the model numbers its classes; those that it does not know get numbers of their own."""
    known = {name: place for place, name in enumerate(task.target.names)}
    others = [name for name in dataset.task.target.names if name not in known]
    numbers = known | {name: len(known) + place for place, name in enumerate(others)}
    places = torch.tensor([numbers[name] for name in dataset.task.target.names])
    columns = {**dataset.columns, "targets": places[dataset.columns["targets"]]}
    return replace(dataset, columns=columns, task=Task(dataset.task.inputs, task.target))
