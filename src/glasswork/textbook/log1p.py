"""The natural logarithm of 1 + x, exact for small x too."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write


def forward(x: Tensor) -> Tensor:
    """Of each number on its own: y = log(1 + x); any shape, x > -1."""
    return x.log1p()


def backward(upstream: Tensor, x: Tensor) -> tuple[Tensor]:
    """dy/dx = 1 / (1 + x)."""
    return (upstream / (1 + x),)


def put_in(write: Write, cell: Sequence[int], x: Tensor) -> str:
    """One output in numbers."""
    return f"log(1 + {write(x[tuple(cell)])})"


OPERATION = Operation(
    name="log1p",
    formula="y = log(1 + x)",
    latex=r"y = \log(1 + x)",
    source="Kovashka, 'Another loss: Softmax (cross-entropy)': L_i = -log P",
    inputs=("x",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
