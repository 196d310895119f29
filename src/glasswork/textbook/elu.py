"""The exponential linear unit."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.terms import alone


def forward(a: Tensor, *, alpha: float = 1.0) -> Tensor:
    """h(a) = a if a > 0, else alpha (e^a - 1), of each number on its own; any shape."""
    return a.where(a > 0, alpha * a.expm1())


def backward(upstream: Tensor, a: Tensor, *, alpha: float = 1.0) -> tuple[Tensor]:
    """h'(a) = 1 where a > 0, else alpha e^a."""
    return (upstream.where(a > 0, upstream * alpha * a.clamp(max=0).exp()),)


def put_in(write: Write, cell: Sequence[int], a: Tensor, *, alpha: float = 1.0) -> str:
    """One output in numbers."""
    value = a[tuple(cell)]
    return write(value) if value > 0 else f"{write(alpha)} * (exp({alone(write, value)}) - 1)"


OPERATION = Operation(
    name="elu",
    formula="h(a) = a if a > 0 else alpha (e^a - 1)",
    latex=r"h(a) = \begin{cases} a & \text{if } a > 0 \\ \alpha (e^a - 1) & \text{if } a \le 0 \end{cases}",
    source="Kovashka, 'Activation functions'",
    inputs=("a",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
