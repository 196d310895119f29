"""Image files to uint8 tensors: one at a time, or thousands on all cores."""

import hashlib
import io
import logging
import math
import os
import sys
import threading
import warnings
from collections import Counter
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
from PIL import ExifTags, Image
from torch import Tensor

from glasswork.data.dataset import ReadingOptions
from glasswork.data.formats.picture_files import UnreadableImageError, deep_values, may_be_deep, open_picture
from glasswork.data.formats.pixel_range import (
    EIGHT_BITS,
    Extremes,
    Span,
    extremes_of,
    find_span,
    say_span,
    scale,
    scale_eight_bits,
)
from glasswork.data.scratch import scratch
from glasswork.files import read_regular

Pixels = npt.NDArray[Any]

_USUAL = ".jpg .jpeg .jpe .jfif .png .bmp .gif .webp .tif .tiff .ppm .pgm .pbm .pnm .avif"
_OTHERS = ".heic .heif .jp2 .j2k .jpf .jpx .dcm .dicom .svg"
SUFFIXES = frozenset([*_USUAL.split(), *_OTHERS.split()])

_SAMPLE = 64  # headers looked at to learn whether all images share one size
_KEPT_SIDE = 64  # pixels; images that share a size no larger than this keep it
_DEFAULT_SIDE = 64
_TASK = 32  # images per task of a thread: enough to hide the pool's own cost, few enough to stop soon
_LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R 601-2, as Pillow's conversion to grey
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


@dataclass(frozen=True)
class Decoded:
    """Many image files as columns.

    Attributes:
        inputs: uint8 (rows, channels, height + 2 margin, width + 2 margin), one row per readable file; float32 from
            0 to 255 if a file has more than 8 bits.
        fingerprints: int64 (rows,), hashes of the rows, equal for pictures that are the same at this size.
        sizes: int64 (rows, 2), height and width of the originals.
        kept: int64 (rows,), which of the files the rows are.
        margin: pixels on each side beyond the size.
        skipped: sentences about the range of values, and about files that could not be read.
        span: the range of values.
    """

    inputs: Tensor
    fingerprints: Tensor
    sizes: Tensor
    kept: Tensor
    margin: int
    skipped: tuple[str, ...]
    span: Span = EIGHT_BITS


def decode(
    path: str | Path, height: int, width: int, channels: int, margin: int = 0, span: Span = EIGHT_BITS
) -> Tensor:
    """One image file, its shorter side resized to fit and its centre cut out.

    Args:
        path: the file; of an animation the first frame is taken.
        height: pixels, without the margin.
        width: pixels, without the margin.
        channels: 1 (grey) or 3 (red, green, blue).
        margin: pixels more on each side.
        span: the range of values of the pictures that a model was trained on.

    Returns:
        uint8 of shape (channels, height + 2 margin, width + 2 margin); float32 from 0 to 255 if there is a span.

    Raises:
        UnreadableImageError: the file is missing, damaged, truncated, too large, or no image.
    """
    with _quiet():
        data = _contents(path)
        pixels, _ = _decoded(data, str(path), height + 2 * margin, width + 2 * margin, channels, span)
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
        span, said = _span(paths, options, pool)
        kind = torch.float32 if span else torch.uint8
        inputs = scratch((len(paths) * channels * math.prod(shape) * kind.itemsize,)).view(kind)
        inputs = inputs.reshape(len(paths), channels, *shape)
        hashes, sizes = np.zeros(len(paths), dtype=np.int64), np.zeros((len(paths), 2), dtype=np.int64)
        rows: Pixels = inputs.numpy()

        def decode_some(start: int) -> list[tuple[int, UnreadableImageError]]:
            failures = []
            for row in range(start, min(start + _TASK, len(paths))):
                try:
                    pixels, sizes[row] = _decoded(_contents(paths[row]), str(paths[row]), *shape, channels, span)
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
        skipped=(*said, *_say_failures([error for _, error in failures])),
        span=span,
    )


def _say_failures(failures: Sequence[UnreadableImageError]) -> list[str]:
    """A sentence for each file that could not be read, but one for all that lack the same package."""
    lacking = Counter(error.lacking for error in failures if error.lacking is not None)
    said = [
        f"{count:,} {kind}{'s were' if count > 1 else ' was'} left out: reading {'them' if count > 1 else 'it'} takes "
        f"{remedy}"
        for (kind, remedy), count in lacking.items()
    ]
    return [*said, *(str(error) for error in failures if error.lacking is None)]


def _span(paths: Sequence[Path], options: ReadingOptions, pool: ThreadPoolExecutor) -> tuple[Span, list[str]]:
    """The range of values of all pictures together, and a sentence about it; of pictures of 8 bits there is none."""
    if options.span is not None:
        return options.span, []
    step = _TASK * _workers()
    extremes, eight, deep = None, 0, 0
    for start in range(0, len(paths), step):
        for found in pool.map(_extremes, paths[start : start + step]):
            eight += found == 8
            if isinstance(found, Extremes):
                deep += 1
                extremes = found if extremes is None else extremes.joined(found)
    if extremes is None:
        if options.pixel_range is None or not eight:
            return EIGHT_BITS, []
        extremes = Extremes(0.0, 255.0, True)
    span = find_span(extremes, eight > 0, options.pixel_range)
    return span, [say_span(span, eight if deep else 0, eight + deep)]


