"""What makes a picture look like another (Gatys, Ecker and Bethge 2016; Kolter, "Neural style").

The content of a picture is what the maps of a trained network say at each place. Its style is which maps go together,
whatever the place: their inner products.
"""

from typing import Any

import torch
from torch import Tensor


class _Products(torch.autograd.Function):
    """R'R of the rows R, with one product instead of two on the way back: dR = R (dG + dG')."""

    @staticmethod
    def forward(context: Any, rows: Tensor) -> Tensor:
        context.save_for_backward(rows)
        return rows.T @ rows

    @staticmethod
    def backward(context: Any, error: Tensor) -> Tensor:
        (rows,) = context.saved_tensors
        found: Tensor = rows @ (error + error.T)
        return found


def products(maps: Tensor) -> Tensor:
    """Inner products of every two maps, summed over places: (1, maps, height, width) to (maps, maps)."""
    rows = maps.permute(0, 2, 3, 1).reshape(-1, maps.shape[1])  # as channels-last memory lies
    found: Tensor = _Products.apply(rows)
    return found


def gram(maps: Tensor) -> Tensor:
    """The Gram matrix G = F F' / places of maps F, whatever the size of the picture: (maps, maps)."""
    return products(maps) / (maps.shape[2] * maps.shape[3])


def relative_error(found: Tensor, wanted: Tensor) -> Tensor:
    """Sum of squared differences over the sum of the wanted squares: 0 if equal, 1 for nothing instead; shape ().

    Gatys leaves the weight of each layer open. This choice makes layers and networks of any scale count alike.
    """
    return (found - wanted).square().sum() / wanted.square().sum()


def total_variation(picture: Tensor) -> Tensor:
    """Mean squared difference of neighbouring pixels, down and across; shape ()."""
    down, across = picture[..., 1:, :] - picture[..., :-1, :], picture[..., :, 1:] - picture[..., :, :-1]
    return down.square().mean() + across.square().mean()


def match_colors(picture: Tensor, like: Tensor) -> Tensor:
    """The picture with the mean and the covariance of colours of another (Gatys et al. 2016, "Preserving color").

    Args:
        picture: (1, 3, height, width), from 0 to 1.
        like: likewise, of any size.
    """
    mean, root = _colors(picture)
    wanted_mean, wanted_root = _colors(like)
    pixels = picture.flatten(2)[0].double() - mean
    matched: Tensor = wanted_root @ torch.linalg.solve(root, pixels) + wanted_mean
    found: Tensor = matched.reshape(picture.shape).float()
    return found


def _colors(picture: Tensor) -> tuple[Tensor, Tensor]:
    """Mean of the colours, (3, 1), and the symmetric square root of their covariance, (3, 3)."""
    pixels = picture.flatten(2)[0].double()
    mean = pixels.mean(1, keepdim=True)
    values, vectors = torch.linalg.eigh((pixels - mean) @ (pixels - mean).T / pixels.shape[1])
    root: Tensor = vectors @ torch.diag(values.clamp(min=1e-6).sqrt()) @ vectors.T
    return mean, root
