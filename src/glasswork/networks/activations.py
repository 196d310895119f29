"""Activation functions, and the layers before them: as wide as the function needs, initialised as it needs."""

import difflib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

import torch
from torch import Tensor, nn

from glasswork.errors import GlassworkError

Affine = TypeVar("Affine", nn.Linear, nn.Conv2d)


class Threshold(nn.Module):
    """The step function h(a) = 1 if a > 0 else 0: the neuron fires or it does not (Kovashka, "Neuron cells").

    Its derivative is 0 wherever it exists, so no error flows back through it. It is there to be looked at, in a
    network whose weights were set by hand, and may stand on layers that are not trained, as in Rosenblatt's perceptron.
    """

    def forward(self, inputs: Tensor) -> Tensor:
        """1 where the input is above 0, else 0, in the input's type.

        Raises:
            GlassworkError: in training mode, where weights below it wait for a gradient.
        """
        if self.training and inputs.requires_grad and torch.is_grad_enabled():
            raise GlassworkError(
                "The activation threshold has no gradient, so the layers below it cannot be trained; "
                "choose sigmoid, its smooth form, or relu."
            )
        return (inputs > 0).to(inputs.dtype)


class Maxout(nn.Module):
    """max(w1'x + b1, w2'x + b2) per unit (Goodfellow et al. 2013; Kovashka, "Activation functions").

    The layer before it computes both affine maps: the first half of its outputs is w1'x + b1 of all units, the second
    half w2'x + b2.
    """

    def forward(self, inputs: Tensor) -> Tensor:
        """The greater of the two halves of dimension 1: (batch, 2 units, ...) to (batch, units, ...)."""
        first, second = inputs.chunk(2, dim=1)
        return torch.maximum(first, second)


@dataclass(frozen=True)
class Activation:
    """One activation function.

    Attributes:
        build: makes the module.
        initialisation: `he` draws the weights before it from N(0, gain^2 / inputs), `xavier` uniformly with variance
            2 / (inputs + outputs).
        gain: for `he`: 1 / sqrt of the share of the signal's second moment that the function lets through.
        pieces: affine maps that one unit needs.
    """

    build: Callable[[], nn.Module]
    initialisation: Literal["he", "xavier"]
    gain: float = 1.0
    pieces: int = 1


# All of these are nondecreasing (maxout: in each of its maps); LeNet relies on it, and a test watches over it.
ACTIVATIONS: dict[str, Activation] = {
    "identity": Activation(nn.Identity, "xavier"),
    "threshold": Activation(Threshold, "xavier"),
    "sigmoid": Activation(nn.Sigmoid, "xavier"),
    "tanh": Activation(nn.Tanh, "xavier"),
    "relu": Activation(nn.ReLU, "he", math.sqrt(2)),
    "leaky-relu": Activation(nn.LeakyReLU, "he", math.sqrt(2 / (1 + 0.01**2))),  # slope 0.01 below zero
    "elu": Activation(nn.ELU, "he", math.sqrt(2)),  # alpha = 1
    # The greater and the smaller of two independent N(0, 1) have the same second moment, 1: nothing to make up for.
    "maxout": Activation(Maxout, "he", 1.0, pieces=2),
}


def find_activation(name: str) -> Activation:
    """The activation called `name`.

    Raises:
        GlassworkError: there is none of that name.
    """
    if name in ACTIVATIONS:
        return ACTIVATIONS[name]
    nearest = difflib.get_close_matches(name, ACTIVATIONS, n=1)
    hint = f"did you mean {nearest[0]}?" if nearest else f"choose from {', '.join(ACTIVATIONS)}."
    raise GlassworkError(f"There is no activation named {name!r}; {hint}")


# The second moment of the greatest of four N(0, 1) cut off at zero, 1.5, over that of one of them, 0.5.
POOLED_GROWTH = 3.0


def initialise(layer: Affine, activation: str = "identity", pooled: bool = False) -> Affine:
    """Draws the weights of a layer as the activation after it needs, and sets its biases to zero.

    He et al. 2015 for the functions that cut off one side, Glorot and Bengio 2010 ("Xavier") for the symmetric ones:
    signals then keep their size from layer to layer. Draws come from PyTorch's global generator.

    Differs from He et al. where 2x2 maximum pooling follows: the paper leaves out that the greatest of four is greater.
    On LeNet this brings the loss before the first step from 5.0 to 2.8 (ln 10 = 2.3 is indifference).

    Args:
        layer: a linear or convolutional layer.
        activation: the name of the activation that follows it.
        pooled: the maximum over 2x2 outputs is taken next to the activation.

    Returns:
        The same layer.
    """
    chosen = find_activation(activation)
    if chosen.initialisation == "he":
        fan_in = layer.weight[0].numel()
        nn.init.normal_(layer.weight, std=chosen.gain / math.sqrt(fan_in * (POOLED_GROWTH if pooled else 1)))
    else:
        nn.init.xavier_uniform_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def linear(features: int, units: int, activation: str = "identity") -> nn.Linear:
    """The affine maps of `units` units under an activation: (batch, features) to (batch, pieces * units)."""
    return initialise(nn.Linear(features, find_activation(activation).pieces * units), activation)


def convolution(
    channels: int,
    filters: int,
    size: int,
    activation: str = "identity",
    padding: int = 0,
    pooled: bool = False,
) -> nn.Conv2d:
    """The same for `filters` feature maps: (batch, channels, ...) to (batch, pieces * filters, ...)."""
    outputs = find_activation(activation).pieces * filters
    return initialise(nn.Conv2d(channels, outputs, size, padding=padding), activation, pooled)


def dropout_layer(probability: float) -> nn.Module:
    """Dropout (Srivastava et al. 2014), or nothing at all where the probability is 0: that draws no random numbers.

    Raises:
        GlassworkError: the probability is not in [0, 1).
    """
    if not 0 <= probability < 1:
        raise GlassworkError(f"Dropout is a probability, at least 0 and below 1; it is {probability}.")
    return nn.Dropout(probability) if probability else nn.Identity()
