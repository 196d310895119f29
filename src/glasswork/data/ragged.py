"""Rows of different lengths, stored one after the other in a flat column: `values` and `offsets`, as Arrow has them.

Row i is `values[offsets[i] : offsets[i + 1]]`; `offsets` is int64 (rows + 1,) and begins with 0. Nothing here goes
through the rows one by one.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from glasswork.execution import mixed

JITTER = 0.04
"""How much of its length a row may seem longer than it is when rows are brought into an order by length."""

_HASHED = 1 << 20  # values at a time


def lengths(offsets: Tensor) -> Tensor:
    """The length of each row, int64 (rows,)."""
    return offsets[1:] - offsets[:-1]


def spread_of_lengths(offsets: Tensor) -> str:
    """The shortest, the longest and the median length in words."""
    ordered = lengths(offsets).sort().values
    least, middle, most = ordered[[0, len(ordered) // 2, -1]].tolist()
    return f"{least:,}" if least == most else f"{least:,} to {most:,} (median {middle:,})"


def offsets_of(counts: Tensor) -> Tensor:
    """Where rows of these lengths (rows,) begin, and where the last one ends: int64 (rows + 1,)."""
    return torch.nn.functional.pad(counts.to(torch.int64).cumsum(0), (1, 0))


def pack(rows: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Rows of shapes (length, ...) as values and offsets."""
    counts = torch.tensor([len(row) for row in rows], dtype=torch.int64)
    return torch.cat(list(rows)), offsets_of(counts)


def places(offsets: Tensor, rows: Tensor) -> Tensor:
    """Where in the values the elements of `rows` lie, row after row: int64 (elements,)."""
    counts = lengths(offsets)[rows]
    ends = counts.cumsum(0)
    total = int(ends[-1]) if len(ends) else 0
    return torch.arange(total) + torch.repeat_interleave(offsets[rows] - (ends - counts), counts)


def take(values: Tensor, offsets: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Values and offsets of some rows (int64), in their order."""
    return values[places(offsets, rows)], offsets_of(lengths(offsets)[rows])


def split(values: Tensor, offsets: Tensor, rows: Tensor) -> list[Tensor]:
    """The values of each row, (times, ...), without a copy."""
    return [values[begin:end] for begin, end in zip(offsets[rows].tolist(), offsets[rows + 1].tolist(), strict=True)]


def pad(values: Tensor, offsets: Tensor, rows: Tensor, fill: float = 0) -> tuple[Tensor, Tensor]:
    """Some rows side by side, brought to the length of the longest of them.

    Args:
        values: of any shape (elements, ...).
        offsets: of its rows.
        rows: which rows, int64.
        fill: what stands behind the end of a shorter row.

    Returns:
        (rows, longest, ...), and the lengths, int64 (rows,).
    """
    counts = lengths(offsets)[rows]
    longest = int(counts.max()) if len(counts) else 0
    times = torch.arange(longest)
    inside = times < counts[:, None]
    found = values[torch.where(inside, offsets[rows][:, None] + times, 0)]
    outside = ~inside.view(*inside.shape, *(1,) * (values.dim() - 1))
    return found.masked_fill_(outside, fill), counts


def unpad(padded: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
    """The reverse of `pad`: values and offsets out of (rows, longest, ...) and the lengths (rows,)."""
    inside = torch.arange(padded.shape[1], device=padded.device) < counts[:, None].to(padded.device)
    return padded[inside], offsets_of(counts)


def padding_waste(counts: Tensor, batches: Sequence[Tensor]) -> float:
    """The share of padding in batches of rows that are brought to the length of the longest in each.

    Args:
        counts: the length of every row, (rows,).
        batches: the rows of each batch, int64.
    """
    filled = sum(int(counts[rows].sum()) for rows in batches)
    room = sum(len(rows) * int(counts[rows].max()) for rows in batches if len(rows))
    return 1 - filled / room if room else 0.0


def length_buckets(counts: Tensor, batches: int, seed: int, epoch: int) -> list[Tensor]:
    """Divides rows into batches of rows of nearly equal length, in a random order: a function of its arguments alone.

    The rows are sorted by their lengths, each lengthened by a random share of up to `JITTER`, so that a row has other
    companions in every epoch; the sorted rows are cut into batches that differ in size by at most one, and the batches
    are shuffled.

    Args:
        counts: the length of every row, (rows,).
        batches: how many batches.
        seed: of the run.
        epoch: from 0.

    Returns:
        Places in `counts` (int64), for each batch.
    """
    generator = torch.Generator().manual_seed(mixed(seed, epoch))
    seeming = (counts + 1) * (1 + JITTER * torch.rand(len(counts), generator=generator, dtype=torch.float64))
    ends = [index * len(counts) // batches for index in range(batches + 1)]
    parts = torch.tensor_split(seeming.argsort(), ends[1:-1])
    return [parts[place] for place in torch.randperm(batches, generator=generator).tolist()]


def fingerprints(values: Tensor, offsets: Tensor) -> Tensor:
    """64-bit fingerprints of rows of whole numbers, equal for equal rows.

    A fixed pseudo-random linear form over the numbers, modulo 2**64, and the length.

    Args:
        values: whole numbers (elements,).
        offsets: of their rows.

    Returns:
        int64 (rows,).
    """
    sums = torch.zeros(len(offsets) - 1, dtype=torch.int64)
    counts = lengths(offsets)
    for start in range(0, len(values), _HASHED):
        part = values[start : start + _HASHED].to(torch.int64)
        where = torch.arange(start, start + len(part))
        rows = torch.searchsorted(offsets, where, right=True) - 1
        sums.index_add_(0, rows, _scramble(part + 1) * (2 * _scramble(where - offsets[rows]) + 1))
    return _scramble(sums) ^ _scramble(~counts)


def _scramble(numbers: Tensor) -> Tensor:
    """Whole numbers mixed bit by bit, modulo 2**64 (Steele et al. 2014, "SplitMix")."""
    mixed_ = numbers * -0x61C8864680B583EB
    mixed_ = (mixed_ ^ ((mixed_ >> 30) & 0x3FFFFFFFF)) * -0x40A7B892E31B1A47
    return mixed_ ^ ((mixed_ >> 27) & 0x1FFFFFFFFF)
