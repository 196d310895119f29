"""What a network is before it is opened, so that it can be left as it was."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

CONTAINERS = (list, dict, set)


class State:
    """The buffers, modes and attributes of every module of a network, and the gradients of its weights.

    Weights are not copied: what a forward pass writes over is recorded, and given to `put_back`.

    Args:
        network: is looked at now.
    """

    def __init__(self, network: nn.Module) -> None:
        self._random = torch.get_rng_state()
        self._modules = [(module, _copied(module.__dict__)) for module in network.modules()]
        tables = [(table, dict(table)) for module in network.modules() for table in _tables(module)]
        self._tables = tables
        self._buffers = [(buffer, buffer.detach().clone()) for buffer in network.buffers()]
        self._gradients = [(weight, weight.grad) for weight in network.parameters()]

    def put_back(self, weights: Sequence[tuple[Tensor, Tensor]]) -> None:
        """Makes the network what it was.

        Args:
            weights: weights that were written over, with what they were.
        """
        torch.set_rng_state(self._random)
        for table, before in self._tables:
            table.clear()
            table.update(before)
        for module, attributes in self._modules:
            for name in module.__dict__.keys() - attributes.keys():
                del module.__dict__[name]
            for name, (value, held) in attributes.items():
                module.__dict__[name] = value
                _restore(value, held)
        with torch.no_grad():
            for tensor, copy in [*self._buffers, *weights]:
                if not _same(tensor, copy):
                    tensor.copy_(copy)
        for weight, gradient in self._gradients:
            weight.grad = gradient


def _tables(module: nn.Module) -> tuple[dict[str, Any], ...]:
    return module._parameters, module._buffers, module._modules


def _copied(attributes: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Each attribute, with a copy of what it holds if it can change in place."""
    held = {}
    for name, value in attributes.items():
        own = None
        if isinstance(value, Tensor) and not isinstance(value, nn.Parameter):
            own = value.detach().clone()
        elif type(value) in CONTAINERS and not (name.startswith("_") and name in _OF_TORCH):
            own = value.copy()
        held[name] = (value, own)
    return held


_OF_TORCH = frozenset(name for name in nn.Module().__dict__ if isinstance(nn.Module().__dict__[name], dict))
"""Tables that torch keeps in every module, such as hooks; parameters, buffers and modules are copied by themselves."""


def _restore(value: Any, held: Any) -> None:
    if isinstance(value, Tensor) and held is not None:
        if not _same(value, held):
            with torch.no_grad():
                value.copy_(held)
    elif isinstance(value, list):
        value[:] = held if held is not None else value
    elif isinstance(value, (dict, set)) and held is not None:
        value.clear()
        value.update(held)


def _same(tensor: Tensor, before: Tensor) -> bool:
    return tensor.shape == before.shape and torch.equal(tensor, before)
