"""Regions outlined on large pictures, as masks, CAMELYON16's XML or GeoJSON, and labelled patches out of them."""

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageDraw

from glasswork.data.dataset import TEST, TRAINING, VALIDATION, Dataset, fingerprints
from glasswork.data.formats.splits import split_folders, split_of
from glasswork.data.formats.whole_slide import SLIDE_SUFFIXES, Slide, open_slide, tissue
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.task import Task
from glasswork.data.listing import visible
from glasswork.errors import GlassworkError
from glasswork.execution import mixed
from glasswork.files import read_regular
from glasswork.limits import parse_json

Grid = npt.NDArray[np.float32]
Points = list[tuple[float, float]]

CLASSES = ("other", "annotated")
FINE = 4  # cells of a polygon's picture are so many times finer than those of the grid, in each direction
MOST_CELLS = 4_000_000
LEAST_TISSUE = 0.25
HALF = 0.5
FEWEST_IMAGES = 3


@dataclass(frozen=True)
class Annotated:
    """A picture and the file that outlines regions of it."""

    image: Path
    annotation: Path


def annotated_images(folder: Path) -> list[Annotated]:
    """The pictures of a folder that have an annotation beside them: name_mask.png or .tif, name.xml, name.geojson."""
    found = []
    for image in visible(folder):
        if image.suffix.lower() not in SLIDE_SUFFIXES or image.stem.endswith("_mask"):
            continue
        names = [f"{image.stem}_mask{suffix}" for suffix in (".png", ".tif", ".tiff")]
        names += [f"{image.stem}.xml", f"{image.stem}.geojson"]
        beside = next((folder / name for name in names if (folder / name).is_file()), None)
        if beside:
            found.append(Annotated(image, beside))
    return found


def annotated_by_split(folder: Path) -> list[tuple[int | None, Annotated]]:
    """The annotated pictures of a folder with the split that its subfolders or a word of their names say, or None.

    A name says it by a word of its own: region_train.png, val-3.tif.
    """
    if not folder.is_dir():
        return []
    parts = split_folders(folder)
    found: list[tuple[int | None, Annotated]] = [
        (split, one) for split, part in parts.items() for one in annotated_images(part)
    ]
    if found:
        return found
    for one in annotated_images(folder):
        words = one.image.stem.replace("-", "_").split("_")
        found.append((next((s for s in map(split_of, words) if s is not None), None), one))
    return found


def annotated_share(annotation: Path, slide: Slide, cell: float) -> Grid:
    """How much of each cell of a picture lies in an annotated region, from 0 to 1.

    Args:
        annotation: a mask (everything above 0 is annotated; it may be smaller than the picture), CAMELYON16's XML as
            ASAP writes it (annotations of the group "Exclusion" are cut out), or GeoJSON polygons, whose coordinates
            are pixels of level 0.
        slide: the picture.
        cell: side of a cell in pixels of the picture.

    Returns:
        (rows, columns), as `Slide.reduced` divides the picture.

    Raises:
        GlassworkError: for a file that is none of these.
    """
    rows, columns = max(1, int(slide.height / cell + 1e-6)), max(1, int(slide.width / cell + 1e-6))
    suffix = annotation.suffix.lower()
    if suffix not in (".xml", ".geojson"):
        mask = open_slide(annotation)
        if abs(mask.width / mask.height / (slide.width / slide.height) - 1) > 0.02:
            raise GlassworkError(
                f"The mask {annotation} has {mask.width} x {mask.height} pixels, which is not the shape of "
                f"{slide.path} ({slide.width} x {slide.height})"
            )
        shares: Grid = mask.divided(rows, columns, cell * mask.width / slide.width, above_zero=True).max(2)
        return shares
    inside, outside = _asap(annotation) if suffix == ".xml" else _geojson(annotation)
    drawn = Image.new("L", (columns * FINE, rows * FINE), 0)
    draw, scale = ImageDraw.Draw(drawn), FINE / (cell * slide.downsample)
    for polygons, value in ((inside, 1), (outside, 0)):
        for points in polygons:
            if len(points) > 2:
                draw.polygon([(x * scale - 0.5, y * scale - 0.5) for x, y in points], fill=value)
    fine = np.asarray(drawn, dtype=np.float32).reshape(rows, FINE, columns, FINE)
    drawn_shares: Grid = fine.mean((1, 3), dtype=np.float32)
    return drawn_shares


