"""Gradient descent: weights move against the gradient.

Kovashka, 'Computing gradient for each weight': we need to move weights in direction opposite to gradient of loss.
"""

from torch import Tensor


def update(weights: Tensor, gradient: Tensor, state: None = None, *, learning_rate: float) -> tuple[Tensor, None]:
    """One step w <- w - eta dE/dw.

    Args:
        weights: w, any shape.
        gradient: dE/dw, in the same shape.
        state: None, for the rule remembers nothing.
        learning_rate: eta.

    Returns:
        The new weights, and None.
    """
    return weights - learning_rate * gradient, state
