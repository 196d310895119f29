"""What `convolve` is given: filters by name (Kolter, "Convolutions in image processing") or in numbers, and images."""

import difflib
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from PIL import ExifTags, Image
from torch import Tensor

from glasswork.data.formats.decoding import decode
from glasswork.data.formats.picture_files import UnreadableImageError
from glasswork.data.pictures import encode_png
from glasswork.errors import GlassworkError
from glasswork.files import open_regular
from glasswork.record import Record

MOST = 31
"""The greatest side of a filter."""

Rows = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Kernel(Record):
    """A filter.

    Attributes:
        name: `sobel-x`, or `own filter` for one written out in numbers.
        numbers: row by row; the weights are these divided by `divisor`.
        divisor: 273 for the Gaussian, which is written in whole numbers.
        about: a sentence on what it does.
    """

    name: str
    numbers: Rows
    divisor: float
    about: str


@dataclass(frozen=True)
class Chosen:
    """The filters that a name stands for.

    Attributes:
        kernels: one, or two whose results are joined as sqrt(y1^2 + y2^2).
        grey: they are for the brightness; else for each colour on its own.
    """

    kernels: tuple[Kernel, ...]
    grey: bool


def _rows(text: str, divisor: float, name: str, about: str) -> Kernel:
    rows = tuple(tuple(float(word) for word in row.split()) for row in text.split(";"))
    return Kernel(name, rows, divisor, about)


_X = _rows(
    "-1 0 1; -2 0 2; -1 0 1", 1, "sobel-x",
    "How much brighter it gets from left to right: large at upright edges, 0 where nothing changes.",
)  # fmt: skip
_Y = _rows(
    "-1 -2 -1; 0 0 0; 1 2 1", 1, "sobel-y",
    "How much brighter it gets from top to bottom: large at level edges, 0 where nothing changes.",
)  # fmt: skip
_GAUSSIAN = _rows(
    "1 4 7 4 1; 4 16 26 16 4; 7 26 41 26 7; 4 16 26 16 4; 1 4 7 4 1", 273, "gaussian",
    "A mean with larger weights for nearer pixels: it removes fine detail and keeps the overall shape.",
)  # fmt: skip
_BOX = _rows(
    "1 1 1; 1 1 1; 1 1 1", 9, "box", "The mean of nine pixels: it removes fine detail and keeps the overall shape."
)
_SHARPEN = _rows(
    "0 -1 0; -1 5 -1; 0 -1 0", 1, "sharpen",
    "The pixel five times, minus its four neighbours: differences from the surroundings become larger.",
)  # fmt: skip
_EMBOSS = _rows(
    "-2 -1 0; -1 1 1; 0 1 2", 1, "emboss",
    "The pixel, lighter where it brightens towards the lower right: a relief lit from one side.",
)  # fmt: skip
_LAPLACIAN = _rows(
    "0 1 0; 1 -4 1; 0 1 0", 1, "laplacian",
    "How much brighter the four neighbours are than the pixel: edges in every direction, with a change of sign.",
)  # fmt: skip

KERNELS: dict[str, Chosen] = {
    "sobel-x": Chosen((_X,), True),
    "sobel-y": Chosen((_Y,), True),
    "gradient": Chosen((_X, _Y), True),
    "gaussian": Chosen((_GAUSSIAN,), False),
    "box": Chosen((_BOX,), False),
    "sharpen": Chosen((_SHARPEN,), False),
    "emboss": Chosen((_EMBOSS,), True),
    "laplacian": Chosen((_LAPLACIAN,), True),
}
"""`gradient` is the length of the gradient: both Sobel filters together."""


