"""New inputs for a trained network that are given as numbers rather than read from files."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from glasswork.data.dataset import ReadingOptions, Schema
from glasswork.data.formats.arrays import arranged, images_of, vectors_of
from glasswork.errors import GlassworkError


def given_inputs(numbers: Any, schema: Schema) -> Tensor:
    """Numbers in raw units as a network under `schema` takes them.

    Args:
        numbers: array or tensor: images, uint8 or from 0 to 1, as (images, height, width) or with channels before or
            after these two, of any size where the network's are square; or rows of features in the schema's order.
        schema: what the network was trained on.

    Returns:
        uint8 (images, channels, height, width) or float32 (rows, features).

    Raises:
        GlassworkError: for another shape, or images beyond these values.
    """
    array = numbers.detach().cpu().numpy() if isinstance(numbers, Tensor) else np.asarray(numbers)
    if schema.inputs == "vector":
        if array.ndim != 2 or array.shape[1:] != schema.shape:
            raise GlassworkError(
                f"The inputs have the shape {array.shape}: this model takes rows of {schema.shape[0]} numbers, "
                f"{', '.join(schema.features[:6])}{' ...' if len(schema.features) > 6 else ''}"
            )
        return vectors_of(array, "the inputs")
    if array.dtype != np.uint8 and array.size and (array.min() < 0 or array.max() > 1):
        raise GlassworkError(
            f"The images have values from {array.min():g} to {array.max():g}: give whole numbers as uint8, or 0 to 1"
        )
    images = torch.from_numpy(images_of(array, "the inputs"))
    channels, height, width = schema.shape
    images, _ = arranged(images, ReadingOptions(height if height == width else None, channels=channels))
    if tuple(images.shape[1:]) != schema.shape:
        raise GlassworkError(
            f"The images have the shape {tuple(images.shape[1:])}: this model takes {channels} x {height} x {width}"
        )
    return images
