"""The product of two tensors, number by number."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write, source_cell, summed_to


def forward(x: Tensor, y: Tensor) -> Tensor:
    """Number by number: f = x y; shapes that broadcast together."""
    return x * y


def backward(upstream: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """df/dx = y, df/dy = x: multiplication hands the error on times the other factor."""
    return summed_to(upstream * y, x.shape), summed_to(upstream * x, y.shape)


def put_in(write: Write, cell: Sequence[int], x: Tensor, y: Tensor) -> str:
    """One output in numbers."""
    left, right = write(x[source_cell(cell, x.shape)]), write(y[source_cell(cell, y.shape)])
    return f"{left} * {right}"


OPERATION = Operation(
    name="multiply",
    formula="f = x y",
    latex=r"f = x y",
    source="Kovashka, 'Generic example': f = qz, df/dq = z, df/dz = q",
    inputs=("x", "y"),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
