"""Boxes: how much two overlap, which of many are kept, and how good detections are (PASCAL VOC, COCO).

Boxes are (boxes, 4): left, top, right, bottom, in units that do not matter. The arithmetic is float64 on the CPU where
figures are made of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

COCO_OVERLAPS = tuple(0.5 + 0.05 * step for step in range(10))
COCO_MOST = 100
"""Detections of a picture that count, the surest ones, for each class."""


class Detections(NamedTuple):
    """What was found in one picture.

    Attributes:
        boxes: (detections, 4).
        classes: int64 (detections,).
        scores: (detections,); only their order counts.
    """

    boxes: Tensor
    classes: Tensor
    scores: Tensor


class Truth(NamedTuple):
    """What is in one picture.

    Attributes:
        boxes: (things, 4).
        classes: int64 (things,).
        ignored: int64 (things,): 0 counts, 1 is neither right nor wrong to find, 2 is a crowd, in which any number of
            boxes may be found.
    """

    boxes: Tensor
    classes: Tensor
    ignored: Tensor


@dataclass(frozen=True)
class Matches:
    """The detections of one class in all pictures, the surest first, against what is there.

    Attributes:
        right: bool (overlaps, detections), whether each found a thing that none before it had found.
        counts: bool (overlaps, detections), whether it counts at all.
        things: how many things count.
    """

    right: Tensor
    counts: Tensor
    things: int


def overlap(boxes: Tensor, others: Tensor) -> Tensor:
    """Intersection over union of each pair, (boxes, others); Jaccard's index."""
    shared = _intersection(boxes, others)
    return shared / (_area(boxes)[:, None] + _area(others)[None] - shared).clamp(min=1e-12)


def suppress(boxes: Tensor, scores: Tensor, most: float) -> Tensor:
    """Greedy non-maximum suppression: the surest box stays, those that overlap it by more than `most` go, and so on.

    Returns:
        The places of those that stay, the surest first, int64.
    """
    order = scores.argsort(descending=True, stable=True)
    sorted_boxes = boxes[order]
    beside = (overlap(sorted_boxes, sorted_boxes) > most).triu(1)
    kept = torch.ones(len(order), dtype=torch.bool)
    for place in range(len(order)):
        if kept[place]:
            kept &= ~beside[place]
    return order[kept]


def mean_average_precision(
    found: Sequence[Detections], truth: Sequence[Truth], classes: int, rule: str = "coco"
) -> dict[str, Tensor]:
    """The average precision of each class, NaN for one that no picture has.

    Args:
        found: in each picture.
        truth: in each picture.
        classes: how many.
        rule: `voc11` (VOC 2007: the mean of 11 precisions), `voc` (from 2010: the area under the curve), both at an
            overlap of 0.5; or `coco` (the mean of 101 precisions, at ten overlaps from 0.5 to 0.95).

    Returns:
        `ap50` (classes,); of COCO also `ap75`, and `ap`, the mean over the overlaps.
    """
    overlaps = COCO_OVERLAPS if rule == "coco" else (0.5,)
    average = {"coco": _at_101, "voc": _under_curve, "voc11": _at_11}[rule]
    matched = [match(found, truth, number, overlaps, rule == "coco") for number in range(classes)]
    each = torch.stack([torch.tensor([average(*precision_recall(one, k)) if one.things else torch.nan
                                      for k in range(len(overlaps))], dtype=torch.float64)
                        for one in matched])  # fmt: skip
    if rule != "coco":
        return {"ap50": each[:, 0]}
    return {"ap50": each[:, 0], "ap75": each[:, 5], "ap": each.mean(1)}


def match(
    found: Sequence[Detections], truth: Sequence[Truth], number: int, overlaps: Sequence[float], coco: bool
) -> Matches:
    """The detections of one class against what is there.

    By VOC's rule a detection is held against the thing that it overlaps most, and is wrong if that was found before;
    by COCO's against the one that it overlaps most of those that are still to be found, and only the surest
    `COCO_MOST` of a picture count.
    """
    scores, right, counts, things = [], [], [], 0
    for one, there in zip(found, truth, strict=True):
        mine, own = one.classes == number, there.classes == number
        order = one.scores[mine].argsort(descending=True, stable=True)
        order = order[:COCO_MOST] if coco else order
        ignored = there.ignored[own]
        boxes = one.boxes[mine][order].double()
        things += int((ignored == 0).sum())
        shared = overlap(boxes, there.boxes[own].double())
        crowd = ignored == 2
        if crowd.any():
            inside = _intersection(boxes, there.boxes[own].double()[crowd])
            shared[:, crowd] = inside / _area(boxes)[:, None].clamp(min=1e-12)
        pairs = [_match_one(shared, ignored, least, coco) for least in overlaps]
        scores.append(one.scores[mine][order].double())
        right.append(torch.stack([pair[0] for pair in pairs]))
        counts.append(torch.stack([pair[1] for pair in pairs]))
    every = torch.cat(scores) if scores else torch.zeros(0)
    order = every.argsort(descending=True, stable=True)
    return Matches(torch.cat(right, 1)[:, order], torch.cat(counts, 1)[:, order], things)


