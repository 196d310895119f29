"""Pictures made small, to be shown on a page."""

from pathlib import Path

from PIL import Image, ImageOps

from glasswork.data.png import encode_png
from glasswork.errors import GlassworkError

LONGEST = 480


def thumbnail(path: str | Path, longest: int = LONGEST) -> bytes:
    """An image file as PNG, upright, its longer side at most `longest` pixels.

    Raises:
        GlassworkError: for a file that is no readable image.
    """
    try:
        with Image.open(path) as image:
            image.draft("RGB", (longest, longest))
            small = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise GlassworkError(f"{path} cannot be shown: {error}") from None
    small.thumbnail((longest, longest))
    return encode_png(small)
