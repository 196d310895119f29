"""Update rules: the new weights out of the old ones, the gradient, and what the step before remembered.

Kovashka, 'Computing gradient for each weight': we need to move weights in direction opposite to gradient of loss.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


def gradient_descent(
    weights: Tensor, gradient: Tensor, state: None = None, *, learning_rate: float
) -> tuple[Tensor, None]:
    """One step of gradient descent, w <- w - eta dE/dw.

    Args:
        weights: w, any shape.
        gradient: dE/dw, in the same shape.
        state: None, for the rule remembers nothing.
        learning_rate: eta.

    Returns:
        The new weights, and None.
    """
    return weights - learning_rate * gradient, state


def momentum(
    weights: Tensor, gradient: Tensor, state: Tensor | None = None, *, learning_rate: float, momentum: float = 0.9
) -> tuple[Tensor, Tensor]:
    """One step with momentum, v <- mu v + dE/dw, w <- w - eta v: weights roll on (Polyak 1964).

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


@dataclass(frozen=True)
class Moments:
    """What Adam remembers.

    Attributes:
        first: m, the moving mean of the gradient, in the shape of the weights.
        second: v, the moving mean of its square.
        steps: how many steps were made.
    """

    first: Tensor
    second: Tensor
    steps: int


def adam(
    weights: Tensor,
    gradient: Tensor,
    state: Moments | None = None,
    *,
    learning_rate: float = 0.001,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    weight_decay: float = 0.0,
) -> tuple[Tensor, Moments]:
    """One step of Adam, the t-th, with g = dE/dw: steps of about the same size for every weight.

    m <- beta1 m + (1 - beta1) g, v <- beta2 v + (1 - beta2) g^2,
    w <- w - eta decay w - eta m' / (sqrt(v') + epsilon), m' = m / (1 - beta1^t), v' = v / (1 - beta2^t)
    (Kingma and Ba 2015, algorithm 1; with decoupled weight decay AdamW, Loshchilov and Hutter 2019, algorithm 2).

    Args:
        weights: w, any shape.
        gradient: g, in the same shape.
        state: the moments that the step before returned; None before the first.
        learning_rate: eta.
        beta1: the share of m that is kept.
        beta2: the share of v that is kept.
        epsilon: keeps the step finite where no gradient was yet.
        weight_decay: AdamW's decay, a share of the weights per step and eta; not the lecture's L2, which is a penalty
            in E and so comes in with g.

    Returns:
        The new weights and moments.
    """
    nothing = torch.zeros_like(weights)
    before = Moments(nothing, nothing, 0) if state is None else state
    moments = Moments(
        first=beta1 * before.first + (1 - beta1) * gradient,
        second=beta2 * before.second + (1 - beta2) * gradient**2,
        steps=before.steps + 1,
    )
    mean = moments.first / (1 - beta1**moments.steps)
    square = moments.second / (1 - beta2**moments.steps)
    decayed = weights - learning_rate * weight_decay * weights
    return decayed - learning_rate * mean / (square.sqrt() + epsilon), moments
