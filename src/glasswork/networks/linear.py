"""The linear classifier: f(x, W) = Wx + b (Kovashka, "Linear classifier")."""

from torch import Tensor, nn

from glasswork.networks import activations


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