def find_kernel(kernel: str | Sequence[Sequence[float]]) -> Chosen:
    """The filters called by a name, or the one written out.

    Args:
        kernel: a name in `KERNELS`; or numbers, rows parted by semicolons, "1 0 -1; 2 0 -2; 1 0 -1", where 1/9 is a
            number too; or rows of numbers. One whose weights add up to 0 is for the brightness, as it looks for edges.

    Raises:
        GlassworkError: no such name, or no rectangle of numbers.
    """
    if isinstance(kernel, str):
        name = kernel.strip().lower()
        if name in KERNELS:
            return KERNELS[name]
        if not any(letter.isdigit() for letter in name):
            near = difflib.get_close_matches(name, KERNELS, n=1)
            others = f'choose from {", ".join(KERNELS)}, or write "1 0 -1; 2 0 -2".'
            hint = f"did you mean {near[0]}?" if near else others
            raise GlassworkError(f"There is no kernel named '{kernel}'; {hint}")
        rows = tuple(tuple(_number(word) for word in row.replace(",", " ").split()) for row in name.split(";"))
    else:
        rows = tuple(tuple(float(value) for value in row) for row in kernel)
    lengths = {len(row) for row in rows}
    if len(lengths) != 1 or 0 in lengths:
        raise GlassworkError(
            "All rows of a kernel need the same number of values, with semicolons between rows, as in "
            f'"1 0 -1; 2 0 -2; 1 0 -1"; this one has rows of {", ".join(str(len(row)) for row in rows)}.'
        )
    if max(len(rows), *lengths) > MOST or not all(math.isfinite(value) for row in rows for value in row):
        raise GlassworkError(f"A kernel has finite numbers and at most {MOST} rows and columns; this one does not.")
    weights = [value for row in rows for value in row]
    edges = is_balanced(weights)
    about = "Its weights add up to 0: it responds to changes, not to brightness." if edges else "Your own filter."
    return Chosen((Kernel("own filter", rows, 1.0, about),), edges)


def is_balanced(weights: Sequence[float]) -> bool:
    """Whether weights of both signs add up to 0."""
    return min(weights) < 0 and abs(sum(weights)) <= 1e-9 * sum(map(abs, weights))


def _number(word: str) -> float:
    try:
        return float(Fraction(word)) if "/" in word else float(word)
    except (ValueError, ZeroDivisionError):
        raise GlassworkError(f"'{word}' in the kernel is not a number: write it as in \"1 0 -1; 2 0 -2\".") from None


COLOURS = {1: ("grey",), 3: ("red", "green", "blue")}
"""Names of an image's channels, by how many there are."""

Sort = Literal["signed", "length", "plain"]

MOST_SHOWN = 640
"""Longest side, in pixels, of a picture on a page."""
OUTLIERS = 0.005
"""Share of the cells that may lie beyond black and white, so that a few do not leave the rest grey in grey."""
RANK_OF = 1_000_000
"""How many numbers are looked at to find that share."""


def planes_of(image: Any, grey: bool) -> tuple[Tensor, Tensor, bool]:
    """An image to be filtered.

    Args:
        image: a path, or numbers, (height, width) or (height, width, 1 or 3).
        grey: its brightness is asked for.

    Returns:
        What is filtered, float64 (channels, height, width); the image to be seen, uint8 (channels, height, width);
        whether colours were dropped.

    Raises:
        GlassworkError: where it cannot be read, or is no image.
    """
    if isinstance(image, (str, Path)):
        height, width = _upright_size(Path(image))
        shown = decode(image, height, width, 3)
        if bool((shown == shown[:1]).all()):
            return shown[:1].double(), shown[:1], False
        return (decode(image, height, width, 1) if grey else shown).double(), shown, grey
    numbers = _numbers(image)
    shown = numbers.round().clamp(0, 255).to(torch.uint8)
    if grey and len(numbers) == 3:
        # ITU-R 601, which Pillow uses for files.
        brightness = (numbers * torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64)[:, None, None]).sum(0)
        return brightness[None].round(), shown, True
    return numbers, shown, False


