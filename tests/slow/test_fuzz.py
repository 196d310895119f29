"""No verb ends in a traceback, whatever the names and data: some two minutes of `python -m tests.fuzz`."""

import pytest

from fuzz import fuzz

SECONDS = 60


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_command_line_ends_in_a_traceback() -> None:
    outcome = fuzz(None, SECONDS, seed=0)
    assert not outcome.failures, "\n\n".join(outcome.failures.values())
    succeeded = {verb for (verb, code), count in outcome.verbs.items() if code == 0 and count}
    assert outcome.runs > 100 and {"train", "evaluate", "predict", "runs"} <= succeeded
