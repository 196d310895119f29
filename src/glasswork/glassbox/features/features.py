"""What a network looks for and finds: templates, first filters, feature maps."""

import contextlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from glasswork.errors import GlassworkError
from glasswork.glassbox.features.deconvolution import deconvolution
from glasswork.glassbox.features.top_activations import outputs_of_layer
from glasswork.glassbox.inspect import find_layer, hooked, require_inputs, run, undisturbed
from glasswork.glassbox.tensor_summary import SMALL_SIDE, Image, Values, image_of, values_of
from glasswork.record import Record

MOST_FILTERS = 64
MAPS_IN_OVERVIEW = 8
MOST_MAPS = 256
UNITS_IN_A_ROW = 40
OTHER_BEGINNINGS = (nn.Embedding, nn.EmbeddingBag, nn.RNNBase, nn.Conv3d, nn.Bilinear)
PASSING_ON = (nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout)

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Template(Record):
    """One row of weights of a linear classifier.

    Attributes:
        output: the class's number.
        bias: added to the score whatever the input; None where the classifier has no biases.
        image: the weights in the shape of the input.
        weights: in numbers.
    """

    output: int
    bias: float | None
    image: Image
    weights: Values


@dataclass(frozen=True)
class Templates(Record):
    """The weights of a linear classifier as one template per class (Kovashka, "Linear classifier").

    Attributes:
        layer: the name of the weights.
        shape: (channels, height, width) of one input.
        templates: one per class; the score is the sum over template times input, plus the bias.
    """

    layer: str
    shape: Shape
    templates: tuple[Template, ...]


@dataclass(frozen=True)
class Filters(Record):
    """The filters of a network's first layer.

    Attributes:
        layer: its name.
        kind: `convolution`, or `dense` where every unit looks at the whole input.
        shape: of one filter, (channels, height, width).
        count: how many there are.
        filters: the first 64 of them.
        values: all weights.
    """

    layer: str
    kind: str
    shape: tuple[int, ...]
    count: int
    filters: tuple[Image, ...]
    values: Values


@dataclass(frozen=True)
class LayerMaps(Record):
    """What one layer made of an input.

    Attributes:
        layer: its name; where it is used more than once, with the number of the use.
        kind: the class of the module.
        count: how many feature maps or units it has.
        values: of its output for the input.
        silent: how many maps, or units of a dense layer, are zero everywhere.
        images: its feature maps, the first few in an overview; of a dense layer one image of all units, row by row, the
            last row filled up with 0.
    """

    layer: str
    kind: str
    count: int
    values: Values
    silent: int
    images: tuple[Image, ...]


@dataclass(frozen=True)
class FeatureMaps(Record):
    """An input, and what the layers made of it in the order in which they were applied."""

    input: Image
    layers: tuple[LayerMaps, ...]


def templates(network: nn.Module, shape: Sequence[int] | None = None) -> Templates:
    """The weights of a linear classifier as pictures, one template per class.

    Args:
        network: a module with one matrix of weights, (classes, numbers of an input).
        shape: (channels, height, width) of one input; None: a square, grey or in three colours.

    Raises:
        GlassworkError: the network is not linear, or the weights do not fit the shape.
    """
    named = [(name, weight) for name, weight in network.named_parameters() if weight.dim() >= 2]
    if len(named) != 1 or named[0][1].dim() != 2:
        raise GlassworkError(
            f"Templates are the weights of a linear classifier; this network has {len(named)} arrays of weights and "
            "not one matrix: look at its first filters instead."
        )
    name, weight = named[0]
    biases = [bias for _, bias in network.named_parameters() if bias.shape == weight.shape[:1]]
    offsets: list[float | None] = [*biases[0].tolist()] if biases else [None] * len(weight)
    sides = _image_shape(weight.shape[1], shape)
    rows = [
        Template(output, offset, image_of(row.reshape(sides)), values_of(row))
        for output, (offset, row) in enumerate(zip(offsets, weight.detach(), strict=True))
    ]
    return Templates(name.removesuffix(".weight"), sides, tuple(rows))


def first_filters(network: nn.Module, shape: Sequence[int] | None = None) -> Filters:
    """The filters of the first layer with weights.

    Args:
        network: one whose first layer is a convolution, or a dense layer on flattened images.
        shape: (channels, height, width) of one input, for a dense layer; None: a square, grey or in three colours.

    Raises:
        GlassworkError: it begins with something else, or the weights do not fit the shape.
    """
    for name, module in network.named_modules():
        if isinstance(module, OTHER_BEGINNINGS):
            raise GlassworkError(
                f"The network begins with {name}, {type(module).__name__}; filters can be shown of a convolution in "
                "one or two dimensions, or of a dense layer."
            )
        if isinstance(module, (nn.Conv1d, nn.Conv2d)):
            weight = module.weight.detach()
            pictures = tuple(image_of(one) for one in weight[:MOST_FILTERS])
            return Filters(name, "convolution", tuple(weight.shape[1:]), len(weight), pictures, values_of(weight))
        if isinstance(module, nn.Linear):
            weight = module.weight.detach()
            sides = _image_shape(weight.shape[1], shape)
            pictures = tuple(image_of(one.reshape(sides)) for one in weight[:MOST_FILTERS])
            return Filters(name, "dense", sides, len(weight), pictures, values_of(weight))
    raise GlassworkError("This network has neither a convolution nor a dense layer, so it has no filters.")


