"""Targets that are boxes around things in a picture, each of one class."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor
from typing_extensions import override

from glasswork.data import ragged
from glasswork.data.dataset import Dataset
from glasswork.data.kinds.kind import Names, Port, Target, listed
from glasswork.data.kinds.one_class import places_of
from glasswork.errors import GlassworkError
from glasswork.objectives.losses import class_probabilities

if TYPE_CHECKING:
    from glasswork.data.kinds.task import Task

BACKGROUND = "background"
"""The last of the network's outputs: a region with nothing in it."""
WINDOWS = 14
"""Regions that a network looks at if it is given none: the whole picture and overlapping parts of it."""
LEFT, TOP, RIGHT, BOTTOM, CLASS, IGNORED = range(6)
"""What the numbers of a box are."""
DIFFICULT, CROWD = 1, 2
"""Why a box is ignored: VOC calls it difficult; COCO has it around a crowd."""


@dataclass(frozen=True)
class Boxes(Target):
    """Boxes, float32 (boxes, 6), any number for a picture: left, top, right, bottom, class, and why it is ignored.

    The corners are in pixels of the input, counted from 0 at the outer edge of the first pixel, so that a box around
    that pixel alone is (0, 0, 1, 1). A picture without boxes holds none of the things.

    Attributes:
        names: of the classes.
    """

    tag: ClassVar[str] = "boxes"
    word: ClassVar[str] = "boxes"
    what: ClassVar[str] = "boxes around things"
    main: ClassVar[str] = "map50"
    losses: ClassVar[tuple[str, ...]] = ("cross-entropy",)
    unit: ClassVar[str] = "images"

    names: tuple[str, ...]

    @property
    @override
    def classes(self) -> Names:
        return (*self.names, BACKGROUND)

    @override
    def describe(self, task: "Task") -> str:
        several = f"{len(self.names)} classes" if len(self.names) > 1 else "one class"
        return f"boxes of {several}: {listed(self.names)}"

    @override
    def output_shape(self, count: int) -> tuple[int, ...]:
        return (count, len(self.classes), WINDOWS)

    @override
    def accepts(self, shape: tuple[int, ...], count: int) -> bool:
        """Any number of regions may be looked at."""
        return len(shape) == 3 and shape[:2] == (count, len(self.classes))

    @override
    def align(self, dataset: Dataset) -> Tensor | None:
        found, boxes = dataset.task.target, dataset.columns["targets"]
        if found == self:
            return boxes
        if not isinstance(found, Boxes):
            return None
        places = torch.tensor(places_of(found.names, self.names, dataset.source), dtype=boxes.dtype)
        aligned = boxes.clone()
        aligned[:, CLASS] = places[boxes[:, CLASS].long()]
        return aligned

    @override
    def strata(self, dataset: Dataset, rows: Tensor) -> Tensor:
        """The class of the first box of each picture, so that pictures without boxes are spread too."""
        offsets = dataset.offsets["targets"]
        none = ragged.lengths(offsets)[rows] == 0
        boxes = torch.cat([dataset.columns["targets"][:, CLASS].long(), torch.tensor([len(self.names)])])
        return torch.where(none, len(self.names), boxes[offsets[rows].clamp(max=len(boxes) - 1)])

    @override
    def counts(self, dataset: Dataset, rows: Tensor) -> Tensor:
        boxes = ragged.take(dataset.columns["targets"], dataset.offsets["targets"], rows)[0]
        return torch.bincount(boxes[:, CLASS].long(), minlength=len(self.names))

    @override
    def parse(self, word: str | float) -> Tensor:
        raise GlassworkError("Boxes cannot be told in a word: leave --target out")

    @override
    def probabilities(self, outputs: Tensor, loss: str) -> Tensor:
        return class_probabilities(outputs, loss)

    @override
    def ports(self) -> tuple[Port, ...]:
        shape = ("batch", len(self.classes), WINDOWS)
        meaning = f"for {listed(self.classes)} in each of {WINDOWS} parts of the picture"
        return (
            Port("scores", "float32", shape, f"the network's outputs {meaning}"),
            Port("probabilities", "float32", shape, f"probabilities {meaning}"),
        )
