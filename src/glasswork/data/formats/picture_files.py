"""Picture files as Pillow's images, or as arrays if they have more than 8 bits; with the packages for rarer kinds."""

import importlib
import io
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.parsers import expat

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, UnidentifiedImageError

from glasswork.data.formats.signatures import HEAD, signature
from glasswork.errors import GlassworkError
from glasswork.files import open_regular, read_regular
from glasswork.limits import limit, within

Values = npt.NDArray[Any]

_BITS = 258  # the tag of a TIFF file that says how many bits a sample has
_PNG_BITS = 24  # the byte of a PNG file that says the same
_EIGHT_BITS = tuple(f"{kind} picture" for kind in ("JPEG", "GIF", "WebP", "BMP", "HEIC", "AVIF", "SVG"))
_SVG = re.compile(rb"<svg[^<>]*>")
_SVG_INSIDE = re.compile(r"\s*(#|data:image/(png|jpe?g|gif|webp)[;,])", re.IGNORECASE)
_SVG_NUMBER = rb"([0-9]+(?:\.[0-9]*)?(?:[eE][0-9]+)?)"
_SVG_SIDES = [re.compile(rb"\s%s\s*=\s*[\"']\s*" % side + _SVG_NUMBER) for side in (b"width", b"height")]
_SVG_BOX = re.compile(rb"viewBox\s*=\s*[\"'][^\"']*?[\s,]" + _SVG_NUMBER + rb"[\s,]+" + _SVG_NUMBER + rb"\s*[\"']")
_DEEP_MODES = ("I", "F")


class UnreadableImageError(GlassworkError):
    """An image file that is damaged, truncated, too large, or no image.

    Attributes:
        lacking: of a picture that another package could read, what it is and what brings the package; else empty.
    """

    lacking: tuple[str, str] | None = None


def open_picture(source: Path | io.BytesIO, name: str) -> Image.Image:
    """A picture with its header read.

    Raises:
        UnreadableImageError: it is no picture, or takes a package that is not installed.
    """
    if isinstance(source, Path):
        open_regular(source).close()  # a pipe would wait for ever
    if Image.MAX_IMAGE_PIXELS is not None:
        Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS, limit("PIXELS"))
    try:
        return _within(Image.open(source), name)
    except Image.DecompressionBombError as error:
        raise UnreadableImageError(
            f"{name} is too large: {error}; set GLASSWORK_LIMIT_PIXELS if you trust it."
        ) from None
    except UnidentifiedImageError:
        data = source.getvalue() if isinstance(source, io.BytesIO) else read_regular(source)
    found = signature(data[:HEAD])
    if found is not None and found.name in _READERS:
        return _within(_READERS[found.name](data, name), name)
    what = f"it is a {found.name}" if found is not None else "its format is not known"
    raise UnreadableImageError(f"{name} is not readable as an image: {what}.")


def _within(image: Image.Image, name: str) -> Image.Image:
    _require_pixels(name, image.width * image.height)
    return image


def _require_pixels(name: str, count: int) -> None:
    """Refuses a picture whose header declares more pixels than the limit."""
    try:
        within(name, "PIXELS", count)
    except GlassworkError as error:
        raise UnreadableImageError(str(error)) from None


def deep_values(image: Image.Image, data: bytes) -> Values | None:
    """The values of a picture of more than 8 bits, (height, width) or (height, width, 3); None if it has 8 or less.

    Transparent places are white.
    """
    if image.mode in _DEEP_MODES or image.mode.startswith("I;16"):
        return np.asarray(image)
    if image.format == "PNG" and data[_PNG_BITS] == 16:  # of colours Pillow keeps 8 of the 16 bits
        vision = importlib.import_module("torchvision.io")
        coded = torch.frombuffer(bytearray(data), dtype=torch.uint8)
        return _opaque(vision.decode_image(coded, mode=vision.ImageReadMode.UNCHANGED).numpy().transpose(1, 2, 0))
    tags = getattr(image, "tag_v2", None)
    if image.format == "TIFF" and tags is not None and max(tags.get(_BITS, (8,))) > 8:
        return _opaque(_tiff(data, "It"))
    return None


def may_be_deep(path: Path) -> bool | None:
    """Whether the first bytes of a file leave open that it is a picture of more than 8 bits; None: it is none."""
    with open_regular(path) as file:
        head = file.read(HEAD)
    found = signature(head)
    if found is None or not found.picture:
        return None
    if found.name in _EIGHT_BITS:
        return False
    return found.name != "PNG picture" or head[_PNG_BITS : _PNG_BITS + 1] == b"\x10"


def _opaque(values: Values) -> Values:
    """Without the last of two or four channels, which says how much of a white ground shines through."""
    if values.ndim == 3 and values.shape[2] in (2, 4):
        most = np.iinfo(values.dtype).max if values.dtype.kind in "ui" else 1
        share = values[..., -1:].astype(np.float64) / most
        values = values[..., :-1] * share + most * (1 - share)
    return values[..., 0] if values.ndim == 3 and values.shape[2] == 1 else values


