"""Damaged files of runs are never believed: some two minutes of `python -m tests.damage`."""

import pytest

from damage import damage

SECONDS = 60


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_verb_believes_a_damaged_file() -> None:
    outcome = damage(None, SECONDS, seed=0)
    assert not outcome.failures, "\n\n".join(f"{words}: {problem}" for words, problem in outcome.failures.items())
    assert outcome.damages > 10 and {"resume", "evaluate", "runs", "compare"} <= {verb for verb, _ in outcome.verbs}
