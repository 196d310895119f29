"""The quotient of two tensors, number by number."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write, source_cell, summed_to


def forward(x: Tensor, y: Tensor) -> Tensor:
    """Number by number: q = x / y; shapes that broadcast together."""
    return x / y


def backward(upstream: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """dq/dx = 1 / y, dq/dy = -x / y^2."""
    return summed_to(upstream / y, x.shape), summed_to(-upstream * x / y**2, y.shape)


def put_in(write: Write, cell: Sequence[int], x: Tensor, y: Tensor) -> str:
    """One output in numbers."""
    left, right = write(x[source_cell(cell, x.shape)]), write(y[source_cell(cell, y.shape)])
    return f"{left} / {right}"


OPERATION = Operation(
    name="divide",
    formula="q = x / y",
    latex=r"q = \frac{x}{y}",
    source="Kovashka, 'Another loss: Softmax (cross-entropy)': the fraction of the softmax",
    inputs=("x", "y"),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
