"""A character model one step at a time, for writing: the same numbers as its kernels', without what they cost per call.

A kernel for whole sequences takes most of its time per call where a sequence is one character long. Here the part of
the first layer that depends on the character alone is a row of a table, the two products of a layer above it are one,
and all gates go through one tanh, as sigma(a) = (1 + tanh(a / 2)) / 2.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from glasswork.networks.characters import CharacterNetwork

Array = npt.NDArray[np.float32]
Memory = list[Array]
"""Of each layer its state, (lanes, units) or, for the LSTM, h and c side by side in turn."""


class _Layer(NamedTuple):
    """The weights of one layer, transposed: what is fed in (features, gates x units), and from its own state."""

    fed: Array
    own: Array
    bias: Array
    own_bias: Array


class Stepper:
    """Runs a character network over one character after the other, in float32 on the processor.

    Args:
        network: its weights are copied.
    """

    def __init__(self, network: CharacterNetwork) -> None:
        self.cell, self.units = network.recurrent.cell, network.recurrent.kernel.hidden_size
        self._step = _STEPS[self.cell]
        layers = [_layer(network, place) for place in range(network.recurrent.kernel.num_layers)]
        first = layers[0]
        if isinstance(network.embedding, nn.Embedding):
            first = first._replace(fed=_array(network.embedding.weight) @ first.fed)
        halves = _halves(self.cell, self.units)
        self._table = np.ascontiguousarray((first.fed + first.bias) * halves)  # (characters, gates x units)
        self._layers = [
            layer._replace(
                fed=np.ascontiguousarray(layer.fed * halves),
                own=np.ascontiguousarray(layer.own * halves),
                bias=layer.bias * halves,
                own_bias=layer.own_bias * halves,
            )
            for layer in layers
        ]
        self._output = np.ascontiguousarray(_array(network.output.weight).T)  # (units, characters)
        self._output_bias = _array(network.output.bias)

    def beginning(self, lanes: int = 1) -> Memory:
        """The state before the first character."""
        parts = 2 if self.cell == "lstm" else 1
        return [np.zeros((lanes, self.units), np.float32) for _ in range(parts * len(self._layers))]

    def step(self, tokens: npt.NDArray[np.integer], memory: Memory) -> tuple[Array, Memory]:
        """Scores of what comes next, (lanes, characters), and the state after these characters.

        Args:
            tokens: (lanes,).
            memory: the state before them; it is left as it is.
        """
        fed: Array = self._table[tokens]
        after: Memory = []
        parts = len(memory) // len(self._layers)
        for place, layer in enumerate(self._layers):
            if place:
                fed = after[-parts] @ layer.fed + layer.bias
            after += self._step(fed, memory[parts * place : parts * (place + 1)], layer, self.units)
        return after[-parts] @ self._output + self._output_bias, after


def _lstm(fed: Array, memory: Memory, layer: _Layer, units: int) -> Memory:
    h, c = memory
    gates = np.tanh(fed + h @ layer.own)  # i, f, g, o; of all but g at half the value
    kept = gates[:, units : 2 * units] * c + c
    added = gates[:, :units] * gates[:, 2 * units : 3 * units] + gates[:, 2 * units : 3 * units]
    c = np.float32(0.5) * (kept + added)
    squashed = np.tanh(c)
    return [np.float32(0.5) * (gates[:, 3 * units :] * squashed + squashed), c]


def _gru(fed: Array, memory: Memory, layer: _Layer, units: int) -> Memory:
    (h,) = memory
    own = h @ layer.own + layer.own_bias
    gates = np.tanh(fed[:, : 2 * units] + own[:, : 2 * units])  # r, z at half the value
    reset = np.float32(0.5) * (gates[:, :units] + 1)
    update = np.float32(0.5) * (gates[:, units:] + 1)
    fresh = np.tanh(fed[:, 2 * units :] + reset * own[:, 2 * units :])
    return [fresh + update * (h - fresh)]


def _vanilla(squashed: Callable[[Array], Array]) -> Callable[[Array, Memory, _Layer, int], Memory]:
    def step(fed: Array, memory: Memory, layer: _Layer, units: int) -> Memory:
        return [squashed(fed + memory[0] @ layer.own)]

    return step


_STEPS: dict[str, Callable[[Array, Memory, _Layer, int], Memory]] = {
    "rnn": _vanilla(np.tanh),
    "relu-rnn": _vanilla(lambda numbers: np.maximum(numbers, np.float32(0))),
    "gru": _gru,
    "lstm": _lstm,
}


def _halves(cell: str, units: int) -> Array:
    """What the pre-activations are multiplied by: 1/2 where a gate is a sigmoid, read off tanh."""
    signs = {"lstm": (0.5, 0.5, 1.0, 0.5), "gru": (0.5, 0.5, 1.0)}.get(cell, (1.0,))
    return np.repeat(np.array(signs, np.float32), units)


def _layer(network: CharacterNetwork, place: int) -> _Layer:
    w_ih, w_hh, b_ih, b_hh = (_array(part) for part in network.recurrent.weights_of(place))
    if network.recurrent.cell == "gru":  # its reset gate stands before the bias of its own product
        return _Layer(w_ih.T, w_hh.T, b_ih, b_hh)
    return _Layer(w_ih.T, w_hh.T, b_ih + b_hh, np.zeros_like(b_hh))


def _array(tensor: torch.Tensor) -> Array:
    found: Array = tensor.detach().float().cpu().numpy()
    return found
