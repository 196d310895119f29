"""A recurrent network unrolled in time by the textbook's cells, so that every state and every gate can be looked at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from glasswork.networks.recurrent import Recurrent, State
from glasswork.textbook.recurrence import GRU, LSTM, RNN, Pass, Recurrence


class _Cell(NamedTuple):
    """How a kind of unit is unrolled: one layer of it, and its gates by symbol."""

    layer: Recurrence
    gates: Mapping[str, str]


_CELLS: Mapping[str, _Cell] = {
    "rnn": _Cell(RNN(nonlinearity="tanh"), {}),
    "relu-rnn": _Cell(RNN(nonlinearity="relu"), {}),
    "gru": _Cell(GRU(), {"r": "reset gate", "z": "update gate"}),
    "lstm": _Cell(LSTM(), {"i": "input gate", "f": "forget gate", "o": "output gate"}),
}


@dataclass(frozen=True)
class UnrolledLayer:
    """One direction of one layer at all times.

    Attributes:
        layer: from 0, the lowest.
        from_end: whether it reads the sequence from its end.
        hidden: h_t, (batch, time, units).
        memory: c_t of the LSTM, (batch, time, units); None for the others.
        gates: of each name, such as `forget gate`, (batch, time, units), between 0 and 1; none for a vanilla network.
    """

    layer: int
    from_end: bool
    hidden: Tensor
    memory: Tensor | None
    gates: Mapping[str, Tensor]


def passes(recurrent: Recurrent, inputs: Tensor, state: State | None = None) -> list[Pass]:
    """Every direction of every layer, carried through time by the textbook; dropout is left out.

    Args:
        recurrent: the network.
        inputs: (batch, time, features).
        state: before the first time; absent: zeros.
    """
    kernel, one = recurrent.kernel, _CELLS[recurrent.cell].layer
    whole = replace(one, num_layers=kernel.num_layers, bidirectional=kernel.bidirectional, batch_first=True)
    weights = [
        weight
        for layer in range(whole.num_layers)
        for direction in range(whole.directions)
        for weight in recurrent.weights_of(layer, direction)
    ]
    initial = recurrent.beginning(len(inputs)) if state is None else state
    return whole.unroll(inputs, *initial, *weights)


@torch.no_grad()
def unrolled(recurrent: Recurrent, inputs: Tensor, state: State | None = None) -> list[UnrolledLayer]:
    """The states and gates of every layer and direction, lowest layer first; arguments as for `passes`.

    About 1 ms and 7 x units numbers per time and layer of an LSTM: made for some ten thousand characters, not for a
    whole corpus.
    """
    directions = 2 if recurrent.kernel.bidirectional else 1
    found = passes(recurrent, inputs, state)
    return [_layer(recurrent.cell, place // directions, read) for place, read in enumerate(found)]


def _layer(cell: str, layer: int, read: Pass) -> UnrolledLayer:
    hidden, *memory = (_in_order(parts, read.from_end) for parts in zip(*read.states[1:], strict=True))
    gates = {}
    if names := _CELLS[cell].gates:
        before = [torch.cat(parts) for parts in zip(*read.states[:-1], strict=True)]  # each (time x batch, units)
        activations = _CELLS[cell].layer.step.gates(read.inputs.flatten(0, 1), *before, *read.weights)
        times = len(read.inputs)
        gates = {name: _in_order(activations[key].chunk(times), read.from_end) for key, name in names.items()}
    return UnrolledLayer(layer, read.from_end, hidden, memory[0] if memory else None, gates)


def _in_order(times: Sequence[Tensor], from_end: bool) -> Tensor:
    """(batch, time, units) out of a tensor for each time, in the order in which they were read."""
    found = torch.stack(tuple(times), 1)
    return found.flip(1) if from_end else found
