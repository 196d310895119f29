"""Images moved and enlarged by known amounts, to ask a network about places and sizes that it was not trained on."""

import torch
import torch.nn.functional as F
from torch import Tensor

from glasswork.data.augmentation import reframe

DIRECTIONS = ((1, 0), (-1, 0), (0, 1), (0, -1))  # down and right


def framed(images: Tensor, reach: int) -> Tensor:
    """Images on a larger ground, so that a shift by up to `reach` pixels loses nothing.

    Args:
        images: uint8 (rows, channels, height, width).
        reach: pixels more on each side, copies of the edge.

    Returns:
        uint8 (rows, channels, height + 2 reach, width + 2 reach).
    """
    return reframe(images, reach)


def shifted(images: Tensor, pixels: int, seed: int = 0) -> Tensor:
    """Every image moved by so many pixels down, up, to the right or to the left, drawn for each.

    Args:
        images: uint8 (rows, channels, height, width).
        pixels: how far; what comes into view is a copy of the edge.
        seed: of the directions.

    Returns:
        The same shape and type.
    """
    height, width = images.shape[2:]
    ground = reframe(images, pixels)
    draws = torch.randint(0, len(DIRECTIONS), (len(images),), generator=torch.Generator().manual_seed(seed))
    result = images.clone()
    for place, (down, right) in enumerate(DIRECTIONS):
        top, left = pixels - down * pixels, pixels - right * pixels
        chosen = draws == place
        result[chosen] = ground[chosen][:, :, top : top + height, left : left + width]
    return result


def scaled(images: Tensor, factor: float) -> Tensor:
    """Every image enlarged about its centre, or made smaller where the factor is less than 1.

    Args:
        images: uint8 (rows, channels, height, width).
        factor: how much; beyond the edge the image goes on with copies of it.

    Returns:
        The same shape and type.
    """
    if factor == 1:
        return images
    grid = F.affine_grid(torch.eye(2, 3)[None] / factor, [1, 1, *images.shape[2:]], align_corners=False)
    found = F.grid_sample(
        images.float(), grid.expand(len(images), -1, -1, -1), padding_mode="border", align_corners=False
    )
    return found.round().clamp(0, 255).to(torch.uint8)
