"""New inputs for a trained network, read as its training examples were."""

import csv
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from glasswork.data.decoding import UnreadableImageError, decode
from glasswork.data.examples import Schema
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
    images, problems = [], {}
    for place, source in enumerate(sources):
        try:
            images.append(decode(Path(source), height, width, channels, 0))
        except UnreadableImageError as error:
            problems[place] = str(error)
    return torch.stack(images) if images else torch.zeros(0, *schema.shape, dtype=torch.uint8), problems


def read_table(path: Path, schema: Schema) -> Tensor:
    """The model's features out of a CSV file with a header, float32 (rows, features).

    A feature named `column=value` is 1 where that column holds that value, else 0. Empty cells become the
    training mean.

    Raises:
        GlassworkError: for a missing column or a cell that is no number.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise GlassworkError(f"{path} cannot be read: {error}") from None
    numbers = torch.empty(len(rows), len(schema.features))
    for place, feature in enumerate(schema.features):
        column, equals, value = feature.partition("=")
        for line, row in enumerate(rows, 2):
            if (feature if feature in row else column) not in row:
                raise GlassworkError(f"{path} has no column '{column}', which this model was trained on")
            cell = row[feature] if feature in row else row[column]
            if feature not in row and equals:
                numbers[line - 2, place] = float(cell == value)
            elif cell is None or not cell.strip():
                numbers[line - 2, place] = schema.mean[place]
            else:
                try:
                    numbers[line - 2, place] = float(cell)
                except ValueError:
                    raise GlassworkError(
                        f"{path}, line {line}: column '{column}' holds '{cell}', not a number"
                    ) from None
    return numbers
