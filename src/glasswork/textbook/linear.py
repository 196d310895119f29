"""The linear classifier's scores, and every fully connected layer."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.terms import products


def forward(x: Tensor, w: Tensor, b: Tensor | None = None) -> Tensor:
    """a_j = sum_i w_ji x_i + b_j.

    Args:
        x: (..., D).
        w: (K, D), a row of weights for each output.
        b: (K,).

    Returns:
        (..., K).
    """
    scores = x @ w.T
    return scores if b is None else scores + b


def backward(upstream: Tensor, x: Tensor, w: Tensor, b: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor | None]:
    """With the error delta_j = dE/da_j: dE/dx_i = sum_j w_ji delta_j, dE/dw_ji = delta_j x_i, dE/db_j = delta_j."""
    delta, z = upstream.reshape(-1, w.shape[0]), x.reshape(-1, w.shape[1])  # (N, K), (N, D)
    return upstream @ w, delta.T @ z, None if b is None else delta.sum(0)


def put_in(write: Write, cell: Sequence[int], x: Tensor, w: Tensor, b: Tensor | None = None) -> str:
    """One score in numbers."""
    *example, k = cell
    scores = products(write, w[k], x[tuple(example)])
    return scores if b is None else f"{scores} + {write(b[k])}"


OPERATION = Operation(
    name="linear",
    formula="a_j = sum_i w_ji x_i + b_j",
    latex=r"a_j = \sum_i w_{ji} x_i + b_j",
    source="Kovashka, 'Classification scores' f(x, W) = Wx; 'How to compute gradient in neural net?'",
    inputs=("x", "w", "b"),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
