"""The networks that value actions: convolutions over frames, or a dense network over a few numbers."""

import math
from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from glasswork.systems.play.environments import SIDE, Rules
from glasswork.systems.play.recipe import PlayRecipe

NOISE = 0.5
"""sigma_0 of factorised Gaussian noise (Fortunato et al. 2018)."""


class NoisyLinear(nn.Linear):
    """A linear layer whose weights have learned noise while it trains; `draw` draws another one."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)
        self.weight_noise = nn.Parameter(torch.full((outputs, inputs), NOISE / math.sqrt(inputs)))
        self.bias_noise = nn.Parameter(torch.full((outputs,), NOISE / math.sqrt(inputs)))
        self.drawn: tuple[Tensor, Tensor] | None = None

    def draw(self, generator: torch.Generator | None) -> None:
        """Draws the noise of the next calls; None: there is none."""
        if generator is None:
            self.drawn = None
            return
        drawn = torch.randn(self.in_features + self.out_features, generator=generator)
        drawn = (drawn.sign() * drawn.abs().sqrt()).to(self.weight.device)
        self.drawn = drawn[: self.in_features], drawn[self.in_features :]

    @override
    def forward(self, input: Tensor) -> Tensor:
        if self.drawn is None:
            return super().forward(input)
        before, after = self.drawn
        weight = self.weight + self.weight_noise * after[:, None] * before[None]
        return functional.linear(input, weight, self.bias + self.bias_noise * after)


class Duelling(nn.Module):
    """Q(s, a) = V(s) + A(s, a) - mean of A(s, .) (Wang et al. 2016)."""

    def __init__(self, value: nn.Module, advantage: nn.Module) -> None:
        super().__init__()
        self.value = value
        self.advantage = advantage

    @override
    def forward(self, features: Tensor) -> Tensor:
        advantages: Tensor = self.advantage(features)
        value: Tensor = self.value(features)
        return value + advantages - advantages.mean(1, keepdim=True)


def make_network(recipe: PlayRecipe, rules: Rules) -> nn.Sequential:
    """The network: inputs scaled to 0 to 1, (batch, stack, 84, 84), or vectors; the value of each action."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    linear = NoisyLinear if recipe.noisy else nn.Linear
    width = math.prod(rules.shape)
    if rules.stack > 1:
        side, channels = SIDE, rules.stack
        for number, (maps, kernel, stride) in enumerate(((32, 8, 4), (64, 4, 2), (64, 3, 1)), 1):
            layers[f"convolution_{number}"] = nn.Conv2d(channels, maps, kernel, stride)
            layers[f"convolution_relu_{number}"] = nn.ReLU()
            side, channels = (side - kernel) // stride + 1, maps
        layers["flatten"], width = nn.Flatten(), channels * side * side
    hidden: Sequence[int] = (512,) if rules.stack > 1 else recipe.hidden
    for number, units in enumerate(hidden[:-1] if recipe.duelling else hidden, 1):
        layers[f"hidden_{number}"], width = linear(width, units), units
        layers[f"hidden_relu_{number}"] = nn.ReLU()
    if not recipe.duelling:
        layers["values"] = linear(width, len(rules.actions))
        return nn.Sequential(layers)

    def head(outputs: int) -> nn.Sequential:
        inner = OrderedDict(hidden=linear(width, hidden[-1]), relu=nn.ReLU(), output=linear(hidden[-1], outputs))
        return nn.Sequential(inner)

    layers["values"] = Duelling(head(1), head(len(rules.actions)))
    return nn.Sequential(layers)


def draw_noise(network: nn.Module, generator: torch.Generator | None) -> None:
    """Draws the noise of every noisy layer; None: takes it away."""
    for module in network.modules():
        if isinstance(module, NoisyLinear):
            module.draw(generator)
