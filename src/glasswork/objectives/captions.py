"""How good sentences about pictures are, beside those that people wrote: BLEU and CIDEr."""

import importlib
import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from glasswork.errors import GlassworkError

ORDERS = 4
"""Up to how many words in a row are compared."""
SIGMA = 6.0
"""Words of difference in length that CIDEr-D forgives."""


def require_package() -> Any:
    """The package that computes BLEU.

    Raises:
        GlassworkError: where it is missing.
    """
    try:
        return importlib.import_module("sacrebleu")
    except ImportError:
        raise GlassworkError(
            "Captions are measured with sacrebleu, which is not installed: pip install 'glasswork[text]'"
        ) from None


def plain_words(text: str) -> list[str]:
    """A sentence in small letters without its punctuation, as COCO's evaluation compares them (Chen et al. 2015)."""
    return re.findall(r"[^\W_]+(?:['\u2019-][^\W_]+)*", text.lower())


def bleu(answers: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
    """BLEU-1 to BLEU-4 over all answers, from 0 to 1 (Papineni et al. 2002), by the names `bleu1` to `bleu4`.

    Args:
        answers: a sentence for each picture.
        references: those that people wrote about it, at least one.
    """
    package = require_package()
    said = [" ".join(plain_words(answer)) for answer in answers]
    most = max(map(len, references), default=0)
    # sacrebleu takes a list for the first reference of all, one for the second, and so on; None where there are fewer.
    known = [
        [" ".join(plain_words(each[place])) if place < len(each) else None for each in references]
        for place in range(most)
    ]
    found = {}
    for order in range(1, ORDERS + 1):
        measure = package.BLEU(tokenize="none", max_ngram_order=order, smooth_method="none", force=True)
        found[f"bleu{order}"] = measure.corpus_score(said, known).score / 100 if said else 0.0
    return found


def cider(answers: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """CIDEr-D of all answers: the mean of `cider_of_each`; 0 of none."""
    each = cider_of_each(answers, references)
    return sum(each) / len(each) if each else 0.0


def cider_of_each(answers: Sequence[str], references: Sequence[Sequence[str]]) -> list[float]:
    """CIDEr-D of each answer (Vedantam et al. 2015, section 5), 10 if it is its only reference.

    The cosine between counts of 1 to 4 words in a row, weighted by how rare they are among the references of these
    pictures, with counts clipped to the reference's and a penalty on the difference in length.

    Args:
        answers: a sentence for each picture.
        references: those that people wrote about it, at least one.
    """
    known = [[_grams(plain_words(text)) for text in texts] for texts in references]
    documents: Counter[tuple[str, ...]] = Counter()
    for texts in known:
        documents.update({gram for grams in texts for order in grams for gram in order})
    total = math.log(len(answers)) if len(answers) > 1 else 1.0
    scores = []
    for answer, texts in zip(answers, known, strict=True):
        own = _weighed(_grams(plain_words(answer)), documents, total)
        each = [_similar(own, _weighed(grams, documents, total)) for grams in texts]
        scores.append(10 * sum(each) / len(each))
    return scores


Grams = list[Counter[tuple[str, ...]]]
Weighed = tuple[list[dict[tuple[str, ...], float]], int]


def _grams(words: Sequence[str]) -> Grams:
    """The runs of 1 to 4 words with their counts, by length."""
    return [
        Counter(tuple(words[start : start + order]) for start in range(len(words) - order + 1))
        for order in range(1, ORDERS + 1)
    ]


def _weighed(grams: Grams, documents: Counter[tuple[str, ...]], total: float) -> Weighed:
    vectors = [
        {gram: count * (total - math.log(max(1, documents[gram]))) for gram, count in order.items()} for order in grams
    ]
    return vectors, sum(grams[0].values())


def _similar(own: Weighed, other: Weighed) -> float:
    """The mean over the orders of the clipped cosine, times exp(-(difference in length)^2 / (2 sigma^2))."""
    near = math.exp(-((own[1] - other[1]) ** 2) / (2 * SIGMA**2))
    found = 0.0
    for mine, theirs in zip(own[0], other[0], strict=True):
        product = sum(min(weight, theirs.get(gram, 0.0)) * theirs.get(gram, 0.0) for gram, weight in mine.items())
        norms = math.sqrt(sum(value**2 for value in mine.values()) * sum(value**2 for value in theirs.values()))
        found += product / norms if norms else 0.0
    return near * found / ORDERS
