"""How well places on large pictures are found: peaks of a map, the area under the ROC curve, and the FROC curve.

As the CAMELYON16 challenge measures (Bejnordi et al. 2017, "Diagnostic assessment of deep learning algorithms for
detection of lymph node metastases in women with breast cancer", JAMA 318; its script Evaluation_FROC.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from glasswork.errors import GlassworkError

FALSE_POSITIVES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
JOINED = 75.0
"""Micrometres: annotated regions nearer than that are one lesion."""
ISOLATED = 275.0
"""Micrometres: a lesion whose longer axis is shorter is a group of isolated tumour cells, and is not counted."""
SMOOTHED = 3
LEAST_PEAK = 0.5
PEAK_RADIUS = 3


def area_under_roc(scores: Tensor, truth: Tensor) -> float:
    """The probability that one that is has a higher score than one that is not; ties count one half.

    Args:
        scores: (examples,).
        truth: bool (examples,), of both kinds.

    Raises:
        GlassworkError: where all are of one kind.
    """
    positive = int(truth.sum())
    negative = len(truth) - positive
    if not positive or not negative:
        raise GlassworkError("The area under the ROC curve needs examples of both kinds")
    _, inverse, counts = torch.unique(scores.double(), return_inverse=True, return_counts=True)
    ranks = (counts.cumsum(0) - (counts - 1) / 2)[inverse]  # from 1, ties share their mean
    return float((ranks[truth].sum() - positive * (positive + 1) / 2) / (positive * negative))


def smoothed(map_: Tensor) -> Tensor:
    """The mean over 3 x 3 places of a map (rows, columns); places that are NaN count as 0, those outside not at all."""
    known = torch.nan_to_num(map_)[None, None]
    ones = torch.ones_like(known)
    total, count = (F.avg_pool2d(one, SMOOTHED, 1, SMOOTHED // 2) for one in (known, ones))
    return (total / count)[0, 0]


@dataclass(frozen=True)
class Peak:
    """A place that was found: row and column of the map, and how sure it is."""

    row: int
    column: int
    score: float


def peaks(map_: Tensor, radius: int = PEAK_RADIUS, least: float = LEAST_PEAK, most: int = 1000) -> list[Peak]:
    """The places found on a smoothed map: the highest, then the highest farther than `radius` from it, and so on.

    Non-maximum suppression as in Liu et al. 2017, "Detecting cancer metastases on gigapixel pathology images".

    Args:
        map_: (rows, columns).
        radius: places around a peak that belong to it.
        least: lower ones are not reported.
        most: how many are reported.
    """
    left = map_.clone()
    found: list[Peak] = []
    while len(found) < most:
        place = int(left.argmax())
        row, column = divmod(place, left.shape[1])
        score = float(left[row, column])
        if not score >= least:
            break
        found.append(Peak(row, column, score))
        top, start = max(0, row - radius), max(0, column - radius)
        part = left[top : row + radius + 1, start : column + radius + 1]
        y = torch.arange(top, top + part.shape[0])[:, None] - row
        x = torch.arange(start, start + part.shape[1])[None] - column
        part[y**2 + x**2 <= radius**2] = -1
    return found


@dataclass(frozen=True)
class Lesions:
    """The lesions of one picture.

    Attributes:
        labels: (rows, columns), 0 outside and from 1 within each.
        count: how many.
        isolated: labels of those that are not counted, as they are too small.
        micrometres: side of a cell; None if unknown, and then nothing was joined or left out.
    """

    labels: npt.NDArray[np.int32]
    count: int
    isolated: frozenset[int]
    micrometres: float | None


def lesions(mask: npt.NDArray[np.bool_], micrometres: float | None) -> Lesions:
    """Annotated regions as lesions: those within 75 micrometres joined, holes filled, small ones marked.

    Args:
        mask: (rows, columns).
        micrometres: side of a cell; None if unknown: components of the mask as they are then.
    """
    from scipy import ndimage

    if micrometres:
        near = ndimage.distance_transform_edt(~mask) < JOINED / (2 * micrometres) if mask.any() else mask
        mask = ndimage.binary_fill_holes(near)
    labels, count = ndimage.label(mask, np.ones((3, 3)))
    isolated: frozenset[int] = frozenset()
    if micrometres:
        longest = ISOLATED / micrometres
        isolated = frozenset(i for i in range(1, count + 1) if _longer_axis(np.argwhere(labels == i)) < longest)
    return Lesions(labels.astype(np.int32), int(count), isolated, micrometres)


def _longer_axis(places: npt.NDArray[np.int64]) -> float:
    """Of the ellipse with the same second moments, in cells; as scikit-image's `major_axis_length`."""
    if len(places) < 2:
        return float(len(places))
    moments = np.cov(places.T.astype(np.float64), bias=True) + np.eye(2) / 12
    return float(4 * np.sqrt(np.linalg.eigvalsh(moments)[-1]))


@dataclass(frozen=True)
class Found:
    """What was found on one picture.

    Attributes:
        hits: of each counted lesion the highest score within it; 0 where nothing was found.
        false: scores of what was found outside of all lesions.
    """

    hits: tuple[float, ...]
    false: tuple[float, ...]


def matched(found: Sequence[tuple[int, int, float]], truth: Lesions) -> Found:
    """Which finds are hits: those that lie inside a lesion. Finds on isolated tumour cells count neither way.

    Args:
        found: row and column of a cell of `truth.labels`, and score, of each.
        truth: the picture's lesions.
    """
    hits = {label: 0.0 for label in range(1, truth.count + 1) if label not in truth.isolated}
    false = []
    for row, column, score in found:
        label = int(truth.labels[row, column])
        if label == 0:
            false.append(score)
        elif label in hits:
            hits[label] = max(hits[label], score)
    return Found(tuple(hits.values()), tuple(false))


@dataclass(frozen=True)
class Froc:
    """The free-response ROC curve.

    Attributes:
        sensitivity: share of the lesions found at 1/4, 1/2, 1, 2, 4 and 8 false positives a picture.
        mean: of these six, the challenge's figure.
        curve: (false positives a picture, sensitivity), from the strictest threshold to the laxest.
        lesions: how many are counted.
        pictures: how many.
    """

    sensitivity: tuple[float, ...]
    mean: float
    curve: tuple[tuple[float, float], ...]
    lesions: int
    pictures: int


def froc(pictures: Sequence[Found]) -> Froc:
    """Sensitivity against false positives over all pictures, lesions pooled.

    Beyond the laxest threshold the curve stays where it is, as the challenge's script has it.

    Raises:
        GlassworkError: without a lesion.
    """
    hits = np.array([score for picture in pictures for score in picture.hits])
    false = np.array([score for picture in pictures for score in picture.false])
    if not len(hits):
        raise GlassworkError("The FROC curve needs a picture with a lesion that counts")
    thresholds = np.unique(np.concatenate([hits[hits > 0], false]))[::-1]
    curve = [(0.0, 0.0)]
    curve += [(float((false >= t).sum() / len(pictures)), float((hits >= t).mean())) for t in thresholds]
    x, y = np.array(curve).T
    sensitivity = tuple(float(np.interp(at, x, y)) for at in FALSE_POSITIVES)
    return Froc(sensitivity, float(np.mean(sensitivity)), tuple(curve), len(hits), len(pictures))
