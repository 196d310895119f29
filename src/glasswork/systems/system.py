"""The one abstract class: what a lecture system adds to the common loop, is asked for and says at the end."""

import abc
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, cast

import torch
from torch import Tensor, nn
from typing_extensions import TypeVar

from glasswork.activity import doing
from glasswork.data.augmentation import Augmentation
from glasswork.data.batches import Batch, Batches
from glasswork.data.collate import shuffled_batches
from glasswork.data.dataset import Dataset
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.kind import Inputs, Reading, Target
from glasswork.data.kinds.labels import Labels
from glasswork.data.kinds.numbers import Numbers
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.table import Table
from glasswork.data.kinds.task import Task
from glasswork.data.new_inputs import read_new_inputs
from glasswork.data.prediction import Prediction
from glasswork.data.splits import Splits, split
from glasswork.errors import GlassworkError
from glasswork.execution import Execution
from glasswork.objectives.losses import Objective, OwnLoss
from glasswork.objectives.metrics import Metrics
from glasswork.recipe.base import Machine, Recipe
from glasswork.report.blocks import Curves
from glasswork.report.report import Score, Section
from glasswork.systems.evaluation import Evaluation, OutputsT, collate, measure_targets, measured_rows, outputs_on
from glasswork.systems.sample import Sample
from glasswork.training.optimizers import refuse_weight_decay
from glasswork.training.stage import Carry, Clock, Judgement, Moment, Stage, Tree

if TYPE_CHECKING:
    from glasswork.systems.model import Model

RecipeT = TypeVar("RecipeT", bound=Recipe, default=Recipe, covariant=True)
Remarks = tuple[str, ...]
"""Sentences for the terminal and the report."""


@dataclass(frozen=True)
class Findings:
    """What a system has to say about a trained network.

    Attributes:
        score: the main figure.
        sections: of the report, in order, between the learning curves and the data.
        files: to be left in the run's folder, by name.
        figures: charts to be left there as pictures, by name.
        remarks: sentences about how the training ended.
        warnings: what the reader must know before trusting a number.
        results: further entries of `result.json`.
    """

    score: Score
    sections: Sequence[Section] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    figures: Mapping[str, Sequence[Curves]] = field(default_factory=dict)
    remarks: Remarks = ()
    warnings: Remarks = ()
    results: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Context:
    """What a network learns from and how: one argument that can grow.

    Attributes:
        dataset: all examples, with the fitted task.
        splits: which of them train, validate and test.
        execution: how the arithmetic is carried out.
    """

    dataset: Dataset
    splits: Splits
    execution: Execution


