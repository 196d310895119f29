"""Adaptive max pooling: as many regions as are asked for."""

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor

from glasswork.textbook.adaptive import Target, bounds, region, targets
from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.terms import largest


def forward(x: Tensor, *, size: Target) -> Tensor:
    """y_i = the maximum over the cells from floor(i n / m) to ceil((i + 1) n / m), of n cells and m regions.

    Args:
        x: (N, C, *sizes); with several sizes asked for, any shape whose last dimensions are pooled.
        size: how many regions in each dimension; None for one per cell.

    Returns:
        (N, C, *size).

    Raises:
        ValueError: more sizes than dimensions.
    """
    counts = targets(x, size)
    flat = x.flatten(x.dim() - len(counts))
    return flat[..., _cells(x, counts)].amax(-1)


def backward(upstream: Tensor, x: Tensor, *, size: Target) -> tuple[Tensor]:
    """The error goes to the cell that was the maximum (of equal ones the first), summed where regions overlap."""
    counts = targets(x, size)
    flat, cells = x.flatten(x.dim() - len(counts)), _cells(x, counts)
    chosen = flat[..., cells].argmax(-1, keepdim=True)  # (..., *size, 1)
    winners = cells.expand(*chosen.shape[:-1], cells.shape[-1]).gather(-1, chosen).squeeze(-1)
    lead = flat.shape[:-1]
    error = upstream.new_zeros(flat.shape).scatter_add_(-1, winners.reshape(*lead, -1), upstream.reshape(*lead, -1))
    return (error.reshape(x.shape),)


def put_in(write: Write, cell: Sequence[int], x: Tensor, *, size: Target) -> str:
    """One output in numbers."""
    counts = targets(x, size)
    lead = x.dim() - len(counts)
    return largest(write, x[tuple(cell[:lead])][region(cell[lead:], x.shape[lead:], counts)])


def _cells(x: Tensor, counts: Sequence[int]) -> Tensor:
    """(*size, K): the places, among all cells, of those of each region; a smaller region has its last ones repeated."""
    sizes, dims = x.shape[x.dim() - len(counts) :], len(counts)
    places = torch.zeros((), dtype=torch.long)
    for i, (n, count) in enumerate(zip(sizes, counts, strict=True)):
        starts, ends = bounds(n, count)
        widest = int((ends - starts).max())
        own = torch.minimum(starts[:, None] + torch.arange(widest), ends[:, None] - 1)  # (count, widest)
        shape = [1] * (2 * dims)
        shape[i], shape[dims + i] = count, widest
        places = places + own.reshape(shape) * prod(sizes[i + 1 :])
    return places.flatten(dims).to(x.device)


OPERATION = Operation(
    name="adaptive_max_pooling",
    formula="y = max of x_ij over the region",
    latex=r"y = \max_{(i,j) \in \text{region}} x_{ij}",
    source="Kovashka, 'Spatial Pooling'; He et al. 2014, 'Spatial pyramid pooling'",
    inputs=("x",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
