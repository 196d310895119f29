"""Which regions of a picture are looked at, what they show, and what is found in all of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from glasswork.data.batches import Batch, Draw, Scaling
from glasswork.data.collate import IGNORED
from glasswork.data.dataset import Dataset
from glasswork.data.kinds.boxes import CLASS
from glasswork.data.kinds.boxes import IGNORED as WHY
from glasswork.execution import Execution, mixed
from glasswork.objectives.detection import Detections, Truth, decode, overlap, suppress
from glasswork.systems.rcnn.network import Detector

THING, NOTHING = 0.5, 0.3
"""Overlap with a thing from which on a region shows it, and below which it shows none to a support vector machine."""
POSITIVE_SHARE = 0.25
AT_ONCE = 128
"""Regions that are looked at together."""
SUREST, MOST = 150, 100
"""Regions of a class that are suppressed among, and boxes of a picture in the end."""

Rate = Callable[[int, Tensor], tuple[Tensor, Tensor | None]]
"""Of a row's regions (regions, 4): how sure each is of each class (regions, classes), and how its boxes move."""

Describe = Callable[[int, Tensor], Tensor]
"""Features (regions, units) of a row's regions (regions, 4)."""


class Labelled(NamedTuple):
    """The regions of one picture, and what they show.

    Attributes:
        regions: (regions, 4), the true boxes first.
        labels: int64 (regions,), the class; that of the background; or IGNORED.
        wanted: (regions, 4), the true box of each.
        overlaps: (regions,), with it.
    """

    regions: Tensor
    labels: Tensor
    wanted: Tensor
    overlaps: Tensor


@dataclass(frozen=True)
class Found:
    """What a detector finds in some pictures.

    Attributes:
        moved: boxes after their regression.
        proposed: the same before it.
        loss: mean of the softmax loss over some regions of each picture.
    """

    moved: Sequence[Detections]
    proposed: Sequence[Detections]
    loss: float


def rows_of(dataset: Dataset, name: str, row: int) -> Tensor:
    """The rows of a column that belong to one picture."""
    begin, end = dataset.offsets[name][row : row + 2].tolist()
    return dataset.columns[name][begin:end]


def truth_of(dataset: Dataset, rows: Tensor) -> list[Truth]:
    """What is in some pictures."""
    boxes = [rows_of(dataset, "targets", row) for row in rows.tolist()]
    return [Truth(each[:, :4], each[:, CLASS].long(), each[:, WHY].long()) for each in boxes]


def label_regions(dataset: Dataset, row: int) -> Labelled:
    """The true boxes and the proposals of a picture, and what they show."""
    background = len(dataset.task.target.names)
    boxes, proposals = rows_of(dataset, "targets", row), rows_of(dataset, "proposals", row)
    regions = torch.cat([boxes[boxes[:, WHY] == 0, :4], proposals])
    if not len(boxes):
        labels = torch.full((len(regions),), background)
        return Labelled(regions, labels, regions, torch.zeros(len(regions)))
    overlaps, best = overlap(regions, boxes[:, :4]).max(1)
    ignored = boxes[best, WHY] > 0
    shows = torch.where(ignored, IGNORED, boxes[best, CLASS].long())
    return Labelled(regions, torch.where(overlaps >= THING, shows, background), boxes[best, :4], overlaps)


