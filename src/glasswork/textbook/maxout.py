"""Maxout: the greatest of several affine maps."""

from collections.abc import Sequence
from functools import reduce

from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.terms import products


def forward(x: Tensor, w: Tensor, b: Tensor | None = None) -> Tensor:
    """z_j = max_p (sum_i w_pji x_i + b_pj).

    Args:
        x: (..., D).
        w: (pieces, K, D); two pieces on the slide.
        b: (pieces, K).

    Returns:
        (..., K).
    """
    return _maps(x, w, b).amax(-2)


def backward(upstream: Tensor, x: Tensor, w: Tensor, b: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor | None]:
    """The error goes to the piece that won, as to a linear map; pieces that draw share it."""
    maps = _maps(x, w, b)
    won = (maps == maps.amax(-2, keepdim=True)).to(maps.dtype)
    delta = upstream.unsqueeze(-2) * won / won.sum(-2, keepdim=True)  # (..., pieces, K)
    rows, z = delta.reshape(-1, w.shape[0] * w.shape[1]), x.reshape(-1, x.shape[-1])  # (N, pieces K), (N, D)
    to_x = (rows @ w.flatten(0, 1)).reshape(x.shape)
    return to_x, (rows.T @ z).reshape(w.shape), None if b is None else rows.sum(0).reshape(b.shape)


def put_in(write: Write, cell: Sequence[int], x: Tensor, w: Tensor, b: Tensor | None = None) -> str:
    """One output in numbers."""
    *example, k = cell
    pieces = []
    for p, weights in enumerate(w[:, k]):
        scores = products(write, weights, x[tuple(example)])
        pieces.append(scores if b is None else f"{scores} + {write(b[p, k])}")
    return reduce(lambda greatest, piece: f"max({greatest}, {piece})", pieces)


def _maps(x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
    """What the pieces say: (..., pieces, K)."""
    maps = (x @ w.flatten(0, 1).T).reshape(*x.shape[:-1], *w.shape[:2])
    return maps if b is None else maps + b


OPERATION = Operation(
    name="maxout",
    formula="h(x) = max(w1' x + b1, w2' x + b2)",
    latex=r"h(x) = \max(w_1^T x + b_1, w_2^T x + b_2)",
    source="Kovashka, 'Activation functions'; Goodfellow et al. 2013",
    inputs=("x", "w", "b"),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
