"""The delta rules equal autograd on the networks of the slides."""

import pytest
import torch
from torch import Tensor

from glasswork.textbook import delta_rules

CLOSE = {"rtol": 1e-12, "atol": 1e-12}


def drawn(seed: int, *sides: int) -> Tensor:
    return torch.randn(sides, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("examples", [(), (1,), (5,)])
@pytest.mark.parametrize("seed", range(3))
def test_tanh_hidden_units_under_identity_outputs(seed: int, examples: tuple[int, ...]) -> None:
    x, t = drawn(seed, *examples, 3), drawn(seed + 10, *examples, 2)
    first, second = drawn(seed + 20, 4, 3).requires_grad_(), drawn(seed + 30, 2, 4).requires_grad_()
    a = x @ first.T
    z = torch.tanh(a)
    y = z @ second.T
    wanted = torch.autograd.grad((y - t).square().sum() / 2, (y, a, first, second))
    with torch.no_grad():
        output = delta_rules.output_delta_identity(y, t)
        hidden = delta_rules.hidden_delta_tanh(z, second, output)
        found = (output, hidden, delta_rules.weight_gradient(hidden, x), delta_rules.weight_gradient(output, z))
    torch.testing.assert_close(found, wanted, **CLOSE)


@pytest.mark.parametrize("examples", [(), (1,), (5,)])
@pytest.mark.parametrize("seed", range(3))
def test_sigmoid_hidden_units_under_sigmoid_outputs(seed: int, examples: tuple[int, ...]) -> None:
    x, t = drawn(seed, *examples, 3), drawn(seed + 10, *examples, 2).sigmoid().round()
    first, second = drawn(seed + 20, 4, 3).requires_grad_(), drawn(seed + 30, 2, 4).requires_grad_()
    a = x @ first.T
    z = torch.sigmoid(a)
    above = z @ second.T
    y = torch.sigmoid(above)
    wanted = torch.autograd.grad((y - t).square().sum() / 2, (above, a, first, second))
    with torch.no_grad():
        output = delta_rules.output_delta_sigmoid(y, t)
        hidden = delta_rules.hidden_delta_sigmoid(z, second, output)
        found = (output, hidden, delta_rules.weight_gradient(hidden, x), delta_rules.weight_gradient(output, z))
    torch.testing.assert_close(found, wanted, **CLOSE)


def test_a_single_output_in_round_numbers() -> None:
    z, w = torch.tensor([0.5, 0.8]), torch.tensor([[2.0, -1.0]])
    output = delta_rules.output_delta_sigmoid(torch.tensor([0.6]), torch.tensor([1.0]))
    torch.testing.assert_close(output, torch.tensor([0.6 * 0.4 * -0.4]))
    torch.testing.assert_close(
        delta_rules.hidden_delta_sigmoid(z, w, output), torch.tensor([0.25 * 2 * -0.096, 0.16 * -1 * -0.096])
    )
    torch.testing.assert_close(
        delta_rules.hidden_delta_tanh(z, w, output), torch.tensor([0.75 * 2 * -0.096, 0.36 * -1 * -0.096])
    )
    torch.testing.assert_close(delta_rules.weight_gradient(output, z), torch.tensor([[-0.096 * 0.5, -0.096 * 0.8]]))


@pytest.mark.parametrize("seed", range(3))
def test_an_online_update_is_one_step_down_the_gradient_of_all_weights_at_once(seed: int) -> None:
    x, t = drawn(seed, 3), torch.tensor([0.0, 1.0], dtype=torch.float64)
    layers = torch.nn.Linear(3, 4, dtype=torch.float64), torch.nn.Linear(4, 2, dtype=torch.float64)
    parameters = [parameter for layer in layers for parameter in (layer.weight, layer.bias)]
    with torch.no_grad():
        for place, parameter in enumerate(parameters):
            parameter.copy_(drawn(seed + place + 1, *parameter.shape))
    before = [torch.cat([layer.bias[:, None], layer.weight], 1).detach() for layer in layers]
    kept = [weights.clone() for weights in before]
    found = delta_rules.online_update(x, t, *before, learning_rate=0.7)
    z = layers[0](x).sigmoid()
    y = layers[1](z).sigmoid()
    error = (y - t).square().sum() / 2
    torch.testing.assert_close((found.z, found.y, found.error), (z.detach(), y.detach(), error.detach()), **CLOSE)
    gradients = torch.autograd.grad(error, parameters)
    after = [(w - 0.7 * g).detach() for w, g in zip(parameters, gradients, strict=True)]
    torch.testing.assert_close(found.hidden_weights, torch.cat([after[1][:, None], after[0]], 1), **CLOSE)
    torch.testing.assert_close(found.output_weights, torch.cat([after[3][:, None], after[2]], 1), **CLOSE)
    torch.testing.assert_close((found.hidden_delta, found.output_delta), (gradients[1], gradients[3]), **CLOSE)
    torch.testing.assert_close(before, kept, rtol=0, atol=0)


def test_repeated_online_updates_bring_the_error_of_an_example_down() -> None:
    hidden, output = drawn(1, 2, 3), drawn(2, 1, 3)
    errors = []
    for _ in range(50):
        update = delta_rules.online_update(
            torch.ones(2, dtype=torch.float64),
            torch.zeros(1, dtype=torch.float64),
            hidden,
            output,
            learning_rate=1.0,
        )
        errors.append(float(update.error))
        hidden, output = update.hidden_weights, update.output_weights
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < errors[0] / 10


def test_the_constant_unit_comes_first() -> None:
    units = torch.tensor([[2.0, 3.0], [4.0, 5.0]])
    assert delta_rules.with_constant_unit(units).tolist() == [[1.0, 2.0, 3.0], [1.0, 4.0, 5.0]]
