"""The objective: which loss a network's outputs are made for, and so how they read as probabilities."""

from dataclasses import dataclass

from torch import Tensor

from glasswork.objectives.losses import LOSSES


@dataclass(frozen=True)
class Objective:
    """A loss with its settings.

    Attributes:
        name: key of `LOSSES`.
        smoothing: share of the target that is spread over all classes.
        class_weights: (outputs,); None: every class counts alike.
    """

    name: str
    smoothing: float = 0.0
    class_weights: Tensor | None = None

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The mean loss over the examples of a batch, a scalar."""
        return LOSSES[self.name](outputs, targets, class_weights=self.class_weights, smoothing=self.smoothing)
