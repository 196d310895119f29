"""The one supervised loop: forward, loss, backward, step; a generator of steps, without callbacks."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from glasswork.execution import seed_everything
from glasswork.objectives.penalties import constrain, is_added, penalty, weights_of
from glasswork.training.nonfinite import explain_not_finite
from glasswork.training.optimizers import Optimizer
from glasswork.training.schedules import PEAKS, SCHEDULES
from glasswork.training.stage import Carry, Judgement, Moment, Stage
from glasswork.training.step import Best, Step, Tree


class _Position(NamedTuple):
    """Where the loop stands between two steps."""

    number: int = 0
    carried: Carry | None = None
    best: Best | None = None


def fit(stage: Stage, start: Tree | None = None) -> Iterator[Step]:
    """Minimises mean loss + strength x penalty over the stage's parameters by gradient descent.

    Each item is one update; not asking for the next is pausing, closing the generator is stopping.

    Args:
        stage: what to minimise.
        start: the state of a former step of the same stage, to go on after it; exactly what would have followed does.

    Yields:
        One `Step` per update. Its tensors are detached; the network has already been updated.

    Raises:
        GlassworkError: where loss or gradient stops being a finite number; before that update is made.
    """
    network, clock, batches = stage.network, stage.clock, stage.batches
    optimizer = Optimizer(stage.optimizer, stage.parameters, stage.momentum, stage.weight_decay)
    trained = {id(parameter) for parameter in stage.parameters}
    weights = [weight for weight in weights_of(network) if id(weight) in trained]
    position, elapsed = (_Position(), 0.0) if start is None else _restore(stage, optimizer, start)
    clock.start(elapsed)
    progress = clock.progress(position.number)
    network.train()
    while progress < 1:
        epoch, index = divmod(position.number, len(batches))
        learning_rate = stage.learning_rate * SCHEDULES[stage.schedule](progress)
        seed_everything(stage.seed, epoch, index)
        batch = batches.batch(epoch, index)
        with stage.execution.arithmetic():
            loss, carried = stage.loss(network, batch, position.carried or {}, Moment(epoch, index, progress))
        added = stage.strength > 0 and is_added(stage.penalty)
        penalised = stage.strength * penalty(stage.penalty, weights) if added else None
        objective = loss if penalised is None else loss + penalised
        if not math.isfinite(objective.item()):
            raise explain_not_finite(stage, batch, epoch, index)
        objective.backward()  # type: ignore[no-untyped-call]
        norm = _clip(stage)
        optimizer.step(learning_rate)
        constrain(stage.penalty, weights, stage.strength)
        number = position.number + 1
        ended = index + 1 == len(batches)
        before, progress = progress, clock.progress(number)
        judgement, best = (
            _judge(stage, position.best, epoch + 1, before) if ended or progress >= 1 else (None, position.best)
        )
        position = _Position(number, carried, best)
        yield Step(
            stage=stage.name,
            number=number,
            epoch=epoch + 1,
            epoch_ended=ended,
            last=progress >= 1,
            progress=before,
            examples=len(batch),
            loss=loss.detach(),
            penalty=None if penalised is None else penalised.detach(),
            learning_rate=learning_rate,
            gradient_norm=norm,
            judgement=judgement,
            best=best,
            elapsed=clock.elapsed(),
            state=lambda position=position: _state(stage, optimizer, position),  # type: ignore[misc]
        )


def _clip(stage: Stage) -> Tensor | None:
    """Scales the gradient to the longest length allowed; its length before."""
    if stage.gradient_clip is None:
        return None
    return torch.nn.utils.clip_grad_norm_(stage.parameters, stage.gradient_clip).detach()


def _judge(stage: Stage, best: Best | None, epoch: int, progress: float) -> tuple[Judgement | None, Best | None]:
    """Looks at the network on the validation examples and keeps its weights where it is the best so far."""
    if stage.judge is None:
        return None, None
    stage.network.eval()
    judgement = stage.judge(stage.network)
    stage.network.train()
    if best is None or judgement.error < best.judgement.error or math.isnan(best.judgement.error):
        weights = {name: tensor.detach().clone() for name, tensor in stage.network.state_dict().items()}
        return judgement, Best(judgement, epoch, weights)
    counts = progress >= PEAKS[stage.schedule]
    return judgement, replace(best, stale=best.stale + counts)


def _state(stage: Stage, optimizer: Optimizer, position: _Position) -> Tree:
    return {
        "stage": stage.name,
        "number": position.number,
        "elapsed": stage.clock.elapsed(),
        "network": dict(stage.network.state_dict()),
        "optimizer": optimizer.state(),
        "carried": dict(position.carried or {}),
        "best": best_tree(position.best),
    }


def best_tree(best: Best | None) -> Tree | None:
    """A best judgement as part of a state; `best_of` reads it back."""
    if best is None:
        return None
    return {
        "error": best.judgement.error,
        "metrics": dict(best.judgement.metrics),
        "epoch": best.epoch,
        "weights": dict(best.weights),
        "stale": best.stale,
    }


def best_of(tree: Tree) -> Best | None:
    """The best judgement in the state of a step."""
    best = tree["best"]
    if best is None:
        return None
    judgement = Judgement(best["error"], best["metrics"])
    return Best(judgement, best["epoch"], best["weights"], best["stale"])


def _restore(stage: Stage, optimizer: Optimizer, tree: Tree) -> tuple[_Position, float]:
    """Puts network and optimizer back to where they were; tensors are copied into fresh memory."""
    stage.network.load_state_dict(tree["network"])
    optimizer.restore(tree["optimizer"])
    carried = {key: _copied(value) for key, value in tree["carried"].items()}
    return _Position(tree["number"], carried, best_of(tree)), tree["elapsed"]


def _copied(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else value
