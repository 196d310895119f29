"""Killed runs end bit for bit as those that were not: a share of `python -m tests.kills` for each kind of loop."""

import pytest

from kills import LOOPS, kill

KILLS, SECONDS = 12, 20.0


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("loop", LOOPS)
def test_killed_runs_end_as_one_that_was_not(loop: str) -> None:
    outcome = kill(loop, KILLS, SECONDS)
    assert not outcome.failures, outcome.failures
    assert outcome.kills and outcome.runs
