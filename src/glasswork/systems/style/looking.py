"""The trained network that looks at pictures, and pictures as it is given them."""

import difflib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from glasswork.data.formats.decoding import opened_picture
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.task import Task
from glasswork.errors import GlassworkError
from glasswork.networks.perception import Perception
from glasswork.networks.weights import Scaling, fitting, input_scaling, load_weights, packaged
from glasswork.systems.networks import NETWORKS, Architecture, build_network
from glasswork.systems.style.fast.recipe import FastStyleRecipe
from glasswork.systems.style.likeness import Likeness
from glasswork.systems.style.recipe import LEAST_SIDE, StyleRecipe

# By how the names of networks begin: layers of the content, layers of the style.
USUAL = {
    "efficientnet-lite": (
        ("block7.depthwise",),
        ("stem", "block0.depthwise", *(f"block{n}.{part}" for n in range(1, 8) for part in ("expand", "depthwise"))),
    ),
    "vgg": (("relu4_2",), tuple(f"relu{block}_1" for block in range(1, 6))),
    "resnet": (("layer3.0",), ("stem", *(f"layer{stage}.0" for stage in range(1, 5)))),
}
PHOTOGRAPHS = ("china", "flower")


def make_likeness(recipe: StyleRecipe | FastStyleRecipe, tile: int = 0) -> Likeness:
    """What looks at pictures.

    Args:
        recipe: names network, layers and weights.
        tile: side of the tiles; 0: whole pictures.

    Raises:
        GlassworkError: for a network, weights or layers that are not there, or tiles that do not fit the layers.
    """
    perception, scaling = load_perception(recipe)
    content, style = choose_layers(recipe, perception.layers)
    counts = (recipe.content_weight, recipe.style_weight, recipe.variation_weight)
    likeness = Likeness(perception, scaling, content, style, *counts, tile=tile or None)
    if tile % likeness.stride:
        raise GlassworkError(
            f"Tiles have to be a multiple of {likeness.stride} pixels with these layers: use --tile "
            f"{max(1, round(tile / likeness.stride)) * likeness.stride}"
        )
    return likeness


def load_perception(recipe: StyleRecipe | FastStyleRecipe) -> tuple[Perception, Scaling]:
    """The network with its weights, and what it expects pictures to be scaled by.

    Raises:
        GlassworkError: for a network whose layers are not known, or weights that are not there.
    """
    name, source = recipe.network, recipe.weights or recipe.network
    if name not in NETWORKS or not name.startswith(tuple(USUAL)):
        known = [each for each in NETWORKS if each.startswith(tuple(USUAL))]
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean '{near[0]}'?" if near else f"use {', '.join(known)}"
        raise GlassworkError(f"Style cannot look with a network '{name}': {hint}")
    entry = NETWORKS[name]
    assert entry.side is not None
    network = build_network(Architecture(name), Task(Images((3, entry.side, entry.side)), OneClass(("0", "1"))))
    weights, scaling = load_weights(source, name), input_scaling(source, name)
    tensors = {key.removeprefix("backbone."): tensor for key, tensor in weights.tensors.items()}
    tensors = {key: tensor for key, tensor in tensors.items() if not key.startswith("head.")}  # of a run of transfer
    state, _ = fitting(network.state_dict(), tensors, entry.head, weights.source)
    network.load_state_dict(state)
    assert scaling is not None
    return Perception(network), scaling


def choose_layers(
    recipe: StyleRecipe | FastStyleRecipe, known: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The layers of the content and of the style.

    Raises:
        GlassworkError: for one that the network has not.
    """
    usual = next(layers for family, layers in USUAL.items() if recipe.network.startswith(family))
    content, style = recipe.content_layers or usual[0], recipe.style_layers or usual[1]
    for name in (*content, *style):
        if name not in known:
            near = difflib.get_close_matches(name, known, 3)
            hint = f"the nearest are {', '.join(near)}" if near else f"it has {', '.join(known)}"
            raise GlassworkError(f"{recipe.network} has no layer '{name}': {hint}")
    return content, style


def find_picture(source: str) -> Path:
    """Where a picture is that was named: a file, or one of scikit-learn's two photographs.

    Raises:
        GlassworkError: if there is none.
    """
    path = Path(source).expanduser()
    if path.is_file():
        return path.absolute()
    if source in PHOTOGRAPHS:
        return packaged("sklearn", f"datasets/images/{source}.jpg", f"scikit-learn's photograph {source} is")
    raise GlassworkError(f"There is no picture {source}: give a file, or {' or '.join(PHOTOGRAPHS)}")


def read_picture(path: Path) -> Tensor:
    """A picture in its own size, (1, 3, height, width), from 0 to 1.

    Raises:
        GlassworkError: for a file that is no readable picture, or one too small to be looked at.
    """
    pixels = np.asarray(opened_picture(path).convert("RGB"))
    height, width = pixels.shape[:2]
    if min(height, width) < LEAST_SIDE:
        raise GlassworkError(
            f"{path} has {width} by {height} pixels, and a picture needs at least {LEAST_SIDE} by {LEAST_SIDE}: give a "
            "larger one"
        )
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255


def sides(picture: Tensor, longer: int) -> tuple[int, int]:
    """Height and width of a picture whose longer side becomes `longer`.

    Raises:
        GlassworkError: if the shorter one would be too small.
    """
    height, width = picture.shape[-2:]
    share = longer / max(height, width)
    found = round(height * share), round(width * share)
    if min(found) < LEAST_SIDE:
        raise GlassworkError(
            f"A picture of {width} by {height} pixels becomes {found[1]} by {found[0]} at size {longer}, and at least "
            f"{LEAST_SIDE} by {LEAST_SIDE} are needed: give a greater --size, or cut it"
        )
    return found


def resize(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """The picture at another size."""
    return F.interpolate(picture, size, mode="bicubic", antialias=True).clamp(0, 1)


def trimmed(picture: Tensor, stride: int) -> Tensor:
    """The picture without the rows and columns beyond a multiple of a stride."""
    height, width = picture.shape[-2:]
    return picture[..., : height // stride * stride, : width // stride * stride]


def eight_bits(picture: Tensor) -> Tensor:
    """A picture from 0 to 1 as uint8 of shape (3, height, width)."""
    return (255 * picture[0].detach().cpu().clamp(0, 1)).round().to(torch.uint8)


def lasting(source: str) -> str:
    """The picture's place from the root, so that a run can go on elsewhere; a name stays one."""
    path = Path(source).expanduser()
    return str(path.absolute()) if path.is_file() else source
