"""Edit distance, and the word and character error rates that follow from it, with intervals by bootstrap."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

RESAMPLES = 1000


class Edit(NamedTuple):
    """One place of two aligned sequences.

    Attributes:
        truth: what stands there; None: something was inserted.
        said: what was said; None: it was left out.
    """

    truth: str | None
    said: str | None


class Errors(NamedTuple):
    """Edits that a text needs to become the true one, and how long the true one is."""

    edits: int
    length: int


def edit_distance(truth: Sequence[str], said: Sequence[str]) -> int:
    """The fewest substitutions, insertions and deletions that make one sequence the other (Levenshtein 1966)."""
    return int(_distances(truth, said)[-1, -1])


def align_edits(truth: Sequence[str], said: Sequence[str]) -> list[Edit]:
    """The edits of one shortest way from one sequence to the other, with what stays the same, in order."""
    distances, found = _distances(truth, said), list[Edit]()
    row, column = len(truth), len(said)
    while row or column:
        here = distances[row, column]
        if row and column and here == distances[row - 1, column - 1] + (truth[row - 1] != said[column - 1]):
            row, column = row - 1, column - 1
            found.append(Edit(truth[row], said[column]))
        elif row and here == distances[row - 1, column] + 1:
            row -= 1
            found.append(Edit(truth[row], None))
        else:
            column -= 1
            found.append(Edit(None, said[column]))
    return found[::-1]


def _distances(truth: Sequence[str], said: Sequence[str]) -> npt.NDArray[np.int64]:
    """The distance of every beginning of one from every beginning of the other, (truth + 1, said + 1)."""
    numbers = {piece: number for number, piece in enumerate(dict.fromkeys([*truth, *said]))}
    across = np.array([numbers[piece] for piece in said], dtype=np.int64)
    steps = np.arange(len(said) + 1)
    distances = np.empty((len(truth) + 1, len(said) + 1), dtype=np.int64)
    distances[0] = steps
    for row, piece in enumerate(truth, 1):
        above = distances[row - 1]
        best = above + 1
        best[1:] = np.minimum(best[1:], above[:-1] + (across != numbers[piece]))
        # An insertion costs one more than the place to its left, whatever that took: a running minimum.
        distances[row] = np.minimum.accumulate(best - steps) + steps
    return distances


def word_errors(truths: Sequence[str], said: Sequence[str]) -> list[Errors]:
    """The errors of each text, in words between spaces."""
    return [
        Errors(edit_distance(truth.split(), one.split()), len(truth.split()))
        for truth, one in zip(truths, said, strict=True)
    ]


def character_errors(truths: Sequence[str], said: Sequence[str]) -> list[Errors]:
    """The errors of each text, in characters; spaces count."""
    return [Errors(edit_distance(truth, one), len(truth)) for truth, one in zip(truths, said, strict=True)]


def error_rate(errors: Sequence[Errors]) -> float:
    """All edits over all words (or characters) of the true texts; above 1 if much is inserted."""
    return sum(one.edits for one in errors) / max(1, sum(one.length for one in errors))


def bootstrap_interval(errors: Sequence[Errors], seed: int = 0) -> tuple[float, float] | None:
    """The 95 % interval of an error rate, from drawing the texts again and again with replacement (Efron 1979).

    The words of one text are not independent, so texts are drawn and not words (Bisani and Ney 2004).

    Args:
        errors: of each text.
        seed: of the draws.

    Returns:
        None for fewer than two texts.
    """
    if len(errors) < 2:
        return None
    counts = np.array(errors)
    rows = np.random.default_rng(seed).integers(0, len(counts), (RESAMPLES, len(counts)))
    sums = counts[rows].sum(1)
    low, high = np.quantile(sums[:, 0] / np.maximum(1, sums[:, 1]), (0.025, 0.975))
    return float(low), float(high)
