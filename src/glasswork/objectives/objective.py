"""The objective: which loss a network's outputs are made for, and so how they read as probabilities."""

from collections.abc import Callable
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
        function: mean loss of outputs and targets, for a loss that is not in `LOSSES`; None: the one of that name.
    """

    name: str
    smoothing: float = 0.0
    class_weights: Tensor | None = None
    function: Callable[[Tensor, Tensor], Tensor] | None = None

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The mean loss over the examples of a batch, a scalar."""
        if self.function is not None:
            return self.function(outputs, targets)
        return LOSSES[self.name](outputs, targets, class_weights=self.class_weights, smoothing=self.smoothing)
