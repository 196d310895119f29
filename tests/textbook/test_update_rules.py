"""Gradient descent, momentum and Adam equal torch's optimizers over several steps."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from glasswork.textbook.update_rules import adam, gradient_descent, momentum

RULES: dict[str, tuple[Callable[..., Any], dict[str, float], Callable[..., Any], dict[str, Any]]] = {
    "gradient descent": (gradient_descent, {"learning_rate": 0.3}, torch.optim.SGD, {"lr": 0.3}),
    "momentum": (
        momentum,
        {"learning_rate": 0.1, "momentum": 0.8},
        torch.optim.SGD,
        {"lr": 0.1, "momentum": 0.8},
    ),
    "adam": (adam, {}, torch.optim.Adam, {}),
    "adam with its own settings": (
        adam,
        {"learning_rate": 0.05, "beta1": 0.7, "beta2": 0.95, "epsilon": 1e-3},
        torch.optim.Adam,
        {"lr": 0.05, "betas": (0.7, 0.95), "eps": 1e-3},
    ),
    "adamw": (
        adam,
        {"learning_rate": 0.05, "weight_decay": 0.2},
        torch.optim.AdamW,
        {"lr": 0.05, "weight_decay": 0.2},
    ),
}


def gradients(weights: Tensor, step: int) -> Tensor:
    """Of a bent function of the weights, and 0 for one of them: it is where Adam divides by epsilon alone."""
    slope = weights**3 - weights + torch.linspace(-1, 1, weights.numel(), dtype=torch.float64).reshape(weights.shape)
    slope = slope * (1 + step % 3)
    slope[0, 0] = 0
    return slope


@pytest.mark.parametrize("name", RULES)
def test_a_rule_equals_torch_over_several_steps(name: str) -> None:
    update, settings, optimizer, options = RULES[name]
    weights = torch.randn(3, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    theirs = weights.clone().requires_grad_()
    torch_rule = optimizer([theirs], **options)
    state = None
    for step in range(8):
        theirs.grad = gradients(theirs.detach(), step)
        torch_rule.step()
        before = weights.clone()
        moved, state = update(weights, gradients(weights, step), state, **settings)
        assert torch.equal(weights, before) and not torch.equal(moved, weights)
        weights = moved
        torch.testing.assert_close(weights, theirs.detach(), rtol=1e-10, atol=1e-10)


def test_the_first_steps_in_round_numbers() -> None:
    weights, gradient = torch.tensor([1.0]), torch.tensor([0.5])
    assert gradient_descent(weights, gradient, learning_rate=0.1)[0].tolist() == pytest.approx([0.95])
    once, velocity = momentum(weights, gradient, learning_rate=0.1)
    twice, _ = momentum(once, gradient, velocity, learning_rate=0.1)
    assert [float(once), float(twice)] == pytest.approx([0.95, 0.855])  # v = 0.5, then 0.9 * 0.5 + 0.5
    moved, moments = adam(weights, gradient)
    assert float(moved) == pytest.approx(0.999)  # the first step is eta long, however long the gradient
    assert (moments.steps, float(moments.first), float(moments.second)) == pytest.approx((1, 0.05, 0.00025))
