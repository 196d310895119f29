"""Stages one after the other: stopped and gone on with anywhere, the best of all kept, clocks that begin anew."""

from dataclasses import replace

import pytest
import torch
from test_fit import linear, stage
from torch import nn

from glasswork.training.fit import minimise
from glasswork.training.stage import Clock, Judgement, Stage

STEPS = (5, 7)


def judged(network: nn.Module) -> Judgement:
    """The farther from zero the bias, the better."""
    error = -float(network.bias.detach().abs().sum())
    return Judgement(error, {"loss": error})


def stages(network: nn.Linear, judge=judged) -> list[Stage]:
    first = replace(stage(network, STEPS[0], batch_size=8, judge=judge), name="head", parameters=[network.bias])
    second = replace(stage(network, STEPS[1], batch_size=8, judge=judge, optimizer="adam"), name="all")
    return [first, second]


def test_each_stage_changes_what_is_its_own_and_numbers_go_on() -> None:
    network = linear()
    before = network.weight.detach().clone()
    seen = []
    for step in minimise(stages(network)):
        seen.append((step.stage, step.number, step.last))
        assert torch.equal(network.weight, before) is (step.stage == "head")
    assert [number for _, number, _ in seen] == list(range(1, 13))
    assert [name for name, _, _ in seen] == ["head"] * 5 + ["all"] * 7
    assert [last for _, _, last in seen] == [False] * 11 + [True]


@pytest.mark.parametrize("patience", [None, 1])
def test_gone_on_with_after_any_step_as_if_never_stopped(patience: int | None) -> None:
    def signature(step):
        best = step.best and (step.best.epoch, step.best.stale)
        return step.stage, step.number, step.epoch, float(step.loss), best, step.last

    whole, states = [], []
    network = linear()
    for step in minimise(stages(network), patience=patience):
        whole.append(signature(step))
        states.append({key: _copied(value) for key, value in step.state().items()})
    for place, state in enumerate(states):
        other = linear()
        rest = [signature(step) for step in minimise(stages(other), state, patience)]
        assert rest == whole[place + 1 :]
        if rest:
            assert torch.equal(other.weight, network.weight)


def _copied(value):
    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, dict):
        return {key: _copied(each) for key, each in value.items()}
    return [_copied(each) for each in value] if isinstance(value, list) else value


def test_a_later_stage_that_is_worse_is_forgotten() -> None:
    errors = iter([3.0, 1.0, 9.0, 8.0, 7.0, 6.0, 5.0])

    def judge(network: nn.Module) -> Judgement:
        error = next(errors)
        return Judgement(error, {"loss": error})

    steps = list(minimise(stages(linear(), judge)))
    assert steps[-1].best.judgement.error == 1.0
    assert steps[-1].best.epoch == 2


def test_a_stage_that_stops_early_hands_over_to_the_next() -> None:
    def judge(network: nn.Module) -> Judgement:
        return Judgement(1.0, {"loss": 1.0})

    names = [step.stage for step in minimise(stages(linear(), judge), patience=1)]
    # Judged after three steps of an epoch and at the end: the second judgement is the first without a better one.
    assert names == ["head"] * 5 + ["all"] * 6


def test_clocks_of_stages() -> None:
    assert Clock(seconds=10.0).part(1, 0.25, None).seconds == 2.5
    assert Clock(total=9).part(0, 0.5, 4).total == 4
    recorded = Clock(recorded=[0.0, 0.5, 0.9, 0.0, 0.4])
    assert (recorded.part(0, 1, None).recorded, recorded.part(1, 1, None).recorded) == ([0.0, 0.5, 0.9], [0.0, 0.4])
    assert Clock(recorded=[0.0, 0.5]).part(1, 1, None).recorded == []
