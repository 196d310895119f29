"""Arrays of any layout as columns: rows of numbers, and uint8 images of the channels and size asked for."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from glasswork.data.dataset import ReadingOptions
from glasswork.errors import GlassworkError

Array = npt.NDArray[Any]

_CHUNK = 1024  # images resized at once: bounds the memory of the float copies
_LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R 601-2, as Pillow's conversion to grey


def vectors_of(inputs: Array, source: str) -> Tensor:
    """Rows of numbers as float32 (rows, features)."""
    require_numbers(inputs, source, "inputs")
    return torch.from_numpy(np.ascontiguousarray(inputs, dtype=np.float32))


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
