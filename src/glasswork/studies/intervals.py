"""Ways compared on the same splits: means, differences and their intervals."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95


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
