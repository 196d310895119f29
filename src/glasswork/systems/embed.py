"""Metric learning: an embedding with examples of one class near and those of two far (Kovashka: FaceNet)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from typing_extensions import override

from glasswork.data import readers
from glasswork.data.augmentation import Augmentation, parse
from glasswork.data.balanced_batches import BalancedBatches, balanced_rows, by_class
from glasswork.data.batches import Batch, fit_scaling
from glasswork.data.examples import HOLDS, Examples, ReadingOptions, Schema, fingerprints
from glasswork.data.inputs import Inputs, read_inputs
from glasswork.data.splits import Splits
from glasswork.data.unseen import hold_classes_out
from glasswork.device import Numerics
from glasswork.errors import GlassworkError
from glasswork.networks.embedding import Embedding
from glasswork.objectives.retrieval import recall, verification
from glasswork.objectives.triplets import triplet_loss
from glasswork.recipes.embed import EmbedRecipe
from glasswork.recipes.supervised import SupervisedRecipe
from glasswork.systems.answers import measured_rows, outputs_on, whole_batch, worded
from glasswork.systems.embed_findings import findings, gallery_rows
from glasswork.systems.neighbours import embeddings_on
from glasswork.systems.networks import NETWORKS, build_network
from glasswork.systems.stages import stage_of
from glasswork.systems.system import Answer, System
from glasswork.training.clocks import Clock
from glasswork.training.optimizers import refuse_weight_decay
from glasswork.training.stage import Carried, Judgement, Stage
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

    @property
    @override
    def minimised(self) -> str:
        return "triplet loss"

    @override
    def read(self, source: str | Path) -> Examples:
        recipe = self.recipe
        # No margin for the augmentation: a picture that is asked about is seen whole, and so shall be those compared.
        examples = readers.read(source, ReadingOptions(recipe.size, 0, recipe.target, recipe.strict))
        _require_classes_of_images(examples)
        return hold_classes_out(examples, recipe.held_out, recipe.validation, recipe.seed)

    @override
    def read_like(self, source: str | Path, schema: Schema) -> Examples:
        side = schema.shape[1] if schema.shape[1] == schema.shape[2] else None
        options = ReadingOptions(side, 0, self.recipe.target, self.recipe.strict, schema.shape[0], True)
        examples = readers.read(source, options)
        _require_classes_of_images(examples)
        return _with_classes_of(examples, schema)

    @override
    def scaled(self, examples: Examples, rows: Tensor) -> Schema:
        return fit_scaling(examples, rows)

    @override
    def resolve(self, examples: Examples, splits: Splits) -> EmbedRecipe:
        recipe = self.recipe
        refuse_weight_decay(recipe.optimizer, recipe.weight_decay)
        counts = torch.bincount(examples.columns["targets"][splits.training])
        classes, most = int((counts > 0).sum()), int(counts.max())
        if most < 2:
            raise GlassworkError(
                f"{examples.source} has one training example of each class, and a triplet needs two of one class"
            )
        batch = recipe.batch_size or BATCH
        each = recipe.examples_per_class or max(2, min(most, max(EACH, batch // classes)))
        per_batch = min(recipe.classes_per_batch or max(2, batch // each), classes)
        if recipe.batch_size and recipe.classes_per_batch and recipe.examples_per_class and per_batch * each != batch:
            raise GlassworkError(
                f"A batch of {recipe.classes_per_batch} classes with {each} examples each is none of {batch}: "
                "leave --batch-size away"
            )
        shape, named = examples.schema.shape, NETWORKS.get(recipe.network)
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
        self, network: nn.Module, examples: Examples, splits: Splits, clock: Clock, numerics: Numerics
    ) -> list[Stage]:
        recipe = self.recipe
        assert recipe.classes_per_batch is not None and recipe.examples_per_class is not None
        assert recipe.learning_rate is not None

        targets = examples.columns["targets"][splits.validation]

        def judge(network: nn.Module) -> Judgement:
            metrics = self._measured(embeddings_on(network, examples, splits.validation, numerics), targets)
            return Judgement(1 - metrics["recall_at_1"], metrics)

        batches = BalancedBatches(
            examples,
            splits.training,
            recipe.classes_per_batch,
            recipe.examples_per_class,
            recipe.seed,
            numerics,
            self.augmentation,
        )
        return [stage_of(recipe, network, batches, self.loss, judge if has_pairs(targets) else None, clock, numerics)]

    @override
    def loss(self, network: nn.Module, batch: Batch, state: Carried) -> tuple[Tensor, Carried]:
        assert isinstance(network, Embedding)
        embeddings = network.embed(batch.inputs).float()
        return triplet_loss(embeddings, batch.targets, self.recipe.mining, self.recipe.margin), state

    @override
    def score(self, network: nn.Module, examples: Examples, rows: Tensor, numerics: Numerics) -> dict[str, float]:
        embeddings, classes = embeddings_on(network, examples, rows, numerics), examples.columns["targets"][rows]
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
        self, network: nn.Module, examples: Examples, splits: Splits, numerics: Numerics, state: Tree | None
    ) -> dict[str, Any]:
        assert isinstance(network, Embedding)
        rows = gallery_rows(examples, splits)
        network.remember(
            embeddings_on(network, examples, rows, numerics).to(numerics.device),
            examples.columns["targets"][rows].to(numerics.device),
        )
        where, rows = measured_rows(splits)
        embeddings = embeddings_on(network, examples, rows, numerics)
        found = findings(examples, splits, rows, where, embeddings)
        if len(splits.validation) and not has_pairs(examples.columns["targets"][splits.validation]):
            found["result"] = {"warnings": [NOTHING_JUDGED]}
        return {**found, "test_metrics": self.score(network, examples, rows, numerics)}

    @override
    def inputs(self, sources: Sequence[Path], schema: Schema) -> Iterator[Inputs]:
        return read_inputs(sources, schema)

    @override
    def batch(self, examples: Examples, rows: Tensor, numerics: Numerics) -> Batch:
        return whole_batch(examples, rows, numerics)

    @override
    def answer(self, network: nn.Module, examples: Examples, numerics: Numerics) -> list[Answer]:
        scores = outputs_on(network, examples, torch.arange(len(examples)), numerics)
        return worded(scores, examples.schema, examples.names, self.loss_name)

    @override
    def example(self) -> Examples:
        generator = torch.Generator().manual_seed(0)
        inputs = torch.randint(0, 256, (60, 1, 28, 28), generator=generator, dtype=torch.uint8)
        schema = Schema("image", (1, 28, 28), "class", tuple("012345"))
        targets = torch.arange(60) % 6
        return Examples({"inputs": inputs, "targets": targets, "fingerprints": fingerprints(inputs)}, schema, "example")


def has_pairs(classes: Tensor) -> bool:
    """Whether any class (int64 (N,)) has two examples, of which one can find the other."""
    return len(classes) > 0 and int(torch.bincount(classes).max()) > 1


def _require_classes_of_images(examples: Examples) -> None:
    if examples.schema.inputs != "image":
        raise GlassworkError(
            f"Embeddings are learnt of images, and {examples.source} holds {HOLDS[examples.schema.inputs]}"
        )
    if examples.schema.target != "class":
        raise GlassworkError(
            f"Embeddings are learnt from examples of one class each, and {examples.source} has targets of kind "
            f"'{examples.schema.target}': use lenet"
        )


def _with_classes_of(examples: Examples, schema: Schema) -> Examples:
    """Examples numbered as the model numbers its classes; those that it does not know get numbers of their own."""
    known = {name: place for place, name in enumerate(schema.classes)}
    others = [name for name in examples.schema.classes if name not in known]
    numbers = known | {name: len(known) + place for place, name in enumerate(others)}
    places = torch.tensor([numbers[name] for name in examples.schema.classes])
    columns = {**examples.columns, "targets": places[examples.columns["targets"]]}
    return replace(examples, columns=columns, schema=replace(examples.schema, classes=schema.classes))