def feature_maps(network: nn.Module, inputs: Tensor, layer: str | None = None) -> FeatureMaps:
    """What the layers make of an input, run in evaluation mode.

    Args:
        network: any module; operations that are no modules of their own are not listed.
        inputs: (N, ...); the first of them is looked at.
        layer: one layer, with all its maps up to 256; None: every layer that has no layers inside, with its first 8;
            dropout, which changes nothing in evaluation mode, is left out.

    Raises:
        GlassworkError: the inputs do not fit, or there is no such layer, or it takes no part.
    """
    require_inputs(inputs)
    names = {module: name for name, module in network.named_modules()}
    if layer is None:
        leaves = (module for module in names if next(module.children(), None) is None)
        watched = [module for module in leaves if not isinstance(module, PASSING_ON)]
    else:
        watched = [find_layer(network, layer)]
    found: list[LayerMaps] = []
    uses: dict[str, int] = {}

    def keep(module: nn.Module, arguments: Any, output: Any) -> None:
        if isinstance(output, Tensor) and output.dim() >= 2:
            name = names[module] or type(module).__name__
            uses[name] = uses.get(name, 0) + 1
            title = name if uses[name] == 1 else f"{name} (use {uses[name]})"
            found.append(
                _layer_maps(title, module, output.detach()[:1], MAPS_IN_OVERVIEW if layer is None else MOST_MAPS)
            )

    with undisturbed(network, evaluate=True), torch.no_grad(), hooked(watched, keep):
        run(network, inputs[:1].detach())
    if not found:
        where = "No layer of this network" if layer is None else f"Layer {layer}"
        raise GlassworkError(f"{where} returned a tensor with feature maps; name a layer that does.")
    return FeatureMaps(image_of(inputs[0]), tuple(found))


def _image_shape(numbers: int, shape: Sequence[int] | None) -> Shape:
    """(channels, height, width) with as many numbers; None: a square in one or three colours."""
    if shape is not None:
        if len(shape) != 3 or math.prod(shape) != numbers:
            raise GlassworkError(
                f"Weights for {numbers} numbers do not fit images of shape {tuple(shape)}; give "
                "(channels, height, width)."
            )
        return (shape[0], shape[1], shape[2])
    for channels in (1, 3):
        side = math.isqrt(numbers // channels)
        if channels * side * side == numbers:
            return (channels, side, side)
    raise GlassworkError(
        f"Weights for {numbers} numbers do not form a square image; give the shape of an input, (channels, height, "
        "width)."
    )


def _layer_maps(title: str, module: nn.Module, output: Tensor, most: int) -> LayerMaps:
    """What a layer made of one input; output (1, units) or (1, maps, ...)."""
    one = output[0]
    silent = int((one.reshape(len(one), -1) == 0).all(1).sum())
    images = tuple(image_of(each, SMALL_SIDE) for each in one[:most]) if one.dim() >= 2 else (image_of(_folded(one)),)
    return LayerMaps(title, type(module).__name__, len(one), values_of(output), silent, images)


def strongest_unit(network: nn.Module, inputs: Tensor, layer: str) -> int:
    """The unit of a layer that the first of the inputs excites most.

    Args:
        network: any module, run in evaluation mode.
        inputs: (N, ...).
        layer: as `named_modules` calls it; its output is (N, units) or (N, maps, ...).

    Raises:
        GlassworkError: the inputs or the layer do not fit the network.
    """
    with undisturbed(network, evaluate=True), torch.no_grad():
        first = outputs_of_layer(network, inputs.detach(), layer)[0]
    return int(first.reshape(len(first), -1).amax(1).argmax())


def _folded(units: Tensor) -> Tensor:
    """Many units as a grid: (units,) to (rows, units in a row)."""
    across = max(UNITS_IN_A_ROW, math.isqrt(len(units) - 1) + 1)
    if len(units) <= across:
        return units
    return nn.functional.pad(units, (0, -len(units) % across)).reshape(-1, across)


def feature_pictures(network: nn.Module, inputs: Tensor, shape: Sequence[int]) -> tuple[Record, ...]:
    """Templates or first filters, what each layer makes of an input, and what drives the strongest maps.

    Of every convolution the map that the input excites most is followed back to the pixels (Zeiler and Fergus 2013).

    Args:
        network: any module.
        inputs: (1, ...), as the network takes them.
        shape: of one input as it was read, (channels, height, width) for images.

    Raises:
        GlassworkError: the inputs do not fit.
    """
    found: list[Record] = []
    with contextlib.suppress(GlassworkError):  # a network that does not begin with a layer of filters has none
        found.append(_filters(network, shape))
    found.append(feature_maps(network, inputs))
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            unit = strongest_unit(network, inputs, name)
            found.append(deconvolution(network, inputs, name, unit))
    return tuple(found)


def _filters(network: nn.Module, shape: Sequence[int]) -> Record:
    """The templates of a linear classifier, or the filters of the first layer."""
    matrices = [weight for weight in network.parameters() if weight.dim() >= 2]
    linear = len(matrices) == 1 and matrices[0].dim() == 2
    return templates(network, shape) if linear else first_filters(network, shape)
