"""Confident learning: which given labels are wrong, by probabilities that a model gave without having seen them.

Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels" (2021). Symbols as there:
p_j(x) the probability of class j, y~ the given label, y* the true one.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

SLACK = 1e-6  # a probability equal to its class's mean, but for rounding, reaches the threshold


@dataclass(frozen=True)
class Confidence:
    """What out-of-fold probabilities say about given labels.

    Attributes:
        thresholds: t_j, the mean probability of class j over the examples labelled j, (classes,).
        counts: C, the confident joint: how many examples labelled i are confidently of class j, int64
            (classes, classes).
        joint: Q, the estimated joint distribution of given and true labels: C with rows brought to how often each label
            was given, then to a sum of 1.
        self_confidence: probability of the given label, (examples,).
        margin: that less the greatest probability of another class, from -1 to 1, (examples,).
        suspects: the examples whose labels are probably wrong, lowest margin first, int64.
    """

    thresholds: Tensor
    counts: Tensor
    joint: Tensor
    self_confidence: Tensor
    margin: Tensor
    suspects: Tensor

    @property
    def wrong_share(self) -> float:
        """The estimated share of wrong labels: what lies off the diagonal of Q."""
        return float(1 - self.joint.diagonal().sum())


def confident_learning(probabilities: Tensor, labels: Tensor) -> Confidence:
    """Finds labels that are probably wrong.

    An example labelled i counts into C_ij where j is its most probable class among those k that are at least as
    probable as usual for their own examples, p_k(x) >= t_k (equation 1). C, calibrated, says how many labels of each
    class are wrong. Suspects are as many of its examples with the lowest self-confidence (in the paper "prune by
    class"), without those whose label is the most probable class all the same.

    Args:
        probabilities: (examples, classes), each row from a model that was not fitted to that example.
        labels: the given labels, int64 (examples,).

    Returns:
        Thresholds, joint and suspects. A class without examples has the threshold 1.
    """
    examples, classes = probabilities.shape
    chances = probabilities.double()
    given = chances.gather(1, labels[:, None])[:, 0]  # p_(y~)(x)
    totals = torch.bincount(labels, minlength=classes)
    sums = torch.zeros(classes, dtype=torch.float64).index_add(0, labels, given)
    thresholds = torch.where(totals > 0, sums / totals.clamp_min(1), 1.0)
    reached = chances >= thresholds - SLACK  # (examples, classes)
    confident = reached.any(1)
    likely = chances.masked_fill(~reached, -1.0).argmax(1)
    places = (labels * classes + likely)[confident]
    counts = torch.bincount(places, minlength=classes * classes).reshape(classes, classes)
    joint = _calibrate(counts, totals) / max(1, examples)
    margin = given - chances.scatter(1, labels[:, None], -1.0).amax(1)
    wrong = (totals - joint.diagonal() * examples).round().long()
    suspects = _least_confident(given, labels, wrong)
    suspects = suspects[margin[suspects] < 0]
    return Confidence(thresholds, counts, joint, given, margin, suspects[margin[suspects].argsort(stable=True)])


def _calibrate(counts: Tensor, totals: Tensor) -> Tensor:
    """C with each row brought to how many examples have that label; a row of nothing goes to the diagonal."""
    filled = counts.double() + torch.diag((counts.sum(1) == 0).double())
    return filled / filled.sum(1, keepdim=True) * totals[:, None]


def _least_confident(given: Tensor, labels: Tensor, wrong: Tensor) -> Tensor:
    """Of each class so many examples as `wrong` says, those with the lowest self-confidence."""
    found = []
    for label, count in enumerate(wrong.tolist()):
        rows = (labels == label).nonzero()[:, 0]
        found.append(rows[given[rows].argsort(stable=True)[:count]])
    return torch.cat(found)
