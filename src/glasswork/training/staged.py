"""Minimisations of one network, one after the other: first the head, then more of it; most runs have one."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from glasswork.training.clock import Clock
from glasswork.training.fit import best_of, best_tree, fit
from glasswork.training.stage import Stage, only_trained
from glasswork.training.step import Best, Step, Tree
from glasswork.training.watchers import stale, stopped_early


def minimise(stages: Sequence[Stage], start: Tree | None = None, patience: int | None = None) -> Iterator[Step]:
    """Makes the steps of all stages; each begins where the network was best on the validation examples so far.

    Numbers of steps, epochs and seconds go on from stage to stage; the schedule of each begins anew. The best is that
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
            yield _continued(step, before, best, final=stage is stages[-1])
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


def _continued(step: Step, before: Tree, best: Best | None, final: bool) -> Step:
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
