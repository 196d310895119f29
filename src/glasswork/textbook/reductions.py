"""What the operations share that make few numbers of many: sums, means, and losses over a batch."""

import math
from collections.abc import Callable, Sequence

from torch import Tensor

from glasswork.textbook.operation import Write
from glasswork.textbook.terms import sum_of

Axes = int | Sequence[int] | None
"""The axes that a sum runs over; None for all."""


def axes_of(dim: Axes, dimensions: int) -> tuple[int, ...]:
    """The axes counted from 0, in order; torch reads no axes at all as all of them."""
    chosen = (dim,) if isinstance(dim, int) else tuple(dim or ())
    return tuple(sorted(axis % dimensions for axis in chosen)) if chosen and dimensions else tuple(range(dimensions))


def spread(upstream: Tensor, shape: Sequence[int], dim: Axes, keepdim: bool) -> Tensor:
    """The error of a sum, given to every number of `shape` that was added."""
    if not keepdim:
        for axis in axes_of(dim, len(shape)):
            upstream = upstream.unsqueeze(axis)
    return upstream.expand(tuple(shape))


def gathered(x: Tensor, cell: Sequence[int], dim: Axes, keepdim: bool) -> Tensor:
    """The numbers that one cell of a sum over `dim` is made of, in one row."""
    axes = axes_of(dim, x.dim())
    rest = [place for axis, place in enumerate(cell) if axis not in axes] if keepdim else list(cell)
    kept = [axis for axis in range(x.dim()) if axis not in axes]
    return x.permute((*kept, *axes))[tuple(rest)].reshape(-1)


def cell_at(place: int, shape: Sequence[int]) -> tuple[int, ...]:
    """The cell of a tensor of `shape` that comes at `place` when it is read row by row."""
    cell = []
    for size in reversed(shape):
        place, index = divmod(place, size)
        cell.append(index)
    return tuple(reversed(cell))


def reduced(losses: Tensor, reduction: str, total: Tensor | float | None = None) -> Tensor:
    """The losses themselves (`none`), or their sum over what `divisor` says."""
    return losses if reduction == "none" else losses.sum() / divisor(losses.shape, reduction, total)


def each(upstream: Tensor, shape: Sequence[int], reduction: str, total: Tensor | float | None = None) -> Tensor:
    """The error of each loss of `shape`, by the error of what `reduced` made of them."""
    share = upstream if reduction == "none" else upstream / divisor(shape, reduction, total)
    return share.expand(tuple(shape))


def divisor(shape: Sequence[int], reduction: str, total: Tensor | float | None = None) -> Tensor | float:
    """What the sum over losses of `shape` is divided by.

    Args:
        shape: of the losses.
        reduction: `sum`: by nothing; `examples`: by how many examples the first axis has; `mean`: by `total`.
        total: None for the number of losses.

    Raises:
        KeyError: for another reduction.
    """
    mean = math.prod(shape) if total is None else total
    return {"sum": 1, "examples": shape[0] if shape else 1, "mean": mean}[reduction]


def reduced_in_numbers(
    write: Write,
    cell: Sequence[int],
    shape: Sequence[int],
    reduction: str,
    loss: Callable[[tuple[int, ...]], str],
    total: Tensor | float | None = None,
    apart: bool = True,
) -> str:
    """One cell of what `reduced` makes of losses of `shape`; `loss` writes the one of a cell, parted by parentheses."""
    if reduction == "none":
        return loss(tuple(cell))
    count, parts = math.prod(shape), float(divisor(shape, reduction, total))
    if count == 1 and parts == 1:
        return loss((0,) * len(shape))
    pattern = "({})" if apart else "{}"
    together = sum_of(count, lambda place: pattern.format(loss(cell_at(place, shape))))
    return together if parts == 1 else f"({together}) / {write(parts)}"
