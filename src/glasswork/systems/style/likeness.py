"""How like a picture is to a content and to a style, and its gradient, in tiles where the picture is large."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from glasswork.networks.perception import Perception
from glasswork.networks.weights import Scaling
from glasswork.objectives.style import gram, products, relative_error, total_variation

Maps = Mapping[str, Tensor]


@dataclass(frozen=True)
class Goal:
    """What a picture shall be like.

    Attributes:
        content: maps of the content, by layer.
        style: Gram matrices of the style, by layer; of several styles their weighted mean.
    """

    content: Maps
    style: Maps


@dataclass(frozen=True)
class Losses:
    """How far a picture is from a goal.

    Attributes:
        total: the weighted sum of the others, which is minimised.
        content: mean relative error of the maps of the content layers.
        style: mean relative error of the Gram matrices of the style layers.
        variation: mean squared difference of neighbouring pixels.
    """

    total: Tensor
    content: Tensor
    style: Tensor
    variation: Tensor


@dataclass(frozen=True)
class Tile:
    """A part of a picture.

    Attributes:
        inner: top, bottom, left and right of what it stands for, in pixels.
        outer: the same with as much around it as the layers look at.
    """

    inner: tuple[int, int, int, int]
    outer: tuple[int, int, int, int]

    def cut(self, picture: Tensor) -> Tensor:
        """The part with what is around it."""
        top, bottom, left, right = self.outer
        return picture[..., top:bottom, left:right]

    def crop(self, maps: Tensor, stride: int) -> Tensor:
        """Of maps over the outer part, those over the inner one."""
        (top, bottom, left, right), (above, _, before, _) = self.inner, self.outer
        rows, columns = slice((top - above) // stride, (bottom - above) // stride), (left - before) // stride
        return maps[..., rows, columns : (right - before) // stride]

    def place(self, maps: Tensor, stride: int) -> Tensor:
        """Of maps over the whole picture, those over the inner part."""
        top, bottom, left, right = (edge // stride for edge in self.inner)
        return maps[..., top:bottom, left:right]


@dataclass(frozen=True)
class Likeness:
    """Measures pictures with the layers of a trained network (Gatys, Ecker and Bethge 2016).

    Large pictures are measured tile by tile. Each tile has around it what the layers look at, so that the sums over all
    tiles, and so the losses and the gradient, are those of the whole picture up to rounding. The Gram matrices have to
    be known before a gradient is, so that tiles pass the network twice.

    Attributes:
        perception: the network.
        scaling: mean and deviation of each channel that it expects.
        content_layers, style_layers: names of its layers.
        content_weight, style_weight, variation_weight: what the losses count in the total.
        tile: side of a tile in pixels, a multiple of `stride`; None: pictures are measured as a whole.
    """

    perception: Perception
    scaling: Scaling
    content_layers: Sequence[str]
    style_layers: Sequence[str]
    content_weight: float
    style_weight: float
    variation_weight: float
    tile: int | None = None

    @property
    def layers(self) -> tuple[str, ...]:
        """All layers that are looked at."""
        return tuple(dict.fromkeys((*self.content_layers, *self.style_layers)))

    @property
    def stride(self) -> int:
        """What height and width of a picture have to be multiples of."""
        return max(self.perception.strides[name] for name in self.layers)

    @property
    def halo(self) -> int:
        """How many pixels around a tile are looked at."""
        reach = max(self.perception.reaches[name] for name in self.layers)
        return -(-reach // self.stride) * self.stride

    def tiles(self, picture: Tensor) -> list[Tile]:
        """The parts of a picture, from the top to the bottom, each from left to right."""
        height, width = picture.shape[-2:]
        side, halo = self.tile or max(height, width), self.halo
        return [
            Tile(
                (top, min(top + side, height), left, min(left + side, width)),
                (
                    max(0, top - halo),
                    min(top + side + halo, height),
                    max(0, left - halo),
                    min(left + side + halo, width),
                ),
            )
            for top in range(0, height, side)
            for left in range(0, width, side)
        ]

    def goal(self, content: Tensor, styles: Sequence[Tensor], shares: Sequence[float]) -> Goal:
        """What a picture shall be like.

        Args:
            content: (1, 3, height, width), from 0 to 1.
            styles: likewise, of any sizes.
            shares: what each style counts; their sum is 1.
        """
        grams = [self._grams(style) for style in styles]
        blend = {
            name: sum(share * one[name] for share, one in zip(shares, grams, strict=True)) for name in self.style_layers
        }
        return Goal(self._content(content), blend)  # type: ignore[arg-type]

    @torch.no_grad()
    def measure(self, picture: Tensor, goal: Goal) -> Losses:
        """How far a picture is from a goal."""
        return self._losses(self._content(picture), self._grams(picture), picture, goal)

    def gradient(self, picture: Tensor, goal: Goal) -> tuple[Losses, Tensor]:
        """How far a picture is from a goal, and the gradient of the total, (1, 3, height, width)."""
        tiles = self.tiles(picture)
        if len(tiles) == 1:
            pixels = picture.detach().clone().requires_grad_()
            maps = self.look(pixels, self.layers)
            grams = {name: gram(maps[name]) for name in self.style_layers}
            losses = self._losses({name: maps[name] for name in self.content_layers}, grams, pixels, goal)
            (found,) = torch.autograd.grad(losses.total, pixels)
            return losses, found
        return self._gradient_of_tiles(picture, goal, tiles)

    def _gradient_of_tiles(self, picture: Tensor, goal: Goal, tiles: Sequence[Tile]) -> tuple[Losses, Tensor]:
        maps, grams = self._pass(picture, tiles)
        leaves = {name: matrix.requires_grad_() for name, matrix in grams.items()}
        pixels = picture.detach().clone().requires_grad_()
        losses = self._losses(maps, leaves, pixels, goal)
        found, *errors = torch.autograd.grad(losses.total, [pixels, *leaves.values()])
        slopes = dict(zip(leaves, errors, strict=True))
        for tile in tiles:
            part = tile.cut(picture).detach().clone().requires_grad_()
            answers, total = self.look(part, self.layers), torch.zeros((), device=picture.device)
            for name, slope in slopes.items():
                stride = self.perception.strides[name]
                places = picture.shape[-2] * picture.shape[-1] / stride**2
                total = total + (products(tile.crop(answers[name], stride)) * slope).sum() / places
            for name, wanted in goal.content.items():
                stride = self.perception.strides[name]
                apart = tile.crop(answers[name], stride) - tile.place(wanted, stride)
                scale = self.content_weight / len(goal.content) / wanted.square().sum()
                total = total + scale * apart.square().sum()
            (error,) = torch.autograd.grad(total, part)
            tile.cut(found).add_(error)
        return losses, found

    def _losses(self, content: Maps, style: Maps, picture: Tensor, goal: Goal) -> Losses:
        of_content, of_style = (
            torch.stack([relative_error(found[name], wanted[name]) for name in wanted]).mean()
            for found, wanted in ((content, goal.content), (style, goal.style))
        )
        variation = total_variation(picture)
        total = self.content_weight * of_content + self.style_weight * of_style + self.variation_weight * variation
        return Losses(total, of_content, of_style, variation)

    def look(self, picture: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """The maps of some layers, of pictures (batch, 3, height, width) from 0 to 1."""
        mean, deviation = (torch.tensor(each, device=picture.device).view(1, 3, 1, 1) for each in self.scaling)
        scaled = ((picture - mean) / deviation).contiguous(memory_format=torch.channels_last)
        return self.perception.look(scaled, layers)

    def _content(self, picture: Tensor) -> dict[str, Tensor]:
        return self._pass(picture, self.tiles(picture))[0]

    def _grams(self, picture: Tensor) -> dict[str, Tensor]:
        return self._pass(picture, self.tiles(picture))[1]

    @torch.no_grad()
    def _pass(self, picture: Tensor, tiles: Sequence[Tile]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Maps of the content layers over the whole picture, and Gram matrices of the style layers."""
        height, width = picture.shape[-2:]
        maps, sums = dict[str, Tensor](), dict[str, Tensor]()
        for tile in tiles:
            answers = self.look(tile.cut(picture), self.layers)
            for name in self.content_layers:
                stride, answer = self.perception.strides[name], answers[name]
                shape = (1, answer.shape[1], height // stride, width // stride)
                whole = maps.setdefault(name, torch.empty(shape, device=picture.device))
                tile.place(whole, stride).copy_(tile.crop(answer, stride))
            for name in self.style_layers:
                part = products(tile.crop(answers[name], self.perception.strides[name]))
                sums[name] = part if name not in sums else sums[name] + part
        places = {name: height * width / self.perception.strides[name] ** 2 for name in self.style_layers}
        return maps, {name: total / places[name] for name, total in sums.items()}


def padded(picture: Tensor, stride: int) -> Tensor:
    """The picture with its last row and column repeated until its sides are multiples of a stride."""
    height, width = picture.shape[-2:]
    return F.pad(picture, (0, -width % stride, 0, -height % stride), mode="replicate")
