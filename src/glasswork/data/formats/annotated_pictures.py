"""Pictures with boxes, in the formats of VOC and COCO, on canvases of one size."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from glasswork.data import ragged
from glasswork.data.dataset import TRAINING, Dataset, ReadingOptions, fingerprints
from glasswork.data.formats import coco, voc
from glasswork.data.formats.annotations import Annotated
from glasswork.data.formats.decoding import opened_picture
from glasswork.data.formats.picture_files import UnreadableImageError
from glasswork.data.kinds.boxes import Boxes
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.kind import Reading
from glasswork.data.kinds.task import Task
from glasswork.data.listing import image_files
from glasswork.data.scratch import scratch
from glasswork.errors import GlassworkError
from glasswork.execution import usable_cores

FORMAT = "pictures with boxes: a folder of VOC (XML) or COCO (JSON)"
LEAST_SIDE = 16
MOST_SIDE = 640
GREY = 127
"""What a canvas is filled with beside its picture."""


@dataclass(frozen=True)
class Canvas:
    """How pictures of any size are brought to one: each lies in the upper left corner of a square.

    Attributes:
        side: of the square.
        enlarge: whether smaller pictures are enlarged to the side, too.
    """

    side: int
    enlarge: bool

    def extent(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of a picture on the canvas."""
        scale = self.side / max(height, width)
        scale = scale if self.enlarge else min(1.0, scale)
        return max(1, round(height * scale)), max(1, round(width * scale))

    def draw(self, picture: Image.Image) -> Tensor:
        """The picture on the canvas, uint8 (3, side, side)."""
        height, width = self.extent(picture.height, picture.width)
        pixels = picture.convert("RGB")
        if pixels.size != (width, height):
            pixels = pixels.resize((width, height), Image.Resampling.BILINEAR)
        drawn = torch.full((3, self.side, self.side), GREY, dtype=torch.uint8)
        drawn[:, :height, :width] = torch.from_numpy(np.array(pixels)).permute(2, 0, 1)
        return drawn


@dataclass
class _Drawn:
    """Pictures on canvases: which could be read, their sizes, and why the others could not."""

    inputs: Tensor
    sizes: Tensor
    kept: list[int] = field(default_factory=list)
    problems: dict[int, str] = field(default_factory=dict)


def claims(path: Path) -> bool:
    """Whether what lies at `path` is pictures with boxes."""
    return voc.claims(path) or coco.claims(path)


def sources(path: Path) -> list[Path]:
    """The files and folders that the result depends on."""
    return [path] if path.is_dir() else [path, coco.folder_of(path)]


def read(path: Path, options: ReadingOptions) -> Dataset:
    """Pictures with their boxes, in the pixels of the canvas.

    Raises:
        GlassworkError: for a source in neither format, or boxes that cannot be.
    """
    reader = next((each for each in (voc, coco) if each.claims(path)), None)
    if reader is None:
        raise GlassworkError(
            f"{path} holds no pictures with boxes: expected VOC's folders Annotations and JPEGImages, or a JSON file "
            "of COCO with its pictures beside it"
        )
    found, said = reader.annotations(path, options)
    names = _names(found, path, options)
    canvas = _canvas(found, options)
    drawn = _draw([one.picture for one in found], canvas, options.strict)
    kept = [found[row] for row in drawn.kept]
    for one, (height, width) in zip(kept, drawn.sizes.tolist(), strict=True):
        if (one.height, one.width) != (height, width):
            raise GlassworkError(
                f"{one.picture} is {width} x {height} pixels, and its annotation says {one.width} x {one.height}: "
                "correct the annotation, whose boxes may be wrong too"
            )
    said += [drawn.problems[row] for row in drawn.problems]
    if not kept:
        raise GlassworkError(f"None of the {len(found):,} pictures of {path} can be read; the first: {said[-1]}")
    dataset = annotated(drawn, kept, names, canvas, str(path))
    counts = Counter(name for one in kept for name in one.names)
    said += [f"The class '{name}' has one box, so it can be learnt or tested, but not both." for name in names
             if counts[name] == 1 and not options.answering]  # fmt: skip
    columns = dict(dataset.columns)
    if any(one.split is not None for one in kept) and options.splits != "ignore":
        columns["split"] = torch.tensor([TRAINING if one.split is None else one.split for one in kept]).to(torch.uint8)
    base = path if path.is_dir() else coco.folder_of(path)
    shown = [str(one.picture.relative_to(base) if one.picture.is_relative_to(base) else one.picture) for one in kept]
    return Dataset(columns, dataset.task, str(path), shown, 0, tuple(said), dataset.offsets)


