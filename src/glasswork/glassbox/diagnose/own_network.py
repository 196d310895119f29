"""The doctor's door for a network and a training loop of the user's own."""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn

from glasswork.errors import GlassworkError
from glasswork.glassbox.diagnose.diagnose import Diagnosis, diagnose
from glasswork.glassbox.diagnose.training import Training
from glasswork.objectives import losses

ENOUGH = 40
"""Batches that are looked at: a rehearsal has as many steps."""


def diagnose_own(
    network: nn.Module,
    inputs: Tensor,
    targets: Tensor,
    *,
    loss: str | Callable[[Tensor, Tensor], Tensor] = "cross-entropy",
    optimizer: torch.optim.Optimizer | None = None,
    batches: Iterable[Any] = (),
    held_out: tuple[Tensor, Tensor] | None = None,
    evaluate: Callable[[Tensor], Tensor] | None = None,
    further: tuple[Tensor, ...] = (),
) -> Diagnosis:
    """What is wrong with a network and its training; what is left out is not judged.

    Args:
        network: in training mode if it is being trained.
        inputs: (N, ...), training examples as the network is given them.
        targets: of these inputs.
        loss: a name, or a function of outputs and targets.
        optimizer: that trains it.
        batches: pairs of inputs and targets as the training loop is given them; the first 40 are looked at.
        held_out: inputs and targets of the examples that judge the network.
        evaluate: from inputs to outputs, as they are evaluated.
        further: what else `forward` takes; training is not rehearsed then.

    Raises:
        GlassworkError: where they do not fit.
    """
    if isinstance(loss, str) and loss not in losses.LOSSES:
        raise GlassworkError(f"There is no loss '{loss}'; choose from {', '.join(losses.LOSSES)}")
    function = losses.LOSSES[loss] if isinstance(loss, str) else loss
    if len(targets) != len(inputs):
        raise GlassworkError(f"There are {len(inputs)} inputs and {len(targets)} targets; give a target for each.")
    given = list(islice(batches, ENOUGH))
    if not all(isinstance(batch, (tuple, list)) and len(batch) == 2 for batch in given):
        raise GlassworkError("The batches must be pairs of inputs and targets, as a DataLoader gives them.")
    pairs = [(batch[0], batch[1]) for batch in given]
    training = Training(targets, function, pairs, None if further else optimizer, held_out, evaluate)

    def on_these(outputs: Tensor) -> Tensor:
        try:
            return function(outputs, targets)
        except (RuntimeError, ValueError, IndexError) as error:
            reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
            raise GlassworkError(
                f"The loss does not take outputs of shape {tuple(outputs.shape)} and targets of shape "
                f"{tuple(targets.shape)} ({targets.dtype}): {reason}."
            ) from error

    return diagnose(network, inputs, on_these, further, training)
