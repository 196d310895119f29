"""Supervised learning: classes, several classes at once or numbers, from images or from the columns of a table."""

import copy
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from typing_extensions import override

from glasswork.data import readers
from glasswork.data.augmentation import Augmentation, least_margin, parse
from glasswork.data.batches import Batch, Batches, Scaling, fit_scaling
from glasswork.data.examples import HOLDS, Examples, ReadingOptions, Schema, fingerprints
from glasswork.data.inputs import Inputs, read_inputs
from glasswork.data.splits import Splits
from glasswork.device import Numerics
from glasswork.errors import GlassworkError
from glasswork.objectives.losses import LOSSES, check_fit, default_loss, refuse_smoothing
from glasswork.objectives.metrics import measure
from glasswork.recipes.base import USUAL_STRENGTHS, Machine
from glasswork.recipes.supervised import SupervisedRecipe
from glasswork.systems.answers import measured_rows, outputs_on, whole_batch, worded
from glasswork.systems.networks import NETWORKS, build_network, refuse_inputs
from glasswork.systems.restart_findings import restart_findings
from glasswork.systems.restarts import Figures, Restarts, outcomes, restarted
from glasswork.systems.stages import judged, stage_of
from glasswork.systems.supervised_findings import findings
from glasswork.systems.system import Answer, System
from glasswork.training.clocks import Clock
from glasswork.training.fit import fit
from glasswork.training.measure import MakeStage, choose_numerics
from glasswork.training.optimizers import refuse_weight_decay
from glasswork.training.stacked_losses import StackedLoss
from glasswork.training.stacked_network import layers_of
from glasswork.training.stage import Carried, Stage
from glasswork.training.step import Step, Tree

VARIANCE_OF_SCORES = 10.0
FEW_IMAGES = 10_000
GRADIENT_DESCENT_RATES = {"sgd": 0.1, "momentum": 0.02}


