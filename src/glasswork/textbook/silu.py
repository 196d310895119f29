"""The sigmoid linear unit, also called swish."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write


def forward(a: Tensor) -> Tensor:
    """h(a) = a sigma(a), of each number on its own; any shape."""
    return a / (1 + (-a).exp())


def backward(upstream: Tensor, a: Tensor) -> tuple[Tensor]:
    """h'(a) = y + a y (1 - y) with y = sigma(a)."""
    y = 1 / (1 + (-a).exp())
    return (upstream * y * (1 + a * (1 - y)),)


def put_in(write: Write, cell: Sequence[int], a: Tensor) -> str:
    """One output in numbers."""
    value = write(a[tuple(cell)])
    return f"{value} / (1 + exp(-{value}))"


OPERATION = Operation(
    name="silu",
    formula="h(a) = a sigma(a) = a / (1 + e^-a)",
    latex=r"h(a) = a \, \sigma(a) = \frac{a}{1 + e^{-a}}",
    source="Elfwing, Uchibe and Doya 2018; Ramachandran, Zoph and Le 2017",
    inputs=("a",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
