"""A stage: one minimisation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from glasswork.data.batches import Batch, Batches
from glasswork.execution import Execution
from glasswork.training.clock import Clock

Carry = Mapping[str, Tensor]
"""State that one step hands to the next and that is no function of seed, epoch and batch; empty for most systems."""

Loss = Callable[[nn.Module, Batch, Carry], tuple[Tensor, Carry]]


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
