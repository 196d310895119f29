"""A network unrolled: states are the kernel's, gates are those that make these states; and how often they saturate."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from closeness import assert_same_numbers
from glasswork.glassbox.sequences.unrolled import GateSaturation, gate_saturation, unroll
from glasswork.networks.recurrent import CELLS, Recurrent


@settings(max_examples=40)
@given(
    cell=some.sampled_from(list(CELLS)),
    layers=some.integers(1, 3),
    bidirectional=some.booleans(),
    batch=some.integers(1, 3),
    times=some.integers(1, 6),
)
def test_states_are_those_of_the_kernel(cell: str, layers: int, bidirectional: bool, batch: int, times: int) -> None:
    torch.manual_seed(0)
    network = Recurrent(cell, 3, 4, layers, bidirectional)
    inputs = torch.randn(batch, times, 3)
    state = tuple(torch.randn_like(part) for part in network.beginning(batch))
    found = unroll(network, inputs, state)
    outputs, after = network(inputs, state)
    top = torch.cat([one.hidden for one in found if one.layer == layers - 1], 2)
    assert_same_numbers(top, outputs)
    for place, one in enumerate(found):
        last = 0 if one.from_end else -1
        parts = [one.hidden] if one.memory is None else [one.hidden, one.memory]
        for part, end in zip(parts, after, strict=True):
            assert_same_numbers(part[:, last], end[place])


@pytest.mark.parametrize("from_end", [False, True])
def test_gates_of_the_lstm_make_its_memory(from_end: bool) -> None:
    torch.manual_seed(1)
    network = Recurrent("lstm", 3, 5, bidirectional=from_end)
    layer = unroll(network, torch.randn(2, 7, 3))[-1]
    assert layer.from_end == from_end and layer.memory is not None
    shown = layer.gates["output gate"] * layer.memory.tanh()
    assert_same_numbers(shown, layer.hidden)
    memory, forget = (part.flip(1) if from_end else part for part in (layer.memory, layer.gates["forget gate"]))
    written = memory[:, 1:] - forget[:, 1:] * memory[:, :-1]  # i * g
    allowed = layer.gates["input gate"].flip(1) if from_end else layer.gates["input gate"]
    assert (written.abs() <= allowed[:, 1:] + 1e-6).all()


def test_gates_of_the_gru_are_between_what_was_and_what_is_new() -> None:
    torch.manual_seed(1)
    network = Recurrent("gru", 3, 5, 2)
    for layer in unroll(network, torch.randn(1, 6, 3)):
        assert list(layer.gates) == ["reset gate", "update gate"]
        keep = layer.gates["update gate"][:, 1:]
        new = (layer.hidden[:, 1:] - keep * layer.hidden[:, :-1]) / (1 - keep)  # the proposal, a hyperbolic tangent
        assert new.abs().max() < 1


def test_saturation_counts_open_and_shut_gates() -> None:
    network = Recurrent("lstm", 1, 4)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        network.kernel.bias_ih_l0.copy_(torch.tensor([9.0, -9, 9, 0] + [9.0] * 4 + [0.0] * 4 + [-9.0] * 4))
    found = gate_saturation(unroll(network, torch.ones(1, 10, 1)))
    assert [(one.gate, one.shut, one.open) for one in found] == [
        ("input gate", 0.25, 0.5),
        ("forget gate", 0.0, 1.0),
        ("output gate", 1.0, 0.0),
    ]
    assert found[0].units == ((0.0, 1.0), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0))
    assert GateSaturation.from_json(found[0].to_json()) == found[0]
    assert gate_saturation(unroll(Recurrent("rnn", 1, 4), torch.ones(1, 3, 1))) == ()