class RegionBatches:
    """Makes batches of pictures with some regions of each, a quarter of which show things where there are as many.

    A batch's targets are int64 (pictures, regions), IGNORED where a picture has too few regions; `further` holds the
    regions and the boxes that they should become.

    Args:
        dataset: pictures with boxes and proposals.
        execution: how the arithmetic is carried out.
        count: regions of a picture.
        flip: whether a draw mirrors half of the pictures.
    """

    def __init__(self, dataset: Dataset, execution: Execution, count: int, flip: bool) -> None:
        self.dataset, self.execution, self.count, self.flip = dataset, execution, count, flip
        self.scaling = Scaling(dataset.task, execution)
        self.side = dataset.task.inputs.shape[-1]

    def __call__(self, rows: Tensor, draw: Draw | None = None) -> Batch:
        """The pictures at `rows` (int64) as one batch; without a draw the same regions every time."""
        drawn = None if draw is None else draw.generator(torch.device("cpu"))
        images = self.dataset.columns["inputs"][rows]
        chosen = [self._choose(row, drawn) for row in rows.tolist()]
        regions, labels, wanted = (torch.stack([one[place] for one in chosen]) for place in range(3))
        if drawn is not None and self.flip:
            mirrored = torch.rand(len(rows), generator=drawn) < 0.5
            images = torch.where(mirrored[:, None, None, None], images.flip(-1), images)
            regions, wanted = (
                torch.where(mirrored[:, None, None], self._mirror(each), each) for each in (regions, wanted)
            )
        device = self.execution.device
        return Batch(self.scaling.inputs(images), labels.to(device), further=(regions.to(device), wanted.to(device)))

    def _choose(self, row: int, drawn: torch.Generator | None) -> tuple[Tensor, Tensor, Tensor]:
        generator = drawn or torch.Generator().manual_seed(mixed(0, row))
        found = label_regions(self.dataset, row)
        background = len(self.dataset.task.target.names)
        order = torch.randperm(len(found.labels), generator=generator)
        labels = found.labels[order]
        things = order[(labels != background) & (labels != IGNORED)][: max(1, int(POSITIVE_SHARE * self.count))]
        places = torch.cat([things, order[labels == background]])[: self.count]
        padding = torch.zeros(self.count - len(places), dtype=torch.int64)
        shown = torch.cat([found.labels[places], padding + IGNORED])
        every = torch.cat([places, padding])
        return found.regions[every], shown, found.wanted[every]

    def _mirror(self, boxes: Tensor) -> Tensor:
        left, top, right, bottom = boxes.unbind(-1)
        return torch.stack([self.side - right, top, self.side - left, bottom], -1)


def rate_with(network: Detector, dataset: Dataset, execution: Execution) -> Rate:
    """How a network rates the regions of a row: the picture is looked at once, and its regions in batches."""
    scaling, network = Scaling(dataset.task, execution), network.eval()

    def rate(row: int, regions: Tensor) -> tuple[Tensor, Tensor]:
        rates, moves = [], []
        with torch.inference_mode(), execution.arithmetic():
            seen = network.look(scaling.inputs(dataset.columns["inputs"][row : row + 1]))
            for part in torch.split(regions.to(execution.device), AT_ONCE):
                features = network.pool(seen, part[None])
                rates.append(network.rate(features)[0].float().cpu())
                moves.append(network.move(features)[0].float().cpu())
        return torch.cat(rates), torch.cat(moves)

    return rate


def describe_with(network: Detector, dataset: Dataset, execution: Execution) -> Describe:
    """What a network makes of the regions of a row."""
    scaling, network = Scaling(dataset.task, execution), network.eval()

    def describe(row: int, regions: Tensor) -> Tensor:
        with torch.inference_mode(), execution.arithmetic():
            seen = network.look(scaling.inputs(dataset.columns["inputs"][row : row + 1]))
            parts = torch.split(regions.to(execution.device), AT_ONCE)
            return torch.cat([network.pool(seen, part[None])[0].float().cpu() for part in parts])

    return describe


def detect(dataset: Dataset, rows: Tensor, rate: Rate, most: float) -> tuple[list[Detections], list[Detections]]:
    """What is found in some pictures, with moved boxes and without.

    Args:
        dataset: pictures with proposals.
        rows: which of them, int64.
        rate: rates the regions of a picture.
        most: overlap of boxes of one class from which on only the surest stays.
    """
    moved, proposed = [], []
    for row in rows.tolist():
        regions = rows_of(dataset, "proposals", row)
        rates, moves = rate(row, regions)
        height, width = dataset.columns["extents"][row].tolist()
        proposed.append(_select(regions[:, None].expand(-1, rates.shape[1], -1), rates, most))
        if moves is not None:
            boxes = decode(regions[:, None], moves, float(width), float(height))
            moved.append(_select(boxes, rates, most))
    return moved or proposed, proposed


def _select(boxes: Tensor, rates: Tensor, most: float) -> Detections:
    """The boxes of a picture that stay, the surest first; from (regions, classes, 4) and (regions, classes)."""
    found = []
    for number in range(rates.shape[1]):
        scores, places = rates[:, number].topk(min(SUREST, len(rates)))
        own = boxes[places, number]
        kept = suppress(own, scores, most)
        found.append((own[kept], torch.full((len(kept),), number), scores[kept]))
    every = Detections(*(torch.cat(parts) for parts in zip(*found, strict=True)))
    order = every.scores.argsort(descending=True, stable=True)[:MOST]
    return Detections(every.boxes[order], every.classes[order], every.scores[order])