def _upright_size(path: Path) -> tuple[int, int]:
    """Height and width as the image is to be seen; whatever else is wrong with the file, `decode` says."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about sizes and metadata, which name no file
            open_regular(path).close()
            with Image.open(path) as image:
                turned = image.getexif().get(ExifTags.Base.Orientation, 1) in (5, 6, 7, 8)
                return image.size if turned else (image.height, image.width)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        decode(path, 1, 1, 3)
        raise UnreadableImageError(f"{path} is not readable as an image.") from None


def _numbers(image: Any) -> Tensor:
    try:
        numbers = np.asarray(image.detach().cpu() if isinstance(image, Tensor) else image)
        fractions = numbers.dtype.kind == "f"
        numbers = numbers.astype(np.float64)
    except (TypeError, ValueError):
        raise GlassworkError("An image is a path or an array of numbers; this is neither.") from None
    if numbers.ndim == 2:
        numbers = numbers[..., None]
    if numbers.ndim != 3 or numbers.shape[2] not in COLOURS or not numbers.size or not np.isfinite(numbers).all():
        raise GlassworkError(
            "An image as numbers is (height, width), or (height, width, 3) for red, green and blue, all finite; this "
            f"is of shape {'x'.join(map(str, numbers.shape))}."
        )
    if fractions and numbers.min() >= 0 and numbers.max() <= 1:
        numbers = numbers * 255
    return torch.from_numpy(numbers.transpose(2, 0, 1).copy())


def draw_levels(values: Tensor, sort: Sort, total: float) -> tuple[Tensor, str]:
    """Numbers as levels from 0 to 255, and a sentence on how.

    Args:
        values: float64 of any shape.
        sort: `signed` where 0 means nothing happens and both signs count; `length` where 0 is the least; else `plain`.
        total: the sum of the filter's weights; with 1 the result has the scale of the image.

    Returns:
        uint8 in the shape of `values`, and the sentence.
    """
    if sort == "plain" and abs(total - 1) < 1e-9:
        beyond = int(((values < -0.5) | (values > 255.5)).sum())
        words = f"; {beyond:,} of {values.numel():,} numbers lie outside and are cut off" if beyond else ""
        return _levels(values), f"Drawn as they are: 0 is black, 255 white{words}."
    if sort == "plain":
        low, high = float(values.min()), float(values.max())
        span = high - low or 1.0
        sentence = f"The lowest number, {low:.4g}, is black, the highest, {high:.4g}, white."
        return _levels((values - low) * (255 / span)), sentence
    most = _most(values)
    if sort == "length":
        return _levels(values * (255 / most)), f"0 is black, {most:.4g} and more is white."
    sentence = f"0 is mid grey; {most:.4g} and more is white, {-most:.4g} and less is black."
    return _levels(127.5 + values * (127.5 / most)), sentence


def _levels(values: Tensor) -> Tensor:
    return values.round().clamp(0, 255).to(torch.uint8)


def _most(values: Tensor) -> float:
    """The size that all but a few numbers stay below."""
    sizes = values.abs().reshape(-1)
    sample = sizes[:: max(1, len(sizes) // RANK_OF)]
    rank = max(1, int(len(sample) * (1 - OUTLIERS)))
    return float(sample.kthvalue(rank).values) or float(sizes.max()) or 1.0


def png(levels: Tensor) -> bytes:
    """A uint8 tensor (1 or 3, height, width) as a PNG file."""
    return encode_png(_image(levels), level=4)  # half the time of 6, hardly larger


def reduce_picture(levels: Tensor, longest: int) -> Tensor:
    """The picture made smaller by the factor that brings `longest` pixels to what a page shows."""
    if longest <= MOST_SHOWN:
        return levels
    factor = MOST_SHOWN / longest
    size = (max(1, round(levels.shape[2] * factor)), max(1, round(levels.shape[1] * factor)))
    small = _image(levels).resize(size, Image.Resampling.LANCZOS)
    numbers = torch.frombuffer(bytearray(small.tobytes()), dtype=torch.uint8)
    return numbers.reshape(size[1], size[0], len(levels)).permute(2, 0, 1)


def _image(levels: Tensor) -> Image.Image:
    if len(levels) == 1:
        return Image.fromarray(levels[0].contiguous().numpy())
    return Image.fromarray(levels.permute(1, 2, 0).contiguous().numpy())
