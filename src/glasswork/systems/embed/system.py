"""Metric learning: an embedding with examples of one class near and those of two far (Kovashka: FaceNet)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from typing_extensions import override

from glasswork.data.augmentation import Augmentation, parse
from glasswork.data.batches import Batch, Batches, fit_scaling
from glasswork.data.collate import Rows
from glasswork.data.dataset import HOLDS, Dataset, ReadingOptions, Schema, fingerprints
from glasswork.data.heldout_classes import hold_classes_out
from glasswork.data.inputs import Inputs, read_inputs
from glasswork.data.reading import read
from glasswork.data.samplers import Balanced, balanced_rows, by_class
from glasswork.data.splits import Splits
from glasswork.errors import GlassworkError
from glasswork.execution import Execution
from glasswork.objectives.retrieval import recall, verification
from glasswork.objectives.triplets import triplet_loss
from glasswork.systems.answers import measured_rows, outputs_on, whole_batch, worded
from glasswork.systems.embed.network import Embedding
from glasswork.systems.embed.recipe import EmbedRecipe
from glasswork.systems.embed.report import findings, gallery_rows
from glasswork.systems.networks import NETWORKS, build_network
from glasswork.systems.retrieval import embeddings_on
from glasswork.systems.stages import stage_of
from glasswork.systems.supervised.recipe import SupervisedRecipe
from glasswork.systems.system import Prediction, System
from glasswork.training.clock import Clock
from glasswork.training.optimizers import refuse_weight_decay
from glasswork.training.stage import Carry, Judgement, Stage
from glasswork.training.step import Tree

BATCH = 128
EACH = 4
NOTHING_JUDGED = (
    "no two of the validation examples are of one class, so that none can find another and nothing could be judged: "
    "the weights are those of the last step; hold out more with --validation"
)


class Embed(System[EmbedRecipe]):
    """Minimises the triplet loss over the triplets mined in batches of P classes with K examples each."""

    def __init__(self, recipe: EmbedRecipe) -> None:
        super().__init__(recipe)
        self.augmentation: Augmentation | None = parse(recipe.augment) if recipe.augment else None

    @property
    @override
    def loss_name(self) -> str:
        return "cross-entropy"  # of the nearest class mean; the triplet loss needs three examples, and opening has one

    @override
    def read(self, source: str | Path) -> Dataset:
        recipe = self.recipe
        # No margin for the augmentation: a picture that is asked about is seen whole, and so shall be those compared.
        dataset = read(source, ReadingOptions(recipe.size, 0, recipe.target, recipe.strict))
        _require_classes_of_images(dataset)
        return hold_classes_out(dataset, recipe.held_out, recipe.validation, recipe.seed)

    @override
    def read_like(self, source: str | Path, schema: Schema) -> Dataset:
        side = schema.shape[1] if schema.shape[1] == schema.shape[2] else None
        options = ReadingOptions(side, 0, self.recipe.target, self.recipe.strict, schema.shape[0], True)
        dataset = read(source, options)
        _require_classes_of_images(dataset)
        return _with_classes_of(dataset, schema)

    @override
    def scaled(self, dataset: Dataset, rows: Tensor) -> Schema:
        return fit_scaling(dataset, rows)

    @override
    def resolve(self, dataset: Dataset, splits: Splits) -> EmbedRecipe:
        recipe = self.recipe
        refuse_weight_decay(recipe.optimizer, recipe.weight_decay)
        counts = torch.bincount(dataset.columns["targets"][splits.training])
        classes, most = int((counts > 0).sum()), int(counts.max())
        if most < 2:
            raise GlassworkError(
                f"{dataset.source} has one training example of each class, and a triplet needs two of one class"
            )
        batch = recipe.batch_size or BATCH
        each = recipe.examples_per_class or max(2, min(most, max(EACH, batch // classes)))
        per_batch = min(recipe.classes_per_batch or max(2, batch // each), classes)
        if recipe.batch_size and recipe.classes_per_batch and recipe.examples_per_class and per_batch * each != batch:
            raise GlassworkError(
                f"A batch of {recipe.classes_per_batch} classes with {each} examples each is none of {batch}: "
                "leave --batch-size away"
            )
        shape, named = dataset.schema.shape, NETWORKS.get(recipe.network)
        whole = recipe.model_copy(
            update={"classes_per_batch": per_batch, "size": shape[1] if shape[1] == shape[2] else None}
        )
        return whole.completed(
            epochs=20,
            batch_size=per_batch * each,
            examples_per_class=each,
            learning_rate=named.learning_rate if named else 0.001,
        )

    @override
    def network(self, schema: Schema) -> nn.Module:
        return Embedding(self._body(schema), self.recipe.embedding, len(schema.classes))

    def _body(self, schema: Schema) -> nn.Module:
        coordinates = tuple(map(str, range(self.recipe.embedding)))
        named = SupervisedRecipe.parse({"network": self.recipe.network})
        return build_network(named, replace(schema, classes=coordinates))

    @override
    def stages(
        self, network: nn.Module, dataset: Dataset, splits: Splits, clock: Clock, execution: Execution
    ) -> list[Stage]:
        recipe = self.recipe
        assert recipe.classes_per_batch is not None and recipe.examples_per_class is not None
        assert recipe.learning_rate is not None

        targets = dataset.columns["targets"][splits.validation]

        def judge(network: nn.Module) -> Judgement:
            metrics = self._measured(embeddings_on(network, dataset, splits.validation, execution), targets)
            return Judgement(1 - metrics["recall_at_1"], metrics)

        classes = dataset.columns["targets"][splits.training]
        count, each = recipe.classes_per_batch, recipe.examples_per_class
        sampler = Balanced(splits.training, classes, count, each, recipe.seed)
        batches = Batches(sampler, Rows(dataset, execution, self.augmentation))
        return [stage_of(recipe, network, batches, self.loss, judge if has_pairs(targets) else None, clock, execution)]

    @override
    def loss(self, network: nn.Module, batch: Batch, state: Carry) -> tuple[Tensor, Carry]:
        assert isinstance(network, Embedding)
        embeddings = network.embed(batch.inputs).float()
        return triplet_loss(embeddings, batch.targets, self.recipe.mining, self.recipe.margin), state

    @override
    def score(self, network: nn.Module, dataset: Dataset, rows: Tensor, execution: Execution) -> dict[str, float]:
        embeddings, classes = embeddings_on(network, dataset, rows, execution), dataset.columns["targets"][rows]
        verified = verification(embeddings, classes)
        return {
            **self._measured(embeddings, classes),
            "verification_auc": verified.area,
            "true_accepts_at_1_percent": verified.true_accepts,
        }

    def _measured(self, embeddings: Tensor, classes: Tensor) -> dict[str, float]:
        """Retrieval among the examples themselves, and their mean triplet loss in batches drawn as in training."""
        recipe = self.recipe
        assert recipe.classes_per_batch is not None and recipe.examples_per_class is not None
        members = by_class(torch.arange(len(classes)), classes)
        batches = max(1, len(classes) // (recipe.classes_per_batch * recipe.examples_per_class))
        losses = []
        for index in range(batches):
            drawn = balanced_rows(members, recipe.classes_per_batch, recipe.examples_per_class, recipe.seed, 0, index)
            losses.append(triplet_loss(embeddings[drawn], classes[drawn], recipe.mining, recipe.margin))
        found = recall(embeddings, classes)
        return {
            "loss": float(torch.stack(losses).mean()),
            **{f"recall_at_{count}": share for count, share in found.shares.items()},
        }

    @override
    def findings(
        self, network: nn.Module, dataset: Dataset, splits: Splits, execution: Execution, state: Tree | None
    ) -> dict[str, Any]:
        assert isinstance(network, Embedding)
        rows = gallery_rows(dataset, splits)
        network.remember(
            embeddings_on(network, dataset, rows, execution).to(execution.device),
            dataset.columns["targets"][rows].to(execution.device),
        )
        where, rows = measured_rows(splits)
        embeddings = embeddings_on(network, dataset, rows, execution)
        found = findings(dataset, splits, rows, where, embeddings)
        if len(splits.validation) and not has_pairs(dataset.columns["targets"][splits.validation]):
            found["result"] = {"warnings": [NOTHING_JUDGED]}
        return {**found, "test_metrics": self.score(network, dataset, rows, execution)}

    @override
    def inputs(self, sources: Sequence[Path], schema: Schema) -> Iterator[Inputs]:
        return read_inputs(sources, schema)

    @override
    def batch(self, dataset: Dataset, rows: Tensor, execution: Execution) -> Batch:
        return whole_batch(dataset, rows, execution)

    @override
    def answer(self, network: nn.Module, dataset: Dataset, execution: Execution) -> list[Prediction]:
        scores = outputs_on(network, dataset, torch.arange(len(dataset)), execution)
        return worded(scores, dataset.schema, dataset.names, self.loss_name)

    @override
    def example(self) -> Dataset:
        generator = torch.Generator().manual_seed(0)
        inputs = torch.randint(0, 256, (60, 1, 28, 28), generator=generator, dtype=torch.uint8)
        schema = Schema("image", (1, 28, 28), "class", tuple("012345"))
        targets = torch.arange(60) % 6
        return Dataset({"inputs": inputs, "targets": targets, "fingerprints": fingerprints(inputs)}, schema, "example")


def has_pairs(classes: Tensor) -> bool:
    """Whether any class (int64 (N,)) has two examples, of which one can find the other."""
    return len(classes) > 0 and int(torch.bincount(classes).max()) > 1


def _require_classes_of_images(dataset: Dataset) -> None:
    if dataset.schema.inputs != "image":
        raise GlassworkError(
            f"Embeddings are learnt of images, and {dataset.source} holds {HOLDS[dataset.schema.inputs]}"
        )
    if dataset.schema.target != "class":
        raise GlassworkError(
            f"Embeddings are learnt from examples of one class each, and {dataset.source} has targets of kind "
            f"'{dataset.schema.target}': use lenet"
        )


def _with_classes_of(dataset: Dataset, schema: Schema) -> Dataset:
    """Examples numbered as the model numbers its classes; those that it does not know get numbers of their own."""
    known = {name: place for place, name in enumerate(schema.classes)}
    others = [name for name in dataset.schema.classes if name not in known]
    numbers = known | {name: len(known) + place for place, name in enumerate(others)}
    places = torch.tensor([numbers[name] for name in dataset.schema.classes])
    columns = {**dataset.columns, "targets": places[dataset.columns["targets"]]}
    return replace(dataset, columns=columns, schema=replace(dataset.schema, classes=schema.classes))
