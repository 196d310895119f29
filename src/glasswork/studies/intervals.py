"""Means and differences over splits, folds or rows, with their standard errors and intervals."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

CONFIDENCE = 0.95
_Z = 1.959964  # of 95 %


@dataclass(frozen=True)
class Estimate:
    """A mean over splits with its 95 % interval; `splits` are the single values."""

    mean: float
    low: float
    high: float
    splits: tuple[float, ...]


def estimate(values: Sequence[float], judged: float) -> Estimate:
    """Mean and interval of figures over splits whose training parts overlap.

    The usual variance of a mean takes the splits for independent and is too small, since each example trains most of
    the time. Nadeau and Bengio (2003): (1 / k + n_judged / n_training) s^2, with Student's t of k - 1 degrees.

    Args:
        values: a figure, or the difference of two on the same split, for each of at least 2 splits.
        judged: how many examples judge for each that trains.
    """
    from scipy import stats

    count = len(values)
    mean = sum(values) / count
    variance = sum((value - mean) ** 2 for value in values) / (count - 1)
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1)) * math.sqrt((1 / count + judged) * variance)
    return Estimate(mean, mean - half, mean + half, tuple(values))


def share_estimate(values: Sequence[float], judged: float) -> Estimate:
    """`estimate` of shares: no share is below 0 or above 1, and so no end of the interval is.

    Args:
        values: a share for each split.
        judged: how many examples judge for each that trains.
    """
    found = estimate(values, judged)
    return replace(found, low=max(0.0, found.low), high=min(1.0, found.high))


def mean_and_standard_error(errors: Sequence[Sequence[float]]) -> tuple[float, float]:
    """The mean of the folds' errors, and its standard error s / sqrt(n), s^2 = sum (e_i - mean e)^2 / (n - 1).

    Of several repeats: the mean, and the root mean square of the standard errors. More repeats do not make it smaller,
    for they judge the same examples again.

    Args:
        errors: of the n folds of each repeat.
    """
    means = [sum(folds) / len(folds) for folds in errors]
    squares = [
        sum((error - mean) ** 2 for error in folds) / (len(folds) - 1) / len(folds)
        for folds, mean in zip(errors, means, strict=True)
    ]
    return sum(means) / len(means), math.sqrt(sum(squares) / len(squares))


def share_difference(differences: Sequence[int], counts: Sequence[int]) -> tuple[float, float, float]:
    """The difference of two shares of right answers over the same rows, with its 95 % interval.

    The rows are what is independent, not the words or frames within them: the difference is a ratio of sums over rows,
    and its variance that of a ratio estimator (Cochran 1977, 2.11).

    Args:
        differences: of each row, how many more of its times the first answered rightly.
        counts: its times.
    """
    rows, whole = len(counts), sum(counts)
    mean = sum(differences) / whole
    scatter = sum((one - mean * count) ** 2 for one, count in zip(differences, counts, strict=True))
    half = _Z * math.sqrt(scatter * rows / (rows - 1)) / whole
    return mean, mean - half, mean + half
