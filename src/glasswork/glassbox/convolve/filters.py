"""The filters of image processing by name (Kolter, "Convolutions in image processing"), or written out in numbers."""

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from glasswork.errors import GlassworkError
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
    "A mean that counts near pixels more: fine detail goes, the whole stays.",
)  # fmt: skip
_BOX = _rows("1 1 1; 1 1 1; 1 1 1", 9, "box", "The mean of nine pixels: fine detail goes, the whole stays.")
_SHARPEN = _rows(
    "0 -1 0; -1 5 -1; 0 -1 0", 1, "sharpen",
    "The pixel five times, its four neighbours taken off: what differs from its surroundings differs more.",
)  # fmt: skip
_EMBOSS = _rows(
    "-2 -1 0; -1 1 1; 0 1 2", 1, "emboss",
    "The pixel, lighter where it brightens towards the lower right: a relief lit from one side.",
)  # fmt: skip
_LAPLACIAN = _rows(
    "0 1 0; 1 -4 1; 0 1 0", 1, "laplacian",
    "How much the four neighbours are brighter than the pixel: edges in every direction, with a change of sign.",
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
            "Every row of a kernel has as many numbers as the others, rows parted by semicolons, as in "
            f'"1 0 -1; 2 0 -2; 1 0 -1"; this one has rows of {", ".join(str(len(row)) for row in rows)}.'
        )
    if max(len(rows), *lengths) > MOST or not all(math.isfinite(value) for row in rows for value in row):
        raise GlassworkError(f"A kernel has finite numbers and at most {MOST} rows and columns; this one does not.")
    weights = [value for row in rows for value in row]
    edges = balanced(weights)
    about = "Its weights add up to 0: it answers to changes, not to brightness." if edges else "A filter of your own."
    return Chosen((Kernel("own filter", rows, 1.0, about),), edges)


def balanced(weights: Sequence[float]) -> bool:
    """Whether weights of both signs add up to 0."""
    return min(weights) < 0 and abs(sum(weights)) <= 1e-9 * sum(map(abs, weights))


def _number(word: str) -> float:
    try:
        return float(Fraction(word)) if "/" in word else float(word)
    except (ValueError, ZeroDivisionError):
        raise GlassworkError(f"'{word}' in the kernel is not a number: write it as in \"1 0 -1; 2 0 -2\".") from None
