"""Examples as PNG files, for pages."""

import io

import torch
from torch import Tensor

from glasswork.data.dataset import Dataset


def picture(dataset: Dataset, row: int) -> bytes:
    """One input as PNG; empty if inputs are no images."""
    image = dataset.task.inputs.picture(dataset, row)
    return b"" if image is None else as_png(image)


def as_png(image: Tensor) -> bytes:
    """A picture, values 0 to 255 of shape (1 or 3, height, width), as PNG."""
    from PIL import Image

    image = image.to(torch.uint8)
    pixels = image[0] if len(image) == 1 else image.permute(1, 2, 0)
    file = io.BytesIO()
    Image.fromarray(pixels.contiguous().numpy()).save(file, "PNG")
    return file.getvalue()
