"""The L1 penalty."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.terms import alone, sum_of


def forward(w: Tensor, *, strength: float = 1.0) -> Tensor:
    """The penalty lambda R(W) = lambda sum_k sum_l |w_kl|.

    Args:
        w: weights, any shape.
        strength: lambda.

    Returns:
        A scalar.
    """
    return strength * w.abs().sum()


def backward(upstream: Tensor, w: Tensor, *, strength: float = 1.0) -> tuple[Tensor]:
    """d(lambda R)/dw = lambda sign(w), 0 at 0."""
    return (upstream * strength * w.sign(),)


def put_in(write: Write, cell: Sequence[int], w: Tensor, *, strength: float = 1.0) -> str:
    """The penalty in numbers."""
    values = w.reshape(-1)
    return f"{write(strength)} * ({sum_of(len(values), lambda i: f'abs({alone(write, values[i])})')})"


OPERATION = Operation(
    name="l1",
    formula="lambda R(W) = lambda sum_k sum_l |w_kl|",
    latex=r"\lambda R(W) = \lambda \sum_k \sum_l |W_{k,l}|",
    source="Kovashka, 'Weight Regularization'",
    inputs=("w",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
