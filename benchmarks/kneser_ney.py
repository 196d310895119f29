"""Interpolated modified Kneser-Ney over characters (Chen and Goodman 1999, section 3), one order after the other.

    p_k(w | h) = max(c(h w) - D(c(h w)), 0) / c(h) + gamma(h) p_(k-1)(w | h without its first character)
    gamma(h)   = (D_1 N_1(h) + D_2 N_2(h) + D_3 N_3+(h)) / c(h)
    p_0(w)     = 1 / characters

where c counts occurrences at the highest order and, at all others, the different characters that stand before h w;
N_i(h) is how many w have c(h w) = i, and D_1, D_2, D_3 are equation 17's, found anew for each order.

All orders up to the highest come out of one pass: the lower part of a model of order k is that of order k - 1 counted
by different characters, whatever the highest order is. Nothing of an order is kept but its probabilities, so that
memory does not grow with the order: about 100 bytes a character.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Places = NDArray[np.int64]

FALLBACK = (0.5, 1.0, 1.5)
"""D_1, D_2 and D_3 where equation 17 cannot be used (KenLM's, `--discount_fallback`)."""


class Grams(NamedTuple):
    """The k-grams that end at each place.

    Attributes:
        at: (places,), a number for the k-gram that ends there.
        context: (k-grams,), the number of the (k - 1)-gram that each begins with.
        ending: (k-grams,), the number of the (k - 1)-gram that each ends with.
    """

    at: Places
    context: Places
    ending: Places


def probabilities(training: str, text: str, order: int) -> Iterator[Numbers]:
    """What models of order 1, 2, .. `order`, counted in `training`, say to each character of `text`.

    The alphabet is the training text's characters and one more, which stands for all that are not among them. Both
    texts begin after a mark that is never predicted.

    Args:
        training: what is counted.
        text: what is predicted, each character from those before it.
        order: of the highest model: how many characters it looks at, the predicted one included.

    Yields:
        For each order (len(text),), probabilities.

    Raises:
        ValueError: for an empty training text or an order below 1.
    """
    if not training or order < 1:
        raise ValueError("a model of characters needs a training text and an order of at least 1")
    letters = {letter: code for code, letter in enumerate(sorted(set(training)), 1)}  # 0 is the mark of the beginning
    unknown, size = len(letters) + 1, len(letters) + 1
    mark = np.zeros(order, np.int64)
    codes = np.concatenate([mark, _codes(training, letters, unknown), mark, _codes(text, letters, unknown)])
    counted = np.arange(order, order + len(training))
    asked = np.arange(len(codes) - len(text), len(codes))
    empty = np.zeros(1, np.int64)
    grams = _longer(Grams(np.zeros(len(codes), np.int64), empty, empty), codes, size)
    below = np.full(len(text), 1 / size)
    for k in range(1, order + 1):
        occurring = np.bincount(grams.at[counted], minlength=len(grams.context))
        yield _interpolated(grams, occurring, asked, below)
        if k < order:
            longer = _longer(grams, codes, size)
            known = np.unique(longer.at[counted])
            different = np.bincount(longer.ending[known], minlength=len(grams.context))
            below = _interpolated(grams, different, asked, below)
            grams = longer


def discounts(counts: Places) -> tuple[float, float, float]:
    """D_1, D_2 and D_3+ of one order (equation 17), or `FALLBACK` where they are undefined or out of their range.

    Args:
        counts: of every k-gram.
    """
    n1, n2, n3, n4 = (int((counts == times).sum()) for times in (1, 2, 3, 4))
    if min(n1, n2, n3, n4) == 0:
        return FALLBACK
    y = n1 / (n1 + 2 * n2)
    found = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
    return found if all(0 <= d <= times for times, d in enumerate(found, 1)) else FALLBACK


def _codes(text: str, letters: dict[str, int], unknown: int) -> Places:
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    table = np.full(0x110000, unknown, np.int64)
    for letter, code in letters.items():
        table[ord(letter)] = code
    return table[points]


def _longer(grams: Grams, codes: Places, size: int) -> Grams:
    """Grams longer by one. At the first places there is too little text for them; marks stand there."""
    before = np.roll(grams.at, 1)
    keys = before * (size + 1) + codes
    _, first, at = np.unique(keys, return_index=True, return_inverse=True)
    return Grams(at, before[first], grams.at[first])


def _interpolated(grams: Grams, counts: Places, asked: Places, below: Numbers) -> Numbers:
    """One line of the formula: (asked,) probabilities out of the counts of all k-grams and those of order k - 1."""
    taken = np.array([0.0, *discounts(counts)])[np.minimum(counts, 3)]  # D(c) of each k-gram
    contexts = int(grams.context.max()) + 1
    total = np.bincount(grams.context, weights=counts, minlength=contexts)
    left = np.bincount(grams.context, weights=taken, minlength=contexts)
    gram = grams.at[asked]
    context = grams.context[gram]
    seen = total[context] > 0
    divisor = np.where(seen, total[context], 1.0)
    own, share = (counts - taken)[gram] / divisor, left[context] / divisor
    return np.where(seen, own + share * below, below)
