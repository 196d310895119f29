"""Image files to uint8 tensors: one at a time, or thousands on all cores."""

import hashlib
import io
import logging
import os
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import ExifTags, Image, UnidentifiedImageError
from torch import Tensor

from glasswork.data.dataset import ReadingOptions
from glasswork.data.scratch import scratch
from glasswork.errors import GlassworkError

Pixels = npt.NDArray[np.uint8]

_USUAL = ".jpg .jpeg .jpe .jfif .png .bmp .gif .webp .tif .tiff .ppm .pgm .pbm .pnm .avif"
_OTHERS = ".heic .heif .jp2 .j2k .jpf .jpx .dcm .dicom .svg"
SUFFIXES = frozenset([*_USUAL.split(), *_OTHERS.split()])

_SAMPLE = 64  # headers looked at to learn whether all images share one size
_KEPT_SIDE = 64  # pixels; images that share a size no larger than this keep it
_DEFAULT_SIDE = 64
_TASK = 32  # images per task of a thread: enough to hide the pool's own cost, few enough to stop soon
_GREY_MODES = frozenset(("1", "L", "LA", "La", "I", "F"))
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class UnreadableImageError(GlassworkError):
    """An image file that is damaged, truncated, too large, or no image."""


@dataclass(frozen=True)
class Decoded:
    """Many image files as columns.

    Attributes:
        inputs: uint8 (rows, channels, height + 2 margin, width + 2 margin), one row per readable file.
        fingerprints: int64 (rows,), hashes of the rows, equal for pictures that are the same at this size.
        sizes: int64 (rows, 2), height and width of the originals.
        kept: int64 (rows,), which of the files the rows are.
        margin: pixels on each side beyond the size.
        skipped: a sentence for each file that could not be read.
    """

    inputs: Tensor
    fingerprints: Tensor
    sizes: Tensor
    kept: Tensor
    margin: int
    skipped: tuple[str, ...]


def decode(path: str | Path, height: int, width: int, channels: int, margin: int = 0) -> Tensor:
    """One image file, its shorter side resized to fit and its centre cut out.

    Args:
        path: the file; of an animation the first frame is taken.
        height: pixels, without the margin.
        width: pixels, without the margin.
        channels: 1 (grey) or 3 (red, green, blue).
        margin: pixels more on each side.

    Returns:
        uint8 of shape (channels, height + 2 margin, width + 2 margin).

    Raises:
        UnreadableImageError: the file is missing, damaged, truncated, too large, or no image.
    """
    with _quiet():
        data = _contents(path)
        pixels, _ = _decoded(data, str(path), height + 2 * margin, width + 2 * margin, channels)
        return torch.from_numpy(pixels)


def opened_picture(path: Path) -> Image.Image:
    """The picture in a file in its own size, upright, with 8 bits per channel.

    Raises:
        UnreadableImageError: as for `decode`.
    """
    with _quiet(), _opened(io.BytesIO(_contents(path)), str(path)) as image:
        turn, plain = _orientation(image), _plain(image, "L" if image.mode in _GREY_MODES else "RGB")
        return plain.transpose(_TURNS[turn]) if turn != 1 else plain.copy()


