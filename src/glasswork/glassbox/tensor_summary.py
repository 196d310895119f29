"""A tensor as the glass box shows it: whole if it is small, else its statistics and a picture."""

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from glasswork.record import Record

WHOLE = 64
MAPS = 4
SIDE = 24


@dataclass(frozen=True)
class Picture(Record):
    """Grey values, row by row: the tensor's own grid, or its first maps side by side; large ones are averaged down.

    Attributes:
        width, height: in cells.
        low, high: the values that 0 and 255 stand for.
        cells: one byte a cell, base64.
    """

    width: int
    height: int
    low: float
    high: float
    cells: str


@dataclass(frozen=True)
class Values(Record):
    """What a tensor holds.

    Attributes:
        shape: sizes of its dimensions.
        dtype: such as `float32`.
        minimum, maximum, mean, deviation: over all finite numbers; None for an empty tensor.
        zeros: how many of its numbers are 0.
        not_finite: how many of its numbers are inf or nan.
        numbers: all of them in row-major order if there are at most 64; else the first 8.
        whole: whether `numbers` are all of them.
        picture: for tensors too large to be read number by number.
    """

    shape: tuple[int, ...]
    dtype: str
    minimum: float | None
    maximum: float | None
    mean: float | None
    deviation: float | None
    zeros: int
    not_finite: int
    numbers: tuple[float, ...]
    whole: bool
    picture: Picture | None


def values_of(tensor: Tensor, *, all_numbers: bool = False, picture: bool = False) -> Values:
    """What `tensor` holds, as a record.

    Args:
        tensor: of any shape and type; it is not changed.
        all_numbers: keep every number however many there are.
        picture: draw one where it is too large to be read number by number.
    """
    held = tensor.detach()
    numbers = _as_numbers(held.reshape(-1))
    finite = numbers
    low = high = mean = deviation = None
    if len(numbers) and not bool(torch.stack(numbers.aminmax()).isfinite().all()):
        finite = numbers[numbers.isfinite()]
    if len(finite):
        least, most = finite.aminmax()
        wide = finite.double()
        mean = float(wide.mean())
        square = float(wide @ wide) / len(wide)  # many times faster than torch.var_mean on one core
        low, high, deviation = float(least), float(most), math.sqrt(max(square - mean * mean, 0.0))
    whole = all_numbers or len(numbers) <= WHOLE
    return Values(
        shape=tuple(tensor.shape),
        dtype=str(tensor.dtype).removeprefix("torch."),
        minimum=low,
        maximum=high,
        mean=mean,
        deviation=deviation,
        zeros=len(numbers) - int(torch.count_nonzero(numbers)),
        not_finite=len(numbers) - len(finite),
        numbers=tuple(numbers.tolist() if whole else numbers[:8].tolist()),
        whole=whole,
        picture=picture_of(held) if picture and len(numbers) > WHOLE else None,
    )


def cell_at(place: int, shape: Sequence[int]) -> tuple[int, ...]:
    """The cell that comes at `place` when a tensor of `shape` is read row by row."""
    return tuple(int(part) for part in torch.unravel_index(torch.tensor(place), tuple(shape))) if shape else ()


def largest_cell(tensor: Tensor) -> tuple[int, ...]:
    """Where |number| is largest."""
    return cell_at(int(tensor.abs().nan_to_num(0.0).reshape(-1).argmax()), tensor.shape)


def in_formula(value: Any) -> str:
    """A number with four digits; a negative one in parentheses."""
    number = float(value) + 0.0  # -0.0 becomes 0.0
    return f"({number:.4g})" if number < 0 else f"{number:.4g}"


def _as_numbers(flat: Tensor) -> Tensor:
    """The numbers in a type that can be counted and averaged."""
    if flat.is_complex():
        return torch.view_as_real(flat).reshape(-1)
    is_short = flat.is_floating_point() and flat.element_size() < 4
    return flat.float() if is_short or flat.dtype == torch.bool else flat


def picture_of(tensor: Tensor) -> Picture | None:
    """The first maps of the first example of `tensor` side by side; None if there is nothing to draw."""
    maps = _as_maps(tensor.detach())
    if maps is None or maps.numel() == 0 or maps.is_complex():
        return None
    maps = maps[:MAPS].double().nan_to_num(0.0, 0.0, 0.0)[:, None]  # (maps, 1, height, width)
    height, width = (min(size, SIDE * (1 if len(maps) > 1 else 4)) for size in maps.shape[2:])
    small = torch.nn.functional.adaptive_avg_pool2d(maps, (height, width))[:, 0]
    row = torch.nn.functional.pad(small, (0, 1 if len(small) > 1 else 0), value=float(small.min()))
    grid = row.permute(1, 0, 2).reshape(height, -1)
    low, high = float(small.min()), float(small.max())
    span = high - low if high > low else 1.0
    cells = ((grid - low) / span * 255).round().clamp(0, 255).to(torch.uint8)
    data = base64.b64encode(bytes(cells.reshape(-1).tolist())).decode("ascii")
    return Picture(cells.shape[1], cells.shape[0], low, high, data)


def _as_maps(tensor: Tensor) -> Tensor | None:
    """(maps, height, width) of the first example: filters by their first channel, vectors as a row or folded square."""
    if tensor.dim() == 0:
        return None
    if tensor.dim() >= 4:
        first = tensor.reshape(-1, *tensor.shape[-3:])
        return first[0] if len(first) == 1 or first.shape[1] > 4 else first.reshape(-1, *tensor.shape[-2:])
    if tensor.dim() == 3:
        return tensor
    if tensor.dim() == 2 and len(tensor) > 1:
        return tensor[None]
    line = tensor.reshape(-1)
    if len(line) <= 4 * SIDE:
        return line[None, None]
    columns = math.isqrt(len(line))
    return line[: columns * columns].reshape(1, columns, columns)


LARGEST_SIDE = 112
SMALL_SIDE = 56


@dataclass(frozen=True)
class Image(Record):
    """An image in the units of the tensor that it was made of.

    Attributes:
        channels: three grids for a colour image (red, green, blue), else one; none if there is nothing to draw.
    """

    channels: tuple[Picture, ...]


def image_of(tensor: Tensor, side: int = LARGEST_SIDE) -> Image:
    """The image in a tensor.

    Args:
        tensor: (3, height, width) is a colour image, (channels, height, width) with any other number of channels is
            drawn channel by channel in one row, (height, width) is grey; vectors are a row, long ones folded into a
            square.
        side: larger images are averaged down to this many cells a side.
    """
    held = tensor.detach()
    if held.dim() >= 2 and max(held.shape[-2:]) > side:
        size = (min(held.shape[-2], side), min(held.shape[-1], side))
        held = torch.nn.functional.adaptive_avg_pool2d(held.double().reshape(-1, 1, *held.shape[-2:]), size)
        held = held.reshape(*tensor.shape[:-2], *size)
    parts = list(held) if held.dim() == 3 and len(held) == 3 else [held]
    drawn = [picture_of(part) for part in parts]
    return Image(tuple(picture for picture in drawn if picture is not None))
