"""Softmax: scores become probabilities."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.terms import alone, sum_of


def forward(s: Tensor, *, dim: int = -1) -> Tensor:
    """P_k = e^(s_k) / sum_j e^(s_j).

    Args:
        s: any shape.
        dim: the axis of the classes.

    Returns:
        The shape of s; sums to 1 along `dim`.
    """
    # e^(max s) taken out of both: the same fraction, but no term overflows.
    exponentials = (s - s.amax(dim, keepdim=True)).exp()
    return exponentials / exponentials.sum(dim, keepdim=True)


def backward(upstream: Tensor, s: Tensor, *, dim: int = -1) -> tuple[Tensor]:
    """With dP_j/ds_k = P_j ([j = k] - P_k): dE/ds_k = P_k (u_k - sum_j u_j P_j), u = dE/dP."""
    p = forward(s, dim=dim)
    return (p * (upstream - (upstream * p).sum(dim, keepdim=True)),)


def put_in(write: Write, cell: Sequence[int], s: Tensor, *, dim: int = -1) -> str:
    """One probability in numbers."""
    if not s.dim():
        return share_in_numbers(write, s.reshape(1), 0)
    *others, k = _moved(list(cell), dim)
    return share_in_numbers(write, s.movedim(dim, -1)[tuple(others)], k)


def share_in_numbers(write: Write, scores: Tensor, k: int) -> str:
    """e^(s_k) / sum_j e^(s_j) of scores (K,)."""
    return f"exp({alone(write, scores[k])}) / ({sum_of(len(scores), lambda j: f'exp({alone(write, scores[j])})')})"


def _moved(cell: list[int], dim: int) -> list[int]:
    """The cell with the place along `dim` last."""
    place = cell.pop(dim)
    return [*cell, place]


OPERATION = Operation(
    name="softmax",
    formula="P_k = e^(s_k) / sum_j e^(s_j)",
    latex=r"P(Y = k \mid X = x_i) = \frac{e^{s_k}}{\sum_j e^{s_j}}",
    source="Kovashka, 'Another loss: Softmax (cross-entropy)'; 'Neural network definition' (multiclass)",
    inputs=("s",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
