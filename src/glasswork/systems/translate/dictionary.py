"""Word for word: what needs no network to compare a translation with, a dictionary learned by co-occurrence."""

from collections.abc import Sequence

import torch
from torch import Tensor

from glasswork.data import ragged
from glasswork.data.tokenize import cutter, join
from glasswork.data.vocabulary import UNKNOWN, Vocabulary

BASELINE = "a word-for-word dictionary"
_CUT = cutter(Vocabulary((UNKNOWN,), "word", (), True))


class Dictionary:
    """Translates each word by the one that comes most often where it comes, and no more often elsewhere.

    That is the word t with the highest Dice coefficient 2 n(s, t) / (n(s) + n(t)), where n counts pairs of texts
    (Smadja et al. 1996). A word that was never seen stays as it is.

    Args:
        sources: texts.
        targets: the translation of each.
    """

    def __init__(self, sources: Sequence[str], targets: Sequence[str]) -> None:
        self._numbers, words, begins = _different_words(sources)
        known, self._words, self._offsets = _different_words(targets)
        self._tokens = [*known]
        self._often = torch.bincount(self._words, minlength=len(known))
        texts = torch.repeat_interleave(torch.arange(len(sources)), ragged.lengths(begins))
        self._texts = texts[words.argsort(stable=True)]  # that have the first word, that have the second one, ...
        self._begins = ragged.offsets_of(torch.bincount(words, minlength=len(self._numbers)))
        self._found: dict[int, str] = {}

    def translate(self, texts: Sequence[str]) -> list[str]:
        """Texts word by word."""
        numbers, found = self._numbers, []
        for text in texts:
            words = [piece.token for piece in _CUT(text)]
            said = [self._word(numbers[word]) if word in numbers else word for word in words]
            found.append(join(range(len(said)), Vocabulary(tuple(said), "word")))
        return found

    def _word(self, number: int) -> str:
        if number not in self._found:
            texts = self._texts[self._begins[number] : self._begins[number + 1]]
            together, _ = ragged.take(self._words, self._offsets, texts)
            both = torch.bincount(together, minlength=len(self._tokens))
            dice = 2 * both / (self._often + len(texts))
            self._found[number] = self._tokens[int(dice.argmax())]
        return self._found[number]


def _different_words(texts: Sequence[str]) -> tuple[dict[str, int], Tensor, Tensor]:
    """All words with their numbers, the words of each text, each once, and where each text begins."""
    numbers: dict[str, int] = {}
    found: list[int] = []
    counts = []
    for text in texts:
        words = dict.fromkeys(piece.token for piece in _CUT(text))
        found += [numbers.setdefault(word, len(numbers)) for word in words]
        counts.append(len(words))
    return numbers, torch.tensor(found, dtype=torch.int64), ragged.offsets_of(torch.tensor(counts, dtype=torch.int64))
