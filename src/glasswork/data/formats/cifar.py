"""The binary version of CIFAR-10 and CIFAR-100: records of labels and 32 x 32 pixels in three planes."""

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from glasswork.data.dataset import TEST, TRAINING, Dataset, ReadingOptions
from glasswork.data.formats.arrays import Part, examples_of
from glasswork.data.formats.raw_arrays import Array
from glasswork.data.formats.splits import say_splits, split_folders, split_of
from glasswork.data.listing import visible
from glasswork.errors import GlassworkError
from glasswork.files import read_regular

FORMAT = "CIFAR-10 and CIFAR-100 in the binary version (data_batch_1.bin, ... or train.bin, test.bin)"

_SIDE = 32
_PIXELS = 3 * _SIDE * _SIDE
_BATCH = re.compile(r"^(data_batch_\d+|test_batch)\.bin$")


class _Layout(NamedTuple):
    labels: int  # bytes before the pixels; the last one is the fine label
    classes: int
    names: str  # the file with the names of the classes


_CIFAR10 = _Layout(1, 10, "batches.meta.txt")
_CIFAR100 = _Layout(2, 100, "fine_label_names.txt")


def claims(path: Path) -> bool:
    """Whether `path` is a CIFAR file, or a folder with some, straight or in train/val/test folders."""
    if path.is_file():
        return _layout(path) is not None
    return bool(_files(path))


def sources(path: Path) -> list[Path]:
    """The folder; of a single file also the names of the classes beside it."""
    layout = _layout(path) if path.is_file() else None
    names = path.with_name(layout.names) if layout else path
    return [path, names] if layout and names.is_file() else [path]


def read(path: Path, options: ReadingOptions) -> Dataset:
    """Read one file, or all files of a folder with their splits.

    Raises:
        GlassworkError: a file is not a whole number of records, or has a label out of range.
    """
    files = [(None, path)] if path.is_file() else _files(path)
    layouts = {_layout(file) for _, file in files} - {None}
    if len(layouts) != 1:
        raise GlassworkError(f"{path} holds files of CIFAR-10 and of CIFAR-100: put them into separate folders.")
    layout = layouts.pop() or _CIFAR10
    parts = [_part(split, file, layout) for split, file in files]
    return examples_of(parts, options, str(path), _names(path, layout), said=say_splits(files, options))


def inputs(path: Path) -> list[tuple[str, Array]]:
    """The images of one file, or of all files of a folder, each with the file's name."""
    files = [(None, path)] if path.is_file() else _files(path)
    return [(file.name, _part(None, file, _layout(file) or _CIFAR10).inputs) for _, file in files]


def _part(split: int | None, path: Path, layout: _Layout) -> Part:
    data = np.frombuffer(read_regular(path), dtype=np.uint8)
    record = layout.labels + _PIXELS
    if len(data) == 0 or len(data) % record:
        raise GlassworkError(
            f"{path} has {len(data):,} bytes, which is not a whole number of records of {record:,}: "
            "it is damaged; download it again."
        )
    rows = data.reshape(-1, record)
    return Part(split, rows[:, layout.labels :].reshape(-1, 3, _SIDE, _SIDE), rows[:, layout.labels - 1], str(path))


def _layout(path: Path) -> _Layout | None:
    if _BATCH.match(path.name):
        return _CIFAR10
    return _CIFAR100 if path.suffix == ".bin" and split_of(path.stem) is not None else None


def _files(folder: Path) -> list[tuple[int | None, Path]]:
    """The files with their splits, sorted by split and name."""
    found: list[tuple[int | None, Path]] = []
    for path in visible(folder):
        if path.is_file() and _layout(path) is not None:
            batch = _BATCH.match(path.name)
            split = split_of(path.stem) if not batch else TRAINING if path.name.startswith("data") else TEST
            found.append((split, path))
    for split, part in split_folders(folder).items():
        found += [(split, path) for path in visible(part) if _layout(path) is not None]
    return sorted(found, key=lambda pair: (pair[0] or 0, pair[1]))


def _names(path: Path, layout: _Layout) -> tuple[str, ...]:
    places = [path.parent] if path.is_file() else [path, *split_folders(path).values()]
    for place in places:
        if (place / layout.names).is_file():
            lines = read_regular(place / layout.names).decode(errors="replace").split("\n")
            names = tuple(line.strip() for line in lines if line.strip())
            if len(names) == layout.classes:
                return names
    return tuple(str(number) for number in range(layout.classes))
