"""The sum of two tensors."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write, source_cell, summed_to


def forward(x: Tensor, y: Tensor, *, alpha: float = 1.0) -> Tensor:
    """Number by number: q = x + alpha y; shapes that broadcast together."""
    return x + alpha * y


def backward(upstream: Tensor, x: Tensor, y: Tensor, *, alpha: float = 1.0) -> tuple[Tensor, Tensor]:
    """dq/dx = 1, dq/dy = alpha: addition hands the error on to both."""
    return summed_to(upstream, x.shape), summed_to(alpha * upstream, y.shape)


def put_in(write: Write, cell: Sequence[int], x: Tensor, y: Tensor, *, alpha: float = 1.0) -> str:
    """One output in numbers."""
    left, right = write(x[source_cell(cell, x.shape)]), write(y[source_cell(cell, y.shape)])
    return f"{left} + {right}" if alpha == 1 else f"{left} + {write(alpha)} * {right}"


OPERATION = Operation(
    name="add",
    formula="q = x + y",
    latex=r"q = x + y",
    source="Kovashka, 'Generic example': q = x + y, dq/dx = 1, dq/dy = 1",
    inputs=("x", "y"),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