def decode_files(paths: Sequence[Path], options: ReadingOptions) -> Decoded:
    """Decode files on all cores into a memory-mapped column, leaving out those that cannot be read.

    Args:
        paths: the files, at least one.
        options: size, margin and channels; `strict` makes an unreadable file an error.

    Raises:
        UnreadableImageError: a file is unreadable and `strict` is set, or no file is readable.
    """
    with _quiet(), ThreadPoolExecutor(_workers()) as pool:
        height, width, margin = _common_size(paths, options, pool)
        channels = options.channels or (1 if _all_grey(paths, pool) else 3)
        shape = (height + 2 * margin, width + 2 * margin)
        inputs = scratch((len(paths), channels, *shape))
        hashes, sizes = np.zeros(len(paths), dtype=np.int64), np.zeros((len(paths), 2), dtype=np.int64)
        rows = inputs.numpy()

        def decode_some(start: int) -> list[tuple[int, UnreadableImageError]]:
            failures = []
            for row in range(start, min(start + _TASK, len(paths))):
                try:
                    pixels, sizes[row] = _decoded(_contents(paths[row]), str(paths[row]), *shape, channels)
                    digest = hashlib.blake2b(pixels.data, digest_size=8).digest()
                    rows[row], hashes[row] = pixels, int.from_bytes(digest, "little", signed=True)
                except UnreadableImageError as error:
                    if options.strict:
                        raise
                    failures.append((row, error))
            return failures

        failures = [pair for part in pool.map(decode_some, range(0, len(paths), _TASK)) for pair in part]
    if len(failures) == len(paths):
        raise UnreadableImageError(f"None of the {len(paths):,} images can be read; the first: {failures[0][1]}")
    unreadable = {row for row, _ in failures}
    kept = torch.tensor([row for row in range(len(paths)) if row not in unreadable])
    return Decoded(
        inputs=_closed_up(inputs, kept) if failures else inputs,
        fingerprints=torch.from_numpy(hashes)[kept],
        sizes=torch.from_numpy(sizes)[kept],
        kept=kept,
        margin=margin,
        skipped=tuple(str(error) for _, error in failures),
    )


def _workers() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _closed_up(inputs: Tensor, kept: Tensor) -> Tensor:
    """Move the kept rows to the front in place, a few at a time: a second column might not fit into memory."""
    for start in range(0, len(kept), _TASK):
        part = kept[start : start + _TASK]
        inputs[start : start + len(part)] = inputs[part]  # kept[i] >= i: no row is overwritten before it is moved
    return inputs[: len(kept)]


