"""Supervised learning: classes, several classes at once or numbers, from images or from the columns of a table."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from typing_extensions import override

from glasswork.data.augmentation import Augmentation, least_margin, parse
from glasswork.data.collate import shuffled_batches
from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.require import suits
from glasswork.data.kinds.task import Task
from glasswork.data.splits import Splits
from glasswork.errors import GlassworkError
from glasswork.execution import Execution, require_memory
from glasswork.networks.weights import LITE0, fitting, input_images, input_scaling, load_weights, run_folder
from glasswork.objectives.losses import Objective
from glasswork.recipe.base import Machine
from glasswork.systems.evaluation import Evaluation
from glasswork.systems.labelled import objective_of, read_labelled, usual_values, weigh_classes
from glasswork.systems.networks import LEAST_SIDE, NETWORKS, Architecture, build_network, refuse_inputs
from glasswork.systems.pretrained import fit_weights, put_weights, scale_as_trained
from glasswork.systems.sample import Sample, write_images, write_network
from glasswork.systems.supervised.recipe import SupervisedRecipe
from glasswork.systems.supervised.restarts import Figures, Restarts, fit_restarts, outcomes
from glasswork.systems.supervised.restarts_report import report_restarts
from glasswork.systems.system import Context, Findings, Remarks, System
from glasswork.training.ensemble.network import layers_of
from glasswork.training.stage import Stage, Step, Tree

FEW_IMAGES = 10_000
TUNED = 0.1
"""The usual learning rate of trained weights, as a fraction of that of random ones."""
STACKED = 6
"""Copies of the weights of networks that are trained together: their own, stacked, gradients, moments, the best."""
PUBLISHED = tuple(name for name, entry in NETWORKS.items() if entry.side is not None)
"""Names that `published` knows; all but efficientnet-lite0 are downloaded the first time."""
OFFLINE = LITE0


class Supervised(System[SupervisedRecipe, Tensor]):
    """Minimises the mean of a loss between the network's outputs and known targets.

    Args:
        recipe: what to minimise.
        own: the user's network, where it was given as a module rather than by name.
    """

    def __init__(self, recipe: SupervisedRecipe, own: nn.Module | None = None) -> None:
        super().__init__(recipe)
        self.own = own
        self.augmentation: Augmentation | None = parse(recipe.augment) if recipe.augment else None

    @override
    def objective(self, task: Task) -> Objective:
        return objective_of(self.recipe.loss, task, self.recipe.label_smoothing)

    @override
    def training_objective(self, context: Context) -> Objective:
        return weigh_classes(self.objective(context.dataset.task), self.recipe.class_weights, context)

    @override
    def read(self, source: str | Path, like: Task | None = None) -> Dataset:
        recipe, size = self.recipe, self.recipe.size
        margin = least_margin(self.augmentation, size) if self.augmentation and size else 0
        entry, weights = NETWORKS.get(recipe.network), recipe.weights
        told = weights is not None and (run_folder(weights) or (entry is not None and entry.side))
        channels = input_images(weights)[0] if weights is not None and told else None
        return read_labelled(source, ReadingOptions.of(recipe, margin=margin, channels=channels), like)

    @override
    def fit(self, dataset: Dataset, rows: Tensor) -> Task:
        task, recipe = super().fit(dataset, rows), self.recipe
        if recipe.weights is None:
            return task
        task.inputs.require_images("Trained weights")
        return scale_as_trained(task, recipe.weights, recipe.network)

    @override
    def derive(self, dataset: Dataset, splits: Splits) -> Mapping[str, object]:
        recipe, task, count = self.recipe, dataset.task, len(splits.training)
        if self.own is None:
            refuse_inputs(recipe.network, task)
        if recipe.restarts > 1:
            self._refuse_restarts(splits)
        values = usual_values(
            recipe,
            task,
            count,
            recipe.network,
            recipe.loss,
            recipe.label_smoothing,
            recipe.class_weights,
            recipe.augment,
        )
        select = "validation" if len(splits.validation) else "training"
        if recipe.weights is not None:
            with torch.device("meta"):
                network = self.network(task)
            fit_weights(network, load_weights(recipe.weights, recipe.network), self._head, task.target.names)
            rate = values["learning_rate"]
            assert isinstance(rate, float)
            values = {**values, "learning_rate": TUNED * rate}
        return {**values, "augment": usual_changes(recipe, task, count), "select_by": select}

    def _refuse_restarts(self, splits: Splits) -> None:
        """Refuses restarts that could not begin from other weights, or of which none could be chosen."""
        if self.own is not None:
            raise GlassworkError(
                "Restarts need new initial weights for every network, and a module made in Python has only one set: "
                "name its class as file.py:Class, or leave out restarts"
            )
        if self.recipe.weights is not None:
            raise GlassworkError("Restarts begin with random weights: leave out --weights or --restarts")
        if self.recipe.select_by == "validation" and len(splits.validation) == 0:
            raise GlassworkError(
                "The kept restart is the one with the lowest validation loss, and no examples are held out: add "
                "--validation 0.1 or --select-by training"
            )

    @override
    def network(self, task: Task) -> nn.Module:
        if self.own is not None:
            return self.own
        recipe = self.recipe
        return build_network(Architecture(recipe.network, recipe.hidden, recipe.activation, recipe.dropout), task)

    @property
    def _head(self) -> str:
        """What the names of the output layer's weights begin with; empty: all weights have to fit."""
        entry = NETWORKS.get(self.recipe.network)
        return f"{entry.head}." if entry is not None and entry.head else ""

    @override
    def begin(self, network: nn.Module, context: Context) -> Remarks:
        """Puts trained weights into the network, if there are any."""
        recipe = self.recipe
        if recipe.weights is None:
            return ()
        weights = load_weights(recipe.weights, recipe.network)
        return (put_weights(network, weights, self._head, context.dataset.task.target.names),)

    @override
    def restrict(self, machine: Machine, network: nn.Module) -> Machine:
        if self.recipe.restarts > 1 and machine.precision == "auto" and layers_of(network) is not None:
            return machine.model_copy(update={"precision": "float32"})  # as many networks at once are trained in
        return machine

    @override
    def stages(self, network: nn.Module, context: Context) -> list[Stage]:
        minimise = partial(self._restarted, context=context) if self.recipe.restarts > 1 else None
        if minimise is not None and layers_of(network) is not None:
            weights = sum(parameter.nbytes for parameter in network.parameters())
            what = f"{self.recipe.restarts:,} networks that are trained at the same time"
            require_memory(STACKED * self.recipe.restarts * weights, what, "choose fewer --restarts")
        return [replace(stage, minimise=minimise) for stage in super().stages(network, context)]

    def _restarted(self, stage: Stage, start: Tree | None, context: Context) -> Iterator[Step]:
        """The steps of several networks, of which one is kept."""
        dataset, splits, execution, recipe = context.dataset, context.splits, context.execution, self.recipe
        training, held_out = (
            shuffled_batches(dataset, rows, max(1, len(rows)), 0, execution)
            for rows in (splits.training, splits.validation)
        )
        assert recipe.select_by is not None
        restarts = Restarts(
            recipe.restarts,
            recipe.select_by,
            recipe.patience,
            make=lambda: self.network(dataset.task),
            loss=self.training_objective(context),
            training=training,
            held_out=held_out if len(splits.validation) else None,
            figures=lambda network: self._figures(network, dataset, splits, execution),
        )
        return fit_restarts(stage, start, restarts)

    def _figures(self, network: nn.Module, dataset: Dataset, splits: Splits, execution: Execution) -> Figures:
        """Named metrics on every part of the data."""
        parts = {"training": splits.training, "validation": splits.validation, "test": splits.test}
        return {
            part: self.evaluate(network, dataset, rows, execution).metrics.values
            for part, rows in parts.items()
            if len(rows)
        }

    @override
    def report(
        self, network: nn.Module, evaluation: Evaluation[Tensor], context: Context, last: Tree | None
    ) -> Findings:
        found = super().report(network, evaluation, context, last)
        if self.recipe.restarts == 1 or last is None:
            return found
        assert self.recipe.select_by is not None
        ends = outcomes(
            last,
            self.recipe.seed,
            copy.deepcopy(network),
            lambda network: self._figures(network, context.dataset, context.splits, context.execution),
        )
        return report_restarts(found, last, ends, self.recipe.select_by)

    @override
    def sample(self, folder: Path) -> Sample:
        network, options = self.recipe.network, {"epochs": 2, "batch_size": 8}
        entry = NETWORKS.get(network)
        if entry is not None and entry.side is not None:
            data, one = write_images(folder, LEAST_SIDE, 3, 24)
            small = {"epochs": 1, "size": LEAST_SIDE, "optimizer": "sgd", "augment": ("flip",)}
            return Sample(str(data), {**options, **small}, [str(one)], "1")
        data, one = write_images(folder)
        own = {} if network else {"network": write_network(folder)}
        return Sample(str(data), {**options, **own}, [str(one)], "1")


