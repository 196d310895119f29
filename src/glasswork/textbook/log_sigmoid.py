"""The logarithm of the sigmoid: a log probability."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.terms import alone


def forward(a: Tensor) -> Tensor:
    """log sigma(a) = -log(1 + e^-a), of each number on its own; any shape."""
    return a.clamp(max=0) - (1 + (-a.abs()).exp()).log()


def backward(upstream: Tensor, a: Tensor) -> tuple[Tensor]:
    """d(log sigma)/da = 1 - sigma(a)."""
    return (upstream / (1 + a.exp()),)


def put_in(write: Write, cell: Sequence[int], a: Tensor) -> str:
    """One output in numbers."""
    return f"-log(1 + exp({alone(write, -a[tuple(cell)])}))"


OPERATION = Operation(
    name="log_sigmoid",
    formula="h(a) = log sigma(a) = -log(1 + e^-a)",
    latex=r"h(a) = \log \sigma(a) = -\log(1 + e^{-a})",
    source="Bishop 2006, section 5.2: log likelihood of binary outputs",
    inputs=("a",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
