"""Penalties R(W), added to the loss as lambda * R(W) (Kovashka, "Weight Regularization"); max-norm, a constraint."""

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
        A scalar; 0 if there are no weights.
    """
    if not weights:
        return torch.zeros(())
    measure = PENALTIES[name]
    return torch.stack([measure(weight) for weight in weights]).sum()


MAX_NORM = "max-norm"


def is_added(name: str) -> bool:
    """Whether a penalty is a term of the loss, as those in `PENALTIES` are; max-norm is not."""
    return name != MAX_NORM


def constrain(name: str, weights: Sequence[Tensor], strength: float) -> None:
    """Holds the constraint of that name after an update; does nothing for a penalty that is a term of the loss.

    Args:
        name: as in the recipe.
        weights: changed in place, such as `weights_of(network)`.
        strength: of max-norm: the longest length.
    """
    if name == MAX_NORM:
        shorten(weights, strength)


@torch.no_grad()
def shorten(weights: Sequence[Tensor], longest: float) -> None:
    """Max-norm: w_k <- w_k min(1, c / |w_k|) for the incoming weights w_k of each unit k.

    Srebro and Shraibman 2005 ("Rank, trace-norm and max-norm"); after every update: Srivastava et al. 2014 ("Dropout",
    section 5.1).

    Args:
        weights: tensors of shape (units, ...), changed in place, as torch's linear, convolutional and recurrent layers
            hold them: a unit of a convolution is one filter, one of a recurrent layer is a row of one gate. Transposed
            convolutions hold their inputs first, so that there it is the outgoing weights of an input.
        longest: c, the length above which a vector is scaled down to it.
    """
    for weight in weights:
        lengths = torch.linalg.vector_norm(weight.flatten(1), dim=1)
        factors = (longest / lengths.clamp_min(torch.finfo(weight.dtype).tiny)).clamp_max(1)
        weight.mul_(factors.view(-1, *[1] * (weight.dim() - 1)))


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
