"""The delta rules: the errors delta_j = dE_n/da_j of a two-layer network, and what they make of its weights.

Kovashka, 'How to compute gradient in neural net?', 'Example' and 'Example: algorithm for sigmoid, sqerror'; the error
is E_n = 1/2 sum_k (y_k - t_k)^2. The first slide's text has lost a sign: delta_k = y_k t_k there is y_k - t_k.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from glasswork.textbook.activations import Sigmoid
from glasswork.textbook.losses import SquaredError


def output_delta_identity(y: Tensor, t: Tensor) -> Tensor:
    """delta_k = y_k - t_k, for identity output units.

    Of y (..., K) and t (..., K): (..., K).
    """
    return y - t


def output_delta_sigmoid(y: Tensor, t: Tensor) -> Tensor:
    """delta_k = y_k (1 - y_k) (y_k - t_k), for sigmoid output units.

    Of y (..., K) and t (..., K): (..., K).
    """
    return y * (1 - y) * (y - t)


def hidden_delta_tanh(z: Tensor, w: Tensor, delta: Tensor) -> Tensor:
    """delta_j = (1 - z_j^2) sum_k w_kj delta_k, for tanh hidden units.

    Of z (..., M), w (K, M) and delta (..., K): (..., M).
    """
    return (1 - z**2) * (delta @ w)


def hidden_delta_sigmoid(z: Tensor, w: Tensor, delta: Tensor) -> Tensor:
    """delta_j = z_j (1 - z_j) sum_k w_kj delta_k, for sigmoid hidden units.

    Of z (..., M), w (K, M) and delta (..., K): (..., M).
    """
    return z * (1 - z) * (delta @ w)


def weight_gradient(delta: Tensor, z: Tensor) -> Tensor:
    """dE_n/dw_ji = delta_j z_i, z_i the unit below (the input x_i in the first layer); summed over examples.

    Of delta (..., J) and z (..., I): (J, I).
    """
    return delta.reshape(-1, delta.shape[-1]).T @ z.reshape(-1, z.shape[-1])


def with_constant_unit(z: Tensor) -> Tensor:
    """The units with the constant unit z_0 = 1 before them, whose weight is the bias: (..., M) to (..., 1 + M)."""
    return torch.cat([torch.ones_like(z[..., :1]), z], -1)


@dataclass(frozen=True)
class OnlineUpdate:
    """What one example does to the two-layer sigmoid network.

    Attributes:
        z: what the hidden units said (M,).
        y: the outputs (K,), before the update.
        error: E_n = 1/2 sum_k (y_k - t_k)^2 before the update, a scalar.
        output_delta: delta_k (K,).
        hidden_delta: delta_j (M,).
        hidden_weights: w_ji after the update (M, 1 + D).
        output_weights: w_kj after the update (K, 1 + M).
    """

    z: Tensor
    y: Tensor
    error: Tensor
    output_delta: Tensor
    hidden_delta: Tensor
    hidden_weights: Tensor
    output_weights: Tensor


def online_update(
    x: Tensor, t: Tensor, hidden_weights: Tensor, output_weights: Tensor, *, learning_rate: float
) -> OnlineUpdate:
    """One example of the slide's algorithm: outputs, then all errors, and only then the weights.

    w_kj <- w_kj - eta delta_k z_j, w_ji <- w_ji - eta delta_j x_i. The hidden errors are made with the weights w_kj of
    before their update.

    Args:
        x: the example (D,).
        t: what the outputs should be (K,).
        hidden_weights: w_ji (M, 1 + D); column 0 are the biases, the weights of the constant unit x_0 = 1.
        output_weights: w_kj (K, 1 + M); column 0 likewise, of z_0 = 1.
        learning_rate: eta.

    Returns:
        The update; the weights passed in stay as they are.
    """
    inputs = with_constant_unit(x)
    z = Sigmoid().forward(hidden_weights @ inputs)
    hidden = with_constant_unit(z)
    y = Sigmoid().forward(output_weights @ hidden)
    output_delta = output_delta_sigmoid(y, t)
    hidden_delta = hidden_delta_sigmoid(z, output_weights[:, 1:], output_delta)
    return OnlineUpdate(
        z=z,
        y=y,
        error=SquaredError().forward(y, t),
        output_delta=output_delta,
        hidden_delta=hidden_delta,
        hidden_weights=hidden_weights - learning_rate * weight_gradient(hidden_delta, inputs),
        output_weights=output_weights - learning_rate * weight_gradient(output_delta, hidden),
    )
