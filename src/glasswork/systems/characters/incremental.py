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

from glasswork.systems.characters.network import CharacterNetwork

Array = npt.NDArray[np.float32]
Memory = list[Array]
"""The state of each layer, (lanes, units); of the LSTM h and then c."""

HALF = np.float32(0.5)


class _Layer(NamedTuple):
    """The weights of one layer.

    Attributes:
        fed: of what comes from below, (gates x units, features).
        own: of the layer's own state, (gates x units, units).
        both: the two side by side.
        bias: (gates x units,).
        own_bias: the GRU's, which stands beside the product with its own state; for the others it is in `bias`.
    """

    fed: Array
    own: Array
    both: Array
    bias: Array
    own_bias: Array


class Stepper:
    """Runs a character network over one character after the other, in float32 on the processor.

    Args:
        network: its weights are copied.
        barred: a character that never comes: its score is minus infinity.
    """

    def __init__(self, network: CharacterNetwork, barred: int | None = None) -> None:
        self.units = network.recurrent.kernel.hidden_size
        cell = network.recurrent.cell
        self._step = _STEPS[cell]
        self._parts = 2 if cell == "lstm" else 1
        self._layers = [_layer(network, place) for place in range(network.recurrent.kernel.num_layers)]
        first = self._layers[0]
        fed = first.fed
        if isinstance(network.embedding, nn.Embedding):
            fed = fed @ _array(network.embedding.weight).T
        self._table = np.ascontiguousarray(fed.T + first.bias)  # (characters, gates x units)
        self._output = _array(network.output.weight).copy()  # (characters, units)
        self._output_bias = _array(network.output.bias).copy()
        if barred is not None:
            self._output_bias[barred] = -np.inf

    def beginning(self, lanes: int = 1) -> Memory:
        """The state before the first character."""
        return [np.zeros((lanes, self.units), np.float32) for _ in range(self._parts * len(self._layers))]

    def step(self, tokens: npt.NDArray[np.integer], memory: Memory) -> tuple[Array, Memory]:
        """Scores of what comes next, (lanes, characters), and the state after these characters.

        Args:
            tokens: (lanes,).
            memory: the state before them; it is left as it is.
        """
        fed, below = self._table[tokens], None
        after: Memory = []
        for place, layer in enumerate(self._layers):
            now = memory[self._parts * place : self._parts * (place + 1)]
            after += self._step(fed if below is None else below, now, layer, self.units, place == 0)
            below = after[-self._parts]
        scores = _product(self._output, after[-self._parts])
        scores += self._output_bias
        return scores, after


def _product(weights: Array, rows: Array) -> Array:
    """rows W', (lanes, outputs); of a single lane as matrix times vector, which reads the weights along their rows."""
    result: Array = (weights @ rows[0])[None] if len(rows) == 1 else rows @ weights.T
    return result


def _gates(below: Array, h: Array, layer: _Layer, first: bool) -> Array:
    """What goes into the gates, (lanes, gates x units), in memory of its own; the first layer is fed by the table."""
    if first:
        gates = _product(layer.own, h)
        gates += below
    else:
        gates = _product(layer.both, np.concatenate((below, h), 1))
        gates += layer.bias
    return gates


def _lstm(below: Array, memory: Memory, layer: _Layer, units: int, first: bool) -> Memory:
    h, c = memory
    gates = _gates(below, h, layer, first)  # i, f, o at half the value, then g
    np.tanh(gates, out=gates)
    sigmoids = gates[:, : 3 * units]
    sigmoids *= HALF
    sigmoids += HALF
    c = gates[:, units : 2 * units] * c
    c += gates[:, :units] * gates[:, 3 * units :]
    h = np.tanh(c)
    h *= gates[:, 2 * units : 3 * units]
    return [h, c]


def _gru(below: Array, memory: Memory, layer: _Layer, units: int, first: bool) -> Memory:
    (h,) = memory
    fed = below if first else _product(layer.fed, below) + layer.bias
    own = _product(layer.own, h) + layer.own_bias
    gates = np.tanh(fed[:, : 2 * units] + own[:, : 2 * units])  # r, z at half the value
    gates *= HALF
    gates += HALF
    fresh = np.tanh(fed[:, 2 * units :] + gates[:, :units] * own[:, 2 * units :])
    return [fresh + gates[:, units:] * (h - fresh)]


def _vanilla(below: Array, memory: Memory, layer: _Layer, units: int, first: bool) -> Memory:
    return [np.tanh(_gates(below, memory[0], layer, first))]


def _rectified(below: Array, memory: Memory, layer: _Layer, units: int, first: bool) -> Memory:
    return [np.maximum(_gates(below, memory[0], layer, first), np.float32(0))]


_STEPS: dict[str, Callable[[Array, Memory, _Layer, int, bool], Memory]] = {
    "rnn": _vanilla,
    "relu-rnn": _rectified,
    "gru": _gru,
    "lstm": _lstm,
}

# Torch's order of the gates, brought into ours, and what each is multiplied by: 1/2 where it is a sigmoid.
_ORDER: dict[str, tuple[tuple[int, float], ...]] = {
    "lstm": ((0, 0.5), (1, 0.5), (3, 0.5), (2, 1.0)),
    "gru": ((0, 0.5), (1, 0.5), (2, 1.0)),
}


def _layer(network: CharacterNetwork, place: int) -> _Layer:
    cell, units = network.recurrent.cell, network.recurrent.kernel.hidden_size
    order = _ORDER.get(cell, ((0, 1.0),))

    def arranged(weights: torch.Tensor) -> Array:
        parts = np.split(_array(weights), len(order))
        assert len(parts[0]) == units
        return np.concatenate([parts[gate] * np.float32(factor) for gate, factor in order])

    w_ih, w_hh, b_ih, b_hh = (arranged(part) for part in network.recurrent.weights_of(place))
    both = np.concatenate((w_ih, w_hh), 1)
    if cell == "gru":  # its reset gate stands before the bias of its own product
        return _Layer(w_ih, w_hh, both, b_ih, b_hh)
    return _Layer(w_ih, w_hh, both, b_ih + b_hh, np.zeros_like(b_hh))


def _array(tensor: torch.Tensor) -> Array:
    found: Array = tensor.detach().float().cpu().numpy()
    return found
