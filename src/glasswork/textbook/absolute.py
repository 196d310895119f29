"""The absolute value."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.terms import alone


def forward(x: Tensor) -> Tensor:
    """Of each number on its own: y = |x|; any shape."""
    return x.abs()


def backward(upstream: Tensor, x: Tensor) -> tuple[Tensor]:
    """dy/dx = sign(x), 0 at 0."""
    return (upstream * x.sign(),)


def put_in(write: Write, cell: Sequence[int], x: Tensor) -> str:
    """One output in numbers."""
    return f"abs({alone(write, x[tuple(cell)])})"


OPERATION = Operation(
    name="absolute",
    formula="y = |x|",
    latex=r"y = |x|",
    source="Kovashka, 'Weight Regularization': the |W_kl| of L1",
    inputs=("x",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
