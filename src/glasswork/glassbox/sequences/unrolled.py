"""A recurrent network unrolled in time by the textbook's cells, so that you can inspect every state and gate."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from glasswork.errors import GlassworkError
from glasswork.networks.recurrent import Recurrent, State
from glasswork.record import Record
from glasswork.textbook.recurrent import GRU, LSTM, RNN, Pass, Recurrence


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
        state: before the first time; None: zeros.
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
def unroll(recurrent: Recurrent, inputs: Tensor, state: State | None = None) -> list[UnrolledLayer]:
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


SHUT, OPEN = 0.1, 0.9


@dataclass(frozen=True)
class GateSaturation(Record):
    """One gate of one layer.

    Attributes:
        layer: from 0.
        from_end: whether it reads the sequence from its end.
        gate: such as `forget gate`.
        shut: share of all its values below 0.1, over times and units.
        open: share of all its values above 0.9.
        units: the same two shares for each unit over all times.
    """

    layer: int
    from_end: bool
    gate: str
    shut: float
    open: float
    units: tuple[tuple[float, float], ...]


def gate_saturation(layers: Sequence[UnrolledLayer]) -> tuple[GateSaturation, ...]:
    """Every gate of every layer; none for a vanilla network, which has no gates.

    A forget gate that is always open is a unit that remembers; one that is never saturated forgets a little at every
    time.
    """
    return tuple(_of_gate(layer, gate) for layer in layers for gate in layer.gates)


def _of_gate(layer: UnrolledLayer, gate: str) -> GateSaturation:
    values = layer.gates[gate].flatten(0, 1)  # (batch x time, units)
    shut, opened = (values < SHUT).double().mean(0), (values > OPEN).double().mean(0)
    units = tuple(zip(shut.tolist(), opened.tolist(), strict=True))
    return GateSaturation(layer.layer, layer.from_end, gate, float(shut.mean()), float(opened.mean()), units)


@dataclass(frozen=True)
class GradientByLag(Record):
    """Norms of the gradient of the loss at the last time, mean over sequences.

    Attributes:
        cell: the kind of unit.
        layer: whose states, from 0.
        hidden: |d loss(t) / d h(t-k)| for k = 0, 1, 2 .. up to the first time.
        memory: |d loss(t) / d c(t-k)| of the LSTM; None for the others.
    """

    cell: str
    layer: int
    hidden: tuple[float, ...]
    memory: tuple[float, ...] | None


def gradient_by_lag(
    recurrent: Recurrent, inputs: Tensor, loss: Callable[[Tensor], Tensor], layer: int = -1
) -> GradientByLag:
    """How the loss at the last time changes with the states before it, exactly, in float64.

    The network is unrolled by the textbook's cells and differentiated by autograd; h(t-k) and c(t-k) are each taken as
    if that one number were moved and all that follows from it computed again.

    Args:
        recurrent: the network, reading in one direction; it is not changed.
        inputs: (batch, time, features).
        loss: of each sequence, (batch,), out of the top layer's last state, (batch, units), both in float64.
        layer: whose states; -1 is the top one.

    Raises:
        GlassworkError: for a network that reads from both ends, a layer that it does not have, or a loss that is not
            one number per sequence.
    """
    kernel = recurrent.kernel
    if kernel.bidirectional:
        raise GlassworkError("A bidirectional network has no last time step from which errors could flow back.")
    if not -kernel.num_layers <= layer < kernel.num_layers:
        raise GlassworkError(f"The network has {kernel.num_layers} layers, and none with the number {layer}.")
    with torch.inference_mode(False), torch.enable_grad():
        network = copy.deepcopy(recurrent).double().requires_grad_(False)
        # Some leaf must ask for gradients, so that autograd keeps the way back.
        read = passes(network, inputs.detach().clone().double().requires_grad_())
        losses = loss(read[-1].states[-1][0])
        if losses.shape != inputs.shape[:1]:
            raise GlassworkError(
                f"The loss must be one number for each of the {len(inputs)} sequences; its shape is "
                f"{tuple(losses.shape)}."
            )
        parts = list(zip(*read[layer].states[:0:-1], strict=True))  # h, and c if there is one; last time first
        nodes = [node for part in parts for node in part]
        gradients = torch.autograd.grad(losses.sum(), nodes, materialize_grads=True)
    norms = [float(gradient.norm(dim=1).mean()) for gradient in gradients]
    times = inputs.shape[1]
    memory = tuple(norms[times:]) if len(parts) > 1 else None
    return GradientByLag(recurrent.cell, layer % kernel.num_layers, tuple(norms[:times]), memory)
