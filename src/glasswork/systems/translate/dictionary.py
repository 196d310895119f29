"""Word for word: what needs no network to compare a translation with, a dictionary learned by co-occurrence."""

from collections.abc import Sequence

import torch
from torch import Tensor

from glasswork.data import ragged
from glasswork.data.tokenize import cutter, encode, find_vocabulary, join
from glasswork.data.vocabulary import Vocabulary

BASELINE = "a word-for-word dictionary"
_MOST = 200_000


class Dictionary:
    """Translates each word by the one that comes most often where it comes, and no more often elsewhere.

    That is the word t with the highest Dice coefficient 2 n(s, t) / (n(s) + n(t)), where n counts pairs of texts
    (Smadja et al. 1996). A word that was never seen stays as it is.

    Args:
        sources: texts.
        targets: the translation of each.
    """

    def __init__(self, sources: Sequence[str], targets: Sequence[str]) -> None:
        self._source, target = (find_vocabulary(texts, "word", _MOST, 1, cased=True) for texts in (sources, targets))
        self._tokens = target.tokens
        self._words, self._offsets = _different_words(targets, target)
        self._often = torch.bincount(self._words, minlength=len(target))
        words, begins = _different_words(sources, self._source)
        texts = torch.repeat_interleave(torch.arange(len(sources)), ragged.lengths(begins))
        self._texts = texts[words.argsort(stable=True)]  # that have the first word, that have the second one, ...
        self._begins = ragged.offsets_of(torch.bincount(words, minlength=len(self._source)))
        self._known: dict[int, str] = {}

    def translate(self, texts: Sequence[str]) -> list[str]:
        """Texts word by word."""
        cut, numbers, found = cutter(self._source), self._source.numbers, []
        for text in texts:
            words = [piece.token for piece in cut(text)]
            said = [self._word(numbers[word]) if word in numbers else word for word in words]
            found.append(join(range(len(said)), Vocabulary(tuple(said), "word")))
        return found

    def _word(self, number: int) -> str:
        if number not in self._known:
            texts = self._texts[self._begins[number] : self._begins[number + 1]]
            together, _ = ragged.take(self._words, self._offsets, texts)
            both = torch.bincount(together, minlength=len(self._tokens))
            dice = 2 * both / (self._often + len(texts))
            self._known[number] = self._tokens[int(dice[1:].argmax()) + 1]
        return self._known[number]


def _different_words(texts: Sequence[str], vocabulary: Vocabulary) -> tuple[Tensor, Tensor]:
    """The words of each text, each once, and where each text begins."""
    values, offsets = encode(texts, vocabulary)
    rows = torch.repeat_interleave(torch.arange(len(texts)), ragged.lengths(offsets))
    once = torch.unique(rows * len(vocabulary) + values)
    counts = torch.bincount(once // len(vocabulary), minlength=len(texts))
    return once % len(vocabulary), ragged.offsets_of(counts)
