"""The natural logarithm."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.terms import alone


def forward(x: Tensor) -> Tensor:
    """Of each number on its own: y = log x; any shape."""
    return x.log()


def backward(upstream: Tensor, x: Tensor) -> tuple[Tensor]:
    """dy/dx = 1 / x."""
    return (upstream / x,)


def put_in(write: Write, cell: Sequence[int], x: Tensor) -> str:
    """One output in numbers."""
    return f"log({alone(write, x[tuple(cell)])})"


OPERATION = Operation(
    name="logarithm",
    formula="y = log x",
    latex=r"y = \log x",
    source="Kovashka, 'Another loss: Softmax (cross-entropy)': L_i = -log P",
    inputs=("x",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
