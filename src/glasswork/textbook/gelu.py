"""The Gaussian error linear unit."""

import math
from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write

CUBIC = 0.044715
SCALE = math.sqrt(2 / math.pi)


def forward(a: Tensor, *, approximate: str = "none") -> Tensor:
    """h(a) = a Phi(a), Phi the probability that a draw from N(0, 1) is at most a; any shape.

    Args:
        a: any shape.
        approximate: `none`, or `tanh` for Phi(a) = 1/2 (1 + tanh(sqrt(2 / pi) (a + 0.044715 a^3))).
    """
    return a * _share_below(a, approximate)


def backward(upstream: Tensor, a: Tensor, *, approximate: str = "none") -> tuple[Tensor]:
    """h'(a) = Phi(a) + a Phi'(a), Phi' the density of N(0, 1) or the derivative of what stands for Phi."""
    if approximate == "tanh":
        bent = (SCALE * (a + CUBIC * a**3)).tanh()
        density = (1 - bent**2) * SCALE * (1 + 3 * CUBIC * a**2) / 2
    else:
        density = (-(a**2) / 2).exp() / math.sqrt(2 * math.pi)
    return (upstream * (_share_below(a, approximate) + a * density),)


def put_in(write: Write, cell: Sequence[int], a: Tensor, *, approximate: str = "none") -> str:
    """One output in numbers."""
    value = write(a[tuple(cell)])
    if approximate == "tanh":
        return f"{value} * 0.5 * (1 + tanh(sqrt(2 / {math.pi!r}) * ({value} + {CUBIC} * {value} ** 3)))"
    return f"{value} * 0.5 * (1 + erf({value} / sqrt(2)))"


def _share_below(a: Tensor, approximate: str) -> Tensor:
    """Phi(a)."""
    bent = (SCALE * (a + CUBIC * a**3)).tanh() if approximate == "tanh" else (a / math.sqrt(2)).erf()
    return (1 + bent) / 2


OPERATION = Operation(
    name="gelu",
    formula="h(a) = a Phi(a) = a / 2 (1 + erf(a / sqrt(2)))",
    latex=r"h(a) = a \Phi(a) = \frac{a}{2} \left(1 + \operatorname{erf} \frac{a}{\sqrt 2}\right)",
    source="Hendrycks and Gimpel 2016",
    inputs=("a",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
