"""The cosine."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.terms import alone


def forward(x: Tensor) -> Tensor:
    """Of each number, in radians: y = cos x; any shape."""
    return x.cos()


def backward(upstream: Tensor, x: Tensor) -> tuple[Tensor]:
    """dy/dx = -sin x."""
    return (-upstream * x.sin(),)


def put_in(write: Write, cell: Sequence[int], x: Tensor) -> str:
    """One output in numbers."""
    return f"cos({alone(write, x[tuple(cell)])})"


OPERATION = Operation(
    name="cosine",
    formula="y = cos x",
    latex=r"y = \cos x",
    source="Vaswani et al. 2017, section 3.5: positional encoding",
    inputs=("x",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
