"""95 % intervals of a share of right answers."""

import math
import statistics
from collections.abc import Sequence


def share_interval(right: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share, right of count independent examples (Wilson 1927)."""
    z, share = 1.959964, right / count
    centre_of = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(0.0, centre_of - half), min(1.0, centre_of + half)


def grouped_share_interval(shares: Sequence[float], mean: float) -> tuple[float, float] | None:
    """The 95 % interval of a share whose examples come in groups, from how much the groups differ (Student's t).

    Examples of one group, such as the frames of a clip, are not independent.

    Args:
        shares: of each group.
        mean: of all examples together.

    Returns:
        None for fewer than two groups.
    """
    if len(shares) < 2:
        return None
    from scipy import stats

    half = float(stats.t.ppf(0.975, len(shares) - 1)) * statistics.stdev(shares) / math.sqrt(len(shares))
    return max(0.0, mean - half), min(1.0, mean + half)
