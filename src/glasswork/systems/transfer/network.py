"""A trained network with a new head (Kovashka, "Transfer learning")."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from glasswork.networks.dense import Dense


class Transferred(nn.Module):
    """A network without its last layer, the backbone, and a dense network in that layer's place, the head.

    Args:
        network: the backbone's network, changed in place: its last layer passes on what it is given.
        last_layer: name of that layer, such as `fc`; a dense one.
        hidden: units of each hidden layer of the head; empty for the linear classifier.
        outputs: scores, one per class or number predicted.
        dropout: probability to turn a hidden unit of the head off while training.
        fixed: the backbone works in training as in evaluation: the statistics of its normalisations stay those of the
            weights that it was given, and none of its units is turned off.
    """

    def __init__(
        self, network: nn.Module, last_layer: str, hidden: Sequence[int], outputs: int, dropout: float, fixed: bool
    ):
        super().__init__()
        layer = network.get_submodule(last_layer)
        assert isinstance(layer, nn.Linear)
        network.set_submodule(last_layer, nn.Identity())
        self.units = layer.in_features
        self.fixed = fixed
        self.backbone = network
        self.head = Dense(self.units, hidden, outputs, dropout=dropout)

    def train(self, mode: bool = True) -> "Transferred":
        """Into training mode, and the backbone with it where it is not fixed."""
        super().train(mode)
        if self.fixed:
            self.backbone.eval()
        return self

    def features(self, images: Tensor) -> Tensor:
        """What goes into the head: shape (batch, units) for images of shape (batch, channels, height, width)."""
        return torch.flatten(self.backbone(images), 1)

    def forward(self, images: Tensor) -> Tensor:
        """Scores of shape (batch, outputs) for images of shape (batch, channels, height, width)."""
        scores: Tensor = self.head(self.features(images))
        return scores
