"""What the formats of boxes have in common: a picture with its boxes, and which boxes cannot be."""

from dataclasses import dataclass, field
from pathlib import Path

from glasswork.errors import GlassworkError

TOLERANCE = 0.5
"""Pixels by which a box may reach beyond its picture and is cut off there, as tools round."""


@dataclass
class Annotated:
    """A picture with its boxes.

    Attributes:
        picture: its file.
        height: in pixels, as the annotation says.
        width: the same.
        boxes: left, top, right, bottom of each, counted from 0 at the outer edge of the first pixel.
        names: the class of each.
        ignored: why each does not count; 0 if it does.
        split: TRAINING, VALIDATION or TEST; None if the source does not say.
    """

    picture: Path
    height: int
    width: int
    boxes: list[tuple[float, float, float, float]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    ignored: list[int] = field(default_factory=list)
    split: int | None = None

    def add(self, box: tuple[float, float, float, float], name: str, ignored: int, where: str, hint: str) -> None:
        """Adds a box.

        Args:
            box: left, top, right, bottom.
            name: its class.
            ignored: why it does not count; 0 if it does.
            where: the annotation, for messages.
            hint: how the format counts pixels, for a box that reaches out by one.

        Raises:
            GlassworkError: for a box of no area, or one that reaches beyond the picture.
        """
        left, top, right, bottom = box
        said = f"{where}: the box of '{name}' from ({left:g}, {top:g}) to ({right:g}, {bottom:g})"
        if not (right > left and bottom > top):  # also if one is not a number
            raise GlassworkError(f"{said} has no area: correct it, or remove it")
        beyond = max(-left, -top, right - self.width, bottom - self.height)
        if beyond > TOLERANCE:
            why = hint if beyond <= 1 else "correct it, or the size that the annotation says"
            raise GlassworkError(f"{said} reaches beyond the picture of {self.width} x {self.height} pixels: {why}")
        self.boxes.append((max(left, 0.0), max(top, 0.0), min(right, self.width), min(bottom, self.height)))
        self.names.append(name)
        self.ignored.append(ignored)


def missing_picture(annotation: str, picture: object) -> GlassworkError:
    """What is said of an annotation whose picture is not there."""
    return GlassworkError(f"{annotation} names the picture {picture}, which is not there: add it, or remove this")
