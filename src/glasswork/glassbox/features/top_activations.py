"""The inputs that excite a unit most, and the patch of each that it sees."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from glasswork.errors import GlassworkError
from glasswork.glassbox.inspect import CHUNK, find_layer, hooked, require_inputs, run, undisturbed
from glasswork.glassbox.tensor_summary import Image, image_of
from glasswork.record import Record


class _ReachedError(Exception):
    """Carries a layer's output out of the network that it stands in."""


@dataclass(frozen=True)
class Excitation(Record):
    """One input and how strongly it excites a unit.

    Attributes:
        index: its place among the inputs.
        value: the activation; for a feature map its maximum.
        position: where in the map the maximum is; empty for a unit of a dense layer.
        start, stop: the patch of the input that this position sees: its first cell and the one behind its last in each
            spatial dimension; empty where that cannot be told.
        image: the input.
        patch: that part of it.
    """

    index: int
    value: float
    position: tuple[int, ...]
    start: tuple[int, ...]
    stop: tuple[int, ...]
    image: Image
    patch: Image


@dataclass(frozen=True)
class MostExciting(Record):
    """The inputs that excite a unit most.

    Attributes:
        layer: the unit's layer.
        unit: its number.
        looked_at: how many inputs there were.
        mean: the unit's mean activation over all of them.
        active: the share of them on which its activation is above 0.
        excitations: strongest first.
    """

    layer: str
    unit: int
    looked_at: int
    mean: float
    active: float
    excitations: tuple[Excitation, ...]


def find_most_exciting(network: nn.Module, inputs: Tensor, layer: str, unit: int, count: int = 9) -> MostExciting:
    """Which of many inputs excite a unit most, and where (Zeiler and Fergus 2013, section 4.1, figure 2).

    The patch of the input that a position of a map sees is found by experiment: rows and columns of an input are made
    nan one by one, and it is seen which of them reach it.

    Args:
        network: any module, run in evaluation mode.
        inputs: (N, ...).
        layer: the unit's layer, as `named_modules` calls it; its output is (N, units) or (N, maps, ...).
        unit: its number.
        count: how many inputs to return.

    Raises:
        GlassworkError: the inputs, the layer or the unit do not fit.
    """
    require_inputs(inputs)
    if count < 1:
        raise GlassworkError(f"count has to be at least 1; it is {count}.")
    with undisturbed(network, evaluate=True), torch.no_grad():
        held = inputs.detach()
        maps = outputs_of_layer(network, held, layer)
        if maps.dim() < 2 or not 0 <= unit < maps.shape[1]:
            raise GlassworkError(
                f"There is no unit {unit} in layer {layer}: its output has the shape {tuple(maps.shape)}."
            )
        size = tuple(maps.shape[2:])
        strengths, places = maps[:, unit].flatten(1).max(1) if size else (maps[:, unit], torch.zeros(len(maps)))
        order = strengths.nan_to_num(-math.inf).argsort(descending=True, stable=True)[:count].tolist()
        reach = _reach(network, held[order[0]], layer, unit) if size else []
    found = []
    for index in order:
        position = tuple(int(at) for at in torch.unravel_index(places[index].long(), size)) if size else ()
        start, stop = _patch(reach, position)
        patch = held[index]
        for axis, (low, high) in enumerate(zip(start, stop, strict=True), 1):
            patch = patch.narrow(axis, low, high - low)
        image = image_of(held[index])
        found.append(Excitation(index, float(strengths[index]), position, start, stop, image, image_of(patch)))
    active = float((strengths > 0).double().mean())
    return MostExciting(layer, unit, len(held), float(strengths.double().mean()), active, tuple(found))


def outputs_of_layer(network: nn.Module, inputs: Tensor, layer: str) -> Tensor:
    """What a layer makes of the inputs, at its first use: (N, ...); what follows it is not carried out."""

    def stop(module: nn.Module, arguments: Any, output: Any) -> None:
        raise _ReachedError(output)

    parts = []
    with hooked([find_layer(network, layer)], stop):
        for start in range(0, len(inputs), CHUNK):
            try:
                run(network, inputs[start : start + CHUNK])
            except _ReachedError as reached:
                output = reached.args[0]
            else:
                raise GlassworkError(f"Layer {layer} is not used when the network runs; choose another.")
            if not isinstance(output, Tensor):
                raise GlassworkError(
                    f"Layer {layer} returns a {type(output).__name__}; choose one that returns a tensor."
                )
            parts.append(output)
    return torch.cat(parts)


def _reach(network: nn.Module, one: Tensor, layer: str, unit: int) -> list[Tensor]:
    """For each spatial dimension of the input: which of its lines reach which positions of the unit's map.

    Returns:
        (lines, *size of the map), True where a line of nan reaches; empty where the input has no such dimensions.
    """
    found: list[Tensor] = []
    if not one.is_floating_point() or one.dim() < 2:
        return found
    for axis in range(1, one.dim()):
        broken = one.repeat(one.shape[axis], *[1] * one.dim())  # (lines, channels, ...)
        lines = torch.arange(one.shape[axis], device=one.device)
        broken.movedim(axis + 1, 1)[lines, lines] = math.nan
        found.append(outputs_of_layer(network, broken, layer)[:, unit].isnan())
    return found


def _patch(reach: Sequence[Tensor], position: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """First line and the one behind the last that reach a position, in each dimension."""
    start, stop = [], []
    for lines in reach:
        hits = lines.flatten(1)[:, _flat(position, lines.shape[1:])].nonzero()[:, 0]
        if len(hits) == 0:
            return (), ()
        start.append(int(hits[0]))
        stop.append(int(hits[-1]) + 1)
    return tuple(start), tuple(stop)


def _flat(position: Sequence[int], size: Sequence[int]) -> int:
    """The place of a position in the flattened map."""
    place = 0
    for at, length in zip(position, size, strict=True):
        place = place * length + at
    return place


def layer_features(network: nn.Module, inputs: Tensor, layer: str | None = None) -> Tensor:
    """The activations of a layer, one row per input (Kovashka, "Transfer learning": features for an SVM).

    Args:
        network: any module, run in evaluation mode.
        inputs: (N, ...), as the network takes them.
        layer: as `named_modules` calls it; None: what goes into the last layer with weights.

    Returns:
        (N, units); maps are laid out in a row.

    Raises:
        GlassworkError: the inputs do not fit, there is no such layer, or no layer with weights.
    """
    require_inputs(inputs)
    with undisturbed(network, evaluate=True), torch.no_grad():
        found = _into_the_last(network, inputs) if layer is None else outputs_of_layer(network, inputs, layer)
    if found.dim() < 2 or len(found) != len(inputs):
        raise GlassworkError(
            f"Layer {layer} has the shape {tuple(found.shape)} for {len(inputs)} inputs: choose one with a row for each"
        )
    return found.flatten(1)


def _into_the_last(network: nn.Module, inputs: Tensor) -> Tensor:
    """What the last layer with weights that takes part is given, (N, ...)."""
    weighted = [
        module
        for module in network.modules()
        if any(parameter.dim() >= 2 for parameter in module.parameters(recurse=False))
    ]
    given: list[Any] = []

    def keep(module: nn.Module, arguments: Any, output: Any) -> None:
        given.append(arguments[0])

    parts = []
    with hooked(weighted, keep):
        for start in range(0, len(inputs), CHUNK):
            given.clear()
            run(network, inputs[start : start + CHUNK])
            if not given or not isinstance(given[-1], Tensor):
                raise GlassworkError("No layer with weights is used in this network: name a layer")
            parts.append(given[-1])
    return torch.cat(parts)
