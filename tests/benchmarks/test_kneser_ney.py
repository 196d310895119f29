"""The n-gram baseline: probabilities that sum to 1, the formula written out with dictionaries, and the command."""

import math
from collections import Counter, defaultdict
from pathlib import Path

import ngram
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from kneser_ney import FALLBACK, discounts, probabilities

MARK = "\0"
texts = some.text("ab cé", min_size=1, max_size=60)


def all_orders(training: str, text: str, order: int) -> np.ndarray:
    return np.stack(list(probabilities(training, text, order)))


class WrittenOut:
    """The same model out of dictionaries of strings, straight from the formula."""

    def __init__(self, training: str, order: int) -> None:
        self.letters = len(set(training)) + 1
        self.order = order
        self.text = MARK * order + training

    def counts(self, length: int, highest: bool) -> dict[str, int]:
        ends = range(self.order, len(self.text))
        if highest:
            return Counter(self.text[end - length + 1 : end + 1] for end in ends)
        before = defaultdict(set)
        for end in ends:
            before[self.text[end - length + 1 : end + 1]].add(self.text[end - length])
        return {gram: len(letters) for gram, letters in before.items()}

    def probability(self, context: str, letter: str, length: int, highest: bool = True) -> float:
        if length == 0:
            return 1 / self.letters
        counts = self.counts(length, highest)
        history = (MARK * self.order + context)[len(context) + self.order - length + 1 :]
        following = {gram[-1]: count for gram, count in counts.items() if gram[:-1] == history}
        below = self.probability(context, letter, length - 1, False)
        if not following:
            return below
        d = [0.0, *discounts(np.array(list(counts.values())))]
        total, count = sum(following.values()), following.get(letter, 0)
        gamma = sum(d[min(each, 3)] for each in following.values()) / total
        return (count - d[min(count, 3)]) / total + gamma * below


@given(training=texts, context=some.text("ab cé?", max_size=8))
def test_probabilities_sum_to_one_after_any_context(training: str, context: str) -> None:
    letters = [*sorted(set(training)), "\uffff"]  # the last stands for all that were not seen
    last = [all_orders(training, context + letter, 6)[:, -1] for letter in letters]
    np.testing.assert_allclose(np.sum(last, 0), np.ones(6), atol=1e-12)
    assert np.min(last) > 0


@given(training=texts, text=some.text("ab cé?", min_size=1, max_size=6))
def test_orders_one_to_four_are_the_formula_written_out(training: str, text: str) -> None:
    found = all_orders(training, text, 4)
    for k in range(1, 5):
        model = WrittenOut(training, k)
        expected = [model.probability(text[:place], letter, k) for place, letter in enumerate(text)]
        np.testing.assert_allclose(found[k - 1], expected, rtol=1e-12)


def test_a_long_text_is_the_formula_too_with_discounts_that_are_not_the_fallback() -> None:
    generator = np.random.default_rng(0)
    training = "".join(generator.choice(list("abcdefgh"), 1500, p=np.arange(1, 9) / 36))
    model = WrittenOut(training, 3)
    assert discounts(np.array(list(model.counts(3, True).values()))) != FALLBACK
    text = "abcabhgfh"
    expected = [model.probability(text[:place], letter, 3) for place, letter in enumerate(text)]
    np.testing.assert_allclose(all_orders(training, text, 3)[2], expected, rtol=1e-12)


def test_discounts_are_those_of_the_paper() -> None:
    counts = np.repeat([1, 2, 3, 4, 9], [8, 4, 2, 1, 5])  # n_1 .. n_4 = 8, 4, 2, 1, so that Y = 1/2
    assert discounts(counts) == pytest.approx((0.5, 1.25, 2.0))
    assert discounts(np.array([1, 1, 2])) == FALLBACK
    # D_2 = 2 - 3 Y n_3 / n_2 would be below 0
    assert discounts(np.repeat([1, 2, 3, 4], [8, 1, 9, 1])) == FALLBACK


def test_a_text_that_repeats_is_learnt_by_longer_memory() -> None:
    losses = -np.log(all_orders("to be or not to be. " * 40, "to be or not to be. to be", 8)).mean(1)
    assert losses[0] > losses[2] > losses[7]


def test_the_command_writes_its_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "plays"
    folder.mkdir()
    for name in ngram.SPLITS:
        (folder / name).write_text("to be or not to be, that is the question\n" * 9, encoding="utf-8")
    (folder / "test.txt").write_text("to be or not to be é", encoding="utf-8")
    ngram.main([str(folder), "--order", "5", "--out", str(tmp_path / "table.md")])
    written = (tmp_path / "table.md").read_text(encoding="utf-8")
    assert written in capsys.readouterr().out
    row = next(line for line in written.splitlines() if line.startswith("| plays | 369 "))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert float(cells[4]) == pytest.approx(float(cells[5]) / math.log(2), abs=1e-3)
    assert cells[-1] == "1 of 20"
    (folder / "valid.txt").unlink()
    with pytest.raises(SystemExit, match=r"valid\.txt is missing"):
        ngram.main([str(folder)])
