"""From states to actions: the values of a network, in numpy where the network is so small that calls cost more."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from glasswork.execution import Execution
from glasswork.systems.play.environments import Array

Values = Callable[[Tensor], Array]
"""The value of each action, float32 (states, actions), of states as they are played."""


def scaled(states: Tensor, execution: Execution) -> Tensor:
    """States as the network takes them: uint8 frames from 0 to 1, vectors as they are."""
    states = execution.arrange(states.to(execution.device))  # as bytes: a quarter of what is moved as floats
    return states.float().mul_(1 / 255) if states.dtype == torch.uint8 else states


def values_of(network: nn.Module, execution: Execution) -> Values:
    """What a network says of states, with the weights that it has when it is asked."""
    layers = list(network.children()) if isinstance(network, nn.Sequential) else []
    plain = all(type(layer) in {nn.Linear, nn.ReLU} for layer in layers)
    if layers and plain and execution.device == "cpu":
        return _in_numpy([layer for layer in layers if isinstance(layer, nn.Linear)])

    def values(states: Tensor) -> Array:
        with torch.no_grad(), execution.arithmetic():
            found: Array = network(scaled(states, execution)).float().cpu().numpy()
        return found

    return values


def _in_numpy(layers: list[nn.Linear]) -> Values:
    """A dense network: numpy's calls cost a fifth of torch's, and its arrays are the weights themselves."""
    weights = [(layer.weight.detach().numpy().T, layer.bias.detach().numpy()) for layer in layers]

    def values(states: Tensor) -> Array:
        found: Array = states.numpy()
        for weight, bias in weights[:-1]:
            found = np.maximum(found @ weight + bias, 0)
        weight, bias = weights[-1]
        found = found @ weight + bias
        return found

    return values
