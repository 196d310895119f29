import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from closeness import assert_same_numbers
from glasswork.errors import GlassworkError
from glasswork.networks.activations import ACTIVATIONS
from glasswork.networks.dense import Dense, Linear

SLIDE_INPUT = torch.tensor([[[56.0, 231.0], [24.0, 2.0]]])
SLIDE_WEIGHT = torch.tensor([[0.2, -0.5, 0.1, 2.0], [1.5, 1.3, 2.1, 0.0], [0.0, 0.25, 0.2, -0.3]])
SLIDE_BIAS = torch.tensor([1.1, 3.2, -1.2])


def test_linear_is_the_slides_four_pixels_and_three_classes():
    network = Linear(4, 3)
    with torch.no_grad():
        network.output.weight.copy_(SLIDE_WEIGHT)
        network.output.bias.copy_(SLIDE_BIAS)
    assert_same_numbers(network(SLIDE_INPUT), [[-96.8, 437.9, 60.75]], 1e-6)


def test_dense_without_hidden_layers_is_linear():
    dense, linear = Dense(12, [], 5), Linear(12, 5)
    linear.output.load_state_dict(dense.layers.output.state_dict())
    inputs = torch.randn(2, 3, 2, 2)
    assert torch.equal(dense(inputs), linear(inputs))


def test_two_layers_are_the_formula_of_the_slide():
    network = Dense(3, [4], 2, activation="tanh").double()
    x = torch.randn(1, 3, dtype=torch.float64)
    first, second = network.layers.dense_1, network.layers.output
    z = [torch.tanh(sum(first.weight[j, i] * x[0, i] for i in range(3)) + first.bias[j]) for j in range(4)]
    y = [sum(second.weight[k, j] * z[j] for j in range(4)) + second.bias[k] for k in range(2)]
    torch.testing.assert_close(network(x)[0], torch.stack(y))


@given(
    hidden=st.lists(st.integers(1, 9), max_size=4),
    activation=st.sampled_from(sorted(ACTIVATIONS)),
    dropout=st.sampled_from([0.0, 0.5]),
)
@settings(max_examples=20, deadline=None)
def test_any_depth_width_and_activation_gives_scores_and_reaches_every_weight(hidden, activation, dropout):
    network = Dense(6, hidden, 3, activation, dropout)
    pieces = ACTIVATIONS[activation].pieces
    widths = [6, *hidden]
    expected = sum(pieces * units * (width + 1) for width, units in zip(widths, hidden, strict=False))
    assert sum(p.numel() for p in network.parameters()) == expected + (widths[-1] + 1) * 3
    if activation == "threshold":
        network.eval()
    scores = network(torch.randn(4, 6))
    assert scores.shape == (4, 3)
    scores.square().sum().backward()
    if activation != "threshold":
        assert all(p.grad is not None for p in network.parameters())


def test_dropout_acts_while_training_only():
    network = Dense(8, [50], 2, dropout=0.5)
    inputs = torch.randn(3, 8)
    assert not torch.equal(network(inputs), network(inputs))
    network.eval()
    assert torch.equal(network(inputs), network(inputs))


def test_a_network_without_dropout_draws_no_random_numbers():
    network = Dense(8, [5], 2)
    before = torch.get_rng_state()
    network(torch.ones(3, 8))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("hidden", [[0], [5, -1]])
def test_a_layer_without_units_is_refused(hidden):
    with pytest.raises(GlassworkError, match="at least one unit"):
        Dense(3, hidden, 2)


def test_a_wrong_dropout_is_refused_even_without_hidden_layers():
    with pytest.raises(GlassworkError, match="Dropout"):
        Dense(3, [], 2, dropout=1.5)