def _asap(path: Path) -> tuple[list[Points], list[Points]]:
    """Outlines and cut-outs of ASAP's XML."""
    try:
        content = read_regular(path)
        if b"<!ENTITY" in content.replace(b"\0", b""):  # in UTF-16 too
            raise ValueError("it declares entities")
        root = ElementTree.fromstring(content)
        inside: list[Points] = []
        outside: list[Points] = []
        for one in root.iter("Annotation"):
            points = [
                (float(point.attrib["X"]), float(point.attrib["Y"]), int(float(point.attrib.get("Request", 0))))
                for point in one.iter("Coordinate")
            ]
            outline = [(x, y) for x, y, _ in sorted(points, key=lambda point: point[2])]
            excluded = one.attrib.get("PartOfGroup", "") in ("Exclusion", "_2", "2")
            (outside if excluded else inside).append(outline)
    except (ElementTree.ParseError, KeyError, ValueError, ArithmeticError, LookupError, OSError) as error:
        raise GlassworkError(f"{path} is not an annotation as ASAP writes it: {error}") from None
    _require_finite(path, inside + outside)
    return inside, outside


def _geojson(path: Path) -> tuple[list[Points], list[Points]]:
    """Outlines and holes of the polygons of a GeoJSON file."""
    inside: list[Points] = []
    outside: list[Points] = []
    try:
        content = parse_json(read_regular(path).decode(), path)
        features = content if isinstance(content, list) else content.get("features", [content])
        for feature in features:
            shape = feature.get("geometry", feature)
            polygons = {"Polygon": [shape["coordinates"]], "MultiPolygon": shape["coordinates"]}.get(shape["type"], [])
            for rings in polygons:
                made = [[(float(point[0]), float(point[1])) for point in ring] for ring in rings]
                inside.append(made[0])
                outside += made[1:]
    except GlassworkError:
        raise
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        LookupError,
        ArithmeticError,
        RecursionError,
        OSError,
    ) as error:
        raise GlassworkError(f"{path} is not GeoJSON with polygons: {type(error).__name__}: {error}") from None
    _require_finite(path, inside + outside)
    return inside, outside


def _require_finite(path: Path, polygons: Sequence[Points]) -> None:
    if not all(math.isfinite(value) for points in polygons for point in points for value in point):
        raise GlassworkError(f"{path} has corners that are nowhere: a coordinate is infinite or not a number")


@dataclass(frozen=True)
class Sampling:
    """How patches are drawn.

    Attributes:
        size: side of a patch in pixels.
        level: resolution of the pictures that it is cut from.
        patches: the most of each split.
        validation: share of the training pictures (or of each picture's length) held out for validation.
        test: the same for the test.
        seed: what the draw depends on.
        channels: 1 or 3; None: 1 where every picture is grey.
    """

    size: int
    level: int
    patches: int
    validation: float
    test: float
    seed: int
    channels: int | None = None


@dataclass(frozen=True)
class _Place:
    """Where a patch may be cut: picture, left, top; its split and class."""

    image: int
    left: int
    top: int
    split: int
    label: int


def read_annotated(folder: Path, sampling: Sampling) -> Dataset:
    """Patches of annotated pictures as examples of two classes, as many of the one as of the other in each split.

    A patch is `annotated` where more than half of it is, else `other`; of the others at least a quarter must be tissue
    (see `slides.tissue`). Pictures without a split of their own are divided as wholes; where fewer than three would
    have to be divided, each is cut across its longer side. No patch lies in two splits.

    Raises:
        GlassworkError: if there is no annotated picture, or a class has no patch in a split.
    """
    found = annotated_by_split(folder)
    if not found:
        raise GlassworkError(
            f"{folder} has no pictures with annotations next to them (name_mask.png, name.xml or name.geojson)"
        )
    slides = [open_slide(one.image, sampling.level) for _, one in found]
    cuts = _cuts([split for split, _ in found], sampling)
    generator = np.random.default_rng(mixed(sampling.seed, sampling.size, sampling.level))
    places: list[_Place] = []
    for image, (slide, (_, one)) in enumerate(zip(slides, found, strict=True)):
        places += _candidates(image, slide, one, cuts[image], sampling, generator)
    chosen = _balance(places, folder, sampling, {split for cut in cuts for split, _, _ in cut}, generator)
    channels = sampling.channels or (1 if all(slide.grey for slide in slides) else 3)
    inputs = torch.empty(len(chosen), channels, sampling.size, sampling.size, dtype=torch.uint8)
    for row, place in enumerate(chosen):
        patch = slides[place.image].read(place.left, place.top, sampling.size, sampling.size)
        inputs[row] = as_channels(patch, channels)
    columns = {
        "inputs": inputs,
        "targets": torch.tensor([place.label for place in chosen]),
        "fingerprints": fingerprints(inputs),
        "split": torch.tensor([place.split for place in chosen], dtype=torch.uint8),
    }
    names = [f"{found[one.image][1].image.name} at {one.left}, {one.top}" for one in chosen]
    task = Task(Images((channels, sampling.size, sampling.size)), OneClass(CLASSES))
    return Dataset(columns, task, str(folder), names)


