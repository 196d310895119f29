"""The online delta rule of a two-layer sigmoid network: a generator of steps of its own, as `fit` is one.

Kovashka, 'Example: algorithm for sigmoid, sqerror'; the arithmetic is in `training.delta_rule`.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from glasswork.data.collate import rows_of
from glasswork.errors import GlassworkError
from glasswork.execution import mixed
from glasswork.objectives.losses import as_outputs
from glasswork.training.delta_rule import Learner, Rows, learner
from glasswork.training.fit import best_of, best_tree, judge_network
from glasswork.training.stage import Best, Stage, Step, Tree

UPDATES = 400
"""About so many updates make a step, in whole epochs: 1 / 100 s of XOR."""


@dataclass(frozen=True)
class Before:
    """An example and the weights that it met.

    Attributes:
        epoch: in which pass, from 1.
        place: of the example among the training rows, from 0.
        hidden: w_ji before the update.
        output: w_kj before the update.
    """

    epoch: int
    place: int
    hidden: Rows
    output: Rows


@dataclass(frozen=True)
class _Position:
    """Where the rule stands between two steps."""

    number: int
    hidden: Rows
    output: Rows
    first: Before | None = None
    last: Before | None = None
    converged: bool = False
    best: Best | None = None


class _Passes(NamedTuple):
    """Some epochs: where they led, the sum of E_n over all updates, each taken before its own."""

    position: _Position
    error: float
    epochs: int


def online(
    stage: Stage, start: Tree | None = None, *, tolerance: float, epochs: int | None, shuffled: bool = False
) -> Iterator[Step]:
    """Updates the weights after every example, until every training example's error is small or the clock runs out.

    An item is not one update but some whole epochs, about `UPDATES` updates: an item per update would make a line of
    the log and a few tensors out of four multiplications, and XOR takes thousands of epochs. Where examples are held
    out an item is one epoch, as these are looked at after each. Between two items the rule can be stopped and goes on
    bit for bit, from the weights in double precision that the state holds; the network has them in its own precision.

    Args:
        stage: the network, a hidden and an output layer of sigmoid units; the examples; eta; the clock.
        start: the state of a former step of the same stage, to go on after it.
        tolerance: training has converged when |y_k - t_k| of every output and training example is below it.
        epochs: the most epochs; None where the clock alone decides.
        shuffled: draw the order of each epoch from (seed, epoch) rather than take the examples as they stand.

    Yields:
        One `Step` for some epochs: its loss is the mean of E_n = 1/2 sum_k (y_k - t_k)^2 over all their updates, each
        before its own; `last` says that the clock has run out or training has converged.

    Raises:
        GlassworkError: where an error stops being a finite number.
    """
    clock, each = stage.clock, epochs_per_step(stage)
    position, elapsed = _begin(stage) if start is None else _restore(start)
    learning = learner(position.hidden, position.output, *training_examples(stage), stage.learning_rate)
    clock.start(elapsed)
    progress = clock.progress(position.number)
    while progress < 1 and not position.converged and not _over(position.number * each, epochs):
        done = position.number * each
        most = each if epochs is None else min(each, epochs - done)
        made = _passes(stage, position, learning, range(done, done + most), tolerance, shuffled)
        number, epoch, count = position.number + 1, done + made.epochs, made.epochs * len(stage.batches.sampler.items)
        if not math.isfinite(made.error):
            raise GlassworkError(
                f"The error is not a finite number in epoch {done + 1:,} or soon after it: the last checkpoint is "
                f"kept; try a lower learning rate than {stage.learning_rate:g}"
            )
        _write(stage.network, made.position)
        before, progress = progress, clock.progress(number)
        judgement, best = judge_network(stage, position.best, epoch)
        position = replace(made.position, number=number, best=best)
        yield Step(
            stage=stage.name,
            number=number,
            epoch=epoch,
            epoch_ended=True,
            last=progress >= 1 or position.converged or _over(epoch, epochs),
            progress=before,
            examples=count,
            loss=torch.tensor(made.error / count, dtype=torch.float64),
            penalty=None,
            learning_rate=stage.learning_rate,
            gradient_norm=None,
            judgement=judgement,
            best=best,
            elapsed=clock.elapsed(),
            state=lambda position=position: _state(stage, position),  # type: ignore[misc]
        )


def _over(done: int, epochs: int | None) -> bool:
    return epochs is not None and done >= epochs


def epochs_per_step(stage: Stage) -> int:
    """How many whole epochs make one step."""
    return 1 if stage.judge is not None else max(1, UPDATES // len(stage.batches.sampler.items))


def worked_out(tree: Tree) -> tuple[Before, Before]:
    """The first and the last example of a run, with the weights that they met, out of the state of a step."""
    carried = tree["carried"]
    return _before(carried["first"]), _before(carried["last"])


def converged(tree: Tree) -> bool:
    """Whether every training example's error had become small at a step, from its state."""
    return bool(tree["carried"]["converged"])


