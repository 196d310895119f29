"""The fused optimizers against torch's own plain ones, and what decays."""

import pytest
import torch
from torch import Tensor, nn

from closeness import assert_same_numbers
from glasswork.errors import GlassworkError
from glasswork.training.optimizers import Optimizer

RATE, MOMENTUM = 0.05, 0.8


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten(), nn.Linear(12, 4))


def plain(name: str, parameters: list[nn.Parameter], weight_decay: float) -> torch.optim.Optimizer:
    weights, biases = [p for p in parameters if p.dim() > 1], [p for p in parameters if p.dim() == 1]
    groups = [{"params": weights, "weight_decay": weight_decay}, {"params": biases, "weight_decay": 0.0}]
    kinds = {"fused": False, "foreach": False}
    if name == "sgd":
        return torch.optim.SGD(groups, RATE, **kinds)
    if name == "momentum":
        return torch.optim.SGD(groups, RATE, momentum=MOMENTUM, **kinds)
    kind = torch.optim.Adam if name == "adam" else torch.optim.AdamW
    return kind(groups, RATE, betas=(MOMENTUM, 0.999), **kinds)


def loss(net: nn.Module, turn: int) -> Tensor:
    inputs = torch.randn(5, 2, 4, 4, generator=torch.Generator().manual_seed(turn))
    result: Tensor = net(inputs).square().mean()
    return result


@pytest.mark.parametrize(("name", "decay"), [("sgd", 0), ("momentum", 0), ("adam", 0), ("adamw", 0), ("adamw", 0.3)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_equal_to_torch_s_unfused_ones(name: str, decay: float, layout: torch.memory_format) -> None:
    ours, theirs = network().to(memory_format=layout), network()  # type: ignore[call-overload]
    first = Optimizer(name, list(ours.parameters()), MOMENTUM, decay)
    second = plain(name, list(theirs.parameters()), decay)
    for turn in range(5):
        for net in (ours, theirs):
            loss(net, turn).backward()  # type: ignore[no-untyped-call]
        first.step(RATE / (turn + 1))
        for group in second.param_groups:
            group["lr"] = RATE / (turn + 1)
        second.step()
        second.zero_grad()
    for mine, plain_one, fresh in zip(ours.parameters(), theirs.parameters(), network().parameters(), strict=True):
        assert_same_numbers(mine, plain_one)
        assert not torch.equal(mine, fresh)


def test_decay_shrinks_weights_and_not_biases() -> None:
    net = network()
    before = [parameter.detach().clone() for parameter in net.parameters()]
    optimizer = Optimizer("adamw", list(net.parameters()), MOMENTUM, 0.1)
    for parameter in net.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step(RATE)
    for was, now in zip(before, net.parameters(), strict=True):
        torch.testing.assert_close(now.detach(), was * (1 - RATE * 0.1) if was.dim() > 1 else was)


@pytest.mark.parametrize("name", ["sgd", "momentum", "adam"])
def test_decay_belongs_to_adamw(name: str) -> None:
    with pytest.raises(GlassworkError, match="belongs to the optimizer adamw"):
        Optimizer(name, list(network().parameters()), MOMENTUM, 0.1)


def test_a_network_of_biases_alone() -> None:
    only = nn.Parameter(torch.ones(3))
    optimizer = Optimizer("sgd", [only], MOMENTUM, 0)
    only.grad = torch.ones(3)
    optimizer.step(RATE)
    torch.testing.assert_close(only.detach(), torch.full((3,), 1 - RATE))
