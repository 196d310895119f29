"""The square root."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.terms import alone


def forward(x: Tensor) -> Tensor:
    """Of each number on its own: y = sqrt(x); any shape."""
    return x.sqrt()


def backward(upstream: Tensor, x: Tensor) -> tuple[Tensor]:
    """dy/dx = 1 / (2 sqrt(x))."""
    return (upstream / (2 * x.sqrt()),)


def put_in(write: Write, cell: Sequence[int], x: Tensor) -> str:
    """One output in numbers."""
    return f"sqrt({alone(write, x[tuple(cell)])})"


OPERATION = Operation(
    name="square_root",
    formula="y = sqrt(x)",
    latex=r"y = \sqrt{x}",
    source="Ioffe and Szegedy 2015, algorithm 1: sqrt(variance + epsilon)",
    inputs=("x",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
