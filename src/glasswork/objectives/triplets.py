"""The triplet loss over the triplets of a batch, and which of them to take (Kovashka, "Other losses").

Embeddings f(x) of one batch form a triplet for every anchor a, positive p (another example of the anchor's class) and
negative n (an example of another class). Most of them are easy and teach nothing, so some are chosen: `MINING`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from glasswork.errors import GlassworkError


@dataclass(frozen=True)
class Triplets:
    """Places in a batch, int64 (triplets,) each.

    Attributes:
        anchor: of x^a.
        positive: of x^p, an example of the anchor's class other than the anchor itself.
        negative: of x^n, an example of another class.
    """

    anchor: Tensor
    positive: Tensor
    negative: Tensor

    def __len__(self) -> int:
        return len(self.anchor)


def squared_distances(first: Tensor, second: Tensor) -> Tensor:
    """|f(x_i) - f(x_j)|^2 = |f(x_i)|^2 + |f(x_j)|^2 - 2 f(x_i) . f(x_j), never below 0.

    There is no square root, so that the gradient is finite at distance 0 too.

    Args:
        first: embeddings, (N, D).
        second: embeddings, (M, D).

    Returns:
        (N, M).
    """
    squares = first.square().sum(1)[:, None] + second.square().sum(1)[None, :]
    return (squares - 2 * first @ second.T).clamp(min=0)


def all_triplets(distances: Tensor, classes: Tensor) -> Triplets:
    """Every triplet of the batch.

    Args:
        distances: squared distances of all pairs, (N, N).
        classes: of each example, int64 (N,).
    """
    anchors, positives = _positive_pairs(classes)
    other = classes[anchors][:, None] != classes[None, :]  # (pairs, N)
    pair, negative = other.nonzero(as_tuple=True)
    return Triplets(anchors[pair], positives[pair], negative)


def semi_hard(distances: Tensor, classes: Tensor) -> Triplets:
    """For each anchor and positive the nearest negative that is farther than the positive (FaceNet, section 3.2).

    Where none is farther, the farthest negative is taken: nearer ones can draw all embeddings together early in the
    training.

    Args:
        distances: squared distances of all pairs, (N, N).
        classes: of each example, int64 (N,).

    Returns:
        One triplet for each pair of anchor and positive.
    """
    anchors, positives = _positive_pairs(classes)
    other = classes[anchors][:, None] != classes[None, :]  # (pairs, N)
    kept = other.any(1)
    anchors, positives, other = anchors[kept], positives[kept], other[kept]
    from_anchor = distances[anchors]  # (pairs, N)
    farther = other & (from_anchor > distances[anchors, positives][:, None])
    nearest = from_anchor.masked_fill(~farther, torch.inf).argmin(1)
    farthest = from_anchor.masked_fill(~other, -torch.inf).argmax(1)
    return Triplets(anchors, positives, torch.where(farther.any(1), nearest, farthest))


def batch_hard(distances: Tensor, classes: Tensor) -> Triplets:
    """For each anchor its farthest positive and its nearest negative (Hermans, Beyer and Leibe 2017, equation 5).

    Args:
        distances: squared distances of all pairs, (N, N).
        classes: of each example, int64 (N,).

    Returns:
        One triplet for each example that has both.
    """
    same = classes[:, None] == classes[None, :]
    positive = same & ~torch.eye(len(classes), dtype=torch.bool, device=classes.device)
    anchors = (positive.any(1) & ~same.all(1)).nonzero()[:, 0]
    farthest = distances.masked_fill(~positive, -torch.inf).argmax(1)
    nearest = distances.masked_fill(same, torch.inf).argmin(1)
    return Triplets(anchors, farthest[anchors], nearest[anchors])


MINING: dict[str, Callable[[Tensor, Tensor], Triplets]] = {
    "semi-hard": semi_hard,
    "batch-hard": batch_hard,
    "all": all_triplets,
}


def triplet_loss(embeddings: Tensor, classes: Tensor, mining: str, margin: float) -> Tensor:
    """The mean of L = max(0, |f(x^a) - f(x^p)|^2 - |f(x^a) - f(x^n)|^2 + alpha) over the mined triplets.

    With `all`, the mean goes over the triplets whose loss is above 0, as the many of 0 would drown it (Hermans, Beyer
    and Leibe 2017, section 2). With margin 0 the maximum becomes soft: L = ln(1 + e^(|a - p|^2 - |a - n|^2)), which
    goes on to pull where a margin would be satisfied (the same, "soft margin").

    Args:
        embeddings: f(x) of a batch, (N, D).
        classes: of each example, int64 (N,).
        mining: a name in `MINING`.
        margin: alpha; 0 for the soft margin.

    Returns:
        A scalar; 0 with zero gradient where the batch has no triplet.

    Raises:
        GlassworkError: an unknown mining.
    """
    if mining not in MINING:
        raise GlassworkError(f"There is no mining '{mining}': choose from {', '.join(MINING)}")
    distances = squared_distances(embeddings, embeddings)
    with torch.no_grad():
        triplets = MINING[mining](distances, classes)
    if len(triplets) == 0:
        return distances.sum() * 0
    gaps = distances[triplets.anchor, triplets.positive] - distances[triplets.anchor, triplets.negative]
    losses = (gaps + margin).clamp(min=0) if margin else F.softplus(gaps)
    if mining == "all" and margin:
        return losses.sum() / (losses > 0).sum().clamp(min=1)
    return losses.mean()


def _positive_pairs(classes: Tensor) -> tuple[Tensor, Tensor]:
    """Every anchor with every other example of its class, int64 (pairs,) each."""
    same = classes[:, None] == classes[None, :]
    same.fill_diagonal_(False)
    anchors, positives = same.nonzero(as_tuple=True)
    return anchors, positives
