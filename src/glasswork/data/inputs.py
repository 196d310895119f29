"""New inputs for a trained network, read as its training examples were."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from torch import Tensor

from glasswork.data.dataset import Schema
from glasswork.data.formats.tables import table
from glasswork.data.kinds.images import CHUNK
from glasswork.data.kinds.kind import Reading as Inputs
from glasswork.data.kinds.kind import new_inputs as of_inputs

__all__ = ["CHUNK", "Inputs", "is_folder", "is_table", "is_there", "of_inputs", "read_images", "read_inputs"]


def read_inputs(paths: Sequence[Path], schema: Schema) -> Iterator[Inputs]:
    """New inputs of a kind that knows by itself how they are read.

    Args:
        paths: files and folders of them.
        schema: what the network was trained on.

    Raises:
        GlassworkError: for a missing file, or one that does not fit.
    """
    return schema.task.inputs.read(paths, schema)


def read_images(sources: Sequence[str], schema: Schema) -> tuple[Tensor, dict[int, str]]:
    """Image files in raw units, and for each that cannot be read its place and why."""
    return schema.task.inputs.read_images(sources)


def is_there(path: Path) -> bool:
    """Whether there is a file or folder; also of a text that stands in place of a path, and may be too long for one."""
    return os.path.exists(path)  # noqa: PTH110 (a Path complains of a name that is too long)


def is_folder(path: Path) -> bool:
    """Whether there is a folder; `path` may be a text as above."""
    return os.path.isdir(path)  # noqa: PTH112


def is_table(path: Path) -> bool:
    """Whether a file is named as tables are."""
    return path.is_file() and table.claims(path)