def annotated(drawn: _Drawn, found: Sequence[Annotated], names: Sequence[str], canvas: Canvas, source: str) -> Dataset:
    """Drawn pictures with their boxes as a data set."""
    extents = torch.tensor([canvas.extent(int(height), int(width)) for height, width in drawn.sizes.tolist()])
    rows = []
    for one, size, extent in zip(found, drawn.sizes, extents, strict=True):
        scale = (extent / size).flip(0).repeat(2)  # of width, height, width, height
        boxes = torch.tensor(one.boxes, dtype=torch.float64).view(-1, 4) * scale
        further = [[names.index(name), why] for name, why in zip(one.names, one.ignored, strict=True)]
        rows.append(torch.cat([boxes, torch.tensor(further, dtype=torch.float64).view(-1, 2)], 1).float())
    targets, ends = ragged.pack(rows)
    columns = {
        "inputs": drawn.inputs,
        "targets": targets,
        "fingerprints": fingerprints(drawn.inputs),
        "sizes": drawn.sizes,
        "extents": extents,
    }
    task = Task(Images((3, canvas.side, canvas.side)), Boxes(tuple(names)))
    return Dataset(columns, task, source, offsets={"targets": ends})


def read_pictures(paths: Sequence[Path], task: Task, enlarge: bool) -> Reading:
    """New pictures, or folders of them, on the canvas of a task.

    Raises:
        GlassworkError: for a path with no picture.
    """
    files = [file for path in paths for file in image_files(path)]
    drawn = _draw(files, Canvas(Images.of(task).shape[1], enlarge), strict=False)
    none = Annotated(Path(), 0, 0, [], [], [], None)
    canvas = Canvas(Images.of(task).shape[1], enlarge)
    found = annotated(drawn, [none] * len(drawn.kept), Boxes.of(task).names, canvas, "predict")
    names = [str(files[row]) for row in drawn.kept]
    dataset = Dataset(found.columns, task, "predict", names, offsets=found.offsets)
    return Reading([str(file) for file in files], dataset, drawn.problems)


def _names(found: Sequence[Annotated], path: Path, options: ReadingOptions) -> tuple[str, ...]:
    """The classes: those of the model, or all that boxes have, in alphabetical order."""
    known = sorted({name for one in found for name in one.names})
    if options.like is not None and set(known) <= set(Boxes.of(options.like).names):
        return Boxes.of(options.like).names
    if not known and options.like is None:
        raise GlassworkError(f"No picture of {path} has a box: annotate some, and leave the others as they are")
    return tuple(known)


def _canvas(found: Sequence[Annotated], options: ReadingOptions) -> Canvas:
    if options.like is not None:
        return Canvas(Images.of(options.like).shape[1], options.size is not None)
    if options.size is not None:
        return Canvas(options.size, True)
    longest = max((max(one.height, one.width) for one in found), default=0)
    return Canvas(min(MOST_SIDE, -(-longest // LEAST_SIDE) * LEAST_SIDE), False)


def _draw(files: Sequence[Path], canvas: Canvas, strict: bool) -> _Drawn:
    """Pictures on canvases, decoded on all cores."""
    inputs = scratch((len(files) * 3 * canvas.side**2,)).view(len(files), 3, canvas.side, canvas.side)
    sizes = torch.zeros(len(files), 2, dtype=torch.int64)
    problems: dict[int, str] = {}

    def draw(row: int) -> None:
        try:
            picture = opened_picture(files[row])
            if min(picture.size) < LEAST_SIDE:
                raise UnreadableImageError(
                    f"{files[row]} is too small, {picture.height} x {picture.width} pixels: detection takes pictures "
                    f"of at least {LEAST_SIDE} x {LEAST_SIDE}"
                )
            inputs[row], sizes[row] = canvas.draw(picture), torch.tensor([picture.height, picture.width])
        except UnreadableImageError as error:
            if strict:
                raise
            problems[row] = str(error)

    with ThreadPoolExecutor(usable_cores()) as pool:
        list(pool.map(draw, range(len(files))))
    kept = [row for row in range(len(files)) if row not in problems]
    if problems:
        inputs, sizes = inputs[kept], sizes[kept]
    return _Drawn(inputs, sizes, kept, dict(sorted(problems.items())))
