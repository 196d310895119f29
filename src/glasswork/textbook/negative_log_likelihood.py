"""The negative log likelihood of the right classes."""

from collections.abc import Sequence

import torch
from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.reductions import each, reduced, reduced_in_numbers

IGNORED = -100
"""The class that torch leaves out of the loss unless it is told another."""


def forward(
    log_p: Tensor, y: Tensor, weights: Tensor | None = None, *, reduction: str = "mean", ignore_index: int = IGNORED
) -> Tensor:
    """L_i = -w_(y_i) log P(Y = y_i), and as mean sum_i L_i / sum_i w_(y_i).

    Args:
        log_p: log probabilities (N, K), (N, K, d1, ...) or (K,).
        y: the right classes, int64, in the same shape without K.
        weights: w (K,), how much each class counts; None for 1.
        reduction: `mean`, `sum`, or `none`.
        ignore_index: the class of examples that do not count.

    Returns:
        A scalar, or the shape of y for `none`.
    """
    t = shares(log_p, y, weights, ignore_index)
    return reduced(expected(t, log_p), reduction, counted(y, weights, ignore_index))


def backward(
    upstream: Tensor,
    log_p: Tensor,
    y: Tensor,
    weights: Tensor | None = None,
    *,
    reduction: str = "mean",
    ignore_index: int = IGNORED,
) -> tuple[Tensor, None, None]:
    """dL_i/d(log P_k) = -w_k for k = y_i, else 0."""
    delta = each(upstream, y.shape, reduction, counted(y, weights, ignore_index))
    return -delta.unsqueeze(class_axis(log_p)) * shares(log_p, y, weights, ignore_index), None, None


def put_in(
    write: Write,
    cell: Sequence[int],
    log_p: Tensor,
    y: Tensor,
    weights: Tensor | None = None,
    *,
    reduction: str = "mean",
    ignore_index: int = IGNORED,
) -> str:
    """The loss in numbers."""
    values = log_p.movedim(class_axis(log_p), -1)

    def loss(example: tuple[int, ...]) -> str:
        right = int(y[example])
        if right == ignore_index:
            return "0"
        value = write(values[example][right])
        return f"-{value}" if weights is None else f"-{write(weights[right])} * {value}"

    return reduced_in_numbers(write, cell, y.shape, reduction, loss, counted(y, weights, ignore_index))


def class_axis(s: Tensor) -> int:
    """The axis of the classes: the second, or the only one."""
    return 1 if s.dim() > 1 else 0


def shares(s: Tensor, y: Tensor, weights: Tensor | None, ignore_index: int) -> Tensor:
    """t_k = w_k for the right class k = y_i, else 0, in the shape of s; all 0 where y_i is ignored."""
    axis = class_axis(s)
    counts = y != ignore_index
    weight = torch.ones(s.shape[axis], dtype=s.dtype, device=s.device) if weights is None else weights
    right = y.where(counts, 0)
    return torch.zeros_like(s).scatter(axis, right.unsqueeze(axis), (weight[right] * counts).unsqueeze(axis))


def expected(t: Tensor, log_p: Tensor) -> Tensor:
    """-sum_k t_k log P_k; a class of no share has none, though its log P were minus infinity."""
    return -(t * log_p).where(t != 0, 0).sum(class_axis(log_p))


def counted(y: Tensor, weights: Tensor | None, ignore_index: int) -> Tensor:
    """What the mean divides by: sum_i w_(y_i) over the examples that are not ignored."""
    right = y[y != ignore_index]
    return torch.tensor(right.numel(), device=y.device) if weights is None else weights[right].sum()


OPERATION = Operation(
    name="negative_log_likelihood",
    formula="L_i = -log P(Y = y_i | X = x_i)",
    latex=r"L_i = -\log P(Y = y_i \mid X = x_i)",
    source="Kovashka, 'Another loss: Softmax (cross-entropy)'",
    inputs=("log P", "y", "w"),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
