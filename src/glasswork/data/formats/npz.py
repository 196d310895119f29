"""NumPy archives (.npz) of inputs and targets."""

import math
import os
import zipfile
import zlib
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any

import numpy as np

from glasswork.data.dataset import TEST, TRAINING, VALIDATION, Dataset, ReadingOptions
from glasswork.data.formats.arrays import Part, examples_of
from glasswork.data.formats.raw_arrays import Array
from glasswork.data.formats.splits import say_splits, split_folders, split_parts, words_of
from glasswork.data.listing import visible
from glasswork.errors import GlassworkError
from glasswork.files import open_regular
from glasswork.limits import within_unpacked

_ZIP = (zipfile.BadZipFile, zlib.error, RuntimeError, OverflowError)  # among them: encrypted, packed in an unknown way
FORMAT = "NumPy archives (.npz with x and y, images and labels, or x_train, y_train, ...)"

_INPUTS = ("x", "X", "images", "inputs", "data")
_TARGETS = ("y", "Y", "labels", "targets", "target")


def claims(path: Path) -> bool:
    """Whether `path` is an .npz file, or a folder with one, or with train/val/test ones."""
    if path.is_file():
        return path.suffix.lower() == ".npz"
    return bool(_archives(path))


def sources(path: Path) -> list[Path]:
    """The archive or the folder."""
    return [path]


def read(path: Path, options: ReadingOptions) -> Dataset:
    """Read one archive, or a folder with an archive per split.

    Raises:
        GlassworkError: the archive is damaged, its arrays are not named as expected or do not fit together.
    """
    archives: list[tuple[int | None, Path]] = [(None, path)] if path.is_file() else _archives(path)
    parts: list[Part] = []
    classes: Sequence[str] = ()
    said = list(say_splits(archives, options))
    for split, archive in archives:
        arrays = _arrays(archive)
        if "classes" in arrays:
            classes = [str(name) for name in arrays["classes"].ravel()]
        found, aside = _parts(arrays, archive, split)
        parts += found
        said += aside
    return examples_of(parts, options, str(path), classes, tuple(said))


def inputs(path: Path) -> list[tuple[str, Array]]:
    """The arrays of inputs in an archive or those of a folder, each with what it is called; targets are not needed.

    Raises:
        GlassworkError: an archive is damaged, or no array of it is named as inputs are.
    """
    found = []
    for _, archive in [(None, path)] if path.is_file() else _archives(path):
        arrays = _arrays(archive)
        split = [
            name
            for number in (TRAINING, VALIDATION, TEST)
            for word in words_of(number)
            for name in _spellings(word, _INPUTS)
        ]
        names = [name for name in dict.fromkeys(split) if name in arrays]
        names = names or [name for name in _INPUTS if name in arrays][:1] or (list(arrays) if len(arrays) == 1 else [])
        if not names:
            raise GlassworkError(
                f"{archive} holds the arrays {', '.join(sorted(arrays)) or '(none)'}: name the inputs x (or images)."
            )
        found += [(archive.name if len(names) == 1 else f"{archive.name}:{name}", arrays[name]) for name in names]
    return found


def _archives(folder: Path) -> list[tuple[int | None, Path]]:
    """The archives of a folder with their splits: train.npz and so on, one in each split folder, or a single one."""
    here = [path for path in visible(folder) if path.suffix.lower() == ".npz" and path.is_file()]
    named: list[tuple[int | None, Path]] = list(split_parts(here).items())
    if not named:
        below = {split: list(part.glob("*.npz")) for split, part in split_folders(folder).items()}
        named = [(split, paths[0]) for split, paths in below.items() if len(paths) == 1]
    # A single archive beside folders may hold something about them, such as features of a folder of class folders.
    alone = len(here) == 1 and not any(path.is_dir() for path in visible(folder))
    return named or ([(None, here[0])] if alone else [])


