"""The other sign."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write


def forward(x: Tensor) -> Tensor:
    """Of each number on its own: y = -x; any shape."""
    return -x


def backward(upstream: Tensor, x: Tensor) -> tuple[Tensor]:
    """dy/dx = -1."""
    return (-upstream,)


def put_in(write: Write, cell: Sequence[int], x: Tensor) -> str:
    """One output in numbers."""
    return f"-{write(x[tuple(cell)])}"


OPERATION = Operation(
    name="negate",
    formula="y = -x",
    latex=r"y = -x",
    source="Kovashka, 'Another loss: Softmax (cross-entropy)': L_i = -log P",
    inputs=("x",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
