"""Where a function has a kink or two inputs tie, the textbook takes the gradient that torch takes."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from glasswork.textbook import operation

POINTS = torch.tensor([-1.0, 0.0, 1.0, 6.0], dtype=torch.float64)
KINKS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "relu": (F.relu, {}),
    "leaky_relu": (F.leaky_relu, {}),
    "elu": (F.elu, {}),
    "clamp": (F.relu6, {"minimum": 0, "maximum": 6}),
    "absolute": (torch.abs, {}),
    "l1": (lambda w: w.abs().sum(), {}),
}


@pytest.mark.parametrize("name", KINKS)
def test_at_a_kink(name: str) -> None:
    function, settings = KINKS[name]
    leaf = POINTS.clone().requires_grad_()
    value = function(leaf)
    upstream = torch.full(value.shape, 3.0, dtype=torch.float64)
    (wanted,) = torch.autograd.grad(value, leaf, upstream)
    assert torch.equal(operation(name, **settings).backward(upstream, POINTS)[0], wanted)


@pytest.mark.parametrize("name", ["hard_sigmoid", "hard_swish"])
def test_at_the_kinks_of_the_hard_functions(name: str) -> None:
    leaf = torch.tensor([-3.0, 3.0], dtype=torch.float64, requires_grad=True)
    value = {"hard_sigmoid": F.hardsigmoid, "hard_swish": F.hardswish}[name](leaf)
    (wanted,) = torch.autograd.grad(value.sum(), leaf)
    assert torch.equal(operation(name).backward(torch.ones_like(value), leaf.detach())[0], wanted)


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_inputs_that_tie_share_the_error(name: str) -> None:
    x = torch.tensor([1.0, 2.0, 2.0], dtype=torch.float64, requires_grad=True)
    y = torch.tensor([1.0, 3.0, 2.0], dtype=torch.float64, requires_grad=True)
    upstream = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    wanted = torch.autograd.grad(getattr(torch, name)(x, y), (x, y), upstream)
    found = operation(name).backward(upstream, x.detach(), y.detach())
    assert [gradient.tolist() for gradient in found] == [gradient.tolist() for gradient in wanted]


def test_a_masked_class_adds_nothing_to_the_loss() -> None:
    scores, right = torch.tensor([[1.0, -torch.inf, 2.0]], dtype=torch.float64), torch.tensor([0])
    leaf = scores.clone().requires_grad_()
    loss = F.cross_entropy(leaf, right)
    torch.testing.assert_close(operation("cross_entropy").forward(scores, right), loss.detach())
    one = torch.ones((), dtype=torch.float64)
    found = operation("cross_entropy").backward(one, scores, right)[0]
    torch.testing.assert_close(found, torch.autograd.grad(loss, leaf)[0])
