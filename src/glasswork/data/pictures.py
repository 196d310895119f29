"""Pictures as PNG: examples, files made small, and the one encoder."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from glasswork.data.dataset import Dataset
from glasswork.data.formats.picture_files import Values, deep_values, may_be_deep, open_picture
from glasswork.data.formats.pixel_range import extremes_of, find_span, scale
from glasswork.errors import GlassworkError
from glasswork.files import read_regular

if TYPE_CHECKING:
    from PIL import Image

LONGEST = 480


def picture(dataset: Dataset, row: int) -> bytes:
    """One input as PNG; empty if inputs are no images."""
    image = dataset.task.inputs.picture(dataset, row)
    return b"" if image is None else as_png(image)


def as_png(image: Tensor) -> bytes:
    """A picture, values 0 to 255 of shape (1 or 3, height, width), as PNG."""
    from PIL import Image

    image = image.to(torch.uint8)
    pixels = image[0] if len(image) == 1 else image.permute(1, 2, 0)
    return encode_png(Image.fromarray(pixels.contiguous().numpy()))


def encode_png(picture: "Image.Image", *, small: bool = False, level: int = 6) -> bytes:
    """A picture as PNG.

    Args:
        picture: of any mode that PNG has.
        small: takes longer to make the file as small as it can be.
        level: of compression, 1 to 9, unless it shall be small.
    """
    held = io.BytesIO()
    picture.save(held, "PNG", optimize=small, compress_level=level)
    return held.getvalue()


def thumbnail(path: str | Path, longest: int = LONGEST) -> bytes:
    """An image file as PNG, upright, its longer side at most `longest` pixels.

    Raises:
        GlassworkError: for a file that is no readable image.
    """
    from PIL import Image, ImageOps

    try:
        with open_picture(Path(path), str(path)) as image:
            image.draft("RGB", (longest, longest))
            values = deep_values(image, read_regular(path)) if may_be_deep(Path(path)) else None
            upright = ImageOps.exif_transpose(image) if values is None else Image.fromarray(_shown(values))
            small = upright.convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise GlassworkError(f"{path} cannot be shown: {error}") from None
    small.thumbnail((longest, longest))
    return encode_png(small)


def _shown(values: Values) -> Values:
    """Values of more than 8 bits for the eye alone: from black, the least of them, to white."""
    found = extremes_of(values)
    return scale(values, find_span(found, False, None if found.low == found.high else (found.low, found.high))).astype(
        "u1"
    )
