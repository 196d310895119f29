"""L-BFGS: Newton's method with a curvature that the last few steps have shown (Nocedal 1980; Liu and Nocedal 1989)."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

LEAST_CURVATURE = 1e-10


class LBFGS:
    """Descent by the two-loop recursion, without a line search: the steps of `torch.optim.LBFGS` with `max_iter=1`.

    Args:
        parameter: what is updated, in place.
        history: how many of the last steps are remembered.
    """

    def __init__(self, parameter: nn.Parameter, history: int) -> None:
        self.parameter = parameter
        self.history = history
        self.steps: list[Tensor] = []
        self.changes: list[Tensor] = []
        self.before: Tensor | None = None
        self.last = torch.zeros(0)

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Updates the parameter, and forgets its gradient."""
        assert self.parameter.grad is not None
        gradient = self.parameter.grad.flatten()
        if self.before is None:
            direction, length = -gradient, min(1.0, 1.0 / max(float(gradient.abs().sum()), LEAST_CURVATURE))
        else:
            change, keep = gradient - self.before, slice(-self.history, None)
            if float(change @ self.last) > LEAST_CURVATURE:
                self.steps, self.changes = [*self.steps, self.last][keep], [*self.changes, change][keep]
            direction, length = self._direction(gradient), 1.0
        self.before, self.last = gradient, learning_rate * length * direction
        self.parameter.add_(self.last.view(self.parameter.shape))
        self.parameter.grad = None

    def _direction(self, gradient: Tensor) -> Tensor:
        """Minus the gradient times the inverse curvature that the remembered steps have shown."""
        found, shares = -gradient, list[Tensor]()
        for step, change in zip(reversed(self.steps), reversed(self.changes), strict=True):
            shares.append((found @ step) / (change @ step))
            found.sub_(shares[-1] * change)
        if self.steps:
            step, change = self.steps[-1], self.changes[-1]
            found.mul_((change @ step) / (change @ change))
        for step, change, share in zip(self.steps, self.changes, reversed(shares), strict=True):
            found.add_((share - (found @ change) / (change @ step)) * step)
        return found

    def state(self) -> dict[str, Any]:
        """What the next step depends on besides the parameter and its gradient."""
        return {"steps": self.steps, "changes": self.changes, "before": self.before, "last": self.last}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Puts back what `state` told."""
        self.steps, self.changes = list(state["steps"]), list(state["changes"])
        self.before, self.last = state["before"], state["last"]