def _extremes(path: Path) -> Extremes | int | None:
    """The extremes of a picture of more than 8 bits; 8 for one with no more; None for what is none."""
    try:
        deep = may_be_deep(path)
        if not deep:
            return None if deep is None else 8
        with _opened(path, str(path)) as image:
            values = deep_values(image, _contents(path))
            return 8 if values is None else extremes_of(values)
    except (UnreadableImageError, OSError):
        return None  # said when it is decoded


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
        return read_regular(path)
    except OSError as error:
        raise UnreadableImageError(f"{path} cannot be read: {error.strerror or error}.") from error


@contextmanager
def _opened(source: Path | io.BytesIO, name: str) -> Iterator[Image.Image]:
    """The image with its header read; whatever goes wrong within is an UnreadableImageError."""
    try:
        with open_picture(source, name) as image:
            yield image
    except UnreadableImageError:
        raise
    except Exception as error:  # Pillow's parsers raise what they happen upon: OSError, SyntaxError, struct.error, ...
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise UnreadableImageError(f"{name} is not readable as an image: {reason}.") from error


def _orientation(image: Image.Image) -> int:
    """1 to 8, as EXIF counts the ways in which a camera may have been held; 1 is upright."""
    value = image.getexif().get(ExifTags.Base.Orientation, 1)
    return value if value in _TURNS else 1


def _decoded(
    data: bytes, name: str, height: int, width: int, channels: int, span: Span
) -> tuple[Pixels, tuple[int, int]]:
    """(channels, height, width), height and width with the margins; and height and width of the original."""
    with _opened(io.BytesIO(data), name) as image:
        turn = _orientation(image)
        original = image.size if turn >= 5 else image.size[::-1]
        if turn >= 5:
            height, width = width, height
        if span:
            planes = [_fitted(plane, height, width, turn) for plane in _planes(image, data, name, channels, span)]
            return np.stack(planes), original
        scale = max(height / image.height, width / image.width)
        mode = "L" if channels == 1 else "RGB"
        if image.format in ("JPEG", "MPO") and image.mode != "CMYK":
            image.draft(mode, (ceil(image.width * scale), ceil(image.height * scale)))
        pixels = _fitted(_plain(image, mode), height, width, turn)
    # A copy always, since the arrays that Pillow gives away are read-only.
    return np.array(pixels[None] if channels == 1 else pixels.transpose(2, 0, 1), order="C"), original


def _fitted(plain: Image.Image, height: int, width: int, turn: int) -> Pixels:
    """An image with its shorter side resized to fit, its centre cut out, and turned upright."""
    scale = max(height / plain.height, width / plain.width)
    if plain.size != (width, height):
        left, top = (plain.width - width / scale) / 2, (plain.height - height / scale) / 2
        right, bottom = min(plain.width - left, plain.width), min(plain.height - top, plain.height)
        box = (max(left, 0), max(top, 0), right, bottom)
        plain = plain.resize((width, height), Image.Resampling.BILINEAR, box=box)
    return np.asarray(plain.transpose(_TURNS[turn]) if turn != 1 else plain)


def _planes(image: Image.Image, data: bytes, name: str, channels: int, span: Span) -> list[Image.Image]:
    """Each channel of an image as floats from 0 to 255 within the range of all pictures."""
    values = deep_values(image, data)
    if values is None:
        eight = np.asarray(_plain(image, "L" if channels == 1 else "RGB"))
        scaled = scale_eight_bits(eight, span, name)
    else:
        extremes_of(values)  # which refuses what is not finite
        scaled = scale(values, span)
    if scaled.ndim == 3 and channels == 1:
        scaled = scaled @ np.array(_LUMINANCE, dtype=np.float32)
    planes = [scaled] * channels if scaled.ndim == 2 else [scaled[..., channel] for channel in range(channels)]
    return [Image.fromarray(np.ascontiguousarray(plane, dtype=np.float32)) for plane in planes]


def _plain(image: Image.Image, mode: str) -> Image.Image:
    """The image with 8 bits per channel, in `mode` (L or RGB), on white where it is transparent."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        image = Image.fromarray(_eight_bits(np.asarray(image)))
    elif image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image).convert("RGB")
    return image if image.mode == mode else image.convert(mode)


def _eight_bits(values: npt.NDArray[Any]) -> Pixels:
    """Grey values of 16 bits, or fractions from 0 to 1, as uint8.

    A single picture does not say what is white in it, so 65,535 and 1 are.
    """
    low, high, whole = extremes_of(values)
    white = 65535.0 if whole else 1.0
    if low < 0 or high > white:
        raise ValueError(
            f"its values reach from {low:g} to {high:g}, and pictures of 8 bits are expected here; what is white among "
            "such values is found only for a whole data set"
        )
    eight: Pixels = np.rint(values.astype(np.float32) * (255.0 / white)).astype(np.uint8)
    return eight


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
    logging.getLogger("PIL").addHandler(_no_output)  # else logging prints errors if it is not set up
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
