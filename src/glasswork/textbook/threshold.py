"""The step unit: the neuron fires or it does not."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.terms import alone


def forward(a: Tensor) -> Tensor:
    """h(a) = 1 if a > 0, else 0, of each number on its own; any shape, in the type of a."""
    return (a > 0).to(a.dtype)


def backward(upstream: Tensor, a: Tensor) -> tuple[None]:
    """None: h'(a) is 0 wherever it exists, so no error flows back."""
    return (None,)


def put_in(write: Write, cell: Sequence[int], a: Tensor) -> str:
    """One output in numbers."""
    value = a[tuple(cell)]
    number = alone(write, value)
    return f"max(0, {number}) / abs({number})" if value else "0"


OPERATION = Operation(
    name="threshold",
    formula="h(a) = 1 if a > 0 else 0",
    latex=r"h(a) = \begin{cases} 1 & \text{if } a > 0 \\ 0 & \text{if } a \le 0 \end{cases}",
    source="Kovashka, 'Inspiration: Neuron cells': if output of function over threshold, neuron 'fires'",
    inputs=("a",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
