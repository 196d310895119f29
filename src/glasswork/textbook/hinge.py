"""The multi-class hinge loss."""

from collections.abc import Sequence

import torch
from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.reductions import each, reduced, reduced_in_numbers
from glasswork.textbook.terms import sum_of


def forward(s: Tensor, y: Tensor, *, reduction: str = "mean") -> Tensor:
    """L_i = sum_(j != y_i) max(0, s_j - s_(y_i) + 1), L = 1/N sum_i L_i.

    Args:
        s: scores (N, K).
        y: the right classes, int64 (N,).
        reduction: `mean` or `sum` over the examples, or `none`.

    Returns:
        A scalar, or (N,) for `none`.
    """
    return reduced(_violations(s, y).sum(1), reduction)


def backward(upstream: Tensor, s: Tensor, y: Tensor, *, reduction: str = "mean") -> tuple[Tensor, None]:
    """dL_i/ds_j = 1 for each j != y_i that violates the margin, else 0; dL_i/ds_(y_i) = -(how many do)."""
    violated = (_violations(s, y) > 0).to(s.dtype)  # (N, K)
    slope = violated.scatter(1, y[:, None], -violated.sum(1, keepdim=True))
    return each(upstream, y.shape, reduction)[:, None] * slope, None


def put_in(write: Write, cell: Sequence[int], s: Tensor, y: Tensor, *, reduction: str = "mean") -> str:
    """The loss in numbers."""

    def loss(example: tuple[int, ...]) -> str:
        scores, right = s[example], int(y[example])
        wrong = [j for j in range(len(scores)) if j != right]
        return sum_of(len(wrong), lambda j: f"max(0, {write(scores[wrong[j]])} - {write(scores[right])} + 1)")

    return reduced_in_numbers(write, cell, y.shape, reduction, loss)


def _violations(s: Tensor, y: Tensor) -> Tensor:
    """max(0, s_j - s_(y_i) + 1), and 0 for j = y_i: (N, K)."""
    margins = (s - s.gather(1, y[:, None]) + 1).clamp(min=0)
    return margins.scatter(1, y[:, None], torch.zeros_like(margins))


OPERATION = Operation(
    name="hinge",
    formula="L_i = sum_(j != y_i) max(0, s_j - s_(y_i) + 1)",
    latex=r"L_i = \sum_{j \neq y_i} \max(0, s_j - s_{y_i} + 1)",
    source="Kovashka, 'Hinge loss'",
    inputs=("s", "y"),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
