"""The multi-layer network: y_k = sum_j w_kj h(sum_i w_ji x_i) of any depth and width (Kovashka, Bishop 5.1)."""

from collections import OrderedDict
from collections.abc import Sequence

from torch import Tensor, nn

from glasswork.errors import GlassworkError
from glasswork.networks import activations


class Dense(nn.Module):
    """Layers of units, each connected to all of the layer before: a_j = sum_i w_ji z_i + b_j, z_j = h(a_j).

    The last layer has no activation: its scores go to the loss.

    Args:
        features: numbers in one input, once it is flattened.
        hidden: units of each hidden layer; empty for the linear classifier.
        outputs: scores, one per class or number predicted.
        activation: h, a name in `ACTIVATIONS`.
        dropout: probability to turn a hidden unit off while training.

    Raises:
        GlassworkError: an unknown activation, a layer without units, or dropout outside of [0, 1).
    """

    def __init__(
        self,
        features: int,
        hidden: Sequence[int],
        outputs: int,
        activation: str = "relu",
        dropout: float = 0.0,
    ):
        super().__init__()
        if any(units < 1 for units in hidden):
            raise GlassworkError(f"A hidden layer needs at least one unit; hidden is {list(hidden)}.")
        chosen = activations.find_activation(activation)
        activations.dropout_layer(dropout)  # a wrong probability is told even if there is no hidden layer
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        width = features
        for number, units in enumerate(hidden, start=1):
            layers[f"dense_{number}"] = activations.linear(width, units, activation)
            layers[f"activation_{number}"] = chosen.build()
            if dropout:
                layers[f"dropout_{number}"] = activations.dropout_layer(dropout)
            width = units
        layers["output"] = activations.linear(width, outputs)
        self.layers = nn.Sequential(layers)

    def forward(self, inputs: Tensor) -> Tensor:
        """Scores of shape (batch, outputs) for inputs of shape (batch, ...)."""
        scores: Tensor = self.layers(inputs.flatten(1))  # (batch, features) -> (batch, outputs)
        return scores


class Linear(nn.Module):
    """One layer of weights, f(x, W) = Wx + b: a row of W is the template of a class.

    Args:
        features: numbers in one input, once it is flattened.
        outputs: scores, one per class or number predicted.
    """

    def __init__(self, features: int, outputs: int):
        super().__init__()
        self.output = activations.linear(features, outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """Scores of shape (batch, outputs) for inputs of shape (batch, ...)."""
        scores: Tensor = self.output(inputs.flatten(1))  # (batch, features) -> (batch, outputs)
        return scores
