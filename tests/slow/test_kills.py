"""Killed runs end bit for bit as those that were not: a share of `python -m tests.kills` for each kind of loop."""

import pytest

from alone import carry_out
from kills import LOOPS


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("loop", LOOPS)
def test_killed_runs_end_as_one_that_was_not(loop: str) -> None:
    said = carry_out("tests.kills", "--kills", 12, "--seconds", 20, "--loop", loop)
    assert ", 0 differ or failed" in said and f"{loop}: 0 kills" not in said
