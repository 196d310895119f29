"""One range of pixel values for a whole data set of pictures of more than 8 bits."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from glasswork.errors import GlassworkError

Values = npt.NDArray[Any]
Span = tuple[float, ...]
"""Empty for pictures of 8 bits; else what is black, what is white, and what 255 of a picture of 8 bits stands for (0:
pictures of 8 bits are refused)."""

EIGHT_BITS: Span = ()


class Extremes(NamedTuple):
    """The least and the greatest of some values, and whether all are whole numbers by their type."""

    low: float
    high: float
    whole: bool

    def joined(self, other: "Extremes") -> "Extremes":
        """Of these and others."""
        return Extremes(min(self.low, other.low), max(self.high, other.high), self.whole and other.whole)


def extremes_of(values: Values) -> Extremes:
    """The extremes of the values of one or more pictures.

    Raises:
        ValueError: for a value that is not finite.
    """
    low, high = float(values.min()), float(values.max())
    if not np.isfinite(low) or not np.isfinite(high):
        raise ValueError("it holds values that are not finite (NaN or infinite)")
    return Extremes(low, high, values.dtype.kind in "uib")


def find_span(found: Extremes, with_eight_bits: bool, asked: tuple[float, float] | None) -> Span:
    """The range of a data set.

    Fractions from 0 to 1 keep this range, and so do those from 0 to 255; other values are read from the least to the
    greatest. White of 8 bits is white of 16 bits, 65,535, beside whole numbers, and 1 beside fractions from 0 to 1.

    Args:
        found: of all pictures of more than 8 bits.
        with_eight_bits: whether there are pictures of 8 bits among them.
        asked: black and white; None: found out.

    Raises:
        GlassworkError: if white is not above black.
    """
    fractions = not found.whole and found.low >= 0
    white = 1.0 if fractions and found.high <= 1 else 255.0 if not found.whole or found.high <= 255 else 65535.0
    if asked is not None:
        low, high = asked
        if low >= high:
            raise GlassworkError(f"The pixel range {low:g},{high:g} has no extent: give black and white, as in 0,4095")
    elif fractions and found.high <= 255:
        low, high = 0.0, white
    else:
        low, high = found.low, found.high
        if with_eight_bits:
            low, high = min(low, 0.0), max(high, white)
    return (low, high if high > low else low + 1.0, white if with_eight_bits else 0.0)


def scale(values: Values, span: Span) -> npt.NDArray[np.float32]:
    """Values as float32 from 0 (black) to 255 (white); what lies beyond is black or white."""
    low, high, _ = span
    scaled = (values.astype(np.float64) - low) * (255.0 / (high - low))
    return np.clip(scaled, 0, 255).astype(np.float32)


def scale_eight_bits(values: Values, span: Span, name: str) -> npt.NDArray[np.float32]:
    """Values from 0 to 255 of a picture of 8 bits among others of more.

    Raises:
        GlassworkError: if there was none among those that the range was found for.
    """
    low, high, white = span
    if not white:
        raise GlassworkError(
            f"{name} has 8 bits, and this model learnt from pictures with values from {low:,g} to {high:,g}: give the "
            "original picture."
        )
    return scale(values.astype(np.float64) * (white / 255), span)


def say_span(span: Span, eight: int, all_pictures: int) -> str:
    """A sentence for the summary."""
    low, high, white = span
    said = f"Pixel values from {low:,g} (black) to {high:,g} (white) are one range for all pictures"
    if eight:
        said += f"; in the {eight:,} of {all_pictures:,} with 8 bits, 255 was taken for {white:,g}"
    return f"{said}. To set another: --pixel-range LOW,HIGH."
