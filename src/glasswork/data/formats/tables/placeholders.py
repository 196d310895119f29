"""Finds numbers that stand for missing values: 0, -1, -999 or 9999 far from all others of their column."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from glasswork.data.formats.raw_arrays import quartiles
from glasswork.data.formats.tables.typed import Numbers

_NINES = [float("9" * count) for count in range(1, 10)]
_EIGHTS = [float("8" * count) for count in range(1, 5)]
_LIMITS = [1e20, 1e30, 32767.0, 32768.0, 65535.0, 2147483647.0, 2147483648.0]
_USUAL = frozenset([0.0, -1.0, *(sign * size for size in (*_NINES, *_EIGHTS, *_LIMITS) for sign in (1, -1))])
_MOST = 4  # placeholders at either end of a column
_FEWEST = 10  # other values
_DIFFERENT = 3  # of these
_FAR = 4.0  # deviations from the mean of the others, if the number is a usual placeholder
_GAP = 1.0  # deviations from the nearest of the others
_VERY_FAR = 10.0  # deviations from the nearest, if it is a usual one that comes once, or an unusual one
_SAMPLE = 2000
_NAMED = 5

Wholes = npt.NDArray[np.int64]


def find_placeholders(numbers: Numbers) -> dict[float, int]:
    """The numbers that look like placeholders, and how often each comes.

    A number at the end of a column's range is one if it comes several times and is far from all others: a usual one by
    four deviations of the others from their mean, any other by ten from the nearest. One that comes once has to be
    both.

    Args:
        numbers: of a column; NaN is none.
    """
    sample = numbers[:: len(numbers) // _SAMPLE + 1]
    if len(numbers) < _FEWEST or not _has_odd_end(numbers) or not _may_have(numbers, sample):
        return {}
    known = numbers[~np.isnan(numbers)]
    values, counts = np.unique(known, return_counts=True)
    first, last = 0, len(values)
    while first < _MOST and first < last - 1 and float(values[first]) in _USUAL:
        first += 1
    while len(values) - last < _MOST and last - 1 > first and float(values[last - 1]) in _USUAL:
        last -= 1
    while last - first > _DIFFERENT and _is_far(values, counts, first, first + 1, last):
        first += 1
    while last - first > _DIFFERENT and _is_far(values, counts, last - 1, first, last - 1):
        last -= 1
    return _far(values, counts, first, last)


def say_placeholders(found: Mapping[str, Mapping[float, int]], declare: bool = True) -> list[str]:
    """A sentence about the numbers that look like placeholders, by column; none if there are none.

    Args:
        found: what `find_placeholders` gave for each column.
        declare: whether they can be declared missing.
    """
    those = {name: values for name, values in found.items() if values}
    if not those:
        return []
    few = list(those.items())[:_NAMED]
    listed, flags = [], []
    for name, values in few:
        listed.append(f"'{name}' {', '.join(f'{value:.15g} ({count:,})' for value, count in values.items())}")
        flags.append(f"--missing '{name}={','.join(f'{value:.15g}' for value in values)}'")
    words = "; ".join(listed)
    more = f"; and {len(those) - _NAMED:,} more columns" if len(those) > _NAMED else ""
    how = " ".join(flags) if declare else "leave them out, or save the rows as a table and declare them with --missing"
    return [
        "Numbers far from all others of their column look like placeholders for missing values, and count as "
        f"numbers: {words}{more}. If they are placeholders: {how}."
    ]


def _has_odd_end(numbers: Numbers) -> bool:
    """Whether the least or the greatest number is a usual placeholder or comes several times."""
    ends = (np.fmin.reduce(numbers), np.fmax.reduce(numbers))  # which pass over NaN
    return any(float(end) in _USUAL or np.count_nonzero(numbers == end) > 1 for end in ends)


def _may_have(numbers: Numbers, sample: Numbers) -> bool:
    """Whether an end of a column is far from the middle of a sample of it, which is quickly found out."""
    low, high = np.nanmin(numbers), np.nanmax(numbers)
    others = sample[(sample != low) & (sample != high) & ~np.isnan(sample)]
    if not len(others):
        return False
    lower, middle, upper = quartiles(others)
    spread = (upper - lower) / 1.35 or 0.0
    return bool(max(middle - low, high - middle) > _FAR / 2 * spread)


def _far(values: Numbers, counts: Wholes, first: int, last: int) -> dict[float, int]:
    """Of the numbers before `first` and from `last` on, those that are far from all between."""
    near = True
    while near:
        near = False
        if first and not _is_far(values, counts, first - 1, first, last):
            first, near = first - 1, True
        if last < len(values) and not _is_far(values, counts, last, first, last):
            last, near = last + 1, True
    places = [*range(first), *range(last, len(values))]
    return {float(values[place]): int(counts[place]) for place in places}


def _is_far(values: Numbers, counts: Wholes, place: int, first: int, last: int) -> bool:
    """Whether a number is far from those from `first` to `last`, which it is not among."""
    value, count = float(values[place]), int(counts[place])
    if value not in _USUAL and count == 1:
        return False
    others, weights = values[first:last], counts[first:last]
    total = weights.sum()
    if total < _FEWEST or len(others) < _DIFFERENT:
        return False
    mean = float((others * weights).sum() / total)
    deviation = float(np.sqrt((np.square(others - mean) * weights).sum() / total))
    usual, gap = value in _USUAL, float(np.abs(others - value).min())
    if usual and count > 1:
        return abs(value - mean) > _FAR * deviation and gap > _GAP * deviation
    return (usual or count > 1) and gap > _VERY_FAR * deviation
