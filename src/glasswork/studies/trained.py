"""Networks that are trained for what they say together: each on rows of its own of the same examples."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from glasswork.catalogue import make_system
from glasswork.data.collate import shuffled_batches
from glasswork.data.dataset import Dataset
from glasswork.data.splits import Splits
from glasswork.errors import GlassworkError
from glasswork.execution import Execution, seed_everything
from glasswork.recipe.base import Recipe
from glasswork.systems.answers import EVALUATION_ROWS
from glasswork.systems.own_network import check_outputs
from glasswork.systems.supervised.recipe import SupervisedRecipe
from glasswork.systems.system import System
from glasswork.training.clock import Clock
from glasswork.training.ensemble.losses import StackedLoss
from glasswork.training.ensemble.stacking import StackedStep, fit_stacked, why_not_stacked
from glasswork.training.stage import Stage
from glasswork.training.step import Step
from glasswork.training.watchers import stopped_early


@dataclass
class Member:
    """One network, made ready; `trained` changes it in place.

    Attributes:
        recipe: with nothing left open.
        system: that follows it.
        dataset: all examples, scaled by this member's training rows.
        splits: its rows: trained on, deciding when to stop, judged on (`test`).
        stage: what is minimised; it holds the network.
        epochs: how many epochs were made.
        best_epoch: after which epoch its weights stood; None: the last.
        together: how many networks were trained at the same time, this one among them.
        alone_because: why it was trained alone, in a clause; None where it was not.
        problem: why it could not be trained to its end, in one sentence; None where it could.
    """

    recipe: Recipe
    system: System
    dataset: Dataset
    splits: Splits
    stage: Stage
    epochs: int = 0
    best_epoch: int | None = None
    together: int = 1
    alone_because: str | None = None
    problem: str | None = None

    @property
    def network(self) -> nn.Module:
        """The network."""
        return self.stage.network

    @property
    def parameters(self) -> int:
        """How many numbers are trained."""
        return sum(parameter.numel() for parameter in self.stage.parameters)

    def judged(self) -> Mapping[str, float]:
        """Named figures on the rows that it is judged on."""
        return self.system.score(self.network, self.dataset, self.splits.test, self.stage.execution)

    def learnt(self) -> Mapping[str, float]:
        """Named figures on the rows that it was trained on."""
        return self.system.score(self.network, self.dataset, self.splits.training, self.stage.execution)


def make_member(
    system_name: str, recipe: Recipe, dataset: Dataset, splits: Splits, execution: Execution, own: nn.Module | None
) -> Member:
    """A network as a run of the same recipe on the same rows would make it.

    Args:
        system_name: key of `catalogue.RECIPES`.
        recipe: with nothing left open.
        dataset: all examples; means and deviations are fitted on the training rows.
        splits: this member's rows.
        execution: how the arithmetic is carried out.
        own: the user's network, which is copied.

    Raises:
        GlassworkError: where recipe, network and examples do not fit.
    """
    assert recipe.epochs is not None
    system = make_system(system_name, recipe, copy.deepcopy(own))
    dataset = dataset.with_schema(system.scaled(dataset, splits.training))
    seed_everything(recipe.seed)
    network = system.network(dataset.schema)
    check_outputs(network, dataset.schema)
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise GlassworkError("The network has no weights to train")
    execution.place(network)
    clock = Clock()
    stages = system.stages(network, dataset, splits, clock, execution)
    if len(stages) > 1:
        names = " and ".join(stage.name for stage in stages)
        raise GlassworkError(f"What is trained here has one stage, and this recipe has {names}: use glasswork train")
    clock.total = system.length(stages[0], recipe.epochs)
    return Member(recipe, system, dataset, splits, stages[0])


def why_not_together(members: Sequence[Member]) -> str | None:
    """Why some networks cannot be trained as one stack, in a clause; None where they can."""
    if not all(isinstance(member.recipe, SupervisedRecipe) for member in members):
        return "networks of this system are trained one by one"
    if len({member.recipe.patience for member in members}) > 1:
        return "the settings differ in patience"
    return why_not_stacked([member.stage for member in members], [_loss(member) for member in members])


def trained(members: Sequence[Member]) -> Iterator[float]:
    """Trains networks, those that can be stacked at the same time; each keeps its best weights, or else its last.

    Each ends as it would alone: a network that cannot be trained to the end is told in its `problem`.

    Yields:
        The share of the work that is done, after every step.
    """
    done = 0
    for stack in _stacks(members):
        together = _stacked(stack) if len(stack) > 1 else _alone(stack[0])
        for share in together:
            yield (done + share * len(stack)) / len(members)
        for member in stack:
            member.together = len(stack)
        if len(stack) == 1:
            stack[0].alone_because = _why_alone(stack[0], members)
        done += len(stack)


def _stacks(members: Sequence[Member]) -> list[list[Member]]:
    """Networks that can be trained together, in the order in which the first of each comes."""
    stacks: list[list[Member]] = []
    for member in members:
        fitting = (stack for stack in stacks if why_not_together([stack[0], member]) is None)
        stack = next(fitting, None)
        if stack is None:
            stacks.append([member])
        else:
            stack.append(member)
    return stacks


def _why_alone(member: Member, members: Sequence[Member]) -> str:
    reasons = [why_not_together([member]), *(why_not_together([one, member]) for one in members if one is not member)]
    return next((reason for reason in reasons if reason), "there is no room in memory for two of them")


def _alone(member: Member) -> Iterator[float]:
    last: Step | None = None
    try:
        for step in stopped_early(member.system.steps(member.stage, None), member.recipe.patience):
            last = step
            yield step.progress
    except GlassworkError as error:
        member.problem = str(error)
        return
    assert last is not None
    member.epochs = last.epoch
    if last.best is not None:
        member.network.load_state_dict(dict(last.best.weights))
        member.best_epoch = last.best.epoch


def _stacked(members: Sequence[Member]) -> Iterator[float]:
    stages = [member.stage for member in members]
    held_out = [
        shuffled_batches(member.dataset, member.splits.validation, EVALUATION_ROWS, 0, member.stage.execution)
        for member in members
    ]
    judged = held_out if stages[0].judge is not None else None
    last: StackedStep | None = None
    losses = [_loss(member) for member in members]
    try:
        for step in fit_stacked(stages, losses, patience=members[0].recipe.patience, held_out=judged):
            last = step
            for place in step.members:
                members[place].epochs = step.epoch
            yield step.progress
    except GlassworkError:  # not one has a finite loss
        last = None
    for place, member in enumerate(members):
        if last is None or place in last.diverged:
            member.problem = (
                f"the loss stopped being a finite number in epoch {max(1, member.epochs)}: try a lower learning rate "
                f"than {member.stage.learning_rate:g} or --gradient-clip 1"
            )
        elif last.best is not None:
            weights = {name: tensor[place] for name, tensor in last.best.weights.items()}
            member.network.load_state_dict(weights)
            member.best_epoch = int(last.best.epochs[place])


def _loss(member: Member) -> StackedLoss:
    """What the member's stage minimises, in figures."""
    recipe = member.recipe
    assert isinstance(recipe, SupervisedRecipe) and recipe.loss is not None
    if recipe.class_weights == "none":
        return StackedLoss(recipe.loss, recipe.label_smoothing)
    targets = member.dataset.columns["targets"][member.splits.training]
    counts = torch.bincount(targets, minlength=len(member.dataset.schema.classes))
    return StackedLoss(recipe.loss, recipe.label_smoothing, (counts.sum() / (counts * len(counts))).float())
