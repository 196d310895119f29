"""Edit distances, error rates and their intervals, beside jiwer."""

import random

import jiwer
import pytest

from glasswork.objectives.edits import (
    align_edits,
    bootstrap_interval,
    character_errors,
    edit_distance,
    error_rate,
    word_errors,
)


def texts(seed: int, count: int = 40) -> list[str]:
    draws = random.Random(seed)
    return [" ".join(draws.choice(["a", "bb", "cab", "d"]) for _ in range(draws.randint(1, 9))) for _ in range(count)]


def test_error_rates_are_those_of_jiwer() -> None:
    truths, said = texts(0), [*texts(1, 39), ""]
    assert error_rate(word_errors(truths, said)) == pytest.approx(jiwer.wer(truths, said))
    assert error_rate(character_errors(truths, said)) == pytest.approx(jiwer.cer(truths, said))


def test_edits_lead_from_one_to_the_other() -> None:
    for truth, said in zip(texts(2), texts(3), strict=True):
        edits = align_edits(truth, said)
        assert "".join(one.truth or "" for one in edits) == truth
        assert "".join(one.said or "" for one in edits) == said
        assert sum(one.truth != one.said for one in edits) == edit_distance(truth, said)
    assert edit_distance("", "") == 0 and edit_distance("abc", "") == 3 and edit_distance("", "ab") == 2


def test_the_interval_holds_the_rate_and_narrows_with_more_texts() -> None:
    errors = word_errors(texts(4, 200), texts(5, 200))
    low, high = bootstrap_interval(errors) or (0, 0)
    few = bootstrap_interval(errors[:20]) or (0, 0)
    assert low < error_rate(errors) < high and high - low < (few[1] - few[0]) / 2
    assert bootstrap_interval(errors) == (low, high) and bootstrap_interval(errors[:1]) is None
