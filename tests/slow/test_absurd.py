"""A share of absurd numbers in the whole-number fields of every recipe; `python -m tests.absurd` tries them all."""

import random
import time

import pytest

from absurd import TRIED, attempt, numeric_fields

SECONDS = 90


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_absurd_numbers_are_one_sentence() -> None:
    draws, until = random.Random(0), time.monotonic() + SECONDS
    presets = draws.sample(TRIED, len(TRIED))
    tried = 0
    for preset in presets:
        if time.monotonic() > until:
            break
        fields = numeric_fields(preset, ["int"])
        assert not attempt(preset, ["1000000000000"], draws.sample(fields, min(3, len(fields))))
        tried += 1
    assert tried
