"""How good embeddings are on classes not seen in training: retrieval and verification.

Retrieval asks whether the nearest other example is of the same class; verification asks of two examples whether they
are of one class, by a threshold on their distance (Schroff, Kalenichenko and Philbin 2015, section 4).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from glasswork.objectives.triplets import squared_distances

CHUNK = 512
BINS = 1 << 16
POINTS = 101


@dataclass(frozen=True)
class Neighbours:
    """The nearest examples of a gallery, nearest first.

    Attributes:
        places: in the gallery, int64 (queries, count); equally near ones in the order of the gallery.
        distances: squared, (queries, count).
    """

    places: Tensor
    distances: Tensor


def nearest(queries: Tensor, gallery: Tensor, count: int, own: Tensor | None = None) -> Neighbours:
    """The `count` nearest of a gallery to each query, or all of it where it has no more.

    Args:
        queries: embeddings, (queries, D).
        gallery: embeddings, (gallery, D).
        count: how many.
        own: of each query its own place in the gallery, int64 (queries,), which is left out; None: it has none.
    """
    count = max(0, min(count, len(gallery) - (own is not None)))
    places, found = [], []
    for start in range(0, len(queries), CHUNK):
        distances = squared_distances(queries[start : start + CHUNK], gallery)
        if own is not None:
            distances.scatter_(1, own[start : start + CHUNK, None], torch.inf)
        values, order = distances.topk(count, dim=1, largest=False)
        # What topk does with equal distances is not promised, so they are put into the order of the gallery.
        by_place = order.argsort(1)
        order, values = order.gather(1, by_place), values.gather(1, by_place)
        by_distance = values.argsort(dim=1, stable=True)
        places.append(order.gather(1, by_distance))
        found.append(values.gather(1, by_distance))
    if not places:
        return Neighbours(torch.zeros(0, count, dtype=torch.int64), torch.zeros(0, count))
    return Neighbours(torch.cat(places), torch.cat(found))


@dataclass(frozen=True)
class Recall:
    """Retrieval, by how many neighbours are looked at.

    Attributes:
        shares: for each number k of neighbours, the share of queries with one of their class among the k nearest.
        queries: how many queries count: those that have another example of their class to be found.
        right: how many of them have one as the nearest.
    """

    shares: dict[int, float]
    queries: int
    right: int


def recall(
    queries: Tensor,
    query_classes: Tensor,
    gallery: Tensor | None = None,
    gallery_classes: Tensor | None = None,
    counts: Sequence[int] = (1, 5),
) -> Recall:
    """Recall@k: the share of queries of whose k nearest examples at least one is of the query's class.

    Args:
        queries: embeddings, (queries, D).
        query_classes: int64 (queries,).
        gallery: embeddings to look among, (gallery, D); None: the other queries (leave-one-out).
        gallery_classes: int64 (gallery,).
        counts: the numbers k.

    Returns:
        Shares of `nan` where no query has anything to be found.
    """
    own = None
    if gallery is None or gallery_classes is None:
        gallery, gallery_classes, own = queries, query_classes, torch.arange(len(queries), device=queries.device)
    near = nearest(queries, gallery, max(counts), own)
    kinds = max((int(classes.max()) + 1 for classes in (query_classes, gallery_classes) if len(classes)), default=0)
    there = torch.bincount(gallery_classes, minlength=kinds)
    findable = there[query_classes] > (own is not None)
    hits = gallery_classes[near.places] == query_classes[:, None]  # (queries, greatest k)
    hits = hits[findable]
    total = len(hits)
    shares = {k: float(hits[:, :k].any(1).double().mean()) if total else float("nan") for k in counts}
    return Recall(shares, total, int(hits[:, :1].any(1).sum()))


@dataclass(frozen=True)
class Verification:
    """Verification over pairs: two examples are said to be of one class where they are near enough.

    Attributes:
        area: under the ROC curve: the probability that a pair of one class is nearer than a pair of two.
        true_accepts: share of the pairs of one class that are accepted when at most `false_accepts` of the others are.
        false_accepts: the share allowed, 0.01.
        threshold: the squared distance up to which is accepted then.
        same: how many pairs are of one class.
        different: how many are of two.
        curve: points of the ROC curve: share of false accepts, share of true accepts, as false accepts go from 0 to 1.
    """

    area: float
    true_accepts: float
    false_accepts: float
    threshold: float
    same: int
    different: int
    curve: tuple[tuple[float, float], ...]


def verification(embeddings: Tensor, classes: Tensor, false_accepts: float = 0.01) -> Verification:
    """The ROC curve over all pairs of examples, by their squared distance.

    Distances are counted in 65,536 equal bins from 0 to the greatest, so that millions of pairs take no memory; pairs
    within one bin count as equally near.

    Args:
        embeddings: (N, D).
        classes: int64 (N,).
        false_accepts: the share of pairs of two classes that may be accepted.

    Returns:
        Figures of `nan` if there is no pair of one class or none of two.
    """
    same, different, width = _histograms(embeddings, classes)
    pairs, others = int(same.sum()), int(different.sum())
    if pairs == 0 or others == 0:
        nan = float("nan")
        return Verification(nan, nan, false_accepts, nan, pairs, others, ())
    true = torch.cat([torch.zeros(1, dtype=torch.float64), same.cumsum(0).double() / pairs])
    false = torch.cat([torch.zeros(1, dtype=torch.float64), different.cumsum(0).double() / others])
    place = int((false <= false_accepts).sum()) - 1
    area = float(((false[1:] - false[:-1]) * (true[1:] + true[:-1]) / 2).sum())
    wanted = torch.linspace(0, 1, POINTS, dtype=torch.float64)
    at = torch.searchsorted(false, wanted, right=True) - 1
    curve = tuple(zip(wanted.tolist(), true[at].tolist(), strict=True))
    return Verification(area, float(true[place]), false_accepts, place * width, pairs, others, curve)


def _histograms(embeddings: Tensor, classes: Tensor) -> tuple[Tensor, Tensor, float]:
    """How many pairs of one class, and of two, lie in each bin, int64 (BINS,) each; and the width of a bin."""
    same, different = torch.zeros(2, BINS, dtype=torch.int64)
    chunks = range(0, len(embeddings), CHUNK)
    most = max((float(squared_distances(embeddings[s : s + CHUNK], embeddings).max()) for s in chunks), default=0.0)
    width = (most or 1.0) / BINS
    for start in chunks:
        part = slice(start, start + CHUNK)
        distances = squared_distances(embeddings[part], embeddings[start:])
        bins = (distances / width).long().clamp(max=BINS - 1)
        later = torch.ones_like(bins, dtype=torch.bool).triu(1)  # each pair once
        alike = classes[part][:, None] == classes[start:][None, :]
        same += torch.bincount(bins[later & alike], minlength=BINS).cpu()
        different += torch.bincount(bins[later & ~alike], minlength=BINS).cpu()
    return same, different, width


def principal_plane(embeddings: Tensor) -> Tensor:
    """The embeddings' places along their two directions of greatest variance (PCA), float64 (N, 2)."""
    centred = embeddings.double() - embeddings.double().mean(0)
    directions = torch.linalg.eigh(centred.T @ centred).eigenvectors.flip(1)[:, :2]  # (D, 2), greatest first
    plane: Tensor = centred @ directions
    return plane
