"""A stage, which is one minimisation: what it is made of, its clock, and the steps that it takes."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from torch import Tensor, nn

from glasswork.data.batches import Batch, Batches
from glasswork.execution import Execution

Carry = Mapping[str, Tensor]
"""State that one step hands to the next and that is no function of seed, epoch and batch; empty for most systems."""
Tree = dict[str, Any]
"""Nested dictionaries and lists whose leaves are tensors, numbers, strings, booleans or None."""


class Clock:
    """Tells progress before each step; a run ends where it reaches 1.

    Args:
        total: steps that the run has at most; progress by steps is the same on every machine.
        seconds: time that the run has at most.
        recorded: progress before each step of a former run, to repeat its schedule exactly; the others do not count.
    """

    def __init__(
        self, total: int | None = None, seconds: float | None = None, recorded: Sequence[float] | None = None
    ) -> None:
        self.total = total
        self.seconds = seconds
        self.recorded = recorded
        self._origin = time.monotonic()

    def start(self, elapsed: float) -> None:
        """Begins to count, with `elapsed` seconds already spent by the run before it was stopped."""
        self._origin = time.monotonic() - elapsed

    def elapsed(self) -> float:
        """Seconds spent in training by this run, in all its sittings."""
        return time.monotonic() - self._origin

    def progress(self, number: int) -> float:
        """Progress after `number` steps."""
        if self.recorded is not None:
            return self.recorded[number] if number < len(self.recorded) else 1.0
        by_steps = number / self.total if self.total else 0.0
        by_time = self.elapsed() / self.seconds if self.seconds else 0.0
        return min(1.0, max(by_steps, by_time))

    def part(self, number: int, share: float, total: int | None) -> "Clock":
        """The clock of one stage of several: its own steps, its share of the time, its part of what was recorded.

        Args:
            number: of the stage, from 0.
            share: of the seconds, if there is a budget.
            total: steps that the stage has at most; None where only the time counts.
        """
        if self.recorded is not None:  # each stage begins at 0 again
            falls = [at for at in range(1, len(self.recorded)) if self.recorded[at] < self.recorded[at - 1]]
            ends = [0, *falls, *[len(self.recorded)] * (number + 1)]
            return Clock(recorded=self.recorded[ends[number] : ends[number + 1]])
        return Clock(total, None if self.seconds is None else share * self.seconds)


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


@dataclass(frozen=True)
class Best:
    """The best judgement so far.

    Attributes:
        judgement: what was found.
        epoch: after which epoch, from 1.
        weights: a copy of the network's state at that time.
        stale: judgements since then that were no better, counted after the learning rate's peak.
    """

    judgement: Judgement
    epoch: int
    weights: Mapping[str, Tensor]
    stale: int = 0


class Step(NamedTuple):
    """One update of the weights.

    A named tuple and no dataclass: there is one per update, and it is made and changed several times as fast.

    Attributes:
        stage: name of the stage.
        number: how many updates the stage has made, this one included.
        epoch: from 1.
        epoch_ended: whether this was the last batch of its epoch.
        last: whether the clock has run out.
        progress: how far the run had come when this step's learning rate was set, from 0 to 1.
        examples: how many examples the batch had.
        loss: mean loss of the batch before the update, without the penalty (detached, shape ()).
        penalty: strength x R(W), detached, shape (); None if there is no penalty.
        learning_rate: size of this step.
        gradient_norm: length of the gradient before clipping; None where it is not clipped.
        judgement: on the validation examples, after an epoch or the last step; else None.
        best: the best judgement so far.
        elapsed: seconds of training up to and with this step.
        state: makes the tree from which `fit(stage, start=tree)` goes on; call it before asking for the next step.
        save: whether the state has to be saved now, because a file that grows beside it goes on no further without.
    """

    stage: str
    number: int
    epoch: int
    epoch_ended: bool
    last: bool
    progress: float
    examples: int
    loss: Tensor
    penalty: Tensor | None
    learning_rate: float
    gradient_norm: Tensor | None
    judgement: Judgement | None
    best: Best | None
    elapsed: float
    state: Callable[[], Tree]
    save: bool = False
