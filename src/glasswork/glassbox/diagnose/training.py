"""How a network is trained, as far as the doctor is told; and a short rehearsal of that training on a copy."""

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from glasswork.glassbox.inspect import undisturbed

Loss = Callable[[Tensor, Tensor], Tensor]

DROPOUT = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout)
REHEARSED = 40
"""Steps: a sound setting has clearly left its first loss by then; a small network takes a tenth of a second."""


@dataclass(frozen=True)
class Training:
    """What surrounds the network; what is left out is not judged.

    Attributes:
        targets: of the inputs that are looked at, (N, ...).
        loss: from outputs and targets to a scalar.
        batches: inputs and targets as the training loop is given them, in its order; a few are enough.
        optimizer: the one that trains, over the network's own weights.
        held_out: inputs and targets of the examples that judge the network.
        evaluate: from inputs to the outputs that the network is judged by, as the user's own evaluation takes them.
    """

    targets: Tensor
    loss: Loss
    batches: Sequence[tuple[Tensor, Tensor]] = ()
    optimizer: torch.optim.Optimizer | None = None
    held_out: tuple[Tensor, Tensor] | None = None
    evaluate: Callable[[Tensor], Tensor] | None = None


@dataclass(frozen=True)
class Rehearsal:
    """What a short training came to.

    Attributes:
        factor: what the learning rate was multiplied by.
        before, after: loss on the batches.
        held_out: loss on the held-out examples afterwards; None: there are none.
        network: the copy, trained.
    """

    factor: float
    before: float
    after: float
    held_out: float | None
    network: nn.Module

    @property
    def gain(self) -> float:
        """The share of the loss that was lost; below 0 where it rose, or is no number any more."""
        if not math.isfinite(self.after) or not self.before > 0:
            return -math.inf
        return 1 - self.after / self.before


def rehearse(network: nn.Module, training: Training, factor: float = 1.0, *, calm: bool = False) -> Rehearsal:
    """Trains a copy for a few steps; the network and its optimizer are left as they were.

    Args:
        network: in the mode that it is trained in.
        training: with batches and an optimizer, which starts afresh.
        factor: of the learning rate.
        calm: without dropout.
    """
    assert training.optimizer is not None and training.batches
    with undisturbed(network, evaluate=False):
        learner = copy.deepcopy(network)
        for module in learner.modules() if calm else ():
            if isinstance(module, DROPOUT):
                module.p = 0.0
        own = dict(zip(network.parameters(), learner.parameters(), strict=True))
        groups = [
            {**group, "params": [own[weight] for weight in group["params"] if weight in own]}
            for group in training.optimizer.param_groups
        ]
        made: Any = type(training.optimizer)
        optimizer = made([{**group, "lr": group["lr"] * factor} for group in groups])
        before = _loss(learner, training.loss, training.batches)
        for step in range(REHEARSED):
            inputs, targets = training.batches[step % len(training.batches)]
            optimizer.zero_grad()
            value = training.loss(learner(inputs), targets)
            if not value.requires_grad or not bool(value.isfinite()):
                break
            value.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        after = _loss(learner, training.loss, training.batches)
        if training.held_out is None:
            return Rehearsal(factor, before, after, None, learner)
        learner.eval()
        return Rehearsal(factor, before, after, _loss(learner, training.loss, [training.held_out]), learner)


def _loss(network: nn.Module, loss: Loss, batches: Sequence[tuple[Tensor, Tensor]]) -> float:
    with torch.no_grad():
        return sum(float(loss(network(inputs), targets)) for inputs, targets in batches) / len(batches)
