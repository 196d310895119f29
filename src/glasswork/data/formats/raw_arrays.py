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
from glasswork.errors import GlassworkError

Array = npt.NDArray[Any]

_FAR = 1000  # times what a column's numbers differ by: float32 would lose much of it
_SAMPLE = 2000  # rows that show where most numbers lie
_EXACT = 4  # bytes of the smallest whole numbers that float32 does not keep
_CHUNK = 1024  # images resized at once: bounds the memory of the float copies
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
        low, middle, high = (float(value) for value in np.quantile(sample, (0.25, 0.5, 0.75)))
        spread = high - low
        if not spread or abs(middle) <= _FAR * spread:
            return 0
        low = middle
    return math.floor(low) if spread >= 1 or not spread else low


def images_of(inputs: Array, source: str) -> Array:
    """Images as uint8 (rows, channels, height, width), from uint8, 0..255, 16-bit or 0..1 values.

    Raises:
        GlassworkError: the shape is not that of images, or the values lie outside of these ranges.
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
    if inputs.dtype != np.uint8:
        low, high = float(inputs.min()), float(inputs.max())
        sixteen_bits = inputs.dtype == np.uint16 and high > 255
        if low < 0 or (high > 255 and not sixteen_bits):
            raise GlassworkError(
                f"The images of {source} have values from {low:g} to {high:g}: expected 0 to 1 or 0 to 255."
            )
        fractions = inputs.dtype == np.bool_ or (np.issubdtype(inputs.dtype, np.floating) and high <= 1)
        factor = 255.0 if fractions else 255 / 65535 if sixteen_bits else 1.0
        scaled = np.empty(inputs.shape, dtype=np.uint8)
        for start in range(0, len(inputs), _CHUNK):
            scaled[start : start + _CHUNK] = np.rint(inputs[start : start + _CHUNK].astype(np.float32) * factor)
        inputs = scaled
    return np.ascontiguousarray(inputs)


def arranged(images: Tensor, options: ReadingOptions) -> tuple[Tensor, int]:
    """Bring uint8 images (rows, channels, height, width) to the channels and size asked for.

    Returns:
        The images, and the margin that they carry: that of the options if they were resized, else 0.
    """
    if options.channels == 3 and images.shape[1] == 1:
        images = images.expand(-1, 3, -1, -1).contiguous()
    elif options.channels == 1 and images.shape[1] == 3:
        weights = torch.tensor(_LUMINANCE)[:, None, None]
        chunks = (images[start : start + _CHUNK] for start in range(0, len(images), _CHUNK))
        images = torch.cat([(chunk * weights).sum(1, keepdim=True).round().to(torch.uint8) for chunk in chunks])
    height, width = images.shape[2:]
    if options.size is None or (height, width) == (options.size, options.size):
        return images, 0
    side = options.size + 2 * options.margin
    scale = side / min(height, width)
    inner = (max(side, round(height * scale)), max(side, round(width * scale)))
    top, left = (inner[0] - side) // 2, (inner[1] - side) // 2
    resized = torch.empty(len(images), images.shape[1], side, side, dtype=torch.uint8)
    for start in range(0, len(images), _CHUNK):
        part = interpolate(images[start : start + _CHUNK].float(), inner, mode="bilinear", antialias=True)
        part = part[:, :, top : top + side, left : left + side]
        resized[start : start + _CHUNK] = part.round().clamp(0, 255).to(torch.uint8)
    return resized, options.margin


def require_numbers(array: Array, source: str, what: str) -> None:
    """Refuses an array of anything but numbers."""
    if array.dtype.kind not in "biuf":
        raise GlassworkError(f"The {what} of {source} are of type {array.dtype}: expected numbers.")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise GlassworkError(f"The {what} of {source} hold values that are not finite (NaN or infinite).")
