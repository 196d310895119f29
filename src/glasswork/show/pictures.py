"""Grids of values as pictures: PNG bytes that read on light paper as on dark."""

import base64
import io

from PIL import Image as Pillow

from glasswork.data.pictures import encode_png
from glasswork.glassbox.tensor_summary import Image, Picture
from glasswork.show.palette import AGAINST, FOR, HEAT, Colour


def numbers(picture: Picture) -> list[float]:
    """The values of a picture's cells, row by row."""
    step = (picture.high - picture.low) / 255
    return [picture.low + step * cell for cell in base64.b64decode(picture.cells)]


def extent(image: Image) -> float:
    """The greatest distance of its values from 0; 1 where all are 0, so that it can be divided by."""
    return max((max(abs(one.low), abs(one.high)) for one in image.channels), default=0.0) or 1.0


def photograph(image: Image, around_zero: bool = False) -> bytes:
    """An image as such: grey, or in colour where it has three channels; empty if there is nothing to draw.

    Args:
        image: its lowest value becomes black, its highest white.
        around_zero: 0 becomes middle grey instead, for weights in colour.
    """
    if not image.channels:
        return b""
    low, high = min(one.low for one in image.channels), max(one.high for one in image.channels)
    if around_zero:
        low, high = -extent(image), extent(image)
    span = high - low or 1.0
    planes = [bytes(round(255 * (value - low) / span) for value in numbers(one)) for one in image.channels]
    size = (image.channels[0].width, image.channels[0].height)
    if len(planes) == 1:
        return encode_png(Pillow.frombytes("L", size, planes[0]), small=True)
    return encode_png(Pillow.merge("RGB", [Pillow.frombytes("L", size, plane) for plane in planes]), small=True)


def signed(image: Image, limit: float | None = None) -> bytes:
    """Values around 0: blue above, red below, the paper shows through at 0; three channels as colour around grey.

    Args:
        image: what to draw.
        limit: the value of full colour; None: the image's own greatest.
    """
    if not image.channels:
        return b""
    if len(image.channels) > 1:
        return photograph(image, around_zero=True)
    return encode_png(_tint(image.channels[0], limit or extent(image), FOR, AGAINST), small=True)


def heat(image: Image, limit: float | None = None) -> bytes:
    """Values from 0 upwards: the paper shows through at 0, full colour at the limit."""
    return encode_png(_tint(image.channels[0], limit or extent(image), HEAT, HEAT)) if image.channels else b""


def laid_over(image: Image, over: Image, *, two_sided: bool) -> bytes:
    """A map in colour over the image that it belongs to, in pale grey; empty where the two are not of one size."""
    if not image.channels or not over.channels:
        return b""
    below, above = image.channels[0], over.channels[0]
    if (below.width, below.height) != (above.width, above.height):
        return b""
    ground = Pillow.open(io.BytesIO(photograph(image))).convert("L").point(lambda value: 150 + value * 0.4)
    colours = (FOR, AGAINST) if two_sided else (HEAT, HEAT)
    ground = ground.convert("RGBA")
    ground.alpha_composite(_tint(above, extent(over), *colours))
    return encode_png(ground.convert("RGB"), small=True)


def _tint(picture: Picture, limit: float, up: Colour, down: Colour) -> Pillow.Image:
    """One colour for each sign, the more opaque the farther from 0."""
    cells = bytearray()
    for value in numbers(picture):
        cells += bytes((*(up if value > 0 else down), round(255 * min(1.0, abs(value) / limit))))
    return Pillow.frombytes("RGBA", (picture.width, picture.height), bytes(cells))
