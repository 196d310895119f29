"""Findings of heat maps: the predictions of a patch classifier over one or several large images."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from glasswork.objectives.froc import Found, Froc

MOST_FINDS_SAID = 20

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Find:
    """A place that the map points at: pixels of level 0, and the smoothed probability there."""

    x: int
    y: int
    probability: float


@dataclass(frozen=True)
class HeatMap:
    """What a patch classifier says all over one picture.

    Attributes:
        image: the file.
        run: whose network it is.
        target: the class whose probability is mapped.
        level: resolution of the file that was read.
        downsample: pixels of level 0 that one pixel stands for, in each direction.
        width: of the picture at that level, in pixels.
        height: the same downwards.
        patch: side of a patch, in pixels.
        stride: pixels from one value of the map to the next.
        exact: whether each value is the network's for the patch cut out there; else the network pads inside, and the
            patch's surroundings take the place of that padding.
        background: share of the places that were left out as background.
        tiles: how many parts the picture was computed in.
        skipped: how many of them are background and were not computed.
        score: of the picture: the greatest probability after smoothing over 3 x 3 places.
        finds: peaks of the smoothed map, highest first.
        area_under_roc: over all places that are no background, against the annotation at each patch's middle; None
            without an annotation that has both.
        lesions: annotated regions that count; None without an annotation.
        micrometres: side of a pixel; None where the file does not say: regions near each other are then not joined
            and small ones not left out.
        values: (rows, columns), the probability for the patch whose upper left corner is at (row, column) times the
            stride; NaN for background.
        picture: (rows, columns, 3), the picture made small, to lay the map over; empty where not asked for.
        matched: how finds and lesions meet; None without an annotation.
    """

    image: str
    run: str
    target: str
    level: int
    downsample: float
    width: int
    height: int
    patch: int
    stride: int
    exact: bool
    background: float
    tiles: int
    skipped: int
    score: float
    finds: tuple[Find, ...]
    area_under_roc: float | None
    lesions: int | None
    micrometres: float | None
    values: Floats = field(repr=False)
    picture: npt.NDArray[np.uint8] = field(repr=False)
    matched: Found | None = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """All but the map and the picture, as plain JSON types; at most 20 finds."""
        drawn = ("values", "picture", "matched", "finds")
        plain = {name: value for name, value in vars(self).items() if name not in drawn}
        return {
            **plain,
            "map": list(self.values.shape),
            "finds": [asdict(find) for find in self.finds[:MOST_FINDS_SAID]],
            "finds_in_all": len(self.finds),
        }


@dataclass(frozen=True)
class HeatMaps:
    """Several annotated pictures, measured together as CAMELYON16 does.

    Attributes:
        run: whose network it is.
        target: the class whose probability is mapped.
        maps: one of each picture, without their values.
        area_under_roc: over the places of all pictures that are no background; None where all are of one kind.
        picture_area_under_roc: by the pictures' scores, of those with an annotated region against those without; None
            where all are of one kind.
        froc: sensitivity for lesions against false positives; None where no lesion counts.
    """

    run: str
    target: str
    maps: tuple[HeatMap, ...]
    area_under_roc: float | None
    picture_area_under_roc: float | None
    froc: Froc | None

    def to_json(self) -> dict[str, Any]:
        """The figures as plain JSON types."""
        return {
            "run": self.run,
            "target": self.target,
            "area_under_roc": self.area_under_roc,
            "picture_area_under_roc": self.picture_area_under_roc,
            "froc": None if self.froc is None else asdict(self.froc),
            "pictures": [one.to_json() for one in self.maps],
        }
