"""Absurd numbers in every whole-number field of every recipe."""

import pytest

from absurd import SAME, attempt, numeric_fields
from glasswork.catalogue import PRESETS


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("preset", [name for name in PRESETS if name not in SAME])
def test_absurd_numbers_are_one_sentence(preset: str) -> None:
    assert not attempt(preset, ["1000000000000"], numeric_fields(preset, ["int"]))