def training_examples(stage: Stage) -> tuple[Tensor, Tensor]:
    """All training inputs (N, D) and targets (N, K) as the network takes them, float64, in the order they stand in."""
    collate = rows_of(stage.batches)
    batch = collate(stage.batches.sampler.items)
    width = torch.empty(len(batch), len(collate.scaling.task.target.names), dtype=torch.float64)
    return batch.inputs.double(), as_outputs(width, batch.targets)


def _passes(
    stage: Stage, position: _Position, learning: Learner, epochs: range, tolerance: float, shuffled: bool
) -> _Passes:
    """Some epochs, fewer where training converges before their end."""
    count, first, error = len(stage.batches.sampler.items), position.first, 0.0
    order: Sequence[int] = range(count)
    for epoch in epochs:
        if shuffled:
            order = random.Random(mixed(stage.seed, epoch)).sample(range(count), count)
        first = first or Before(epoch + 1, order[0], *learning.weights())
        error, largest = learning.learn(order, error)
        # What an example missed by was measured before the updates that came after it, so it is measured again.
        converged = largest < tolerance and learning.largest_miss() < tolerance
        if converged:
            break
    hidden, output = learning.weights()
    last = Before(epoch + 1, order[-1], *learning.met())
    reached = replace(position, hidden=hidden, output=output, first=first, last=last, converged=converged)
    return _Passes(reached, error, epoch + 1 - epochs.start)


def _layers(network: nn.Module) -> list[nn.Linear]:
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
    assert len(layers) == 2
    return layers


def _begin(stage: Stage) -> tuple[_Position, float]:
    """The network's own weights, to begin with."""
    hidden, output = (
        torch.cat([layer.bias[:, None], layer.weight], 1).detach().double().tolist() for layer in _layers(stage.network)
    )
    return _Position(0, hidden, output), 0.0


def _write(network: nn.Module, position: _Position) -> None:
    """Puts the weights into the network, in its own precision."""
    with torch.no_grad():
        for layer, rows in zip(_layers(network), (position.hidden, position.output), strict=True):
            weights = torch.tensor(rows, dtype=torch.float64)
            layer.bias.copy_(weights[:, 0])
            layer.weight.copy_(weights[:, 1:])


def _state(stage: Stage, position: _Position) -> Tree:
    first, last = position.first, position.last
    assert first is not None and last is not None
    return {
        "stage": stage.name,
        "number": position.number,
        "elapsed": stage.clock.elapsed(),
        "network": dict(stage.network.state_dict()),
        "optimizer": {},
        "carried": {
            **_tensors(position.hidden, position.output),
            "converged": position.converged,
            "first": {"epoch": first.epoch, "place": first.place, **_tensors(first.hidden, first.output)},
            "last": {"epoch": last.epoch, "place": last.place, **_tensors(last.hidden, last.output)},
        },
        "best": best_tree(position.best),
    }


def _tensors(hidden: Rows, output: Rows) -> dict[str, Tensor]:
    return {
        "hidden": torch.tensor(hidden, dtype=torch.float64),
        "output": torch.tensor(output, dtype=torch.float64),
    }


def _before(tree: dict[str, Any]) -> Before:
    return Before(tree["epoch"], tree["place"], tree["hidden"].tolist(), tree["output"].tolist())


def _restore(tree: Tree) -> tuple[_Position, float]:
    carried = tree["carried"]
    first, last = worked_out(tree)
    position = _Position(
        tree["number"],
        carried["hidden"].tolist(),
        carried["output"].tolist(),
        first,
        last,
        carried["converged"],
        best_of(tree),
    )
    return position, tree["elapsed"]
