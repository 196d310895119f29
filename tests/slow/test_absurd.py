"""A share of absurd numbers in the whole-number fields of every recipe; `python -m tests.absurd` tries them all."""

import pytest

from alone import carry_out


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_absurd_numbers_are_one_sentence() -> None:
    said = carry_out("tests.absurd", "--kinds", "int", "--values", 10**12, "--share", 90)
    *tried, last = said.splitlines()
    assert last == "0 failures"
    assert tried