def _common_size(paths: Sequence[Path], options: ReadingOptions, pool: ThreadPoolExecutor) -> tuple[int, int, int]:
    """Height, width and margin of the images to make."""
    if options.size is not None:
        return options.size, options.size, options.margin
    sample = [paths[row * len(paths) // _SAMPLE] for row in range(_SAMPLE)] if len(paths) > _SAMPLE else paths
    sizes = set(pool.map(_size, sample)) - {None}
    if len(sizes) == 1:
        size = sizes.pop()
        if size is not None and max(size) <= _KEPT_SIDE:
            return *size, 0
    return _DEFAULT_SIDE, _DEFAULT_SIDE, options.margin


def _size(path: Path) -> tuple[int, int] | None:
    """Height and width of an image as it is to be seen; none where the header is unreadable."""
    try:
        with _opened(path, str(path)) as image:
            width, height = image.size
            return (width, height) if _orientation(image) >= 5 else (height, width)
    except UnreadableImageError:
        return None


def _all_grey(paths: Sequence[Path], pool: ThreadPoolExecutor) -> bool:
    """Whether every readable image is grey, from the headers; looks no further than the first that is not."""
    step = _TASK * _workers()
    return all(all(pool.map(_is_grey, paths[start : start + step])) for start in range(0, len(paths), step))


def _is_grey(path: Path) -> bool:
    try:
        with _opened(path, str(path)) as image:
            if image.mode in ("P", "PA") and image.palette is not None:
                colours = np.array(image.getpalette("RGB"), dtype=np.uint8).reshape(-1, 3)
                return bool((colours == colours[:, :1]).all())
            return image.mode in _GREY_MODES or image.mode.startswith("I;16")
    except UnreadableImageError:
        return True  # says nothing about the others


def _contents(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UnreadableImageError(f"{path} cannot be read: {error.strerror or error}.") from error


@contextmanager
def _opened(source: Path | io.BytesIO, name: str) -> Iterator[Image.Image]:
    """The image with its header read; whatever goes wrong within is an UnreadableImageError."""
    try:
        with Image.open(source) as image:
            limit = Image.MAX_IMAGE_PIXELS
            if limit is not None and image.width * image.height > limit:
                raise Image.DecompressionBombError(f"{image.width} x {image.height} pixels are too many")
            yield image
    except UnidentifiedImageError as error:
        raise UnreadableImageError(f"{name} is not readable as an image: its format is not known.") from error
    except Exception as error:  # Pillow's parsers raise what they happen upon: OSError, SyntaxError, struct.error, ...
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise UnreadableImageError(f"{name} is not readable as an image: {reason}.") from error


def _orientation(image: Image.Image) -> int:
    """1 to 8, as EXIF counts the ways in which a camera may have been held; 1 is upright."""
    value = image.getexif().get(ExifTags.Base.Orientation, 1)
    return value if value in _TURNS else 1


def _decoded(data: bytes, name: str, height: int, width: int, channels: int) -> tuple[Pixels, tuple[int, int]]:
    """uint8 (channels, height, width), height and width with the margins; and height and width of the original."""
    with _opened(io.BytesIO(data), name) as image:
        turn = _orientation(image)
        original = image.size if turn >= 5 else image.size[::-1]
        if turn >= 5:
            height, width = width, height
        scale = max(height / image.height, width / image.width)
        mode = "L" if channels == 1 else "RGB"
        if image.format in ("JPEG", "MPO") and image.mode != "CMYK":
            image.draft(mode, (ceil(image.width * scale), ceil(image.height * scale)))
        plain = _plain(image, mode)
        scale = max(height / plain.height, width / plain.width)
        if plain.size != (width, height):
            left, top = (plain.width - width / scale) / 2, (plain.height - height / scale) / 2
            right, bottom = min(plain.width - left, plain.width), min(plain.height - top, plain.height)
            box = (max(left, 0), max(top, 0), right, bottom)
            plain = plain.resize((width, height), Image.Resampling.BILINEAR, box=box)
        if turn != 1:
            plain = plain.transpose(_TURNS[turn])
        pixels = np.asarray(plain)
    # A copy always, since the arrays that Pillow gives away are read-only.
    return np.array(pixels[None] if channels == 1 else pixels.transpose(2, 0, 1), order="C"), original


def _plain(image: Image.Image, mode: str) -> Image.Image:
    """The image with 8 bits per channel, in `mode` (L or RGB), on white where it is transparent."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        image = Image.fromarray(_eight_bits(np.asarray(image)))
    elif image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image).convert("RGB")
    return image if image.mode == mode else image.convert(mode)


def _eight_bits(
    values: npt.NDArray[Any],
) -> Pixels:
    """Grey values of more than 8 bits as uint8: whole numbers count to 65535; others to 1, 255 or 65535, which fits."""
    numbers = values.astype(np.float32)
    high = float(numbers.max())
    limit = 65535.0
    if values.dtype.kind == "f":
        limit = next((limit for limit in (1.0, 255.0) if high <= limit), limit)
    if not 0 <= float(numbers.min()) <= high <= limit:
        raise ValueError(f"its values reach from {numbers.min():g} to {high:g}, outside of 0 to {limit:g}")
    scaled: Pixels = np.rint(numbers * (255.0 / limit)).astype(np.uint8)
    return scaled


_no_output = logging.NullHandler()
_quiet_lock = threading.Lock()
_quiet_depth = 0
_quiet_filters = warnings.catch_warnings()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Pillow from printing warnings and errors (about sizes, palettes, metadata) that name no file.

    Warning filters belong to the whole process, so of several threads the first one in sets them and the last one out
    puts them back.
    """
    global _quiet_depth, _quiet_filters
    logging.getLogger("PIL").addHandler(_no_output)  # else logging prints errors where nobody set it up
    with _quiet_lock:
        if _quiet_depth == 0:
            _quiet_filters = warnings.catch_warnings()
            _quiet_filters.__enter__()
            warnings.filterwarnings("ignore", module=r"PIL\b")
        _quiet_depth += 1
    try:
        yield
    finally:
        with _quiet_lock:
            _quiet_depth -= 1
            if _quiet_depth == 0:
                _quiet_filters.__exit__(None, None, None)
