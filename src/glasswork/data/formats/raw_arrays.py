"""Arrays of any layout as columns: rows of numbers, and uint8 images of the channels and size asked for."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from glasswork.data.dataset import ReadingOptions
from glasswork.data.formats.pixel_range import EIGHT_BITS, Span, extremes_of, find_span, scale
from glasswork.errors import GlassworkError
from glasswork.execution import require_memory

Array = npt.NDArray[Any]

_FAR = 1000  # times what a column's numbers differ by: float32 would lose much of it
_SAMPLE = 2000  # rows that show where most numbers lie
_EXACT = 4  # bytes of the smallest whole numbers that float32 does not keep
_CHUNK = 1024  # images resized at once: bounds the memory of the float copies
_PIXELS = 2**26  # of them, in all channels
_ROUNDING = 1e-3
_LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R 601-2, as Pillow's conversion to grey


def vectors_of(inputs: Array, source: str, origins: Sequence[float] = ()) -> Tensor:
    """Rows of numbers as float32 (rows, features), less the origin of each column, in float64; empty: of none."""
    require_numbers(inputs, source, "inputs")
    if any(origins) and len(origins) == inputs.shape[1]:
        inputs = inputs.astype(np.float64) - np.array(origins, dtype=np.float64)
    return torch.from_numpy(np.ascontiguousarray(inputs, dtype=np.float32))


def origins_of(inputs: Array) -> tuple[float, ...]:
    """The origin of each column of numbers; empty if none needs one."""
    if (
        inputs.dtype.itemsize < _EXACT
        or inputs.dtype == np.float32
        or inputs.dtype.kind not in "iuf"
        or not inputs.size
    ):
        return ()
    origins = tuple(origin_of(column.astype(np.float64)) for column in inputs.T)
    return origins if any(origins) else ()


def origin_of(numbers: npt.NDArray[np.float64]) -> float:
    """What to subtract from numbers that lie far from 0 and hardly differ, so that float32 keeps the differences; or 0.

    Args:
        numbers: finite, at least one; a few far ones among them do not count.
    """
    low, high = float(numbers.min()), float(numbers.max())
    spread = high - low
    if max(abs(low), abs(high)) <= _FAR * spread:
        sample = numbers[:: len(numbers) // _SAMPLE + 1]
        low, middle, high = quartiles(sample)
        spread = high - low
        if not spread or abs(middle) <= _FAR * spread:
            return 0
        low = middle
    return math.floor(low) if spread >= 1 or not spread else low


def quartiles(numbers: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    """Those of some finite numbers, bit for bit as `np.quantile` has them, which takes 20 times as long for a few."""
    ordered, found = np.sort(numbers), []
    for share in (0.25, 0.5, 0.75):
        place, weight = divmod(share * (len(ordered) - 1), 1)
        low, high = float(ordered[int(place)]), float(ordered[min(int(place) + 1, len(ordered) - 1)])
        step = high - low
        found.append(low + step * weight if weight < 0.5 else high - step * (1 - weight))
    return found[0], found[1], found[2]


def images_of(inputs: Array, source: str) -> Array:
    """The same for numbers from 0 to 255 or 0 to 1 alone, without a range."""
    return images_and_span(inputs, source, None, None)[0]


def images_and_span(
    inputs: Array, source: str, asked: tuple[float, float] | None, span: Span | None
) -> tuple[Array, Span]:
    """Images (rows, channels, height, width), and the range of their values.

    They are uint8 if nothing is lost so: whole numbers from 0 to 255, or fractions from 0 to 1 that stand for these.
    Else they are float32 from 0 to 255 within one range for all of them.

    Args:
        inputs: the numbers.
        source: named in messages.
        asked: black and white; None: found out.
        span: of the images that a model was trained on; None: found out.

    Raises:
        GlassworkError: the shape is not that of images, or a model of 8 bits is given more.
    """
    require_numbers(inputs, source, "images")
    if inputs.ndim == 3:
        inputs = inputs[:, None]
    elif inputs.ndim == 4 and inputs.shape[1] not in (1, 3) and inputs.shape[3] in (1, 3):
        inputs = inputs.transpose(0, 3, 1, 2)
    if inputs.ndim != 4 or inputs.shape[1] not in (1, 3) or 0 in inputs.shape:
        raise GlassworkError(
            f"The inputs of {source} have the shape {inputs.shape}: expected (rows, features), (rows, height, width), "
            "(rows, height, width, channels) or (rows, channels, height, width) with 1 or 3 channels."
        )
    if inputs.dtype == np.bool_:
        inputs = inputs.astype(np.uint8) * 255
    found = extremes_of(inputs)
    if not asked and not span and found.whole and 0 <= found.low <= found.high <= 255:
        return np.ascontiguousarray(inputs, dtype=np.uint8), EIGHT_BITS
    if span == EIGHT_BITS and not 0 <= found.low <= found.high <= 255:
        raise GlassworkError(
            f"The images of {source} have values from {found.low:,g} to {found.high:,g}, and this model learnt from "
            "images of 8 bits: give values from 0 to 255, or from 0 to 1."
        )
    span = span or find_span(found, False, asked)
    scaled = np.empty(inputs.shape, dtype=np.float32)
    for start in range(0, len(inputs), _CHUNK):
        scaled[start : start + _CHUNK] = scale(inputs[start : start + _CHUNK], span)
    if not asked and span[:2] in ((0.0, 1.0), (0.0, 255.0)) and _is_whole(scaled):
        return np.rint(scaled).astype(np.uint8), EIGHT_BITS
    return scaled, span


def _is_whole(scaled: Array) -> bool:
    """Whether nothing is lost in whole numbers, up to how float32 rounds."""
    chunks = (scaled[start : start + _CHUNK] for start in range(0, len(scaled), _CHUNK))
    return all(np.abs(chunk - np.rint(chunk)).max(initial=0) < _ROUNDING for chunk in chunks)


def arranged(images: Tensor, options: ReadingOptions) -> tuple[Tensor, int]:
    """Bring images (rows, channels, height, width) to the channels and size asked for.

    Returns:
        The images, and the margin that they carry: that of the options if they were resized, else 0.
    """
    if options.channels == 3 and images.shape[1] == 1:
        images = images.expand(-1, 3, -1, -1).contiguous()
    elif options.channels == 1 and images.shape[1] == 3:
        weights = torch.tensor(_LUMINANCE)[:, None, None]
        chunks = (images[start : start + _CHUNK] for start in range(0, len(images), _CHUNK))
        images = torch.cat([_in_type((chunk * weights).sum(1, keepdim=True), images.dtype) for chunk in chunks])
    height, width = images.shape[2:]
    if options.size is None or (height, width) == (options.size, options.size):
        return images, 0
    side = options.size + 2 * options.margin
    scale = side / min(height, width)
    inner = (max(side, round(height * scale)), max(side, round(width * scale)))
    top, left = (inner[0] - side) // 2, (inner[1] - side) // 2
    shape = (len(images), images.shape[1], side, side)
    needed = math.prod(shape) * images.dtype.itemsize
    require_memory(needed, f"{len(images):,} pictures of this size", "choose a smaller --size")
    resized = torch.empty(shape, dtype=images.dtype)
    step = max(1, min(_CHUNK, _PIXELS // (images.shape[1] * math.prod(inner))))
    for start in range(0, len(images), step):
        part = interpolate(images[start : start + step].float(), inner, mode="bilinear", antialias=True)
        part = part[:, :, top : top + side, left : left + side]
        resized[start : start + step] = _in_type(part.clamp(0, 255), images.dtype)
    return resized, options.margin


def _in_type(numbers: Tensor, dtype: torch.dtype) -> Tensor:
    """Numbers as they are if the type is a float's, else the nearest whole ones."""
    return numbers if dtype.is_floating_point else numbers.round().to(dtype)


def require_numbers(array: Array, source: str, what: str) -> None:
    """Refuses an array of anything but numbers."""
    if array.dtype.kind not in "biuf":
        raise GlassworkError(f"The {what} of {source} are of type {array.dtype}: expected numbers.")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise GlassworkError(f"The {what} of {source} hold values that are not finite (NaN or infinite).")
