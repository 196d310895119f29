"""New inputs at paths, in every format that training reads: what `predict` is given."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import torch

from glasswork.data.formats import cifar, clips, idx, npz
from glasswork.data.formats.raw_arrays import Array
from glasswork.data.formats.tables.table import tables_of
from glasswork.data.kinds.kind import Inputs, Reading, new_inputs
from glasswork.data.kinds.task import Task
from glasswork.data.listing import is_folder, is_named_as_picture, is_there
from glasswork.errors import GlassworkError

_ARRAYS = (idx, cifar, npz)


def read_new_inputs(paths: Sequence[Path], task: Task) -> Iterator[Reading]:
    """New inputs, in parts that fit into memory: rows of arrays are called `file.npz[3]`, counted from 0.

    Raises:
        GlassworkError: for a missing file, or one that does not fit.
    """
    kind = task.inputs
    for is_array, group in groupby(paths, key=lambda path: "arrays" in kind.kept_in and holds_arrays(path)):
        if not is_array:
            yield from kind.read([file for path in group for file in _files_in(path, kind)], task)
            continue
        for path in group:
            try:
                yield from _read_arrays(path, kind, task)
            except GlassworkError as error:
                if len(paths) == 1:
                    raise
                yield Reading([str(path)], new_inputs(torch.zeros(0, *kind.shape), task, []), {0: str(error)})


def holds_arrays(path: Path) -> bool:
    """Whether a file is in a format of arrays, or a folder is a data set of such files and has no pictures itself."""
    if not is_there(path) or (is_folder(path) and any(is_named_as_picture(each.name) for each in path.iterdir())):
        return False
    return any(each.claims(path) for each in _ARRAYS)


def _files_in(path: Path, kind: Inputs) -> list[Path]:
    """The tables or clips of a folder that is a data set; else the path itself."""
    found: list[Path] = []
    if "tables" in kind.kept_in and is_folder(path):
        found = [table for _, table in tables_of(path)]
    elif "clips" in kind.kept_in and is_there(path) and clips.claims(path):
        found = clips.clips_of(path)
    return found or [path]


def _read_arrays(path: Path, kind: Inputs, task: Task) -> Iterator[Reading]:
    for name, array in next(each for each in _ARRAYS if each.claims(path)).inputs(path):
        names = [f"{name}[{row}]" for row in range(len(array))]
        fine = _finite(array)
        problems = {
            row: f"{names[row]} holds values that are not finite (NaN or infinite)"
            for row in np.flatnonzero(~fine).tolist()
        }
        inputs = kind.arrays(array[fine] if problems else array) if fine.any() else torch.zeros(0, *kind.shape)
        yield Reading(names, new_inputs(inputs, task, [names[row] for row in np.flatnonzero(fine).tolist()]), problems)


def _finite(array: Array) -> Array:
    """For each row whether all its numbers are finite."""
    if array.dtype.kind != "f":
        return np.ones(len(array), dtype=bool)
    return np.asarray(np.isfinite(array).reshape(len(array), -1).all(1))
