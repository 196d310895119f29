"""A word as a vector of zeros with a one in its place."""

from collections.abc import Sequence

import torch
from torch import Tensor

from glasswork.textbook.operation import Operation, Write


def forward(indices: Tensor, num_classes: int) -> Tensor:
    """x_k = 1 at the word's place k, 0 everywhere else.

    Args:
        indices: the words' numbers, integers of any shape (...).
        num_classes: V, how many words there are.

    Returns:
        int64 (..., V).
    """
    return (indices[..., None] == torch.arange(num_classes, device=indices.device)).long()


def backward(upstream: Tensor, indices: Tensor, num_classes: int) -> tuple[None]:
    """No error flows back: a number of a word cannot move a little."""
    return (None,)


def put_in(write: Write, cell: Sequence[int], indices: Tensor, num_classes: int) -> str:
    """Whether the place is the word's."""
    return write(forward(indices, num_classes)[tuple(cell)])


OPERATION = Operation(
    name="one_hot",
    formula="x_k = 1 where k is the word's number, else 0",
    latex=r"x_k = [k = \mathrm{word}]",
    source="Kovashka, 'Character-level language model example': h = (1, 0, 0, 0), e = (0, 1, 0, 0)",
    inputs=("indices",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
