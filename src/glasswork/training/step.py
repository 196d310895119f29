"""A step: what one update did, and everything needed to go on after it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from torch import Tensor

from glasswork.training.stage import Judgement

Tree = dict[str, Any]
"""Nested dictionaries and lists whose leaves are tensors, numbers, strings, booleans or None."""


@dataclass(frozen=True)
class Best:
    """The best judgement so far.

    Attributes:
        judgement: what was found.
        epoch: after which epoch, from 1.
        weights: a copy of the network's state at that time.
        stale: judgements since then that were no better, counted after the learning rate's peak.
    """

    judgement: Judgement
    epoch: int
    weights: Mapping[str, Tensor]
    stale: int = 0


class Step(NamedTuple):
    """One update of the weights.

    A named tuple and no dataclass: there is one per update, and it is made and changed several times as fast.

    Attributes:
        stage: name of the stage.
        number: how many updates the stage has made, this one included.
        epoch: from 1.
        epoch_ended: whether this was the last batch of its epoch.
        last: whether the clock has run out.
        progress: how far the run had come when this step's learning rate was set, from 0 to 1.
        examples: how many examples the batch had.
        loss: mean loss of the batch before the update, without the penalty (detached, shape ()).
        penalty: strength x R(W), detached, shape (); None where there is no penalty.
        learning_rate: size of this step.
        gradient_norm: length of the gradient before clipping; None where it is not clipped.
        judgement: on the validation examples, after an epoch or the last step; else None.
        best: the best judgement so far.
        elapsed: seconds of training up to and with this step.
        state: makes the tree from which `fit(stage, start=tree)` goes on; call it before asking for the next step.
    """

    stage: str
    number: int
    epoch: int
    epoch_ended: bool
    last: bool
    progress: float
    examples: int
    loss: Tensor
    penalty: Tensor | None
    learning_rate: float
    gradient_norm: Tensor | None
    judgement: Judgement | None
    best: Best | None
    elapsed: float
    state: Callable[[], Tree]
