"""CIDEr and BLEU of captions: by hand, at their ends, and as the published code computes them."""

import math

import pytest

from glasswork.objectives.captions import bleu, cider, cider_of_each, plain_words

SAID = ["a dog runs", "two red boats on the sea", "a cat"]


def test_words_are_compared_without_case_and_punctuation() -> None:
    assert plain_words("The dog's ball, (red)!") == ["the", "dog's", "ball", "red"]


def test_the_only_reference_itself_has_ten_and_another_one_nothing() -> None:
    long = ["a dog runs on grass", "two red boats on water", "the cat sleeps all day"]
    assert cider_of_each(long, [[text] for text in long]) == pytest.approx([10.0] * 3)
    assert cider_of_each(["x y z w", *long[1:]], [[text] for text in long])[0] == 0.0
    assert cider([], []) == 0.0


def test_cider_by_hand() -> None:
    # Of two pictures, `a` is in both (weight log 2 - log 2 = 0), every other word in one (log 2); no runs are shared.
    found = cider_of_each(["a dog", "a cat"], [["a big dog"], ["a cat"]])
    one_word = math.log(2) ** 2 / (math.log(2) * math.sqrt(2) * math.log(2))  # (dog) beside (big, dog)
    assert found[0] == pytest.approx(10 * math.exp(-1 / 72) * one_word / 4)
    assert found[1] == pytest.approx(10 * (1 + 1) / 4)  # one word and two in a row are met, three and four do not exist


def test_bleu_counts_every_reference() -> None:
    references = [["a dog runs", "the dog is running"], ["two red boats on the sea"], ["a cat", "one cat"]]
    whole = bleu(SAID, references)
    assert whole["bleu1"] == pytest.approx(1.0) and whole["bleu4"] == pytest.approx(1.0)
    part = bleu(["a dog", "two boats", "a cat"], references)
    assert part["bleu1"] == pytest.approx(math.exp(1 - 11 / 6))  # every word is met, and 6 are written for 11
    assert bleu([], []) == {f"bleu{order}": 0.0 for order in range(1, 5)}
