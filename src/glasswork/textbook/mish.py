"""Mish."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook import softplus
from glasswork.textbook.operation import Operation, Write


def forward(a: Tensor) -> Tensor:
    """h(a) = a tanh(log(1 + e^a)), of each number on its own; any shape."""
    return a * softplus.forward(a).tanh()


def backward(upstream: Tensor, a: Tensor) -> tuple[Tensor]:
    """h'(a) = t + a (1 - t^2) sigma(a) with t = tanh(log(1 + e^a))."""
    t = softplus.forward(a).tanh()
    return (upstream * (t + a * (1 - t**2) / (1 + (-a).exp())),)


def put_in(write: Write, cell: Sequence[int], a: Tensor) -> str:
    """One output in numbers."""
    number = a[tuple(cell)]
    return f"{write(number)} * tanh({softplus.put_in(write, cell, a)})"


OPERATION = Operation(
    name="mish",
    formula="h(a) = a tanh(log(1 + e^a))",
    latex=r"h(a) = a \tanh(\log(1 + e^a))",
    source="Misra 2019, 'Mish: a self regularized non-monotonic activation function'",
    inputs=("a",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