def usual_changes(recipe: SupervisedRecipe, task: Task, examples: int) -> tuple[str, ...]:
    """The default augmentation: slight, for a network for small images that has few of them.

    Args:
        recipe: names the network; with restarts, which are trained from the same batches, nothing is augmented, nor
            where images are brought to a size, as they have been read without a margin then.
        task: says whether these are images of one class each.
        examples: training examples.
    """
    as_they_are = recipe.size is None and recipe.restarts == 1 and recipe.network in NETWORKS
    few = suits(task, (Images,), (OneClass,)) and examples <= FEW_IMAGES
    return NETWORKS[recipe.network].few if as_they_are and few else ()


def published(name: str) -> tuple[nn.Module, Task, Supervised]:
    """A network with its published weights, what its inputs and outputs mean, and the system that words its answers.

    Args:
        name: one of `PUBLISHED`.

    Raises:
        GlassworkError: where the weights are neither installed nor to be downloaded.
    """
    entry, weights, scaling = NETWORKS[name], load_weights(name, name), input_scaling(name, name)
    assert entry.side is not None and scaling is not None
    task = Task(Images((3, entry.side, entry.side), *scaling), OneClass(weights.classes))
    recipe = SupervisedRecipe.parse({"network": name, "size": entry.side, "loss": "cross-entropy"})
    network = build_network(Architecture(name), task)
    state, _ = fitting(network.state_dict(), weights.tensors, "", name)
    network.load_state_dict(state)
    return network.eval(), task, Supervised(recipe)