class Supervised(System[SupervisedRecipe]):
    """Minimises the mean of a loss between the network's outputs and known targets.

    Args:
        recipe: what to minimise.
        own: the user's network, where it was given as a module rather than by name.
    """

    def __init__(self, recipe: SupervisedRecipe, own: nn.Module | None = None) -> None:
        super().__init__(recipe)
        self.own = own
        self.augmentation: Augmentation | None = parse(recipe.augment) if recipe.augment else None
        self._weights: Tensor | None = None
        self._data: tuple[Examples, Splits] | None = None

    @property
    @override
    def loss_name(self) -> str:
        assert self.recipe.loss is not None
        return self.recipe.loss

    @property
    def stacked_loss(self) -> StackedLoss:
        """What is minimised, for training many networks at once; known once the stages have been made."""
        return StackedLoss(self.loss_name, self.recipe.label_smoothing, self._weights)

    @override
    def read(self, source: str | Path) -> Examples:
        recipe = self.recipe
        size = recipe.size
        margin = least_margin(self.augmentation, size) if self.augmentation and size else 0
        return _with_targets(readers.read(source, ReadingOptions(size, margin, recipe.target, recipe.strict)))

    @override
    def read_like(self, source: str | Path, schema: Schema) -> Examples:
        square = schema.inputs == "image" and schema.shape[1] == schema.shape[2]
        size = schema.shape[1] if square else None
        channels = schema.shape[0] if schema.inputs == "image" else None
        like = schema if schema.inputs == "vector" else None
        options = ReadingOptions(size, 0, self.recipe.target, self.recipe.strict, channels, True, like)
        return _with_targets(readers.read(source, options))

    @override
    def scaled(self, examples: Examples, rows: Tensor) -> Schema:
        return fit_scaling(examples, rows)

    @override
    def resolve(self, examples: Examples, splits: Splits) -> SupervisedRecipe:
        recipe, schema = self.recipe, examples.schema
        if self.own is None:
            refuse_inputs(recipe.network, schema)
        loss = recipe.loss or default_loss(schema.target)
        check_fit(loss, schema.target)
        if loss in {"hinge", "squared-error"}:
            refuse_smoothing(loss, recipe.label_smoothing)
        refuse_weight_decay(recipe.optimizer, recipe.weight_decay)
        if recipe.restarts > 1:
            self._refuse_restarts(splits)
        if self.augmentation and schema.inputs != "image":
            raise GlassworkError("Augment works on images, and these examples are rows of numbers: leave it away")
        if recipe.class_weights == "balanced" and schema.target != "class":
            raise GlassworkError("class_weights balances targets that are one class each: leave it away")
        adaptive = {name: entry.learning_rate for name, entry in NETWORKS.items()}
        rates = adaptive if recipe.optimizer in {"adam", "adamw"} else {}
        usual = GRADIENT_DESCENT_RATES.get(recipe.optimizer, 0.001)
        count = len(splits.training)
        return recipe.completed(
            epochs=20,
            loss=loss,
            batch_size=128 if count > 8000 else 64 if count > 1000 else 32,
            learning_rate=rates.get(recipe.network, usual),
            strength=usual_strength(recipe, schema, count),
            augment=usual_changes(recipe, schema, count),
            select="validation" if len(splits.validation) else "training",
        )

    def _refuse_restarts(self, splits: Splits) -> None:
        """Refuses restarts that could not begin from other weights, or of which none could be chosen."""
        if self.own is not None:
            raise GlassworkError(
                "Restarts draw new first weights for every network, and a module made in Python has one set of them: "
                "name its class as file.py:Class, or leave restarts away"
            )
        if self.recipe.select == "validation" and len(splits.validation) == 0:
            raise GlassworkError(
                "The restart that is kept is the one with the least validation loss, and no example is held out: add "
                "--validation 0.1 or --select training"
            )

    @override
    def network(self, schema: Schema) -> nn.Module:
        return self.own if self.own is not None else build_network(self.recipe, schema)

    @override
    def numerics(self, machine: Machine, numerics: Numerics, network: nn.Module, make_stage: MakeStage) -> Numerics:
        if self.recipe.restarts > 1 and machine.precision == "auto" and layers_of(network) is not None:
            machine = machine.model_copy(update={"precision": "float32"})  # as many networks at once are trained in
        return choose_numerics(machine, numerics, network, make_stage)

    @override
    def stages(
        self, network: nn.Module, examples: Examples, splits: Splits, clock: Clock, numerics: Numerics
    ) -> list[Stage]:
        recipe = self.recipe
        assert recipe.batch_size is not None and recipe.learning_rate is not None
        self._data = examples, splits
        if recipe.class_weights == "balanced":
            counts = torch.bincount(
                examples.columns["targets"][splits.training], minlength=len(examples.schema.classes)
            )
            self._weights = (counts.sum() / (counts * len(counts))).float().to(numerics.device)
        batches = Batches(examples, splits.training, recipe.batch_size, recipe.seed, numerics, self.augmentation)
        judge = judged(lambda network: self.score(network, examples, splits.validation, numerics), splits.validation)
        return [stage_of(recipe, network, batches, self.loss, judge, clock, numerics)]

    @override
    def steps(self, stage: Stage, start: Tree | None) -> Iterator[Step]:
        if self.recipe.restarts == 1:
            return fit(stage, start)
        assert self._data is not None
        (examples, splits), numerics, recipe = self._data, stage.numerics, self.recipe
        assert recipe.select is not None
        training, held_out = (
            Batches(examples, rows, max(1, len(rows)), 0, numerics) for rows in (splits.training, splits.validation)
        )
        restarts = Restarts(
            recipe.restarts,
            recipe.select,
            recipe.patience,
            make=lambda: self.network(examples.schema),
            loss=self.stacked_loss,
            training=training,
            held_out=held_out if len(splits.validation) else None,
            figures=lambda network: self._figures(network, examples, splits, numerics),
        )
        return restarted(stage, start, restarts)

    def _figures(self, network: nn.Module, examples: Examples, splits: Splits, numerics: Numerics) -> Figures:
        """Named metrics on every part of the data."""
        parts = {"training": splits.training, "validation": splits.validation, "test": splits.test}
        return {part: self.score(network, examples, rows, numerics) for part, rows in parts.items() if len(rows)}

    @override
    def loss(self, network: nn.Module, batch: Batch, state: Carried) -> tuple[Tensor, Carried]:
        scores = network(batch.inputs).float()
        assert self.recipe.loss is not None
        loss = LOSSES[self.recipe.loss]
        smoothing = self.recipe.label_smoothing
        return loss(scores, batch.targets, class_weights=self._weights, smoothing=smoothing), state

    @override
    def score(self, network: nn.Module, examples: Examples, rows: Tensor, numerics: Numerics) -> dict[str, float]:
        return self.measured(examples, rows, outputs_on(network, examples, rows, numerics))

    def measured(self, examples: Examples, rows: Tensor, scores: Tensor) -> dict[str, float]:
        """Named metrics of the network's outputs on some rows; the loss is the one minimised, smoothing included."""
        schema = examples.schema
        assert self.recipe.loss is not None
        raw = examples.columns["targets"][rows]
        metrics = measure(schema.target, scores, raw, self.recipe.loss)
        scaling = Scaling(schema, Numerics())
        plain = (scores - scaling.target_mean) / scaling.target_deviation if schema.target == "number" else scores
        smoothing = self.recipe.label_smoothing
        loss = LOSSES[self.recipe.loss](plain, scaling.targets(raw), smoothing=smoothing)
        return {"loss": float(loss), **metrics}

    @override
    def findings(
        self, network: nn.Module, examples: Examples, splits: Splits, numerics: Numerics, state: Tree | None
    ) -> dict[str, Any]:
        assert self.recipe.loss is not None
        where, rows = measured_rows(splits)
        scores = outputs_on(network, examples, rows, numerics)
        found = findings(examples, splits.training, rows, where, scores, self.recipe.loss)
        found["test_metrics"] = self.measured(examples, rows, scores)
        if self.recipe.restarts == 1 or state is None:
            return found
        ends = outcomes(
            state,
            self.recipe.seed,
            copy.deepcopy(network),
            lambda network: self._figures(network, examples, splits, numerics),
        )
        assert self.recipe.select is not None
        return {**found, **restart_findings(state, ends, self.recipe.select)}

    @override
    def inputs(self, sources: Sequence[Path], schema: Schema) -> Iterator[Inputs]:
        return read_inputs(sources, schema)

    @override
    def batch(self, examples: Examples, rows: Tensor, numerics: Numerics) -> Batch:
        return whole_batch(examples, rows, numerics)

    @override
    def answer(self, network: nn.Module, examples: Examples, numerics: Numerics) -> list[Answer]:
        assert self.recipe.loss is not None
        scores = outputs_on(network, examples, torch.arange(len(examples)), numerics)
        return worded(scores, examples.schema, examples.names, self.recipe.loss)

    @override
    def example(self) -> Examples:
        generator = torch.Generator().manual_seed(0)
        inputs = torch.randint(0, 256, (60, 1, 28, 28), generator=generator, dtype=torch.uint8)
        schema = Schema("image", (1, 28, 28), "class", ("0", "1", "2"))
        targets = torch.arange(60) % 3
        return Examples({"inputs": inputs, "targets": targets, "fingerprints": fingerprints(inputs)}, schema, "example")


