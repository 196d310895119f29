"""What a layer makes of inputs, as rows of numbers that a classical classifier can learn from."""

from typing import Any

import torch
from torch import Tensor, nn

from glasswork.errors import GlassworkError
from glasswork.glassbox.features.top_activations import outputs_of_layer
from glasswork.glassbox.inspect import CHUNK, hooked, require_inputs, run, undisturbed


def layer_features(network: nn.Module, inputs: Tensor, layer: str | None = None) -> Tensor:
    """The activations of a layer, one row per input (Kovashka, "Transfer learning": features for an SVM).

    Args:
        network: any module, run in evaluation mode.
        inputs: (N, ...), as the network takes them.
        layer: as `named_modules` calls it; absent: what goes into the last layer with weights.

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
                raise GlassworkError("No layer with weights takes part in this network: name a layer")
            parts.append(given[-1])
    return torch.cat(parts)
