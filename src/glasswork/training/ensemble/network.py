"""Many networks of equal architecture as one: a dimension more, and a product of matrices per layer for all of them.

Everything is feature-major, (members, units, examples): the long dimension lies last, where vector units like it.
Errors flow back by the lecture's rule, written out: delta_j = h'(a_j) sum_k w_kj delta_k and dE/dw_ji = delta_j z_i
(Kovashka, "Backpropagation"). That leaves out autograd's bookkeeping and lets one set of buffers serve every step.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from glasswork.networks.activations import Maxout
from glasswork.networks.dense import Dense, Linear


@dataclass(frozen=True)
class Layer:
    """One affine map and the activation after it.

    Attributes:
        name: of the module that holds its weights.
        inputs, outputs: numbers that it takes and gives, before the activation.
        activation: a key of `FUNCTIONS`, or `maxout`.
        dropout: probability to turn one of its units off while training.
    """

    name: str
    inputs: int
    outputs: int
    activation: str = "identity"
    dropout: float = 0.0

    @property
    def units(self) -> int:
        """Numbers that it hands on: maxout keeps the greater of two."""
        return self.outputs // 2 if self.activation == "maxout" else self.outputs


@dataclass(frozen=True)
class Function:
    """An activation whose derivative can be told from its output.

    Attributes:
        forward: a to h(a), in place.
        backward: the error of h(a) and h(a) to the error of a, in place of the first.
    """

    forward: Callable[[Tensor], object]
    backward: Callable[[Tensor, Tensor], object]


_aten: Any = torch.ops.aten

FUNCTIONS: dict[str, Function] = {
    "identity": Function(lambda a: a, lambda error, h: error),
    "sigmoid": Function(
        lambda a: a.sigmoid_(), lambda error, h: _aten.sigmoid_backward.grad_input(error, h, grad_input=error)
    ),
    "tanh": Function(lambda a: a.tanh_(), lambda error, h: _aten.tanh_backward.grad_input(error, h, grad_input=error)),
    "relu": Function(
        lambda a: a.relu_(), lambda error, h: _aten.threshold_backward.grad_input(error, h, 0, grad_input=error)
    ),
    "leaky-relu": Function(
        lambda a: F.leaky_relu_(a, 0.01),
        lambda error, h: _aten.leaky_relu_backward.grad_input(error, h, 0.01, True, grad_input=error),
    ),
    "elu": Function(
        lambda a: F.elu_(a),
        lambda error, h: _aten.elu_backward.grad_input(error, 1.0, 1.0, 1.0, True, h, grad_input=error),
    ),
}

NAMES: dict[type[nn.Module], str] = {
    nn.Identity: "identity",
    nn.Sigmoid: "sigmoid",
    nn.Tanh: "tanh",
    nn.ReLU: "relu",
    nn.LeakyReLU: "leaky-relu",
    nn.ELU: "elu",
    Maxout: "maxout",
}


def layers_of(network: nn.Module) -> tuple[Layer, ...] | None:
    """The layers of a network that can be stacked; None where it is of another kind."""
    if type(network) not in {Linear, Dense}:
        return None
    layers: list[Layer] = []
    for name, module in network.named_modules():
        if isinstance(module, nn.Linear):
            layers.append(Layer(name, module.in_features, module.out_features))
        elif isinstance(module, nn.Dropout):
            layers[-1] = Layer(**{**vars(layers[-1]), "dropout": module.p})
        elif type(module) in NAMES:
            layers[-1] = Layer(**{**vars(layers[-1]), "activation": NAMES[type(module)]})
        elif not list(module.children()):
            return None
    return tuple(layers)


class StackedNetwork:
    """The weights of several networks, layer by layer, and what training them needs.

    Args:
        layers: the architecture that all of them have.
        tensors: weights and biases by the networks' own names, each of shape (members, ...).
    """

    def __init__(self, layers: Sequence[Layer], tensors: Mapping[str, Tensor]) -> None:
        self.layers = layers
        self.weights = [tensors[f"{layer.name}.weight"] for layer in layers]  # (members, outputs, inputs)
        self.biases = [tensors[f"{layer.name}.bias"].unsqueeze(2) for layer in layers]  # (members, outputs, 1)
        self.weight_gradients = [torch.empty_like(weight) for weight in self.weights]
        self.bias_gradients = [torch.empty_like(bias) for bias in self.biases]
        self._rooms: dict[int, list[dict[str, Tensor]]] = {}
        self._passed: tuple[Tensor, Sequence[Tensor | None]] | None = None

    def tensors(self) -> dict[str, Tensor]:
        """Weights and biases by the networks' own names, each of shape (members, ...); not copied."""
        named: dict[str, Tensor] = {}
        for layer, weight, bias in zip(self.layers, self.weights, self.biases, strict=True):
            named[f"{layer.name}.weight"] = weight
            named[f"{layer.name}.bias"] = bias.squeeze(2)
        return named

    def scores(self, inputs: Tensor) -> Tensor:
        """What the networks answer, (members, outputs, examples), for inputs (members, features, examples)."""
        units = inputs
        for layer, weight, bias in zip(self.layers, self.weights, self.biases, strict=True):
            units = torch.baddbmm(bias, weight, units)
            if layer.activation == "maxout":
                units = torch.maximum(*units.chunk(2, dim=1))
            else:
                FUNCTIONS[layer.activation].forward(units)
        return units

    def forward(self, inputs: Tensor, masks: Sequence[Tensor | None]) -> Tensor:
        """The same while training; what `backward` needs is kept until the next call.

        Args:
            inputs: (members, features, examples).
            masks: for each layer with dropout what its units are multiplied by, (members, units, examples).
        """
        self._passed = (inputs, masks)
        units = inputs
        for place, (layer, room) in enumerate(zip(self.layers, self._room(inputs), strict=True)):
            torch.baddbmm(self.biases[place], self.weights[place], units, out=room["sums"])
            if layer.activation == "maxout":
                torch.maximum(*room["sums"].chunk(2, dim=1), out=room["units"])
            else:
                FUNCTIONS[layer.activation].forward(room["units"])
            units, mask = room["units"], masks[place]
            if mask is not None:
                units = torch.mul(units, mask, out=room["kept"])
        return units

    def backward(self, error: Tensor) -> None:
        """Fills the gradients of weights and biases, given dE/ds of the scores, (members, outputs, examples)."""
        assert self._passed is not None
        inputs, masks = self._passed
        room = self._room(inputs)
        for place in range(len(self.layers) - 1, -1, -1):
            below = inputs if place == 0 else room[place - 1]["kept"]
            torch.bmm(error, below.transpose(1, 2), out=self.weight_gradients[place])
            torch.sum(error, 2, keepdim=True, out=self.bias_gradients[place])
            if place:
                torch.bmm(self.weights[place].transpose(1, 2), error, out=room[place - 1]["unit errors"])
                error = self._through(place - 1, room[place - 1], masks[place - 1])

    def _through(self, place: int, room: Mapping[str, Tensor], mask: Tensor | None) -> Tensor:
        """The errors of a layer's sums from those of its units."""
        error, layer = room["unit errors"], self.layers[place]
        if mask is not None:
            error.mul_(mask)
        if layer.activation != "maxout":
            FUNCTIONS[layer.activation].backward(error, room["units"])
            return error
        first, second = room["sums"].chunk(2, dim=1)
        for half, one, other in zip(room["sum errors"].chunk(2, dim=1), (first, second), (second, first), strict=True):
            # Where the two are equal, autograd gives half of the error to each.
            torch.mul(error, (one > other) + 0.5 * (one == other), out=half)
        return room["sum errors"]

    def _room(self, inputs: Tensor) -> list[dict[str, Tensor]]:
        """Memory for the outputs and errors of every layer, kept from step to step."""
        members, _, count = inputs.shape
        if count not in self._rooms:
            self._rooms[count] = [self._layer_room(layer, inputs, members, count) for layer in self.layers]
        return self._rooms[count]

    def _layer_room(self, layer: Layer, inputs: Tensor, members: int, count: int) -> dict[str, Tensor]:
        def empty(units: int) -> Tensor:
            return inputs.new_empty(members, units, count)

        sums, errors = empty(layer.outputs), empty(layer.units)
        maxout = layer.activation == "maxout"
        units = empty(layer.units) if maxout else sums
        return {
            "sums": sums,
            "units": units,
            "kept": empty(layer.units) if layer.dropout else units,
            "unit errors": errors,
            "sum errors": empty(layer.outputs) if maxout else errors,
        }