class System(abc.ABC, Generic[RecipeT, OutputsT]):
    """How one system's data reads, what it minimises and what it predicts; the machinery is elsewhere.

    Only the methods without a body have to be written; the others suit a network that gives scores (rows, outputs) for
    inputs with one known target each. Their order in a run: `read`, `fit`, `derive`, `network`, `begin`, `stages`, then
    for every step `loss` and after every epoch `judge`, and at the end `complete`, `evaluate` and `report`. Weights are
    set by `begin`, by the steps and by `complete`, and by nothing else.

    Args:
        recipe: what to minimise.

    Attributes:
        recipe_class: what a system of the user's own takes; the catalogue knows it of ours.
        takes: the kinds of inputs that it learns from.
        answers: the kinds of targets that it learns.
        wanted: a clause about these inputs, and one about these targets, for whoever has others.
        needed: what to do if no data is named.
    """

    takes: ClassVar[tuple[type[Inputs], ...]] = (Images, Table)
    answers: ClassVar[tuple[type[Target], ...]] = (OneClass, Labels, Numbers)
    wanted: ClassVar[tuple[str, str]] = ("This learns from images or tables with known answers",) * 2
    needed: ClassVar[str] = "give a path or the name of a data set with --data"
    recipe_class: ClassVar[type[Recipe]] = Recipe

    def __init__(self, recipe: RecipeT) -> None:
        self._recipe = recipe
        self.augmentation: Augmentation | None = None

    @property
    def recipe(self) -> RecipeT:
        """The recipe that the system follows."""
        return self._recipe

    @abc.abstractmethod
    def read(self, source: str | Path, like: Task | None = None) -> Dataset:
        """The examples at a path or under a name; with `like`, their inputs as that task describes them."""

    def fit(self, dataset: Dataset, rows: Tensor) -> Task:
        """The dataset's task with what inputs and targets are scaled by, found on the training `rows`."""
        return dataset.task.fit(dataset, rows)

    def derive(self, dataset: Dataset, splits: Splits) -> Mapping[str, object]:
        """What the recipe's fields become that were left None, by name; `epochs` is among them.

        Raises:
            GlassworkError: for a recipe that does not fit the data.
        """
        return {"epochs": 20, "batch_size": 32, "learning_rate": 0.001}

    def resolve(self, dataset: Dataset, splits: Splits) -> RecipeT:
        """The recipe with every field that was left None derived from the data."""
        refuse_weight_decay(self.recipe.optimizer, self.recipe.weight_decay)
        return self.recipe.completed(self.derive(dataset, splits))

    @abc.abstractmethod
    def network(self, task: Task) -> nn.Module:
        """A freshly initialised network for inputs and targets as `task` describes them."""

    def restrict(self, machine: Machine, network: nn.Module) -> Machine:
        """The machine without what the system cannot use, and with its own choice of what is left to it.

        Args:
            machine: what was asked for.
            network: what is trained on it.

        Raises:
            GlassworkError: if the system cannot do what was asked for.
        """
        return machine

    def batches(self, context: Context) -> Batches:
        """The training examples, batch by batch; shuffled, and augmented if the system augments."""
        recipe = self.recipe
        assert recipe.batch_size is not None
        return shuffled_batches(
            context.dataset,
            context.splits.training,
            recipe.batch_size,
            recipe.seed,
            context.execution,
            self.augmentation,
        )

    def stages(self, network: nn.Module, context: Context) -> list[Stage]:
        """The minimisations, in order, with clocks that do not run out; nothing is changed."""
        return [stage_of(self, network, self.batches(context), context)]

    def begin(self, network: nn.Module, context: Context) -> Remarks:
        """Sets the weights that a fresh run begins with, if they are not random: published ones, counted words.

        It is called once, on the freshly initialised network, and not if a run is resumed.

        Returns:
            Sentences about it, for the report.
        """
        return ()

    def objective(self, task: Task) -> Objective:
        """What the network's outputs are made for: the loss of one example, and how outputs read as probabilities."""
        return Objective(task.target.losses[0])

    def minimised(self, task: Task) -> str:
        """What is minimised, by its name; the loss of `objective`, if a system does not say otherwise."""
        objective = self.objective(task)
        return objective.function.word if isinstance(objective.function, OwnLoss) else objective.name

    def another_loss(self, task: Task) -> Remarks:
        """A sentence if the loss of `objective`, which is looked into, is not what was minimised."""
        minimised, shown = self.minimised(task), self.objective(task).name
        if minimised == shown:
            return ()
        return (f"this network was trained by the {minimised}; shown is the {shown} of its scores",)

    def training_objective(self, context: Context) -> Objective:
        """What the steps minimise: `objective`, with class weights from the training examples if there are any."""
        return self.objective(context.dataset.task)

    def loss(
        self, network: nn.Module, batch: Batch, carry: Carry, moment: Moment, objective: Objective
    ) -> tuple[Tensor, Carry]:
        """Mean loss of a batch (shape ()) and what the next step carries on."""
        return objective(network(batch.inputs, *batch.further).float(), batch.targets), carry

    def complete(self, network: nn.Module, context: Context) -> None:
        """Sets what is not learned by steps, such as class means, on the weights that are kept.

        It is called once after training and before anything is measured; calling it again changes nothing.
        """

    def outputs(self, network: nn.Module, dataset: Dataset, rows: Tensor, execution: Execution) -> OutputsT:
        """What the network says about some rows, on the CPU; numbers in the target's own units."""
        return cast("OutputsT", outputs_on(network.eval(), dataset, rows, execution))

    def measure(self, outputs: OutputsT, dataset: Dataset, rows: Tensor) -> Metrics:
        """Named figures of the outputs on some rows; `loss` is among them."""
        return measure_targets(cast("Tensor", outputs), dataset, rows, self.objective(dataset.task))

    def judge(self, network: nn.Module, context: Context) -> Metrics:
        """How good the network is on the validation rows, after an epoch; the weights with the least error are kept."""
        dataset, rows = context.dataset, context.splits.validation
        return self.measure(self.outputs(network, dataset, rows, context.execution), dataset, rows)

    def evaluate(
        self, network: nn.Module, dataset: Dataset, rows: Tensor, execution: Execution
    ) -> Evaluation[OutputsT]:
        """How good the network is on some rows, in float32 whatever precision it was trained in."""
        outputs = self.outputs(network, dataset, rows, replace(execution, precision="float32"))
        return Evaluation(self.measure(outputs, dataset, rows), outputs, rows)

    def report(
        self, network: nn.Module, evaluation: Evaluation[OutputsT], context: Context, last: Tree | None
    ) -> Findings:
        """What only the system can say about a finished run.

        Args:
            network: with the weights that are kept.
            evaluation: of the rows that the run is measured on, see `measured_rows`.
            context: what it was trained on.
            last: the state of the last step; None if not one was made.
        """
        dataset, splits = context.dataset, context.splits
        where, rows = measured_rows(splits)
        outputs, loss = cast("Tensor", evaluation.outputs), self.objective(dataset.task).name
        return Findings(*dataset.task.target.report(outputs, dataset, splits.training, rows, where, loss))

    def inputs(self, sources: Sequence[Path], task: Task) -> Iterator[Reading]:
        """New inputs at some paths, read as `task` describes them, in parts that fit into memory.

        Raises:
            GlassworkError: for paths that hold nothing of the kind.
        """
        return read_new_inputs(sources, task)

    def batch(self, dataset: Dataset, rows: Tensor, execution: Execution) -> Batch:
        """The examples at `rows` as one batch, as the network sees them outside of training; of a text: stretches."""
        return collate(dataset, rows, execution)

    def select_opened(
        self, network: nn.Module, batch: Batch, task: Task, target: str | float | None
    ) -> tuple[tuple[Tensor, ...], Tensor | None]:
        """What the network takes of the first example of a batch when it is opened, and what it should answer.

        Args:
            network: that is opened.
            batch: from `batch`.
            task: of the network.
            target: what it should have answered, in words; None: its own answer.
        """
        following = batch.targets[:1] if task.target.inside else None
        return (batch.inputs[:1],), following if target is None else task.target.parse(target)

    def predict(self, network: nn.Module, dataset: Dataset, execution: Execution) -> list[Prediction]:
        """What the network says about each example; their targets play no part."""
        outputs = outputs_on(network.eval(), dataset, torch.arange(len(dataset)), execution)
        return dataset.task.target.predict(outputs, dataset.names, self.objective(dataset.task).name)

    def next_commands(self, run: str, task: Task) -> list[tuple[str, str]]:
        """What to try after a run: commands, and what each does."""
        file, what = task.inputs.file, task.inputs.asked
        return [
            (f"glasswork predict {run} {file}", f"predicts for {what} of your own"),
            (f"glasswork evaluate {run} --data PATH", "measures the model on other examples with known answers"),
            (f"glasswork compare {run} OTHER", "compares two runs: recipe, metrics, time"),
        ]

    def model_class(self) -> "type[Model]":
        """The class of the models that its runs leave; one with verbs of its own, if the system has some."""
        from glasswork.systems.model import Model  # here, as training does not wait for what looks into a network

        return Model

    def usual_task(self) -> Task:
        """What inputs and targets usually are, to count a network without data: grey images of ten classes."""
        return Task(Images((1, 28, 28)), OneClass(tuple("0123456789")))

    @abc.abstractmethod
    def sample(self, folder: Path) -> Sample:
        """Tiny data, written into a folder if it has no name, with fields for a run of seconds; for tests."""


