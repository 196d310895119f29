"""What the adaptive pooling operations share: regions chosen so that there is a given number of them."""

from collections.abc import Sequence

import torch
from torch import Tensor

Target = int | Sequence[int | None]
"""How many regions in each of the last dimensions: one number for all, or one for each; None for one per cell."""


def targets(x: Tensor, size: Target) -> tuple[int, ...]:
    """How many regions in each pooled dimension: the last ones, or all but the first two where `size` is one number."""
    wanted = (size,) * (x.dim() - 2) if isinstance(size, int) else tuple(size)
    if not wanted or len(wanted) > x.dim():
        raise ValueError(f"{len(wanted)} sizes do not fit an input of {x.dim()} dimensions")
    there = x.shape[x.dim() - len(wanted) :]
    return tuple(n if count is None else count for count, n in zip(wanted, there, strict=True))


def bounds(cells: int, count: int) -> tuple[Tensor, Tensor]:
    """Where each of `count` regions of `cells` begins and ends: floor(i cells / count), ceil((i + 1) cells / count)."""
    places = torch.arange(count)
    return places * cells // count, ((places + 1) * cells + count - 1) // count


def region(place: Sequence[int], sizes: Sequence[int], counts: Sequence[int]) -> tuple[slice, ...]:
    """The cells, of an input of `sizes`, of one region."""
    return tuple(
        slice(i * cells // count, ((i + 1) * cells + count - 1) // count)
        for i, cells, count in zip(place, sizes, counts, strict=True)
    )
