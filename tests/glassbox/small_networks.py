"""Small networks for the tests of looking into them, and what must be the same before and after."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def convolutional(seed: int = 0, inplace: bool = False) -> nn.Sequential:
    """Modules alone, so that Captum's hooks see everything: (N, 2, 9, 9) to (N, 4)."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1),
        nn.ReLU(inplace),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(4, 5, 3),
        nn.ReLU(inplace),
        nn.Flatten(),
        nn.Linear(20, 6),
        nn.ReLU(inplace),
        nn.Linear(6, 4),
    ).double()


class Functional(nn.Module):
    """The same network and weights with its rectifications written in the ways that people write them."""

    def __init__(self, of: nn.Sequential):
        super().__init__()
        self.one, self.two, self.three, self.four = of[0], of[3], of[6], of[8]

    def forward(self, x: Tensor) -> Tensor:
        maps = F.max_pool2d(F.relu(self.one(x)), 3, 2)
        maps = torch.relu_(self.two(maps))
        units = self.three(maps.flatten(1)).clamp(min=0)
        scores: Tensor = self.four(units)
        return scores


class Troubled(nn.Module):
    """One that fails on its third call, in the midst of being looked into."""

    def __init__(self) -> None:
        super().__init__()
        self.body = convolutional()
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        scores: Tensor = self.body(x)
        if self.calls >= 3:
            raise ValueError("enough")
        return scores


def images(count: int = 3, seed: int = 1) -> Tensor:
    return torch.randn(count, 2, 9, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def state(network: nn.Module) -> list[object]:
    """Everything that looking must not change: weights to the bit, modes, gradients, hooks."""
    found: list[object] = [torch.random.get_rng_state().numpy().tobytes()]
    for module in network.modules():
        found.append((module.training, len(module._forward_hooks), len(module._forward_pre_hooks)))
        found.append((len(module._backward_hooks), len(module._backward_pre_hooks)))
    for parameter in network.parameters():
        gradient = None if parameter.grad is None else parameter.grad.numpy().tobytes()
        found.append((parameter.detach().numpy().tobytes(), parameter.data_ptr(), parameter.requires_grad, gradient))
    found += [buffer.numpy().tobytes() for buffer in network.buffers()]
    return found


@contextmanager
def left_alone(network: nn.Module) -> Iterator[None]:
    """Asserts that the network is afterwards what it was: partly in training mode, a weight frozen, a gradient kept."""
    network.train()
    last = list(network.children())[-1]
    last.eval()
    parameters = list(network.parameters())
    parameters[0].requires_grad_(False)
    parameters[-1].grad = torch.ones_like(parameters[-1])
    before = state(network)
    yield
    assert state(network) == before


def raises_inside(network: nn.Module, look: Callable[[], object]) -> None:
    """`look` ends in the network's own error, and leaves nothing behind."""
    with left_alone(network):
        try:
            look()
        except ValueError as error:
            assert str(error) == "enough"
        else:
            raise AssertionError("the network's error was swallowed")
