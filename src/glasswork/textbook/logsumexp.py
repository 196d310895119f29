"""The logarithm of a sum of exponentials: a maximum without kinks."""

from collections.abc import Sequence

import torch
from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.reductions import Axes, axes_of, gathered, spread
from glasswork.textbook.terms import alone, sum_of


def forward(s: Tensor, *, dim: Axes = None, keepdim: bool = False) -> Tensor:
    """y = log sum_i e^(s_i), about the largest s, so that nothing overflows.

    Args:
        s: any shape.
        dim: the axis or axes to run over; None for all.
        keepdim: leaves them in the shape, with size 1.
    """
    axes = axes_of(dim, s.dim())
    largest = s.amax(axes, keepdim=True)
    largest = largest.where(largest.isfinite(), 0.0)
    total = (s - largest).exp().sum(axes, keepdim=True).log() + largest
    return total if keepdim else total.amax(axes)


def backward(upstream: Tensor, s: Tensor, *, dim: Axes = None, keepdim: bool = False) -> tuple[Tensor]:
    """dy/ds_k = e^(s_k) / sum_i e^(s_i): the softmax."""
    total = forward(s, dim=dim, keepdim=True)
    share = (s - torch.where(total == -torch.inf, 0.0, total)).exp()
    return (spread(upstream, s.shape, dim, keepdim) * share,)


def put_in(write: Write, cell: Sequence[int], s: Tensor, *, dim: Axes = None, keepdim: bool = False) -> str:
    """One output in numbers."""
    scores = gathered(s, cell, dim, keepdim)
    return f"log({sum_of(len(scores), lambda i: f'exp({alone(write, scores[i])})')})"


OPERATION = Operation(
    name="logsumexp",
    formula="y = log sum_i e^(s_i)",
    latex=r"y = \log \sum_i e^{s_i}",
    source="Kovashka, 'Another loss: Softmax (cross-entropy)': the logarithm of the sum of the e^(s_j)",
    inputs=("s",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
