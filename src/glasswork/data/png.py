"""The one encoder of pictures: PNG bytes."""

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image


def encode_png(picture: "Image", *, small: bool = False, level: int = 6) -> bytes:
    """A picture as PNG.

    Args:
        picture: of any mode that PNG has.
        small: takes longer to make the file as small as it can be.
        level: of compression, 1 to 9, unless it shall be small.
    """
    held = io.BytesIO()
    picture.save(held, "PNG", optimize=small, compress_level=level)
    return held.getvalue()
