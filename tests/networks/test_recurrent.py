"""Recurrent networks: torch's kernels and the textbook's cells give the same states and the same gradients."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from closeness import assert_same_numbers
from glasswork.errors import GlassworkError
from glasswork.networks.recurrent import CELLS, Recurrent


@settings(max_examples=40)
@given(
    cell=some.sampled_from(list(CELLS)),
    layers=some.integers(1, 3),
    bidirectional=some.booleans(),
    batch=some.integers(1, 3),
    time=some.integers(1, 5),
    features=some.integers(1, 4),
    units=some.integers(1, 4),
)
@pytest.mark.parametrize(("dtype", "close"), [(torch.float32, 2e-6), (torch.float64, 1e-12)])
def test_kernels_equal_the_textbook(dtype, close, cell, layers, bidirectional, batch, time, features, units) -> None:
    torch.manual_seed(0)
    network = Recurrent(cell, features, units, layers, bidirectional).to(dtype)
    inputs = torch.randn(batch, time, features, dtype=dtype)
    state = tuple(torch.randn_like(part) for part in network.beginning(batch))
    found = {}
    for way in (network.forward, network.step_by_step):
        network.zero_grad()
        outputs, after = way(inputs, state)
        (outputs.square().sum() + sum(part.sum() for part in after)).backward()
        found[way.__name__] = [outputs, *after, *(parameter.grad.clone() for parameter in network.parameters())]
    for fast, slow in zip(found["forward"], found["step_by_step"], strict=True):
        assert_same_numbers(fast, slow, close, least=1)


@pytest.mark.parametrize("cell", CELLS)
def test_a_sequence_in_chunks_with_the_state_carried_is_the_whole_sequence(cell: str) -> None:
    torch.manual_seed(0)
    network = Recurrent(cell, 3, 5, 2)
    inputs = torch.randn(2, 7, 3)
    whole, end = network(inputs)
    first, state = network(inputs[:, :4])
    second, after = network(inputs[:, 4:], state)
    assert_same_numbers(torch.cat([first, second], 1), whole)
    for one, other in zip(after, end, strict=True):
        assert_same_numbers(one, other)


def test_the_forget_gate_begins_open_and_states_neither_grow_nor_shrink() -> None:
    weights = Recurrent("lstm", 3, 4).weights_of(0)
    assert weights[2].reshape(4, 4)[1].tolist() == [1, 1, 1, 1]
    for gate in weights[1].split(4):
        torch.testing.assert_close(gate @ gate.T, torch.eye(4))
    assert torch.equal(Recurrent("relu-rnn", 3, 4).weights_of(0)[1], torch.eye(4))


def test_an_unknown_cell_is_told() -> None:
    with pytest.raises(GlassworkError, match="'ltsm'"):
        Recurrent("ltsm", 1, 1)
