"""The logistic sigmoid."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write


def forward(a: Tensor) -> Tensor:
    """Of each number on its own: y = 1 / (1 + e^-a); any shape."""
    return 1 / (1 + (-a).exp())


def backward(upstream: Tensor, a: Tensor) -> tuple[Tensor]:
    """h'(a) = y (1 - y)."""
    y = forward(a)
    return (upstream * y * (1 - y),)


def put_in(write: Write, cell: Sequence[int], a: Tensor) -> str:
    """One output in numbers."""
    return f"1 / (1 + exp(-{write(a[tuple(cell)])}))"


OPERATION = Operation(
    name="sigmoid",
    formula="h(a) = 1 / (1 + e^-a)",
    latex=r"h(a) = \sigma(a) = \frac{1}{1 + e^{-a}}",
    source="Kovashka, 'Neural network definition' (binary) and 'Activation functions'",
    inputs=("a",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
