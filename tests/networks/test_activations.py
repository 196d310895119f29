import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from closeness import assert_same_numbers
from glasswork.errors import GlassworkError
from glasswork.networks import activations
from glasswork.networks.activations import ACTIVATIONS, Maxout, Threshold
from glasswork.networks.dense import Dense

NAMES = list(ACTIVATIONS)
POINTS = torch.tensor([-2.0, -0.5, 0.0, 0.5, 2.0])
SLIDE = {
    "identity": lambda x: x,
    "threshold": lambda x: 1.0 if x > 0 else 0.0,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "tanh": lambda x: math.sinh(x) / math.cosh(x),
    "relu": lambda x: max(0.0, x),
    "leaky-relu": lambda x: max(0.01 * x, x),
    "elu": lambda x: x if x > 0 else math.exp(x) - 1,
}


def test_each_activation_but_maxout_is_compared_with_its_slide():
    assert {*SLIDE, "maxout"} == set(ACTIVATIONS)


@pytest.mark.parametrize("name", SLIDE)
def test_an_activation_is_the_formula_of_the_slide(name):
    with torch.no_grad():
        values = ACTIVATIONS[name].build()(POINTS)
    torch.testing.assert_close(values, torch.tensor([float(SLIDE[name](x)) for x in POINTS.tolist()]))


def test_maxout_is_the_greater_of_two_affine_maps_per_unit():
    layer = activations.linear(3, 4, "maxout")
    inputs = torch.randn(5, 3)
    one = inputs @ layer.weight[:4].T + layer.bias[:4]
    other = inputs @ layer.weight[4:].T + layer.bias[4:]
    values = Maxout()(layer(inputs))
    assert values.shape == (5, 4)
    assert_same_numbers(values, torch.maximum(one, other))


@pytest.mark.parametrize("name", NAMES)
@given(seed=st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_pooling_before_an_activation_is_the_same_as_after_it(name, seed):
    maps = torch.randn(2, 4, 6, 6, generator=torch.Generator().manual_seed(seed))
    activation = ACTIVATIONS[name].build()
    torch.testing.assert_close(activation(F.max_pool2d(maps, 2)), F.max_pool2d(activation(maps), 2))


def test_threshold_refuses_to_pass_errors_back_while_training():
    network = Dense(3, [4], 2, activation="threshold")
    with pytest.raises(GlassworkError, match="threshold has no gradient"):
        network(torch.ones(1, 3))


def test_threshold_can_be_looked_at_and_stand_on_fixed_layers():
    network = Dense(3, [4], 2, activation="threshold")
    looked_at = network.eval()(torch.ones(1, 3))
    network.train().layers.dense_1.requires_grad_(False)
    trained = network(torch.ones(1, 3))
    assert torch.equal(looked_at, trained)
    trained.sum().backward()
    assert network.layers.output.weight.grad is not None
    assert set(Threshold()(torch.tensor([-1.0, 0.0, 1e-9])).tolist()) == {0.0, 1.0}


def test_an_unknown_activation_is_told_with_the_nearest_name():
    with pytest.raises(GlassworkError, match="did you mean sigmoid"):
        activations.find_activation("sigmoidal")
    with pytest.raises(GlassworkError, match="choose from identity, threshold"):
        activations.find_activation("qqq")


@pytest.mark.parametrize("name", ["relu", "leaky-relu", "maxout"])
def test_he_initialisation_keeps_the_second_moment_of_signals(name):
    torch.manual_seed(0)
    signal = torch.randn(256, 300)
    for _ in range(8):
        signal = ACTIVATIONS[name].build()(activations.linear(300, 300, name)(signal))
    assert 0.5 < signal.square().mean() < 2


def test_the_scale_of_initial_weights_follows_the_activation():
    torch.manual_seed(0)
    assert activations.linear(400, 100, "relu").weight.std().item() == pytest.approx(math.sqrt(2 / 400), rel=0.02)
    assert activations.linear(400, 100, "tanh").weight.std().item() == pytest.approx(math.sqrt(2 / 500), rel=0.02)
    assert activations.linear(400, 100, "tanh").weight.abs().max() <= math.sqrt(6 / 500)
    pooled = activations.convolution(16, 64, 5, "relu", pooled=True)
    assert pooled.weight.std().item() == pytest.approx(math.sqrt(2 / 3 / 400), rel=0.02)


def test_initial_biases_are_zero_and_weights_follow_the_global_seed():
    first, second = (torch.manual_seed(7) and activations.linear(5, 6, "relu") for _ in range(2))
    assert torch.equal(first.weight, second.weight)
    assert not first.bias.any()
    assert activations.initialise(nn.Linear(2, 2, bias=False), "elu").bias is None


@pytest.mark.parametrize("probability", [-0.1, 1.0, float("nan")])
def test_dropout_outside_of_its_range_is_refused(probability):
    with pytest.raises(GlassworkError, match="Dropout"):
        activations.dropout_layer(probability)
