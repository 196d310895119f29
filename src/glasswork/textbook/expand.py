"""Copies along new dimensions, or along those of one cell: expand, and what broadcasting does by itself."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write, source_cell, summed_to


def forward(x: Tensor, *, shape: Sequence[int]) -> Tensor:
    """x broadcast to `shape`; -1 keeps a size."""
    return x.expand(tuple(shape))


def backward(upstream: Tensor, x: Tensor, *, shape: Sequence[int]) -> tuple[Tensor]:
    """The error summed over all copies."""
    return (summed_to(upstream, x.shape),)


def put_in(write: Write, cell: Sequence[int], x: Tensor, *, shape: Sequence[int]) -> str:
    """The number that stands there."""
    return write(x[source_cell(cell, x.shape)])


OPERATION = Operation(
    name="expand",
    formula="y_ij = x_j for every i",
    latex=r"y_{ij} = x_j \;\; \forall i",
    source="Kovashka, 'Computation graph': a value that is used in several places gathers the errors of all",
    inputs=("x",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
