"""The L2 penalty."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.terms import sum_of


def forward(w: Tensor, *, strength: float = 1.0) -> Tensor:
    """The penalty lambda R(W) = lambda sum_k sum_l w_kl^2.

    Args:
        w: weights, any shape.
        strength: lambda.

    Returns:
        A scalar.
    """
    return strength * (w**2).sum()


def backward(upstream: Tensor, w: Tensor, *, strength: float = 1.0) -> tuple[Tensor]:
    """d(lambda R)/dw = 2 lambda w."""
    return (upstream * 2 * strength * w,)


def put_in(write: Write, cell: Sequence[int], w: Tensor, *, strength: float = 1.0) -> str:
    """The penalty in numbers."""
    values = w.reshape(-1)
    return f"{write(strength)} * ({sum_of(len(values), lambda i: f'{write(values[i])} ** 2')})"


OPERATION = Operation(
    name="l2",
    formula="lambda R(W) = lambda sum_k sum_l w_kl^2",
    latex=r"\lambda R(W) = \lambda \sum_k \sum_l W_{k,l}^2",
    source="Kovashka, 'Weight Regularization'",
    inputs=("w",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