def _arrays(path: Path) -> dict[str, Array]:
    try:
        with open_regular(path) as file:
            _require_within(path, file)
            with np.load(file, allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
    except OSError as error:
        raise GlassworkError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, EOFError, LookupError, TypeError, AttributeError, TokenError, *_ZIP) as error:
        reason = "it holds Python objects rather than numbers" if "allow_pickle" in str(error) else str(error)
        raise GlassworkError(
            f"{path} cannot be read as a NumPy archive ({reason}): save plain arrays with numpy.savez."
        ) from error


def _require_within(path: Path, file: IO[bytes]) -> None:
    """Refuses an archive whose entries become larger than the limits, or whose arrays declare more than they hold."""
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        within_unpacked(path, os.fstat(file.fileno()).st_size, sum(entry.file_size for entry in entries))
        for entry in entries:
            with archive.open(entry) as opened:
                version = np.lib.format.read_magic(opened)
                read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else _read_header
                shape, _, dtype = read_header(opened)
            if any(side < 0 for side in shape) or math.prod(shape) * dtype.itemsize > entry.file_size:
                raise ValueError(f"{entry.filename} declares {' x '.join(map(str, shape))} values and holds fewer")
    file.seek(0)


def _read_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    shape, order, dtype = np.lib.format.read_array_header_2_0(file)
    return shape, order, dtype


def _parts(arrays: dict[str, Array], path: Path, split: int | None) -> tuple[list[Part], list[str]]:
    """The parts of an archive, and sentences about those that have no targets."""
    if split is None:
        parts, said = [], []
        for number in (TRAINING, VALIDATION, TEST):
            inputs, targets = (
                _first(arrays, [name for word in words_of(number) for name in _spellings(word, stems)])
                for stems in (_INPUTS, _TARGETS)
            )
            if inputs and targets:
                parts.append(Part(number, arrays[inputs], arrays[targets], f"{path} ({inputs}, {targets})"))
            elif inputs and number != TRAINING:
                said.append(
                    f"{inputs} has no targets next to it, so its {len(arrays[inputs]):,} inputs are left aside."
                )
            elif inputs or targets:
                raise GlassworkError(f"{path} has '{inputs or targets}' but not what belongs to it: {FORMAT}.")
        if parts:
            unread = [name for name in (*_INPUTS, *_TARGETS) if name in arrays]
            if unread:
                said.append(
                    f"{path.name} has arrays that are named after splits, so {' and '.join(unread)} beside them "
                    f"{'is' if len(unread) == 1 else 'are'} not read."
                )
            return [_checked(part) for part in parts], said
    else:
        said = []
    inputs, targets = _first(arrays, _INPUTS), _first(arrays, _TARGETS)
    if inputs and not targets and split not in (None, TRAINING):
        return [], [f"{path.name} has no targets, so its {len(arrays[inputs]):,} inputs are left aside."]
    if not inputs or not targets:
        raise GlassworkError(
            f"{path} holds the arrays {', '.join(sorted(arrays)) or '(none)'}: name the inputs x (or images) and the "
            "targets y (or labels); x_train, y_train, x_test, ... give a split."
        )
    return [_checked(Part(split, arrays[inputs], arrays[targets], f"{path} ({inputs}, {targets})"))], said


def _checked(part: Part) -> Part:
    if part.inputs.ndim < 2 or part.targets.ndim < 1:
        raise GlassworkError(
            f"The arrays of {part.where} have the shapes {part.inputs.shape} and {part.targets.shape}: "
            "expected rows of inputs and one target per row."
        )
    return part


def _spellings(word: str, stems: Sequence[str]) -> list[str]:
    return [name for stem, glue in product(stems, ("_", "")) for name in (f"{word}{glue}{stem}", f"{stem}{glue}{word}")]


def _first(arrays: dict[str, Array], names: Sequence[str]) -> str | None:
    return next((name for name in names if name in arrays), None)
