"""How near written answers are to right ones: BLEU and chrF by sacrebleu, and edits of words."""

import importlib.util
from collections.abc import Sequence
from typing import Any

from glasswork.errors import GlassworkError
from glasswork.objectives.edits import edit_distance

References = Sequence[Sequence[str]]
"""The right answers to each text, one or more."""


def require_sacrebleu() -> None:
    """Refuses to go on without the package that measures translations.

    Raises:
        GlassworkError: if it is not installed.
    """
    if importlib.util.find_spec("sacrebleu") is None:
        raise GlassworkError(
            "Translations are measured by sacrebleu, which is not installed: pip install 'glasswork[text]'"
        )


def bleu(answers: Sequence[str], references: References) -> float:
    """BLEU of a corpus, 0 to 100, with sacrebleu's usual tokens `13a` (Papineni et al. 2002; Post 2018)."""
    from sacrebleu.metrics.bleu import BLEU  # here, as its import takes a while

    return float(BLEU().corpus_score(list(answers), _streams(references)).score)


def chrf(answers: Sequence[str], references: References) -> float:
    """chrF2 of a corpus, 0 to 100: an F score of runs of characters (Popovic 2015)."""
    from sacrebleu.metrics.chrf import CHRF

    return float(CHRF().corpus_score(list(answers), _streams(references)).score)


def exact_match(answers: Sequence[str], references: References) -> float:
    """The share of answers that are a right one, letter by letter."""
    right = sum(answer in known for answer, known in zip(answers, references, strict=True))
    return right / max(1, len(answers))


def word_error_rate(answers: Sequence[str], references: References) -> float:
    """Edits of words that turn answers into the nearest right one, over the words of these.

    Words are what stands between spaces; phones, if the answers are phones.
    """
    edits = words = 0
    for answer, known in zip(answers, references, strict=True):
        said = answer.split()
        pairs = [(edit_distance(right.split(), said), len(right.split())) for right in known]
        fewest, length = min(pairs, key=lambda pair: pair[0] / max(1, pair[1]))
        edits, words = edits + fewest, words + length
    return edits / max(1, words)


def _streams(references: References) -> Any:
    """The first right answer to each text, the second ones or None, and so on; sacrebleu's own types leave None out."""
    most = max(map(len, references), default=1)
    return [[known[place] if place < len(known) else None for known in references] for place in range(most)]
