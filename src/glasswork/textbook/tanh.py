"""The hyperbolic tangent."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.terms import alone


def forward(a: Tensor) -> Tensor:
    """Of each number on its own: z = (e^a - e^-a) / (e^a + e^-a); any shape."""
    # The fraction reduced by e^|a|, which would overflow, and by expm1, exact near 0 where the slide's terms cancel.
    shrunk = -2 * a.abs()
    return a.sign() * -shrunk.expm1() / (1 + shrunk.exp())


def backward(upstream: Tensor, a: Tensor) -> tuple[Tensor]:
    """h'(a) = 1 - h(a)^2."""
    return (upstream * (1 - forward(a) ** 2),)


def put_in(write: Write, cell: Sequence[int], a: Tensor) -> str:
    """One output in numbers."""
    value = a[tuple(cell)]
    rising, falling = f"exp({alone(write, value)})", f"exp(-{write(value)})"
    return f"({rising} - {falling}) / ({rising} + {falling})"


OPERATION = Operation(
    name="tanh",
    formula="h(a) = (e^a - e^-a) / (e^a + e^-a)",
    latex=r"h(a) = \tanh(a) = \frac{e^a - e^{-a}}{e^a + e^{-a}}",
    source="Kovashka, 'Neural network definition'; 'Example': h'(a) = 1 - h(a)^2",
    inputs=("a",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
