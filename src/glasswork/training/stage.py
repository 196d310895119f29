"""A stage: one minimisation."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from torch import Tensor, nn

from glasswork.data.batches import Batch, Batches
from glasswork.execution import Execution
from glasswork.training.clock import Clock

if TYPE_CHECKING:
    from glasswork.training.step import Step, Tree

Carry = Mapping[str, Tensor]
"""State that one step hands to the next and that is no function of seed, epoch and batch; empty for most systems."""


class Moment(NamedTuple):
    """When a loss is computed.

    Attributes:
        epoch: from 0.
        index: of the batch within the epoch, from 0.
        progress: how far the stage has come, from 0 to 1.
    """

    epoch: int
    index: int  # type: ignore[assignment]  # a tuple's own `index` is of no use here
    progress: float


START = Moment(0, 0, 0.0)
"""Before the first step; also where a loss is computed outside of training."""

Loss = Callable[[nn.Module, Batch, Carry, Moment], tuple[Tensor, Carry]]
Minimise = Callable[["Stage", "Tree | None"], "Iterator[Step]"]


@dataclass(frozen=True)
class Judgement:
    """How good a network is on examples that it was not trained on.

    Attributes:
        error: what early stopping compares; smaller is better.
        metrics: named figures for people.
    """

    error: float
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Stage:
    """What `fit` minimises and how.

    Attributes:
        name: written into every step and checkpoint.
        network: the network; its parameters in `parameters` are changed in place.
        parameters: which of its parameters this stage changes.
        batches: where examples come from.
        loss: mean loss of a batch, without the penalty.
        judge: looks at the network after each epoch; absent where nothing was held out.
        clock: tells how far the run has come.
        execution: how the arithmetic is carried out.
        seed: what random layers draw from, with epoch and batch.
        optimizer, learning_rate, momentum, weight_decay, schedule, penalty, strength, gradient_clip: as in the recipe.
        total: how many steps the stage makes at most; None: the time alone decides.
        share: of the time, if a run has several stages and a budget.
        minimise: makes the steps, from the state of a former step or None, under the contract of `fit`: each step is
            made when it is handed out, its `state` is everything needed to go on after it, and starting from that state
            makes exactly what would have followed. None: `fit`.
    """

    name: str
    network: nn.Module
    parameters: Sequence[nn.Parameter]
    batches: Batches
    loss: Loss
    judge: Callable[[nn.Module], Judgement] | None
    clock: Clock
    execution: Execution
    seed: int
    learning_rate: float
    optimizer: str = "adamw"
    momentum: float = 0.9
    weight_decay: float = 0.0
    schedule: str = "one-cycle"
    penalty: str = "none"
    strength: float = 0.0
    gradient_clip: float | None = None
    total: int | None = None
    share: float = 1.0
    minimise: Minimise | None = None


@contextmanager
def only_trained(stage: Stage) -> Iterator[None]:
    """No gradient for what the stage leaves as it is: it would cost time, and add up for the stage that comes next."""
    trained = {id(parameter) for parameter in stage.parameters}
    others = [each for each in stage.network.parameters() if each.requires_grad and id(each) not in trained]
    for parameter in others:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in others:
            parameter.requires_grad_(True)
