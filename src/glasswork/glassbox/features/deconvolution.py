"""Zeiler and Fergus's deconvolutional network: what in an input drives one unit."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from glasswork.errors import GlassworkError
from glasswork.glassbox.attribution import Attribution, common_fields, gradient_of, run_to
from glasswork.glassbox.inspect import differentiable, undisturbed
from glasswork.record import Record


@dataclass(frozen=True)
class Deconvolution(Record):
    """What in each input drives one unit.

    Attributes:
        attribution: values in the inputs' shape, drawn in colour where the inputs have three channels; the scores are
            the unit's activations.
        layer: the unit's layer.
        unit: the number of the feature map, or of the unit in a dense layer.
        positions: where in the map, for each input; empty for a dense layer.
        rectified: how many rectifications the signal went through on its way down; with none, the result is the
            plain gradient.
    """

    attribution: Attribution
    layer: str
    unit: int
    positions: tuple[tuple[int, ...], ...]
    rectified: int


def deconvolution(network: nn.Module, inputs: Tensor, layer: str, unit: int | tuple[int, ...]) -> Deconvolution:
    """Zeiler and Fergus's deconvolutional network: a unit's activation followed back down to the pixels.

    Layer by layer, maximum pooling is undone at its switches (where the maximum was), the signal is rectified wherever
    the network rectifies (whether that unit was active or not, which is what differs from the gradient), and filtered
    by the transposed filters (section 2.1). All other units of the layer are set to 0. The signal starts with 1; that
    of the paper, the activation itself, gives this times the activation. Rectifications are found in the computation
    graph, so it does not matter whether they are modules, functions or in place.

    Args:
        network: any module.
        inputs: (N, ...) in floating point.
        layer: the unit's layer, as `named_modules` calls it.
        unit: a feature map, followed from where it is strongest in each input, or a unit of a dense layer; with a
            position behind it, (map, row, column), from there.

    Returns:
        Values in the inputs' shape.

    Raises:
        GlassworkError: inputs, layer or unit do not fit the network.
    """
    with undisturbed(network, evaluate=True):
        x = differentiable(inputs)
        name, maps, _ = run_to(network, x, layer)
        number, places = _places(maps, name, unit)
        rows = torch.arange(len(maps), device=maps.device)
        chosen: tuple[Tensor, ...] = (rows, torch.full_like(rows, number), *places.unbind(1))
        activations = maps[chosen]  # (N,)
        handles = [node.register_hook(_rectified) for node in _rectifications(activations)]
        try:
            values = gradient_of(activations, x, name)
        finally:
            for handle in handles:
                handle.remove()
    scores = activations.detach()
    attribution = Attribution(
        "deconvolution",
        "Zeiler and Fergus 2013, Visualizing and Understanding Convolutional Networks, section 2.1",
        f"What in the input drives unit {number} of {name}: the pattern that the filters below it found.",
        **common_fields(None, scores, values, values, x),
        signed=True,
    )
    positions = tuple(tuple(place) for place in places.tolist()) if maps.dim() > 2 else ()
    return Deconvolution(attribution, name, number, positions, len(handles))


def _places(maps: Tensor, layer: str, unit: int | tuple[int, ...]) -> tuple[int, Tensor]:
    """The number of the unit and its position in each input's map, (N, spatial dimensions)."""
    number, *place = (unit,) if isinstance(unit, int) else unit
    if maps.dim() < 2 or not 0 <= number < maps.shape[1]:
        raise GlassworkError(
            f"There is no unit {number} in layer {layer}: its output has the shape {tuple(maps.shape)}."
        )
    size = maps.shape[2:]
    if place:
        if len(place) != len(size) or any(not 0 <= at < length for at, length in zip(place, size, strict=True)):
            raise GlassworkError(f"There is no position {tuple(place)} in layer {layer}: its maps are {tuple(size)}.")
        return number, torch.tensor([place] * len(maps), device=maps.device)
    if not size:
        return number, torch.zeros(len(maps), 0, dtype=torch.int64, device=maps.device)
    strongest = maps[:, number].flatten(1).argmax(1)
    return number, torch.stack(torch.unravel_index(strongest, size), 1)


def _rectifications(signal: Tensor) -> list[Any]:
    """The nodes of the graph behind `signal` that rectify: ReLU, however written, and clamping at 0 from below."""
    found, known, waiting = [], set(), [signal.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in known:
            continue
        known.add(node)
        if _rectifies(node):
            found.append(node)
        waiting += [before for before, _ in node.next_functions]
    return found


def _rectifies(node: Any) -> bool:
    kind = node.name()
    if kind.startswith("Clamp"):
        return getattr(node, "_saved_min", None) == 0 and getattr(node, "_saved_max", None) is None
    return bool(kind.startswith("Relu"))


def _rectified(inwards: tuple[Tensor | None, ...], outwards: tuple[Tensor | None, ...]) -> tuple[Tensor | None, ...]:
    """The error that leaves a rectification downwards: what arrived, cut off at 0, in place of the gradient."""
    return (None if outwards[0] is None else outwards[0].clamp(min=0), *inwards[1:])
