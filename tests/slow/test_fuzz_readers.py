"""No mutated sample ends a reader in a traceback, a hang or a flood: a minute of `python -m tests.fuzz_readers`."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "data"))

from fuzz_readers import fuzz

SECONDS = 60


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_mutated_sample_breaks_a_reader() -> None:
    outcome = fuzz(None, SECONDS, seed=0)
    assert not outcome.failures, "\n\n".join(f"{key}\n{value}" for key, value in outcome.failures.items())
    assert outcome.inputs > 100
    assert outcome.read.total() and outcome.refused.total()
