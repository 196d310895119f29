"""The online delta rule of a two-layer sigmoid network: a generator of steps of its own, as `fit` is one.

Kovashka, 'Example: algorithm for sigmoid, sqerror'. The arithmetic is the slide's, in plain Python floats, in which a
net of a few units makes many times as many updates a second as with tensors. It is that of
`textbook.delta_rules.online_update` and of autograd's gradient of 1/2 sum_k (y_k - t_k)^2.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from operator import mul
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from glasswork.device import mixed
from glasswork.errors import GlassworkError
from glasswork.objectives.losses import as_outputs
from glasswork.training.fit import best_of
from glasswork.training.stage import Judgement, Stage
from glasswork.training.step import Best, Step, Tree

UPDATES = 400
"""About so many updates make a step, in whole epochs: 1 / 100 s of XOR."""

Rows = list[list[float]]
"""Weights, a row per unit; in place 0 of each row the bias, the weight of the constant unit x_0 = 1 or z_0 = 1."""


class Update(NamedTuple):
    """What one example did.

    Attributes:
        z: what the hidden units said, z_0 = 1 before them (1 + M numbers).
        y: the outputs before the update (K).
        output_delta: delta_k (K).
        hidden_delta: delta_j (M).
        hidden: w_ji after the update (M rows of 1 + D).
        output: w_kj after the update (K rows of 1 + M).
    """

    z: list[float]
    y: list[float]
    output_delta: list[float]
    hidden_delta: list[float]
    hidden: Rows
    output: Rows


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


class _Example(NamedTuple):
    x: list[float]
    t: list[float]


class _Passes(NamedTuple):
    """Some epochs: where they led, the sum of E_n over all updates, each taken before its own."""

    position: _Position
    error: float
    epochs: int


def sigmoid(a: float) -> float:
    """1 / (1 + e^-a), written in two ways so that the exponential never overflows."""
    if a >= 0:
        return 1 / (1 + math.exp(-a))
    power = math.exp(a)
    return power / (1 + power)


def outputs(hidden: Rows, output: Rows, x: Sequence[float]) -> tuple[list[float], list[float]]:
    """What the hidden units say (1 + M numbers, z_0 = 1 first) and the outputs (K), for x (1 + D, x_0 = 1 first)."""
    z = [1.0]
    for weights in hidden:
        z.append(sigmoid(sum(map(mul, weights, x))))
    return z, [sigmoid(sum(map(mul, weights, z))) for weights in output]


def update(hidden: Rows, output: Rows, x: Sequence[float], t: Sequence[float], learning_rate: float) -> Update:
    """One example of the slide's algorithm: outputs, then all errors, and only then the weights.

    delta_k = y_k (1 - y_k) (y_k - t_k), delta_j = z_j (1 - z_j) sum_k w_kj delta_k with the w_kj of before;
    w_kj <- w_kj - eta delta_k z_j, w_ji <- w_ji - eta delta_j x_i.

    Args:
        hidden: w_ji, M rows of 1 + D; they stay as they are.
        output: w_kj, K rows of 1 + M; likewise.
        x: 1 + D numbers, x_0 = 1 first.
        t: what the outputs should be (K).
        learning_rate: eta.
    """
    z, y = outputs(hidden, output, x)
    output_delta = [y_k * (1 - y_k) * (y_k - t_k) for y_k, t_k in zip(y, t, strict=True)]
    hidden_delta = []
    for place in range(1, len(z)):
        z_j, error = z[place], 0.0
        for weights, delta in zip(output, output_delta, strict=True):
            error += weights[place] * delta
        hidden_delta.append(z_j * (1 - z_j) * error)
    return Update(
        z,
        y,
        output_delta,
        hidden_delta,
        _descended(hidden, hidden_delta, x, learning_rate),
        _descended(output, output_delta, z, learning_rate),
    )


def _descended(rows: Rows, deltas: Sequence[float], below: Sequence[float], learning_rate: float) -> Rows:
    """The weights less eta times delta of the unit above times what the unit below said."""
    after = []
    for row, delta in zip(rows, deltas, strict=True):
        step = learning_rate * delta
        after.append([w - step * said for w, said in zip(row, below, strict=True)])
    return after


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
    examples, clock, each = _examples(stage), stage.clock, epochs_per_step(stage)
    position, elapsed = _begin(stage) if start is None else _restored(start)
    clock.start(elapsed)
    progress = clock.progress(position.number)
    while progress < 1 and not position.converged and not _over(position.number * each, epochs):
        done = position.number * each
        most = each if epochs is None else min(each, epochs - done)
        made = _passes(stage, position, examples, range(done, done + most), tolerance, shuffled)
        number, epoch, count = position.number + 1, done + made.epochs, made.epochs * len(examples)
        if not math.isfinite(made.error):
            raise GlassworkError(
                f"The error is not a finite number in epoch {done + 1:,} or soon after it: the last checkpoint is "
                f"kept; try a lower learning rate than {stage.learning_rate:g}"
            )
        _write(stage.network, made.position)
        before, progress = progress, clock.progress(number)
        judgement, best = _judged(stage, position.best, epoch)
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
    return 1 if stage.judge is not None else max(1, UPDATES // len(stage.batches.rows))


def worked_out(tree: Tree) -> tuple[Before, Before]:
    """The first and the last example of a run, with the weights that they met, out of the state of a step."""
    carried = tree["carried"]
    return _before(carried["first"]), _before(carried["last"])


def converged(tree: Tree) -> bool:
    """Whether every training example's error had become small at a step, from its state."""
    return bool(tree["carried"]["converged"])