def _match_one(shared: Tensor, ignored: Tensor, least: float, coco: bool) -> tuple[Tensor, Tensor]:
    """Of one picture: which detections are right, and which count; from (detections, things), the surest first."""
    right, counts = torch.zeros(len(shared), dtype=torch.bool), torch.ones(len(shared), dtype=torch.bool)
    free = torch.ones(len(ignored), dtype=torch.bool)
    for place in range(len(shared) if len(ignored) else 0):
        open_ = free | (ignored == 2) if coco else torch.ones_like(free)
        # A thing that counts comes before one that is ignored, by COCO's rule.
        for group in ((open_ & (ignored == 0)), (open_ & (ignored > 0))) if coco else (open_,):
            each = torch.where(group, shared[place], -1.0)
            best = len(each) - 1 - int(each.flip(0).argmax()) if coco else int(each.argmax())  # of equals COCO's last
            if each[best] < min(least, 1 - 1e-10):
                continue
            if ignored[best]:
                counts[place] = False
            else:
                right[place] = bool(free[best])
            free[best] = False
            break
    return right, counts


def precision_recall(matches: Matches, place: int = 0) -> tuple[Tensor, Tensor]:
    """Precision and recall after each detection that counts, at one of the overlaps; float64."""
    right = matches.right[place][matches.counts[place]].double()
    found = right.cumsum(0)
    return found / torch.arange(1, len(right) + 1, dtype=torch.float64), found / max(1, matches.things)


def _envelope(precision: Tensor) -> Tensor:
    """The greatest precision at this recall or more."""
    return precision.flip(0).cummax(0).values.flip(0) if len(precision) else precision


def _at(precision: Tensor, recall: Tensor, levels: Tensor) -> float:
    """The mean of the greatest precisions from each level of recall on; 0 where it is not reached."""
    places = torch.searchsorted(recall.contiguous(), levels, side="left")
    ends = torch.cat([_envelope(precision), torch.zeros(1, dtype=torch.float64)])
    return float(ends[places].mean())


def _at_11(precision: Tensor, recall: Tensor) -> float:
    return _at(precision, recall, torch.arange(11, dtype=torch.float64) / 10)


def _at_101(precision: Tensor, recall: Tensor) -> float:
    return _at(precision, recall, torch.linspace(0, 1, 101, dtype=torch.float64))


def _under_curve(precision: Tensor, recall: Tensor) -> float:
    before = torch.cat([torch.zeros(1, dtype=torch.float64), recall[:-1]])
    return float(((recall - before) * _envelope(precision)).sum())


def _area(boxes: Tensor) -> Tensor:
    return (boxes[:, 2] - boxes[:, 0]).clamp(min=0) * (boxes[:, 3] - boxes[:, 1]).clamp(min=0)


def _intersection(boxes: Tensor, others: Tensor) -> Tensor:
    corner = torch.maximum(boxes[:, None, :2], others[None, :, :2])
    opposite = torch.minimum(boxes[:, None, 2:4], others[None, :, 2:4])
    return (opposite - corner).clamp(min=0).prod(-1)


def encode(boxes: Tensor, wanted: Tensor) -> Tensor:
    """What moves boxes onto the wanted ones: shifts of the centre by its size, logarithms of the growth (R-CNN, C)."""
    size, size_wanted = boxes[..., 2:4] - boxes[..., :2], wanted[..., 2:4] - wanted[..., :2]
    centre, centre_wanted = boxes[..., :2] + size / 2, wanted[..., :2] + size_wanted / 2
    return torch.cat([(centre_wanted - centre) / size, (size_wanted / size).log()], -1)


def decode(boxes: Tensor, moves: Tensor, width: Tensor | float, height: Tensor | float) -> Tensor:
    """The boxes moved, and cut off at the borders of the picture; the reverse of `encode`."""
    size = boxes[..., 2:4] - boxes[..., :2]
    centre = boxes[..., :2] + size / 2 + moves[..., :2] * size
    half = size * moves[..., 2:4].clamp(max=4.0).exp() / 2
    limit = torch.stack([torch.as_tensor(width), torch.as_tensor(height)], -1).to(boxes)
    corner, opposite = centre - half, centre + half
    return torch.cat([torch.minimum(corner.clamp(min=0), limit), torch.minimum(opposite.clamp(min=0), limit)], -1)
