"""Networks trained on different rows and compared: each on rows of its own of the same examples."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from glasswork.data.collate import shuffled_batches
from glasswork.data.dataset import Dataset
from glasswork.data.splits import Splits
from glasswork.errors import GlassworkError
from glasswork.execution import Execution, choose_device, usable_cores
from glasswork.objectives.losses import Objective
from glasswork.recipe.base import Machine
from glasswork.run.prepare import prepare
from glasswork.run.request import Request
from glasswork.systems.evaluation import EVALUATION_ROWS
from glasswork.systems.learning import Learning
from glasswork.systems.supervised.system import Supervised
from glasswork.training.ensemble.stacking import StackedStep, fit_stacked, why_not_stacked
from glasswork.training.fit import minimise
from glasswork.training.stage import Stage, Step


@dataclass
class Member:
    """One network, made ready; `train_members` changes it in place.

    Attributes:
        learning: its recipe, with nothing left open, on its own rows: trained on, deciding when to stop, judged on.
        epochs: how many epochs were made.
        best_epoch: after which epoch its weights stood; None: the last.
        together: how many networks were trained at the same time, this one among them.
        alone_because: why it was trained alone, in a clause; None where it was not.
        problem: why it could not be trained to its end, in one sentence; None where it could.
    """

    learning: Learning
    epochs: int = 0
    best_epoch: int | None = None
    together: int = 1
    alone_because: str | None = None
    problem: str | None = None

    @property
    def stage(self) -> Stage:
        """What is minimised."""
        return self.learning.stages[0]

    @property
    def parameters(self) -> int:
        """How many numbers are trained."""
        return sum(parameter.numel() for parameter in self.stage.parameters)

    def measure(self, rows: Tensor) -> Mapping[str, float]:
        """Named figures on some rows."""
        one = self.learning
        return one.system.evaluate(one.network, one.dataset, rows, one.execution).metrics.values


def make_member(request: Request, dataset: Dataset, splits: Splits, execution: Execution) -> Member:
    """A network as a run of the same recipe on the same rows would make it.

    Raises:
        GlassworkError: if recipe, network and examples do not fit.
    """
    request = replace(request, network=copy.deepcopy(request.network))
    learning = prepare(request, dataset, splits, execution=execution, derive=False)
    require_one_stage(learning)
    return Member(learning)


def plain_execution(machine: Machine) -> Execution:
    """Arithmetic of which nothing is measured, so that the same figures come out the next time."""
    return Execution(choose_device(machine.device), machine.threads or usable_cores())


def require_one_stage(learning: Learning) -> None:
    """Refuses what is trained in several stages."""
    if len(learning.stages) > 1:
        names = " and ".join(stage.name for stage in learning.stages)
        raise GlassworkError(
            f"Only recipes with one training stage work here, and this one has {names}: use glasswork train"
        )


def why_not_together(members: Sequence[Member]) -> str | None:
    """Why some networks cannot be trained as one stack, in a clause; None where they can."""
    if not all(isinstance(member.learning.system, Supervised) for member in members):
        return "networks of this system are trained one by one"
    if len({member.learning.recipe.patience for member in members}) > 1:
        return "the settings differ in patience"
    return why_not_stacked([member.stage for member in members], [_loss(member) for member in members])


def train_members(members: Sequence[Member]) -> Iterator[float]:
    """Trains networks, those that can be stacked at the same time; each keeps its best weights, or else its last.

    Each ends as it would alone: a network that cannot be trained to the end is told in its `problem`.

    Yields:
        The share of the work that is done, after every step.
    """
    done = 0
    for stack in _stacks(members):
        together = _train_stacked(stack) if len(stack) > 1 else _train_alone(stack[0])
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
    return next((reason for reason in reasons if reason), "memory does not hold two of them")


def _train_alone(member: Member) -> Iterator[float]:
    last: Step | None = None
    try:
        for step in minimise([member.stage], None, member.learning.recipe.patience):
            last = step
            yield step.progress
    except GlassworkError as error:
        member.problem = str(error)
        return
    assert last is not None
    member.epochs = last.epoch
    member.learning.keep(last.best)
    member.best_epoch = last.best.epoch if last.best is not None else None


def _train_stacked(members: Sequence[Member]) -> Iterator[float]:
    stages = [member.stage for member in members]
    held_out = [
        shuffled_batches(
            member.learning.dataset, member.learning.splits.validation, EVALUATION_ROWS, 0, member.stage.execution
        )
        for member in members
    ]
    judged = held_out if stages[0].judge is not None else None
    last: StackedStep | None = None
    losses = [_loss(member) for member in members]
    try:
        for step in fit_stacked(stages, losses, patience=members[0].learning.recipe.patience, held_out=judged):
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
            member.learning.network.load_state_dict(weights)
            member.best_epoch = int(last.best.epochs[place])
        if member.problem is None:
            member.learning.keep(None)


def _loss(member: Member) -> Objective:
    """What the member's stage minimises, in figures."""
    return member.learning.system.training_objective(member.learning.context)
