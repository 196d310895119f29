"""A power with a fixed exponent."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write


def forward(x: Tensor, *, exponent: float = 2.0) -> Tensor:
    """Of each number on its own: y = x^exponent; any shape, x > 0 where the exponent is not whole."""
    return x**exponent


def backward(upstream: Tensor, x: Tensor, *, exponent: float = 2.0) -> tuple[Tensor]:
    """dy/dx = exponent x^(exponent - 1)."""
    # x^0 is 1 everywhere; the rule would make 0 * inf of it at x = 0.
    return (upstream * 0 if exponent == 0 else upstream * exponent * x ** (exponent - 1),)


def put_in(write: Write, cell: Sequence[int], x: Tensor, *, exponent: float = 2.0) -> str:
    """One output in numbers."""
    return f"{write(x[tuple(cell)])} ** {write(exponent)}"


OPERATION = Operation(
    name="power",
    formula="y = x^n",
    latex=r"y = x^n",
    source="Kovashka, 'Weight Regularization': the W_kl^2 of L2",
    inputs=("x",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
