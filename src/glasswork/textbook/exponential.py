"""The exponential function."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.terms import alone


def forward(x: Tensor) -> Tensor:
    """Of each number on its own: y = e^x; any shape."""
    return x.exp()


def backward(upstream: Tensor, x: Tensor) -> tuple[Tensor]:
    """dy/dx = e^x."""
    return (upstream * x.exp(),)


def put_in(write: Write, cell: Sequence[int], x: Tensor) -> str:
    """One output in numbers."""
    return f"exp({alone(write, x[tuple(cell)])})"


OPERATION = Operation(
    name="exponential",
    formula="y = e^x",
    latex=r"y = e^x",
    source="Kovashka, 'Another loss: Softmax (cross-entropy)': e^(s_k)",
    inputs=("x",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
