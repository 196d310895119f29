"""The identity, the output unit of regression."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write


def forward(a: Tensor) -> Tensor:
    """h(a) = a; any shape."""
    return a


def backward(upstream: Tensor, a: Tensor) -> tuple[Tensor]:
    """h'(a) = 1: the error passes as it is."""
    return (upstream,)


def put_in(write: Write, cell: Sequence[int], a: Tensor) -> str:
    """One output in numbers."""
    return write(a[tuple(cell)])


OPERATION = Operation(
    name="identity",
    formula="h(a) = a",
    latex=r"h(a) = a",
    source="Kovashka, 'Example': identity function at output",
    inputs=("a",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
