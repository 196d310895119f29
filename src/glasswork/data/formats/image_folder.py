"""A folder of class folders of images, with or without train, val and test folders above them."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch

from glasswork.data.dataset import SPLIT_NAMES, TRAINING, Dataset, ReadingOptions
from glasswork.data.encodings import normalise
from glasswork.data.formats.class_folders import ClassFolders, find_class_folders, has_classes
from glasswork.data.formats.decoding import decode_files
from glasswork.data.formats.signatures import is_picture_file
from glasswork.data.formats.splits import split_folders
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.task import Task
from glasswork.data.listing import files_below, is_picture, natural, passed_over, visible
from glasswork.errors import GlassworkError, printable

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
    return any(has_classes(part, _images_below) for part in (path, *split_folders(path).values()))


def sources(path: Path) -> list[Path]:
    """The folder."""
    return [path]


def read(path: Path, options: ReadingOptions) -> Dataset:
    """Read the images of a folder, decoded on all cores.

    Raises:
        GlassworkError: fewer than two classes, a class with one image where no split is given, or nothing readable.
    """
    found = find_class_folders(path, _images_below, "images", options.splits == "ignore")
    parts = found.divided
    listing = _list_classes(path, found)
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
        listing.skipped += _missing_in_training(listing, classes)
    _, channels, height, width = decoded.inputs.shape
    return Dataset(
        columns=columns,
        task=Task(
            Images((channels, height - 2 * decoded.margin, width - 2 * decoded.margin), span=decoded.span),
            OneClass(tuple(classes)),
        ),
        source=str(path),
        names=[str(listing.paths[row].relative_to(path)) for row in rows],
        margin=decoded.margin,
        skipped=(*found.said, *listing.skipped, *decoded.skipped),
    )


def _images_below(folder: Path) -> Iterator[str]:
    return filter(is_picture, files_below(folder))


def _list_classes(path: Path, found: ClassFolders) -> _Listing:
    """The images below a source, one folder of the splits after the other, class by class."""
    roots = [os.fspath(part) for part in (*found.divided.values(), *found.pooled)] or [os.fspath(path)]
    aside = [os.path.join(part, "") for part in found.aside]  # noqa: PTH118 (strings: there may be a million)
    images: dict[str, list[str]] = {}
    others: dict[str, list[str]] = {}
    stray: list[str] = []
    for name in files_below(path):
        root = next((root for root in roots if name.startswith(root + os.sep)), None)
        if root is None or any(map(name.startswith, aside)):
            continue
        first, _, rest = name[len(root) + 1 :].partition(os.sep)
        folder = os.path.join(root, first)  # noqa: PTH118
        if not (is_picture(name) or is_picture_file(name)):
            others.setdefault(folder, []).append(name)
        elif rest:
            images.setdefault(folder, []).append(name)
        else:
            stray.append(name)
    listing = _Listing()
    splits = list(found.divided) or [TRAINING] * len(roots)
    for split, root in zip(splits, roots, strict=True):
        for place in visible(Path(root)):
            if place.is_dir() and place not in found.aside:
                _add_class(listing, place, split, images.get(str(place), []), len(others.get(str(place), [])), path)
    if stray:
        count = f"{len(stray):,} images lie" if len(stray) > 1 else "1 image lies"
        listing.skipped.append(
            f"{count} next to the class folders and left out, such as {stray[0][len(roots[0]) + 1 :]}."
        )
    if others:
        listing.skipped.append(f"{passed_over(name for names in others.values() for name in names)}.")
    return listing


def _add_class(listing: _Listing, place: Path, split: int, images: list[str], others: int, source: Path) -> None:
    if not images:
        count = f" (but {others} other file{'s' if others > 1 else ''})" if others else ""
        why = "is a link to one that is read already" if place.is_symlink() and not others else f"has no image{count}"
        listing.skipped.append(f"The folder {place.relative_to(source)} {why} and is not taken as a class.")
    listing.paths += map(Path, sorted(images, key=natural))
    listing.classes += [printable(normalise(place.name))] * len(images)
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


def _missing_in_training(listing: _Listing, classes: list[str]) -> list[str]:
    trained = {name for name, split in zip(listing.classes, listing.splits, strict=True) if split == TRAINING}
    absent = [name for name in classes if name not in trained]
    if not absent:
        return []
    return [f"No image of {', '.join(absent)} is in the {SPLIT_NAMES[TRAINING]} split: it cannot be learned."]
