"""Histograms of oriented gradients (Dalal and Triggs 2005), hand-designed image features.

The definition is scikit-image's `hog` with its defaults: central differences, unsigned directions without interpolation
between bins, blocks one cell apart, normalised by L2-Hys.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

BINS = 9
BLOCK = 2
CLIPPED = 0.2
EPSILON = 1e-5


def oriented_gradients(images: Tensor, cell: int) -> Tensor:
    """One row of features per image.

    Args:
        images: (rows, channels, height, width), raw values; of several channels each pixel takes the steepest.
        cell: side of a cell in pixels; what is left over at the right and at the bottom is not looked at.

    Returns:
        float32 (rows, blocks x blocks x 2 x 2 x 9).
    """
    values = images.float()
    down, right = torch.zeros_like(values), torch.zeros_like(values)
    down[:, :, 1:-1] = values[:, :, 2:] - values[:, :, :-2]
    right[:, :, :, 1:-1] = values[:, :, :, 2:] - values[:, :, :, :-2]
    steep, channel = torch.hypot(down, right).max(1, keepdim=True)
    angle = torch.atan2(down.gather(1, channel), right.gather(1, channel)).rad2deg() % 180
    bins = (angle / (180 / BINS)).long().clamp(max=BINS - 1)
    votes = torch.zeros(len(images), BINS, *images.shape[2:]).scatter_(1, bins, steep)
    cells = F.avg_pool2d(votes, cell)  # (rows, bins, height / cell, width / cell)
    blocks = cells.unfold(2, BLOCK, 1).unfold(3, BLOCK, 1)  # (rows, bins, blocks, blocks, 2, 2)
    rows = blocks.permute(0, 2, 3, 4, 5, 1).flatten(3)
    clipped = _normalise(rows).clamp(max=CLIPPED)
    return _normalise(clipped).flatten(1)


def _normalise(blocks: Tensor) -> Tensor:
    return blocks / (blocks.square().sum(-1, keepdim=True) + EPSILON**2).sqrt()
