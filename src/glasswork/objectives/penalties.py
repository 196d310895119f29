"""Penalties R(W), added to the loss as lambda * R(W) (Kovashka, "Weight Regularization")."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn


def sum_of_nothing(weight: Tensor) -> Tensor:
    """R(W) = 0."""
    return weight.new_zeros(())


def sum_of_absolutes(weight: Tensor) -> Tensor:
    """R(W) = sum_k sum_l |W_kl|; its gradient is sign(w)."""
    return weight.abs().sum()


def sum_of_squares(weight: Tensor) -> Tensor:
    """R(W) = sum_k sum_l W_kl^2, without a half; its gradient is 2 w."""
    return weight.square().sum()


PENALTIES: dict[str, Callable[[Tensor], Tensor]] = {
    "none": sum_of_nothing,
    "l1": sum_of_absolutes,
    "l2": sum_of_squares,
}


def penalty(name: str, weights: Sequence[Tensor]) -> Tensor:
    """R(W) over all weights; times the strength lambda it is added to the loss.

    Args:
        name: a name in `PENALTIES`.
        weights: tensors of any shape, such as `weights_of(network)`.

    Returns:
        A scalar; 0 where there are no weights.
    """
    if not weights:
        return torch.zeros(())
    measure = PENALTIES[name]
    return torch.stack([measure(weight) for weight in weights]).sum()


def weights_of(network: nn.Module) -> list[Tensor]:
    """The weights of a network that a penalty is for, each once: parameters named weight with two dimensions or more.

    Biases are left out, as on the slide: they shift a function and do not make it steeper. So are the scales of
    normalisation layers, which are called weight but have one dimension: they multiply a signal brought to a standard
    size, and pulling them to zero would silence the layer. Recurrent layers' `weight_ih_l0` and the like are in.
    """
    return [
        parameter
        for name, parameter in network.named_parameters()
        if parameter.dim() >= 2 and name.rpartition(".")[2].startswith("weight")
    ]
