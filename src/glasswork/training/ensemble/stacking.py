"""Many small networks trained at the same time, as one stacked network; a generator of steps like `fit`."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from glasswork.data.batches import Batches
from glasswork.errors import GlassworkError
from glasswork.objectives.losses import Objective
from glasswork.training.ensemble.members import Stack, StackedBest
from glasswork.training.ensemble.network import layers_of
from glasswork.training.optimizers import PEAKS, SCHEDULES
from glasswork.training.stage import Stage, Tree

ALIKE = ("optimizer", "schedule", "momentum", "penalty", "gradient_clip", "execution")
"""What the stages of a stack have to agree in, besides the architecture and the number of batches."""


class StackedStep(NamedTuple):
    """One update of every member that still runs.

    Attributes:
        stage: name of the stages.
        number: how many updates a member that still runs has made, this one included.
        epoch: from 1.
        epoch_ended: whether this was the last batch of its epoch.
        last: whether the clock has run out or no member runs any more.
        progress: how far the run had come when this step's learning rates were set, from 0 to 1.
        examples: how many examples the members' batches had, together.
        members: the places of the members that made this step.
        loss: mean loss of each member's batch before the update, without the penalty, (members,); nan where it did not
            make this step.
        penalty: strength x R(W) of each; None if there is no penalty.
        learning_rates: of `members`, in their order.
        gradient_norm: length of each one's gradient before clipping; None where it is not clipped.
        errors: each one's mean loss on the examples held out, float64 (members,); None between judgements.
        best: the best judgements so far.
        running: the places of the members that go on.
        diverged: the places of those that were stopped as their loss was not a finite number.
        elapsed: seconds of training up to and with this step.
        state: makes the tree from which `fit_stacked(..., start=tree)` goes on; call it before the next step is made.
    """

    stage: str
    number: int
    epoch: int
    epoch_ended: bool
    last: bool
    progress: float
    examples: int
    members: tuple[int, ...]
    loss: Tensor
    penalty: Tensor | None
    learning_rates: tuple[float, ...]
    gradient_norm: Tensor | None
    errors: Tensor | None
    best: StackedBest | None
    running: tuple[int, ...]
    diverged: tuple[int, ...]
    elapsed: float
    state: Callable[[], Tree]


def why_not_stacked(stages: Sequence[Stage], losses: Sequence[Objective]) -> str | None:
    """Why some stages cannot be trained as one network, in a clause; None where they can."""
    first, layers = stages[0], layers_of(stages[0].network)
    if layers is None:
        return "only the networks linear and dense can be stacked"
    for stage in stages:
        if layers_of(stage.network) != layers:
            return "the networks differ in architecture"
        if len(stage.parameters) != 2 * len(layers):
            return "some of the weights are not trained"
        if any(getattr(stage, name) != getattr(first, name) for name in ALIKE):
            return f"the stages differ in {next(n for n in ALIKE if getattr(stage, n) != getattr(first, n))}"
        if len(stage.batches) != len(first.batches):
            return "the stages differ in how many batches make an epoch"
        if (stage.clock.total, stage.clock.seconds) != (first.clock.total, first.clock.seconds):
            return "the stages differ in how long they are"
        if (stage.judge is None) != (first.judge is None):
            return "some of the stages hold no examples out"
    if any(loss.function is not None for loss in losses):
        return "the loss is your own"
    if len({loss.name for loss in losses}) > 1:
        return "the stages differ in their loss"
    if first.execution.precision != "float32":
        return f"the precision is {first.execution.precision}"
    if any(layer.dropout for layer in layers) and torch.device(first.execution.device).type != "cpu":
        return f"dropout draws in another way on {first.execution.device}"
    return None


def fit_stacked(
    stages: Sequence[Stage],
    losses: Sequence[Objective],
    start: Tree | None = None,
    patience: int | None = None,
    held_out: Sequence[Batches] | None = None,
) -> Iterator[StackedStep]:
    """Trains every stage as `fit` would train it alone, all of them at the same time.

    Member i takes the batches of stage i and goes the way that `fit(stages[i])` goes, but for roundings. It stops where
    its patience ends or its loss is no finite number, and then costs nothing any more. The networks of the stages are
    updated as it goes; a member that has stopped keeps its last weights there, and its best ones in `StackedStep.best`.

    Args:
        stages: may differ in seed, batches, learning rate, weight decay and strength of the penalty, and in nothing
            else; the clock of the first counts for all.
        losses: what each stage's `loss` computes.
        start: the state of a former step of the same stages, to go on after it; exactly what would have followed does.
        patience: judgements in a row, counted after the learning rate's peak, that may be no better than the best.
        held_out: the rows on which each member is judged, all members at once, by their mean loss; None: each stage's
            own `judge` looks at its network, one after the other.

    Yields:
        One `StackedStep` per update. Its tensors are detached; the networks have already been updated.

    Raises:
        GlassworkError: where the stages cannot be stacked, or no member has a finite loss.
    """
    reason = why_not_stacked(stages, losses)
    if reason is not None:
        raise GlassworkError(f"These networks cannot be trained as one: {reason}")
    stack = Stack(stages, losses, held_out, start)
    clock, count, peak = stages[0].clock, len(stages[0].batches), PEAKS[stages[0].schedule]
    number = start["number"] if start is not None else 0
    clock.start(start["elapsed"] if start is not None else 0.0)
    progress = clock.progress(number)
    while stack.running and progress < 1:
        epoch, index = divmod(number, count)
        made = stack.update(epoch, index, SCHEDULES[stages[0].schedule](progress))
        if made is None:
            return
        number += 1
        ended = index + 1 == count
        before, progress = progress, clock.progress(number)
        errors = stack.judge(epoch + 1, before >= peak) if ended or progress >= 1 else None
        if errors is not None and patience is not None:
            stack.stop_stale(patience)
        yield StackedStep(
            stage=stages[0].name,
            number=number,
            epoch=epoch + 1,
            epoch_ended=ended,
            last=progress >= 1 or not stack.running,
            progress=before,
            **made,
            errors=errors,
            best=stack.best,
            running=stack.running,
            diverged=stack.diverged,
            elapsed=clock.elapsed(),
            state=lambda number=number: stack.state(number),  # type: ignore[misc]
        )
