"""The losses of `objectives.losses` for many networks at once, each with the error of its scores, dE/ds."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

Formula = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Scores s and wanted outputs t, both (members, outputs, examples), to L_i, (members, examples), and dL_i/ds, as s."""


def cross_entropy(scores: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """L_i = -sum_k t_k log P(Y = k); its error is P(Y = k) - t_k."""
    logarithms = scores.log_softmax(1)
    return -(wanted * logarithms).sum(1), logarithms.exp_().sub_(wanted)


def hinge(scores: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """L_i = sum_(j != y_i) max(0, s_j - s_(y_i) + 1); a missed margin pushes its score down and the right one up."""
    margins = scores - (scores * wanted).sum(1, keepdim=True) + 1
    missed = (margins >= 0).to(scores.dtype)
    return margins.clamp(min=0).sum(1) - 1, missed - wanted * missed.sum(1, keepdim=True)


def binary_cross_entropy(scores: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """L_i = -sum_k [t_k log y_k + (1 - t_k) log(1 - y_k)]; its error is y_k - t_k."""
    losses = F.binary_cross_entropy_with_logits(scores, wanted, reduction="none").sum(1)
    return losses, scores.sigmoid().sub_(wanted)


def squared_error(scores: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """L_i = 1/2 sum_k (y_k - t_k)^2; its error is y_k - t_k."""
    error = scores - wanted
    return error.square().sum(1) / 2, error


FORMULAS: dict[str, Formula] = {
    "cross-entropy": cross_entropy,
    "hinge": hinge,
    "binary-cross-entropy": binary_cross_entropy,
    "squared-error": squared_error,
}

SMOOTHED_OVER: dict[str, Callable[[int], int]] = {
    "cross-entropy": lambda outputs: outputs,
    "binary-cross-entropy": lambda outputs: 2,
}
"""Label smoothing e makes a target t (1 - e) t + e / this."""


def smooth(name: str, wanted: Tensor, smoothing: Tensor) -> Tensor:
    """The targets under label smoothing, (members, outputs, examples), one share for each member."""
    share = smoothing.view(-1, 1, 1)
    return wanted * (1 - share) + share / SMOOTHED_OVER[name](wanted.shape[1])


def mean_loss(name: str, scores: Tensor, wanted: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor]:
    """Each member's mean loss, (members,), and its error, as the scores.

    Args:
        name: a key of `FORMULAS`.
        scores: (members, outputs, examples).
        wanted: as the scores.
        weights: what each example counts, (members, examples), in all 1 for a mean; None: all alike.
    """
    losses, error = FORMULAS[name](scores, wanted)
    if weights is None:
        return losses.mean(1), error.mul_(1 / scores.shape[2])
    # An example without weight only fills up the batch; its loss may be anything.
    return torch.where(weights > 0, losses * weights, 0.0).sum(1), error.mul_(weights.unsqueeze(1))
