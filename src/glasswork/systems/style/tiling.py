"""How much memory a painting takes, and the tiles that it is looked at in to stay within a bound."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from glasswork.errors import GlassworkError
from glasswork.execution import memory_bytes
from glasswork.systems.style.likeness import Likeness
from glasswork.systems.style.recipe import StyleRecipe
from glasswork.training.memory import ALLOCATED, GIGABYTE, Memory, worded_bytes

PROBED = 128  # pixels
LEAST_TILE = 64
FREE_SHARE = 0.5
KEPT = {"lbfgs": 2, "adam": 2}  # pictures that the rule keeps, of lbfgs for each step of its history
COPIES = 6  # pictures: canvas, gradient, scaled, and what the rule computes with


@dataclass(frozen=True)
class Needs:
    """Bytes that a painting takes.

    Attributes:
        size: its height and width.
        likeness: looks at it.
        moments: pictures that the rule keeps.
        per_pixel: what the network keeps of each pixel that it looks at.
    """

    size: tuple[int, int]
    likeness: Likeness
    moments: int
    per_pixel: float

    @property
    def picture(self) -> int:
        """Of one picture."""
        return 12 * math.prod(self.size)

    def activations(self, tile: int) -> int:
        """Of a tile with what is around it; 0: the whole picture."""
        around = tile + 2 * self.likeness.halo if tile else max(self.size)
        height, width = (min(side, around) for side in self.size)
        return round(self.per_pixel * height * width)

    def total(self, tile: int) -> int:
        """All of it."""
        return (COPIES + self.moments) * self.picture + self.activations(tile)

    def memory(self, tile: int, device: str) -> Memory:
        """The parts, for `environment.json`."""
        machine, free = memory_bytes(device)
        weights = sum(each.nbytes for each in self.likeness.perception.network.parameters())
        return Memory(
            data=(COPIES - 1) * self.picture,
            weights=weights,
            gradients=self.picture,
            moments=self.moments * self.picture,
            activations=self.activations(tile),
            per_example=0.0,
            examples=1,
            device=device,
            machine=machine,
            free=free,
        )


def estimate_needs(likeness: Likeness, size: tuple[int, int], moments: int) -> Needs:
    """What a painting takes, from what the layers keep of a small picture for the way back."""
    side = math.ceil(PROBED / likeness.stride) * likeness.stride
    picture = torch.full((1, 3, side, side), 0.5)
    goal = likeness.goal(picture, [picture], [1.0])
    saved: dict[int, Tensor] = {}

    def save(tensor: Tensor) -> Tensor:
        held = saved[tensor.untyped_storage().data_ptr()] = tensor.detach()
        return held

    with torch.autograd.graph.saved_tensors_hooks(save, lambda tensor: tensor):
        likeness.gradient(picture, goal)
    sizes = [each.untyped_storage().nbytes() for each in saved.values()]
    known = {each.untyped_storage().data_ptr() for each in likeness.perception.network.parameters()}
    kept = sum(each.untyped_storage().nbytes() for place, each in saved.items() if place not in known)
    return Needs(size, likeness, moments, ALLOCATED * (kept + 2 * max(sizes)) / side**2)


def choose_tile(recipe: StyleRecipe, needs: Needs, device: str) -> int:
    """Side of the tiles: 0, for the whole picture, if it fits in what may be used, else as large as fits.

    Raises:
        GlassworkError: if not even small tiles fit.
    """
    free = memory_bytes(device)[1]
    allowed = recipe.memory * GIGABYTE if recipe.memory else FREE_SHARE * free if free else math.inf
    if needs.total(0) <= allowed:
        return 0
    longer, stride = max(needs.size), needs.likeness.stride
    for count in range(2, math.ceil(longer / LEAST_TILE) + 1):
        tile = math.ceil(longer / count / stride) * stride
        if needs.total(tile) <= allowed:
            return tile
    height, width = needs.size
    raise GlassworkError(
        f"A painting of {width:,} by {height:,} pixels takes about {worded_bytes(needs.total(LEAST_TILE))} even in "
        f"small tiles, and {worded_bytes(allowed)} may be used: choose a smaller --size, --optimizer adam, or more "
        "--memory"
    )