def usual_changes(recipe: SupervisedRecipe, schema: Schema, examples: int) -> tuple[str, ...]:
    """How images are augmented where nobody says: a network made for small images that has few of them is, slightly.

    Args:
        recipe: names the network; with restarts, which are trained from the same batches, nothing is augmented, nor
            where images are brought to a size, as they have been read without a margin then.
        schema: says whether these are images of one class each.
        examples: training examples.
    """
    as_they_are = recipe.size is None and recipe.restarts == 1 and recipe.network in NETWORKS
    few = schema.inputs == "image" and schema.target == "class" and examples <= FEW_IMAGES
    return NETWORKS[recipe.network].few if as_they_are and few else ()


def _with_targets(examples: Examples) -> Examples:
    """Refuses what holds no targets, such as a text."""
    if "targets" not in examples.columns:
        raise GlassworkError(
            f"This learns from images or tables with known answers, and {examples.source} holds "
            f"{HOLDS[examples.schema.inputs]}"
        )
    return examples


def usual_strength(recipe: SupervisedRecipe, schema: Schema, examples: int) -> float:
    """lambda where nobody says: that of the most probable weights under a prior (Bishop 2006, section 3.3).

    The prior is one under which the scores of standardised inputs of d numbers have the variance v = 10: weights of
    variance v / d, whose negative logarithm over n examples is d / (2 v n) times the sum of squares (l2); or, of the
    same variance, Laplace's distribution and sqrt(2 d / v) / n times the sum of absolutes (l1).

    Args:
        recipe: names the penalty.
        schema: says how many numbers one input has.
        examples: training examples, n.
    """
    inputs = math.prod(schema.shape)
    if recipe.penalty == "l2":
        return inputs / (2 * VARIANCE_OF_SCORES * examples)
    if recipe.penalty == "l1":
        return math.sqrt(2 * inputs / VARIANCE_OF_SCORES) / examples
    return USUAL_STRENGTHS[recipe.penalty]
