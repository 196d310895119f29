"""The one supervised loop: forward, loss, backward, step; a generator of steps, without callbacks."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from glasswork.data.batches import Batch
from glasswork.errors import GlassworkError
from glasswork.execution import seed_everything
from glasswork.objectives.penalties import constrain, is_added, penalty, weights_of
from glasswork.training.optimizers import PEAKS, SCHEDULES, Optimizer
from glasswork.training.stage import Best, Carry, Clock, Judgement, Moment, Stage, Step, Tree, only_trained
from glasswork.training.watchers import stale, stopped_early


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
        with stage.execution.arithmetic(), several_examples():
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
        judgement, best = None, position.best
        if ended or progress >= 1:
            judgement, best = judge_network(stage, best, epoch + 1, before >= PEAKS[stage.schedule])
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


@contextmanager
def several_examples() -> Iterator[None]:
    """Says in one sentence what batch normalisation lacks in a batch of a single example.

    Raises:
        GlassworkError: in place of torch's own error.
    """
    try:
        yield
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        raise GlassworkError(
            "A batch is a single example, and batch normalisation needs several to find a mean and a deviation: choose "
            "another --batch-size, at least 3, or add examples"
        ) from error


def _clip(stage: Stage) -> Tensor | None:
    """Scales the gradient to the longest length allowed; its length before."""
    if stage.gradient_clip is None:
        return None
    return torch.nn.utils.clip_grad_norm_(stage.parameters, stage.gradient_clip).detach()


def judge_network(
    stage: Stage, best: Best | None, epoch: int, counts: bool = True
) -> tuple[Judgement | None, Best | None]:
    """Looks at the network on the validation examples and keeps its weights if it is the best so far.

    Args:
        stage: whose network and examples.
        best: so far.
        epoch: from 1.
        counts: whether a judgement that is no better is one more that early stopping waits for.
    """
    if stage.judge is None:
        return None, None
    stage.network.eval()
    judgement = stage.judge(stage.network)
    stage.network.train()
    if best is None or judgement.error < best.judgement.error or math.isnan(best.judgement.error):
        weights = {name: tensor.detach().clone() for name, tensor in stage.network.state_dict().items()}
        return judgement, Best(judgement, epoch, weights)
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


def explain_not_finite(stage: Stage, batch: Batch, epoch: int, index: int) -> GlassworkError:
    """The sentence for a loss that is not finite: the step, the layer, what to try."""
    where = first_not_finite(stage.network, batch.inputs, *batch.further)
    return GlassworkError(
        f"The loss is not a finite number at batch {index + 1} of epoch {epoch + 1} (stage {stage.name}): {where}; "
        f"the weights were not updated and the last checkpoint is kept; try a lower learning rate than "
        f"{stage.learning_rate:g} or --gradient-clip 1"
    )


def first_not_finite(network: nn.Module, inputs: Tensor, *further: Tensor) -> str:
    """In words: the first weight, input or layer output of a forward pass that holds inf or nan."""
    for name, parameter in network.named_parameters():
        if not torch.isfinite(parameter).all():
            return f"the weights '{name}' hold inf or nan"
    if not torch.isfinite(inputs).all():
        return "the inputs hold inf or nan"
    found: list[str] = []

    def watch(name: str) -> Any:
        def look(module: nn.Module, arguments: object, output: object) -> None:
            if isinstance(output, Tensor) and not torch.isfinite(output).all():
                found.append(f"layer '{name}' ({type(module).__name__}) is the first whose output holds inf or nan")

        return look

    handles = [module.register_forward_hook(watch(name)) for name, module in network.named_modules() if name]
    try:
        with torch.no_grad():
            network(inputs, *further)
    finally:
        for handle in handles:
            handle.remove()
    return found[0] if found else "every layer's output is finite, so it is the loss itself that overflows"


def minimise(stages: Sequence[Stage], start: Tree | None = None, patience: int | None = None) -> Iterator[Step]:
    """Makes the steps of all stages; each begins where the network was best on the validation examples so far.

    Numbers of steps, epochs and seconds go on from stage to stage; the schedule of each starts again. The best is that
    of all stages, so that a later stage that makes the network worse is forgotten.

    Args:
        stages: in order, over one network, with a clock each and the same measure of error.
        start: the state of a former step, to go on after it.
        patience: judgements without a better one after which a stage ends and the next one begins.
    """
    return _steps(stages[0], start, patience) if len(stages) == 1 else _in_turn(stages, start, patience)


def timed(stages: Sequence[Stage], clock: Clock) -> list[Stage]:
    """The stages by the run's clock: one has all of it, several have their shares."""
    if len(stages) == 1:
        return [replace(stages[0], clock=clock)]
    return [replace(one, clock=clock.part(place, one.share, one.total)) for place, one in enumerate(stages)]


def _steps(stage: Stage, start: Tree | None, patience: int | None) -> Iterator[Step]:
    with only_trained(stage):
        yield from stopped_early((stage.minimise or fit)(stage, start), patience)


def _in_turn(stages: Sequence[Stage], start: Tree | None, patience: int | None) -> Iterator[Step]:
    place = 0 if start is None else [stage.name for stage in stages].index(start["stage"])
    before: Tree = {"number": 0, "epoch": 0, "elapsed": 0.0} if start is None else start["before"]
    best = None if start is None else best_of(start)
    own = None if start is None else _own(start)
    for stage in stages[place:]:
        taken = {"number": 0, "epoch": 0, "elapsed": 0.0}
        if own is not None:
            taken = {"number": own["number"], "epoch": _epochs(stage, own["number"]), "elapsed": own["elapsed"]}
        elif best is not None:
            stage.network.load_state_dict(dict(best.weights))
        steps = iter(()) if own is not None and stale(best_of(own), patience) else _steps(stage, own, patience)
        for step in steps:
            taken = {"number": step.number, "epoch": step.epoch, "elapsed": step.elapsed}
            best = _better(best, step.best, before["epoch"], final=stage is stages[-1])
            yield _continue(step, before, best, final=stage is stages[-1])
        before = {key: before[key] + taken[key] for key in before}
        own = None


def _own(start: Tree) -> Tree:
    """The state of the stage itself within the state of the whole."""
    before = start["before"]
    local = {key: start[key] - before[key] for key in ("number", "elapsed")}
    return {**start, **local, "best": start["own_best"]}


def _epochs(stage: Stage, steps: int) -> int:
    return -(-steps // len(stage.batches))


def _better(best: Best | None, own: Best | None, epochs: int, final: bool) -> Best | None:
    """The best of all stages; only that of the last one grows stale, as the run goes on after the others."""
    if own is None:
        return best
    counted = replace(own, epoch=own.epoch + epochs)
    found = counted if best is None or own.judgement.error < best.judgement.error else best
    return replace(found, stale=own.stale if final else 0)


def _continue(step: Step, before: Tree, best: Best | None, final: bool) -> Step:
    """The step with numbers that go on from the stages before."""

    def state() -> Tree:
        tree = step.state()
        counted = {key: before[key] + tree[key] for key in ("number", "elapsed")}
        return {**tree, **counted, "best": best_tree(best), "own_best": tree["best"], "before": before}

    return step._replace(
        number=before["number"] + step.number,
        epoch=before["epoch"] + step.epoch,
        elapsed=before["elapsed"] + step.elapsed,
        last=final and step.last,
        best=best,
        state=state,
    )
