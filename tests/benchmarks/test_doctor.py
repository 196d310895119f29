"""The doctor names what was planted, and nothing in what only looks like it."""

import pytest
import torch
from doctor import BUGS, NETWORKS, look

QUICK = (
    "dead-layer",
    "saturated-tanh",
    "shifted-labels",
    "softmax-before-loss",
    "rate-too-high",
    "frozen-by-mistake",
    "leaked-split",
)


def kinds(bug: str, network: str, healthy: bool = False) -> list[str]:
    return [one.kind for one in look(bug, network, 1, healthy).findings]


@pytest.mark.parametrize("bug", QUICK)
def test_the_planted_cause_comes_first(bug: str) -> None:
    assert kinds(bug, "dense")[:1] == [BUGS[bug].kind]


@pytest.mark.parametrize("bug", QUICK)
def test_a_healthy_twin_is_left_alone(bug: str) -> None:
    assert not kinds(bug, "dense", healthy=True)


@pytest.mark.slow
def test_the_doctor_on_one_network_of_each_kind() -> None:
    """Each bug on one network, in turn; the figures of all are in docs/doctor.md."""
    torch.set_num_threads(1)
    networks = list(NETWORKS)
    chosen = [(bug, networks[place % len(networks)]) for place, bug in enumerate(BUGS)]
    named = [kinds(bug, network)[:1] == [BUGS[bug].kind] for bug, network in chosen]
    alarms = [bool(kinds(bug, network, healthy=True)) for bug, network in chosen]
    assert len(chosen) == 40
    assert sum(named) >= 36
    assert sum(alarms) <= 2
