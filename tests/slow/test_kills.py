"""Killed runs end bit for bit as those that were not: a share of `python -m tests.kills` for each kind of loop."""

import re

import pytest

from alone import carry_out
from kills import LOOPS


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("loop", LOOPS)
def test_killed_runs_end_as_one_that_was_not(loop: str) -> None:
    said = carry_out("tests.kills", "--kills", 12, "--seconds", 20, "--loop", loop)
    kills, _, runs, failed = map(int, re.findall(r"\d+", said.partition(": ")[2])[:4])
    assert not failed, said
    assert kills and runs