def training_examples(stage: Stage) -> tuple[Tensor, Tensor]:
    """All training inputs (N, D) and targets (N, K) as the network takes them, float64, in the order they stand in."""
    batch = stage.batches.gather(stage.batches.rows, (0, 0))
    width = torch.empty(len(batch), len(stage.batches.scaling.schema.classes), dtype=torch.float64)
    return batch.inputs.double(), as_outputs(width, batch.targets)


def _examples(stage: Stage) -> list[_Example]:
    inputs, targets = training_examples(stage)
    return [_Example([1.0, *x], t) for x, t in zip(inputs.tolist(), targets.tolist(), strict=True)]


def _passes(
    stage: Stage, position: _Position, examples: Sequence[_Example], epochs: range, tolerance: float, shuffled: bool
) -> _Passes:
    """Some epochs, fewer where training converges before their end."""
    hidden, output, rate = position.hidden, position.output, stage.learning_rate
    first, last, error = position.first, position.last, 0.0
    for epoch in epochs:
        order: Sequence[int] = range(len(examples))
        if shuffled:
            order = random.Random(mixed(stage.seed, epoch)).sample(order, len(order))
        first = first or Before(epoch + 1, order[0], hidden, output)
        largest = 0.0
        for place in order:
            x, t = examples[place]
            met = hidden, output
            _, y, _, _, hidden, output = update(hidden, output, x, t, rate)
            for y_k, t_k in zip(y, t, strict=True):
                miss = y_k - t_k
                error += miss * miss / 2
                largest = max(largest, abs(miss))
        last = Before(epoch + 1, place, *met)
        # What an example missed by was measured before the updates that came after it, so it is measured again.
        if largest < tolerance and _largest(hidden, output, examples) < tolerance:
            reached = replace(position, hidden=hidden, output=output, first=first, last=last, converged=True)
            return _Passes(reached, error, epoch + 1 - epochs.start)
    reached = replace(position, hidden=hidden, output=output, first=first, last=last)
    return _Passes(reached, error, len(epochs))


def _largest(hidden: Rows, output: Rows, examples: Sequence[_Example]) -> float:
    """The largest |y_k - t_k| over all examples."""
    return max(abs(y_k - t_k) for x, t in examples for y_k, t_k in zip(outputs(hidden, output, x)[1], t, strict=True))


def _judged(stage: Stage, best: Best | None, epoch: int) -> tuple[Judgement | None, Best | None]:
    """Looks at the network on the examples held out and keeps its weights where it is the best so far."""
    if stage.judge is None:
        return None, None
    judgement = stage.judge(stage.network)
    if best is None or judgement.error < best.judgement.error:
        weights = {name: tensor.detach().clone() for name, tensor in stage.network.state_dict().items()}
        return judgement, Best(judgement, epoch, weights)
    return judgement, replace(best, stale=best.stale + 1)


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
    best, first, last = position.best, position.first, position.last
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
        "best": None
        if best is None
        else {
            "error": best.judgement.error,
            "metrics": dict(best.judgement.metrics),
            "epoch": best.epoch,
            "weights": dict(best.weights),
            "stale": best.stale,
        },
    }


def _tensors(hidden: Rows, output: Rows) -> dict[str, Tensor]:
    return {
        "hidden": torch.tensor(hidden, dtype=torch.float64),
        "output": torch.tensor(output, dtype=torch.float64),
    }


def _before(tree: dict[str, Any]) -> Before:
    return Before(tree["epoch"], tree["place"], tree["hidden"].tolist(), tree["output"].tolist())


def _restored(tree: Tree) -> tuple[_Position, float]:
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
