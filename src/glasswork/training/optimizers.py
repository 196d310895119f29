"""The rules that turn gradients into updates.

The arithmetic is torch's fused kernels, one call for all weights. Their wrapper, `torch.optim`, is left out: making one
imports torch's compiler, 2.3 s at every start here, and its bookkeeping took longer than the update of a small network.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from glasswork.errors import GlassworkError

SECOND_MOMENT, EPSILON = 0.999, 1e-8

NAMES = ("sgd", "momentum", "adam", "adamw")
PEAK = 0.25


def refuse_weight_decay(name: str, weight_decay: float) -> None:
    """Refuses a weight decay with another optimizer than `adamw`.

    Raises:
        GlassworkError: saying what the lecture's L2 is called here.
    """
    if weight_decay and name != "adamw":
        raise GlassworkError(
            f"weight_decay belongs to the optimizer adamw, not {name}: for the lecture's L2 use --penalty l2 --strength"
        )


class Optimizer:
    """Gradient descent w <- w - eta dE/dw (Kovashka), and its relatives.

    `sgd`: as it stands. `momentum`: v <- mu v + dE/dw, w <- w - eta v (Polyak 1964). `adam`: steps of equal size per
    weight, from means of the gradient and of its square (Kingma and Ba 2015). `adamw`: that, and first
    w <- w - eta decay w, on weights and not on biases (Loshchilov and Hutter 2019).

    Args:
        name: one of `NAMES`.
        parameters: what is updated, in place.
        momentum: mu, and Adam's beta 1.
        weight_decay: AdamW's decoupled decay.

    Raises:
        GlassworkError: for a weight decay with another rule than `adamw`.
    """

    def __init__(self, name: str, parameters: Sequence[nn.Parameter], momentum: float, weight_decay: float) -> None:
        refuse_weight_decay(name, weight_decay)
        self.name = name
        self.momentum = momentum if name != "sgd" else 0.0
        weights = [parameter for parameter in parameters if parameter.dim() >= 2]
        biases = [parameter for parameter in parameters if parameter.dim() < 2]
        self.parameters: list[Tensor] = [*weights, *biases]
        # Fused kernels walk through memory, not through indices: a moment must lie as its weight does.
        moments = {"sgd": 0, "momentum": 1}.get(name, 2)
        self.moments = [[torch.zeros_like(p.detach()) for p in self.parameters] for _ in range(moments)]
        self.count = 0
        first, end = len(weights), len(self.parameters)
        parts = [(0, first, weight_decay), (first, end, 0.0)] if weight_decay else [(0, end, 0.0)]
        self.groups = [
            (self.parameters[start:stop], [kind[start:stop] for kind in self.moments], decay)
            for start, stop, decay in parts
        ]

    def step(self, learning_rate: float) -> None:
        """Updates every parameter that has a gradient, and forgets the gradients."""
        self.count += 1
        with torch.no_grad():
            for parameters, moments, decay in self.groups:
                moved = [place for place, parameter in enumerate(parameters) if parameter.grad is not None]
                if len(moved) < len(parameters):
                    parameters = [parameters[place] for place in moved]
                    moments = [[kind[place] for place in moved] for kind in moments]
                if moved:
                    self._update(parameters, moments, learning_rate, decay)
        for parameter in self.parameters:
            parameter.grad = None

    def _update(
        self,
        parameters: list[Tensor],
        moments: list[list[Tensor]],
        learning_rate: float,
        decay: float,
    ) -> None:
        gradients: list[Any] = [parameter.grad for parameter in parameters]
        if self.name in {"sgd", "momentum"}:
            torch._fused_sgd_(
                parameters,
                gradients,
                moments[0] if moments else [],
                weight_decay=0.0,
                momentum=self.momentum,
                lr=learning_rate,
                dampening=0.0,
                nesterov=False,
                maximize=False,
                is_first_step=self.count == 1,
            )
            return
        count = torch.full((), float(self.count), device=parameters[0].device)
        torch._fused_adamw_(
            parameters,
            gradients,
            moments[0],
            moments[1],
            [],
            [count] * len(parameters),
            lr=learning_rate,
            beta1=self.momentum,
            beta2=SECOND_MOMENT,
            weight_decay=decay,
            eps=EPSILON,
            amsgrad=False,
            maximize=False,
        )

    def state(self) -> dict[str, Any]:
        """What the next step depends on besides weights and gradients."""
        return {"count": self.count, "moments": self.moments}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Puts back what `state` told, copied into memory of its own."""
        self.count = state["count"]
        for mine, theirs in zip(self.moments, state["moments"], strict=True):
            for moment, value in zip(mine, theirs, strict=True):
                moment.copy_(value)


def one_cycle(progress: float) -> float:
    """Linear from 1/10 up to 1 over the first quarter, then linear down to 0 (Smith, Super-Convergence, 2018)."""
    if progress < PEAK:
        return 0.1 + 0.9 * progress / PEAK
    return max(0.0, (1 - progress) / (1 - PEAK))


def cosine(progress: float) -> float:
    """Half a cosine from 1 to 0 (Loshchilov and Hutter, SGDR, 2017)."""
    return 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


def step(progress: float) -> float:
    """1, a tenth from half of the run, a hundredth from three quarters."""
    return 1.0 if progress < 0.5 else 0.1 if progress < 0.75 else 0.01


def constant(progress: float) -> float:
    """1 throughout: the lecture's gradient descent."""
    return 1.0


LEAST_SHARE = 1e-7


def range_test(progress: float) -> float:
    """Grows from 1e-7 to 1, by the same factor at every step: for the test of rates, no run (Smith 2015)."""
    return float(LEAST_SHARE ** (1 - progress))


SCHEDULES: dict[str, Callable[[float], float]] = {
    "one-cycle": one_cycle,
    "cosine": cosine,
    "step": step,
    "constant": constant,
    "range-test": range_test,
}

PEAKS: dict[str, float] = {"one-cycle": PEAK, "cosine": 0.0, "step": 0.0, "constant": 0.0, "range-test": 1.0}
"""The progress at which a schedule is highest; early stopping counts only after it."""
