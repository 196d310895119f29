"""New inputs for a trained network, read as its training examples were."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from torch import Tensor

from glasswork.data.decoding import UnreadableImageError, decode
from glasswork.data.examples import Schema
from glasswork.data.readers import table
from glasswork.device import usable_cores
from glasswork.errors import GlassworkError


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
        raise GlassworkError(
            "This model answers rows of a table: give it a .csv file with the columns it was trained on"
        )
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