def _tiff(data: bytes, name: str) -> Values:
    tifffile = _package("tifffile", "TIFF picture of more than 8 bits", name, "vision")
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        _require_pixels(name, math.prod(file.pages[0].shape))
        values = np.asarray(file.pages[0].asarray())
    return values.transpose(1, 2, 0) if values.ndim == 3 and values.shape[0] in (3, 4) else values


def _open_heic(data: bytes, name: str) -> Image.Image:
    _package("pillow_heif", "HEIC picture", name, "pictures").register_heif_opener()
    return Image.open(io.BytesIO(data))


def _open_avif(data: bytes, name: str) -> Image.Image:
    raise _lacking("AVIF picture", name, "pip install --upgrade pillow")


def _open_jpeg_2000(data: bytes, name: str) -> Image.Image:
    raise _lacking("JPEG 2000 picture", name, "a Pillow with OpenJPEG: pip install --upgrade pillow")


def _open_svg(data: bytes, name: str) -> Image.Image:
    start = _SVG.search(data)
    _require_pixels(name, _svg_pixels(start[0]) if start is not None else 0)
    if b"<!ENTITY" in data:
        raise UnreadableImageError(
            f"{name} is not readable as an image: it is an SVG that declares entities: save it as plain SVG."
        )
    _require_harmless(name, data)
    drawn = _package("resvg_py", "SVG picture", name, "pictures").svg_to_bytes(svg_string=data.decode("utf-8-sig"))
    return Image.open(io.BytesIO(bytes(drawn)))


def _require_harmless(name: str, data: bytes) -> None:
    """Refuses an SVG of many elements inside of each other, which would end the process in resvg, or of other files."""
    parser, depth = expat.ParserCreate("utf-8"), 0

    def enter(element: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        within(name, "DEPTH", depth)
        if element.rpartition(":")[2].lower() in ("image", "feimage"):
            named = (value for key, value in attributes.items() if key.rpartition(":")[2].lower() == "href")
            other = next((value for value in named if not _SVG_INSIDE.match(value)), None)
            if other is not None:
                raise GlassworkError(
                    f"{name} is an SVG that takes an image from elsewhere ({other[:80]}): put the image inside of it."
                )

    def leave(_: object) -> None:
        nonlocal depth
        depth -= 1

    parser.StartElementHandler, parser.EndElementHandler = enter, leave
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise UnreadableImageError(
            f"{name} is not readable as an image: it is an SVG that is damaged ({error})."
        ) from None
    except GlassworkError as error:
        raise UnreadableImageError(str(error)) from None


def _svg_pixels(start: bytes) -> int:
    """How many pixels an SVG becomes, by its first tag."""
    box = _SVG_BOX.search(start)
    sides = [float(box[1]), float(box[2])] if box is not None else [0.0, 0.0]
    for place, pattern in enumerate(_SVG_SIDES):
        if (found := pattern.search(start)) is not None:
            sides[place] = float(found[1])
    return int(min(sides[0] * sides[1], 1e18))


def _open_dicom(data: bytes, name: str) -> Image.Image:
    """The first frame, in the units that the file gives (Hounsfield's for CT)."""
    read = _package("pydicom", "DICOM picture", name, "pictures").dcmread(io.BytesIO(data))
    _require_pixels(name, math.prod(int(getattr(read, name, 1)) for name in ("Rows", "Columns", "NumberOfFrames")))
    values = np.asarray(read.pixel_array)
    if int(getattr(read, "NumberOfFrames", 1)) > 1:
        values = values[0]
    if values.ndim == 3:
        return Image.fromarray(values.astype(np.uint8))
    values = values.astype(np.float32)
    if read.PhotometricInterpretation == "MONOCHROME1":  # 0 is white
        values = 2.0 ** int(read.BitsStored) - 1 - values
    return Image.fromarray(
        values * float(getattr(read, "RescaleSlope", 1)) + float(getattr(read, "RescaleIntercept", 0))
    )


def _open_tiff(data: bytes, name: str) -> Image.Image:
    """A TIFF that Pillow does not know: one channel of any type."""
    values = _tiff(data, name)
    if values.ndim != 2:
        raise UnreadableImageError(
            f"{name} is not readable as an image: it is a TIFF of {values.dtype} with the shape {values.shape}; save "
            "its channels as 8 or 16 bits."
        )
    return Image.fromarray(values.astype(np.float32))


_READERS: dict[str, Callable[[bytes, str], Image.Image]] = {
    "HEIC picture": _open_heic,
    "AVIF picture": _open_avif,
    "JPEG 2000 picture": _open_jpeg_2000,
    "SVG picture": _open_svg,
    "DICOM picture": _open_dicom,
    "TIFF picture": _open_tiff,
}


def _package(module: str, kind: str, name: str, extra: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise _lacking(kind, name, f"pip install 'glasswork[{extra}]'") from None


def _lacking(kind: str, name: str, remedy: str) -> UnreadableImageError:
    error = UnreadableImageError(f"{name} is a {kind}: reading it takes {remedy}")
    error.lacking = (kind, remedy)
    return error
