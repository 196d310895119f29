"""Gradient descent with momentum: weights roll on (Polyak 1964)."""

import torch
from torch import Tensor


def update(
    weights: Tensor, gradient: Tensor, state: Tensor | None = None, *, learning_rate: float, momentum: float = 0.9
) -> tuple[Tensor, Tensor]:
    """One step v <- mu v + dE/dw, w <- w - eta v.

    Args:
        weights: w, any shape.
        gradient: dE/dw, in the same shape.
        state: the velocity v that the step before returned; None before the first, for v = 0.
        learning_rate: eta.
        momentum: mu, the share of the velocity that is kept.

    Returns:
        The new weights and the new velocity.
    """
    velocity = momentum * (torch.zeros_like(weights) if state is None else state) + gradient
    return weights - learning_rate * velocity, velocity
