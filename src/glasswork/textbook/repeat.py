"""Copies side by side."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write


def forward(x: Tensor, *, times: Sequence[int]) -> Tensor:
    """The numbers y_i = x_(i mod n): x laid side by side with itself.

    Args:
        x: any shape.
        times: how often along each axis; more of them than axes make new ones in front.

    Returns:
        Each size times how often.
    """
    sizes = _sizes(x, times)
    copies = x.reshape([part for size in sizes for part in (1, size)])
    copies = copies.expand([part for count, size in zip(times, sizes, strict=True) for part in (count, size)])
    return copies.reshape([count * size for count, size in zip(times, sizes, strict=True)])


def backward(upstream: Tensor, x: Tensor, *, times: Sequence[int]) -> tuple[Tensor]:
    """The error summed over all copies."""
    sizes = _sizes(x, times)
    copies = upstream.reshape([part for count, size in zip(times, sizes, strict=True) for part in (count, size)])
    axes = list(range(0, 2 * len(sizes), 2))
    return ((copies.sum(axes) if axes else copies).reshape(x.shape),)


def put_in(write: Write, cell: Sequence[int], x: Tensor, *, times: Sequence[int]) -> str:
    """The number that stands there."""
    own = cell[len(cell) - x.dim() :] if x.dim() else ()
    return write(x[tuple(place % size for place, size in zip(own, x.shape, strict=True))])


def _sizes(x: Tensor, times: Sequence[int]) -> list[int]:
    """The shape of x with the new axes in front."""
    return [1] * (len(times) - x.dim()) + list(x.shape)


OPERATION = Operation(
    name="repeat",
    formula="y_i = x_(i mod n)",
    latex=r"y_i = x_{i \bmod n}",
    source="Kovashka, 'Computation graph': a value that is used in several places gathers the errors of all",
    inputs=("x",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
