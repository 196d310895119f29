"""A folder of class folders of images, with or without train, val and test folders above them."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch

from glasswork.data.dataset import SPLIT_NAMES, TRAINING, Dataset, ReadingOptions
from glasswork.data.formats.decoding import SUFFIXES, decode_files
from glasswork.data.formats.splits import split_folders, visible
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.task import Task
from glasswork.data.listing import natural
from glasswork.errors import GlassworkError

FORMAT = "a folder with one folder of images per class (optionally below train, val and test)"


@dataclass
class _Listing:
    """The images of a source, row by row."""

    paths: list[Path] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    splits: list[int] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


def claims(path: Path) -> bool:
    """Whether `path` is a folder with class folders that hold images."""
    if not path.is_dir():
        return False
    return _has_classes(path) or any(_has_classes(part) for part in split_folders(path).values())


def sources(path: Path) -> list[Path]:
    """The folder."""
    return [path]


def read(path: Path, options: ReadingOptions) -> Dataset:
    """Read the images of a folder, decoded on all cores.

    Raises:
        GlassworkError: fewer than two classes, a class with one image where no split is given, or nothing readable.
    """
    parts = _split_parts(path)
    listing = _Listing()
    for split, folder in parts.items() or [(TRAINING, path)]:
        _list_classes(folder, split, listing, path)
    classes = sorted(set(listing.classes), key=natural)
    if len(classes) < options.least_classes:
        raise GlassworkError(
            f"{path} has images of only one class ('{classes[0]}'): at least two class folders are needed."
            if classes
            else f"{path} has no images in its class folders."
        )
    if not parts and not options.classes_known:
        _require_two_of_each(listing.classes, listing.paths)
    decoded = decode_files(listing.paths, options)
    rows = decoded.kept.tolist()
    if not parts and decoded.skipped and not options.classes_known:
        _require_two_of_each([listing.classes[row] for row in rows], [listing.paths[row] for row in rows], classes)
    number = {name: index for index, name in enumerate(classes)}
    columns = {
        "inputs": decoded.inputs,
        "targets": torch.tensor([number[listing.classes[row]] for row in rows]),
        "fingerprints": decoded.fingerprints,
        "sizes": decoded.sizes,
    }
    if parts:
        columns["split"] = torch.tensor([listing.splits[row] for row in rows], dtype=torch.uint8)
        listing.skipped += _missing_in_training(listing, classes) + _beside(path, list(parts.values()))
    _, channels, height, width = decoded.inputs.shape
    return Dataset(
        columns=columns,
        task=Task(
            Images((channels, height - 2 * decoded.margin, width - 2 * decoded.margin)), OneClass(tuple(classes))
        ),
        source=str(path),
        names=[str(listing.paths[row].relative_to(path)) for row in rows],
        margin=decoded.margin,
        skipped=(*listing.skipped, *decoded.skipped),
    )


def _split_parts(path: Path) -> dict[int, Path]:
    """The folders of the splits; none where folders named like splits are classes (of trains and tests) themselves."""
    found = {split: part for split, part in split_folders(path).items() if _has_classes(part)}
    others = any(part.is_dir() and part not in found.values() for part in visible(path))
    return found if len(found) > 1 or not others else {}


def _has_classes(folder: Path) -> bool:
    return any(_has_images(part) for part in visible(folder) if part.is_dir())


def _has_images(folder: Path) -> bool:
    return next(_images_below(folder), None) is not None


def _images_below(folder: Path) -> Iterator[str]:
    """The image files in a folder and the folders below it."""
    for place, folders, files in os.walk(folder, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            if is_image(name):
                yield os.path.join(place, name)  # noqa: PTH118 (strings: there may be a million)


def is_image(name: str) -> bool:
    """Whether a file's name is that of an image in a usual format, and it is not hidden."""
    return os.path.splitext(name)[1].lower() in SUFFIXES and not name.startswith(".")  # noqa: PTH122


def _list_classes(folder: Path, split: int, listing: _Listing, source: Path) -> None:
    for place in visible(folder):
        if not place.is_dir():
            continue
        images = sorted(_images_below(place), key=natural)
        if not images:
            others = sum(1 for path in place.rglob("*") if path.is_file())
            count = f" (but {others} other file{'s' if others > 1 else ''})" if others else ""
            listing.skipped.append(
                f"The folder {place.relative_to(source)} has no image{count} and is not taken as a class."
            )
        listing.paths += map(Path, images)
        listing.classes += [place.name] * len(images)
        listing.splits += [split] * len(images)


def _require_two_of_each(labels: list[str], paths: list[Path], classes: list[str] | None = None) -> None:
    counts = Counter(labels)
    for name in classes or sorted(counts, key=natural):
        if counts[name] < 2:
            where = f"only one image ({paths[labels.index(name)]})" if counts[name] else "no readable image"
            raise GlassworkError(
                f"class '{name}' has {where}: at least two are needed, one to train on and one to validate; "
                "add images or move the folder away."
            )


def _beside(folder: Path, parts: list[Path]) -> list[str]:
    names = " and ".join(part.name for part in parts)
    others = [place.name for place in visible(folder) if place.is_dir() and place not in parts and _has_images(place)]
    return [f"The folder {name} stands beside {names} and was not read." for name in others]


def _missing_in_training(listing: _Listing, classes: list[str]) -> list[str]:
    trained = {name for name, split in zip(listing.classes, listing.splits, strict=True) if split == TRAINING}
    absent = [name for name in classes if name not in trained]
    if not absent:
        return []
    return [f"No image of {', '.join(absent)} is in the {SPLIT_NAMES[TRAINING]} split: it cannot be learned."]
