"""The sine."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.terms import alone


def forward(x: Tensor) -> Tensor:
    """Of each number, in radians: y = sin x; any shape."""
    return x.sin()


def backward(upstream: Tensor, x: Tensor) -> tuple[Tensor]:
    """dy/dx = cos x."""
    return (upstream * x.cos(),)


def put_in(write: Write, cell: Sequence[int], x: Tensor) -> str:
    """One output in numbers."""
    return f"sin({alone(write, x[tuple(cell)])})"


OPERATION = Operation(
    name="sine",
    formula="y = sin x",
    latex=r"y = \sin x",
    source="Vaswani et al. 2017, section 3.5: positional encoding",
    inputs=("x",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
