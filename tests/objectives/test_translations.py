"""Figures of written answers, and the dictionary that they are compared with."""

import pytest
import sacrebleu

from glasswork.objectives.translations import bleu, chrf, exact_match, word_error_rate
from glasswork.systems.translate.dictionary import Dictionary

SAID = ["the cat sat on the mat", "he reads a book"]
RIGHT = [["the cat sat on a mat", "a cat sat on the mat"], ["he reads the book"]]


def test_as_sacrebleu_measures_several_right_answers() -> None:
    streams = [["the cat sat on a mat", "he reads the book"], ["a cat sat on the mat", None]]
    assert bleu(SAID, RIGHT) == pytest.approx(sacrebleu.corpus_bleu(SAID, streams).score)
    assert chrf(SAID, RIGHT) == pytest.approx(sacrebleu.corpus_chrf(SAID, streams).score)
    assert bleu([known[0] for known in RIGHT], RIGHT) == pytest.approx(100)


def test_the_nearest_right_answer_counts() -> None:
    assert word_error_rate(SAID, RIGHT) == pytest.approx(2 / 10)
    assert exact_match(["R IY D", "AE B"], [["R EH D", "R IY D"], ["AE P"]]) == 0.5
    assert word_error_rate(["R IY D", "AE B"], [["R EH D", "R IY D"], ["AE P"]]) == pytest.approx(1 / 5)


def test_a_dictionary_finds_what_comes_together() -> None:
    sources = ["one red dog", "one old dog", "a red cat", "an old cat"]
    targets = ["un perro rojo", "un perro viejo", "un gato rojo", "un gato viejo"]
    assert Dictionary(sources, targets).translate(["old red dog, 7!"]) == ["viejo rojo perro, 7!"]
