"""New inputs for a trained network, read as its training examples were."""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from glasswork.data.decoding import UnreadableImageError, decode
from glasswork.data.examples import Examples, Schema
from glasswork.data.listing import image_files
from glasswork.data.readers import table
from glasswork.device import usable_cores
from glasswork.errors import GlassworkError

CHUNK = 256
"""Images that are read and answered at once."""


@dataclass(frozen=True)
class Inputs:
    """Some new inputs, whose targets nobody knows.

    Attributes:
        names: where each input came from.
        examples: those that could be read, in raw units.
        problems: of each one that could not, by its place among `names`, why, in one sentence.
    """

    names: Sequence[str]
    examples: Examples
    problems: Mapping[int, str] = field(default_factory=dict)


def of_inputs(inputs: Tensor, schema: Schema, names: Sequence[str]) -> Examples:
    """New inputs, in raw units, as examples whose targets nobody knows."""
    unknown = torch.zeros(len(inputs), dtype=torch.int64)
    return Examples({"inputs": inputs, "targets": unknown}, schema, "predict", tuple(names))


def read_inputs(paths: Sequence[Path], schema: Schema) -> Iterator[Inputs]:
    """Images or the rows of tables, a part at a time.

    Args:
        paths: image files and folders of them, or tables.
        schema: what the network was trained on.

    Raises:
        GlassworkError: for a missing file, or a table that does not fit.
    """
    return _table_rows(paths, schema) if schema.inputs == "vector" else _images(paths, schema)


def _images(paths: Sequence[Path], schema: Schema) -> Iterator[Inputs]:
    files = [str(file) for path in paths for file in image_files(path)]
    for start in range(0, len(files), CHUNK):
        part = files[start : start + CHUNK]
        images, problems = read_images(part, schema)
        read = [name for place, name in enumerate(part) if place not in problems]
        yield Inputs(part, of_inputs(images, schema, read), problems)


def _table_rows(paths: Sequence[Path], schema: Schema) -> Iterator[Inputs]:
    for path in paths:
        if not path.is_file():
            raise GlassworkError(f"There is no file {path}: this model answers the rows of a .csv or .parquet file")
        rows, _ = read_table(path, schema)
        names = [f"{path.name} row {row}" for row in range(1, len(rows) + 1)]
        yield Inputs(names, of_inputs(rows, schema, names))


def read_images(sources: Sequence[str], schema: Schema) -> tuple[Tensor, dict[int, str]]:
    """Images in raw units, as a network under `schema` takes them.

    Args:
        sources: image files.
        schema: what the network was trained on.

    Returns:
        uint8 (readable sources, channels, height, width), and for each source that cannot be read its place and why.

    Raises:
        GlassworkError: for a network that takes no images.
    """
    if schema.inputs != "image":
        others = {"vector": "rows of a table", "text": "text", "sequence": "sequences", "series": "series over time"}
        trained = others[schema.inputs]
        raise GlassworkError(f"This model takes no images: it was trained on {trained}")
    channels, height, width = schema.shape

    def decoded(source: str) -> Tensor | str:
        try:
            return decode(source, height, width, channels)
        except UnreadableImageError as error:
            return str(error)

    workers = min(usable_cores(), len(sources))
    if workers > 1:
        with ThreadPoolExecutor(workers) as pool:  # Pillow decodes without Python's lock
            found = list(pool.map(decoded, sources))
    else:
        found = [decoded(source) for source in sources]
    images = [image for image in found if isinstance(image, Tensor)]
    problems = {place: problem for place, problem in enumerate(found) if isinstance(problem, str)}
    return torch.stack(images) if images else torch.zeros(0, *schema.shape, dtype=torch.uint8), problems


def is_there(path: Path) -> bool:
    """Whether there is a file or folder; also of a text that stands in place of a path, and may be too long for one."""
    return os.path.exists(path)  # noqa: PTH110 (a Path complains of a name that is too long)


def is_folder(path: Path) -> bool:
    """Whether there is a folder; `path` may be a text as above."""
    return os.path.isdir(path)  # noqa: PTH112


def is_table(path: Path) -> bool:
    """Whether a file is named as tables are."""
    return path.is_file() and table.claims(path)


def read_table(path: Path, schema: Schema) -> tuple[Tensor, tuple[str, ...]]:
    """The model's features out of a table, in any format that tables are trained on.

    Args:
        path: a CSV, TSV or Parquet file.
        schema: what the network was trained on.

    Returns:
        float32 (rows, features), NaN for what nobody knows, such as an empty cell or a category that training did not
        have; and a sentence for each matter in which the table is not as in training.

    Raises:
        GlassworkError: for a missing column, or a cell that is no number or no date where training had only such.
    """
    return table.inputs_like(path, schema)
