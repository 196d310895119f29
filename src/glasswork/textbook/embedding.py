"""The embedding: a row of numbers that is learned for each word."""

from collections.abc import Sequence

import torch
from torch import Tensor

from glasswork.textbook.operation import Operation, Write


def forward(indices: Tensor, w: Tensor, padding_idx: int | None = None) -> Tensor:
    """y_i = w_(k_i): W^T x for an x that is 0 but for a 1 in place k, without the multiplications by 0.

    Args:
        indices: the words' numbers k, integers of any shape (...).
        w: (V, D), a row for each word.
        padding_idx: the word that only fills up shorter sequences; its row is looked up, but not learned. A negative
            one counts from the end.

    Returns:
        (..., D).
    """
    return w[indices]


def backward(upstream: Tensor, indices: Tensor, w: Tensor, padding_idx: int | None = None) -> tuple[None, Tensor]:
    """dE/dw_k = sum over the places i with k_i = k of delta_i: a word's row collects the error of each of its uses."""
    delta = upstream.reshape(-1, w.shape[1])  # (places, D)
    gradient = torch.zeros_like(w).index_add(0, indices.reshape(-1), delta)
    if padding_idx is not None:
        gradient[padding_idx] = 0
    return None, gradient


def put_in(write: Write, cell: Sequence[int], indices: Tensor, w: Tensor, padding_idx: int | None = None) -> str:
    """The number that was looked up."""
    *place, feature = cell
    return write(w[int(indices[tuple(place)]), feature])


OPERATION = Operation(
    name="embedding",
    formula="y_i = w_(k_i)",
    latex=r"y_i = w_{k_i}",
    source="Kovashka, 'Character-level language model example': W_xh x_t with x_t = (0, .., 1, .., 0); "
    "Bengio et al. 2003",
    inputs=("indices", "w"),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
