"""Padding: zeros (or other numbers) around an image."""

from collections.abc import Sequence

import torch
from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.windows import padded


def forward(x: Tensor, *, padding: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """x with cells before and after its last dimensions.

    Args:
        x: any shape.
        padding: (before, after) of the last dimension, then of the one before it, and so on; negative ones cut.
        mode: 'constant': every new cell is `value`; 'reflect': x mirrored at its first and last cell; 'replicate': its
            first and last cell repeated; 'circular': x repeated.
        value: of the new cells; None for 0.

    Returns:
        (..., sizes with padding).

    Raises:
        ValueError: another mode.
    """
    if mode == "constant":
        return padded(x, _sides(padding), 0.0 if value is None else value)
    for dimension, cells in _sources(x, padding, mode):
        x = x.index_select(dimension, cells)
    return x


def backward(
    upstream: Tensor, x: Tensor, *, padding: Sequence[int], mode: str = "constant", value: float | None = None
) -> tuple[Tensor]:
    """The error of each cell goes to the cell that it is a copy of; that of new numbers is cut off."""
    if mode == "constant":
        return (padded(upstream, [(-before, -after) for before, after in _sides(padding)]),)
    for dimension, cells in _sources(x, padding, mode):
        shape = [*upstream.shape]
        shape[dimension] = x.shape[dimension]
        upstream = upstream.new_zeros(shape).index_add_(dimension, cells, upstream)
    return (upstream,)


def put_in(
    write: Write,
    cell: Sequence[int],
    x: Tensor,
    *,
    padding: Sequence[int],
    mode: str = "constant",
    value: float | None = None,
) -> str:
    """The number that stands there."""
    place = list(cell)
    if mode == "constant":
        for dimension, (before, _) in enumerate(_sides(padding), x.dim() - len(padding) // 2):
            place[dimension] -= before
            if not 0 <= place[dimension] < x.shape[dimension]:
                return write(0.0 if value is None else value)
    else:
        for dimension, cells in _sources(x, padding, mode):
            place[dimension] = int(cells[place[dimension]])
    return write(x[tuple(place)])


def _sides(padding: Sequence[int]) -> list[tuple[int, int]]:
    """(before, after) of each padded dimension, in the order of the dimensions."""
    return list(zip(padding[-2::-2], padding[::-2], strict=True))


def _sources(x: Tensor, padding: Sequence[int], mode: str) -> list[tuple[int, Tensor]]:
    """For each padded dimension, which cell of x each cell of y is a copy of."""
    sources = []
    for dimension, (before, after) in enumerate(_sides(padding), x.dim() - len(padding) // 2):
        last = x.shape[dimension] - 1
        cells = torch.arange(-before, last + 1 + after, device=x.device)
        if mode == "reflect":
            cells = last - (last - cells.abs()).abs()
        elif mode == "replicate":
            cells = cells.clamp(0, last)
        elif mode == "circular":
            cells = cells % (last + 1)
        else:
            raise ValueError(f"'{mode}' is no way to pad; there are constant, reflect, replicate and circular")
        sources.append((dimension, cells))
    return sources


OPERATION = Operation(
    name="pad",
    formula="y = x with new cells around it",
    latex=r"y_i = x_{i - p}, \text{ or the padding's value outside}",
    source="Kolter, 'Additional on convolutions' (zero padding)",
    inputs=("x",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
