"""Updates many networks at once: the fused kernels of `training.optimizers`, in one call where they agree."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from glasswork.training.ensemble.network import StackedNetwork
from glasswork.training.optimizers import EPSILON, SECOND_MOMENT


class StackedOptimizer:
    """`training.optimizers.Optimizer` for a stack, whose members may differ in learning rate and weight decay.

    Biases have as many dimensions as weights here, so that they are told apart by where they come from.

    Args:
        name: one of `training.optimizers.NAMES`.
        network: what is updated, in place.
        momentum: mu, and Adam's beta 1.
    """

    def __init__(self, name: str, network: StackedNetwork, momentum: float) -> None:
        self.name = name
        self.network = network
        self.momentum = momentum if name != "sgd" else 0.0
        kinds = {"sgd": 0, "momentum": 1}.get(name, 2)
        self.moments = [[torch.zeros_like(value) for value in self._values()] for _ in range(kinds)]
        self.count = 0

    def _values(self) -> list[Tensor]:
        return [*self.network.weights, *self.network.biases]

    def step(self, rates: Sequence[float], decays: Sequence[float]) -> None:
        """Updates all weights and biases by the gradients that the network holds.

        Args:
            rates: each member's learning rate.
            decays: each member's weight decay.
        """
        self.count += 1
        values = self._values()
        gradients = [*self.network.weight_gradients, *self.network.bias_gradients]
        if any(decays):
            shares = values[0].new_tensor([1 - rate * decay for rate, decay in zip(rates, decays, strict=True)])
            for weight in self.network.weights:
                weight.mul_(shares.view(-1, 1, 1))
        if len(set(rates)) == 1:
            self._update(values, gradients, rates[0])
            return
        # The kernels take one rate for all: they work out steps of rate 1 from 0; each is then made at its own rate.
        steps = [torch.zeros_like(value) for value in values]
        self._update(steps, gradients, 1.0)
        lengths = values[0].new_tensor(rates).view(-1, 1, 1)
        for value, step in zip(values, steps, strict=True):
            value.addcmul_(step, lengths)

    def _update(self, values: list[Tensor], gradients: list[Tensor], rate: float) -> None:
        if self.name in {"sgd", "momentum"}:
            torch._fused_sgd_(
                values,
                gradients,
                self.moments[0] if self.moments else [],
                weight_decay=0.0,
                momentum=self.momentum,
                lr=rate,
                dampening=0.0,
                nesterov=False,
                maximize=False,
                is_first_step=self.count == 1,
            )
            return
        count = torch.full((), float(self.count), device=values[0].device)
        torch._fused_adamw_(
            values,
            gradients,
            self.moments[0],
            self.moments[1],
            [],
            [count] * len(values),
            lr=rate,
            beta1=self.momentum,
            beta2=SECOND_MOMENT,
            weight_decay=0.0,
            eps=EPSILON,
            amsgrad=False,
            maximize=False,
        )

    def keep(self, network: StackedNetwork, places: Tensor) -> None:
        """Goes on with those members alone, whose weights `network` holds."""
        self.network = network
        self.moments = [[moment.index_select(0, places) for moment in kind] for kind in self.moments]

    def state(self) -> dict[str, Any]:
        """What the next step depends on besides weights and gradients."""
        return {"count": self.count, "moments": self.moments}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Puts back what `state` told, copied into memory of its own."""
        self.count = state["count"]
        for mine, theirs in zip(self.moments, state["moments"], strict=True):
            for moment, value in zip(mine, theirs, strict=True):
                moment.copy_(value)
