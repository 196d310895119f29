"""Inputs, filters and maps as images: one grid of values for each colour."""

from dataclasses import dataclass

import torch
from torch import Tensor

from glasswork.glassbox.tensor_summary import Picture, picture_of
from glasswork.record import Record

LARGEST_SIDE = 112
SMALL_SIDE = 56


@dataclass(frozen=True)
class Image(Record):
    """An image in the units of the tensor that it was made of.

    Attributes:
        channels: three grids for a colour image (red, green, blue), else one; none where there is nothing to draw.
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
