import pytest
import torch
from torch import nn

from glasswork.objectives.penalties import PENALTIES, penalty, weights_of

WEIGHTS = [torch.tensor([[1.0, -2.0], [0.5, 0.0]]), torch.tensor([[3.0]])]


@pytest.mark.parametrize(("name", "value"), [("none", 0.0), ("l1", 6.5), ("l2", 14.25)])
def test_a_penalty_is_the_sum_of_the_slide(name, value):
    assert float(penalty(name, WEIGHTS)) == value


@pytest.mark.parametrize(
    ("name", "gradient"),
    [("none", torch.zeros_like), ("l1", torch.sign), ("l2", lambda weight: 2 * weight)],
)
def test_the_gradient_is_the_slides(name, gradient):
    weights = [weight.clone().requires_grad_() for weight in WEIGHTS]
    (0.1 * penalty(name, weights) + 0 * sum(weight.sum() for weight in weights)).backward()
    for weight in weights:
        torch.testing.assert_close(weight.grad, 0.1 * gradient(weight.detach()))


@pytest.mark.parametrize("name", PENALTIES)
def test_no_weights_have_no_penalty(name):
    assert float(penalty(name, [])) == 0


def test_weights_are_neither_biases_nor_the_scales_of_normalisation():
    network = nn.ModuleDict(
        {
            "convolution": nn.Conv2d(1, 2, 3),
            "normalisation": nn.BatchNorm2d(2),
            "recurrent": nn.LSTM(3, 4),
            "attention_bias": nn.ParameterDict({"bias": nn.Parameter(torch.zeros(2, 2))}),
        }
    )
    network["tied"] = network["convolution"]
    expected = [network["convolution"].weight, network["recurrent"].weight_ih_l0, network["recurrent"].weight_hh_l0]
    found = weights_of(network)
    assert len(found) == 3
    assert all(one is other for one, other in zip(found, expected, strict=True))