def read_data(system: System, place: str | None = None, like: Task | None = None) -> Dataset:
    """The data of a system's recipe.

    Args:
        system: reads it.
        place: where it is; None: where the recipe says.
        like: as its inputs are to be described; None: as the data itself says.

    Raises:
        GlassworkError: if no data is named, or it cannot be read.
    """
    source = place or system.recipe.data
    if source is None:
        raise GlassworkError(f"There is no data: {system.needed}")
    with doing(f"reading {source}"):
        return system.read(source, like)


def read_split(system: System, place: str | None = None, like: Task | None = None) -> tuple[Dataset, Splits]:
    """The same, and which rows train, validate and test."""
    recipe, dataset = system.recipe, read_data(system, place, like)
    return dataset, split(dataset, recipe.validation, recipe.test, recipe.seed)


def judge_of(system: System[Any, Any], context: Context) -> Callable[[nn.Module], Judgement] | None:
    """How a system judges a network; None if nothing is held out to judge it on."""

    def judge(network: nn.Module) -> Judgement:
        metrics = system.judge(network, context)
        return Judgement(metrics.error, metrics.values)

    return judge if len(context.splits.validation) else None


def stage_of(system: System[Any, Any], network: nn.Module, batches: Batches, context: Context) -> Stage:
    """The one minimisation of a resolved recipe, over every parameter of the network that is not frozen."""
    recipe = system.recipe
    assert recipe.learning_rate is not None
    return Stage(
        name="train",
        network=network,
        parameters=[parameter for parameter in network.parameters() if parameter.requires_grad],
        batches=batches,
        loss=partial(system.loss, objective=system.training_objective(context)),
        judge=judge_of(system, context),
        clock=Clock(),
        execution=context.execution,
        seed=recipe.seed,
        learning_rate=recipe.learning_rate,
        optimizer=recipe.optimizer,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        schedule=recipe.schedule,
        penalty=recipe.penalty,
        strength=recipe.strength or 0.0,
        gradient_clip=recipe.gradient_clip,
        total=recipe.epochs * len(batches) if recipe.epochs else None,
    )
