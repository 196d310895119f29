"""The rectified linear unit."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write


def forward(a: Tensor) -> Tensor:
    """h(a) = max(0, a), of each number on its own; any shape."""
    return a.clamp(min=0)


def backward(upstream: Tensor, a: Tensor) -> tuple[Tensor]:
    """h'(a) = 1 where a > 0, else 0."""
    return (upstream * (a > 0),)


def put_in(write: Write, cell: Sequence[int], a: Tensor) -> str:
    """One output in numbers."""
    return f"max(0, {write(a[tuple(cell)])})"


OPERATION = Operation(
    name="relu",
    formula="h(a) = max(0, a)",
    latex=r"h(a) = \max(0, a)",
    source="Kovashka, 'Activation functions'",
    inputs=("a",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