def as_channels(pixels: npt.NDArray[np.uint8], channels: int) -> torch.Tensor:
    """A region (height, width, 3) as uint8 (channels, height, width); grey as Pillow makes it."""
    if channels == 1:
        return torch.from_numpy(np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).convert("L")).copy())[None]
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))


def _cuts(given: Sequence[int | None], sampling: Sampling) -> list[list[tuple[int, float, float]]]:
    """For each picture which splits are cut from it, and from where to where along its longer side (shares of it)."""
    cuts = [[(TRAINING if split is None else split, 0.0, 1.0)] for split in given]
    if VALIDATION in given and TEST in given:
        return cuts
    shares = {TEST: sampling.test, VALIDATION: sampling.validation}
    wanted = {split: share for split, share in shares.items() if share and split not in given}
    divided = [image for image, split in enumerate(given) if split in (None, TRAINING)]
    if len(divided) >= FEWEST_IMAGES:
        order = np.random.default_rng(mixed(sampling.seed, TEST)).permutation(divided).tolist()
        for split, share in wanted.items():
            for _ in range(max(1, math.floor(share * len(divided)))):
                cuts[order.pop()] = [(split, 0.0, 1.0)]
        return cuts
    ends, end = [], 1.0
    for split, share in wanted.items():
        ends.append((split, end - share, end))
        end -= share
    for image in divided:
        cuts[image] = [(TRAINING, 0.0, end), *ends]
    return cuts


def _candidates(
    image: int,
    slide: Slide,
    one: Annotated,
    cuts: Sequence[tuple[int, float, float]],
    sampling: Sampling,
    generator: np.random.Generator,
) -> list[_Place]:
    """Places of a picture where a patch may be cut, at most as many of each split and class as will be drawn."""
    size = sampling.size
    step = max(size // 8, math.ceil(math.sqrt(slide.width * slide.height / MOST_CELLS)), 1)
    step = min(step, size)
    span = max(1, size // step)
    shares = window_means(annotated_share(one.annotation, slide, step), span)
    stained = window_means(tissue(slide.reduced(step)).astype(np.float32), span)
    if not shares.size:
        raise GlassworkError(f"{slide.path} is smaller than a patch of {size} pixels: give --size")
    tops, lefts = (np.arange(count) * step for count in shares.shape)
    across = slide.width >= slide.height
    along = lefts[None] if across else tops[:, None]
    length = slide.width if across else slide.height
    fits = (tops[:, None] + size <= slide.height) & (lefts[None] + size <= slide.width)
    places = []
    for split, start, end in cuts:
        within = fits & (along >= start * length) & (along + size <= end * length)
        for label, mask in enumerate(((shares <= HALF) & (stained >= LEAST_TISSUE), shares > HALF)):
            rows, columns = np.nonzero(mask & within)
            kept = generator.permutation(len(rows))[: sampling.patches // 2]
            places += [_Place(image, int(columns[i] * step), int(rows[i] * step), split, label) for i in kept]
    return places


def window_means(cells: Grid, span: int) -> Grid:
    """Means over span x span cells, one for each place of the window."""
    if min(cells.shape) < span:
        return np.zeros((0, 0), np.float32)
    sums = np.pad(cells, ((1, 0), (1, 0))).cumsum(0, dtype=np.float64).cumsum(1)
    inside = sums[span:, span:] - sums[:-span, span:] - sums[span:, :-span] + sums[:-span, :-span]
    means: Grid = (inside / span**2).astype(np.float32)
    return means


def _balance(
    places: Sequence[_Place], folder: Path, sampling: Sampling, splits: set[int], generator: np.random.Generator
) -> list[_Place]:
    chosen: list[_Place] = []
    for split in sorted(splits):
        parts = [[place for place in places if (place.split, place.label) == (split, label)] for label in (0, 1)]
        count = min(sampling.patches // 2, *map(len, parts))
        if not count:
            lacking = CLASSES[0 if not parts[0] else 1]
            name = {TRAINING: "training", VALIDATION: "validation", TEST: "test"}[split]
            raise GlassworkError(
                f"{folder} has no {name} patch of class '{lacking}': give a smaller --size, more pictures, or "
                "--validation 0 or --test 0"
            )
        for part in parts:
            chosen += [part[i] for i in sorted(generator.permutation(len(part))[:count].tolist())]
    return chosen
