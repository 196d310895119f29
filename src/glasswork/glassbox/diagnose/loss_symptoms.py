"""Faults of the loss, each seen in how the loss itself answers when outputs or targets are changed."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from glasswork.glassbox.diagnose.activity import ActivityOfLayer
from glasswork.glassbox.diagnose.data_symptoms import entropy, is_classes
from glasswork.glassbox.diagnose.finding import Finding
from glasswork.glassbox.diagnose.training import Training

CLOSE, FAR = 1e-4, 1e-2
"""Shares of the gradient: sums that are zero but for float32's rounding, and sums that are clearly not."""
WORSE = 1.5
"""Times chance: a fresh network is near 1, and one that is surely wrong has no bound."""
MOST = 0.9


@dataclass(frozen=True)
class LossMeasured:
    """How the loss answers.

    Attributes:
        value: of the outputs and targets.
        is_cross_entropy: whether its value is that of the cross-entropy of scores.
        chance: the cross-entropy of guessing by the frequencies of the classes, ln K for K equal ones; else None.
    """

    value: float
    is_cross_entropy: bool
    chance: float | None


def measure_loss(outputs: Tensor, training: Training) -> LossMeasured:
    """The loss, and whether it is the cross-entropy."""
    value = training.loss(outputs, training.targets)
    scores = is_classes(training.targets, len(outputs)) and outputs.dim() == 2 and outputs.shape[1] > 1
    same = False
    if scores and int(training.targets.min()) >= 0 and int(training.targets.max()) < outputs.shape[1]:
        entropies = F.cross_entropy(outputs.float(), training.targets)
        same = bool(torch.isclose(value.detach().float(), entropies, rtol=1e-3, atol=1e-6))
    return LossMeasured(float(value.detach()), same, entropy(training.targets) if same else None)


def loss_findings(
    outputs: Tensor, training: Training, measured: LossMeasured, activity: tuple[ActivityOfLayer, ...]
) -> Iterator[Finding]:
    """What is wrong with the loss, or between it and the outputs."""
    yield from _pairing(outputs, training, measured)
    if outputs.dim() == 2 and outputs.shape[1] > 1 and is_classes(training.targets, len(outputs)):
        yield from _direction(outputs, training, measured)
    if measured.is_cross_entropy:
        yield from _activated(outputs, activity)
        yield from _against_chance(measured)


def _pairing(outputs: Tensor, training: Training, measured: LossMeasured) -> Iterator[Finding]:
    targets = training.targets
    if len(targets) < 4 or not targets.is_floating_point() or _is_steady(outputs) or _is_steady(targets):
        yield from _sum(outputs, training, measured)
        return
    moved = _asked(training, outputs, targets.roll(1, 0))
    further = _asked(training, outputs, targets.flip(0))
    size = max(abs(measured.value), 1e-12)
    if max(abs(moved - measured.value), abs(further - measured.value)) < 1e-6 * size:
        yield Finding(
            "unpaired-loss",
            (),
            f"The loss does not depend on which target belongs to which input: with the targets exchanged it is "
            f"{moved:.4g} again.",
            f"Give outputs and targets the same shape: they have {tuple(outputs.shape)} and {tuple(targets.shape)}, "
            "which are stretched to all pairs.",
        )
        return
    yield from _sum(outputs, training, measured)


def _asked(training: Training, outputs: Tensor, targets: Tensor) -> float:
    """The loss of others than it was made for; nan, which no rule acts on, where it refuses them."""
    try:
        return float(training.loss(outputs, targets).detach())
    except (RuntimeError, ValueError, IndexError):
        return math.nan


def _is_steady(rows: Tensor) -> bool:
    """Whether the rows differ so little that no loss could tell them apart."""
    numbers = rows.detach().double()
    return float((numbers - numbers.mean(0)).norm()) <= FAR * float(numbers.norm())


def _sum(outputs: Tensor, training: Training, measured: LossMeasured) -> Iterator[Finding]:
    targets, size = training.targets, max(abs(measured.value), 1e-12)
    doubled = _asked(training, torch.cat([outputs, outputs]), torch.cat([targets, targets]))
    if measured.value and abs(doubled - 2 * measured.value) < 1e-3 * size:
        yield Finding(
            "summed-loss",
            (),
            f"The loss is a sum over the examples: with each of them twice it is {doubled:.4g} in place of "
            f"{measured.value:.4g}, so the steps grow with the batch.",
            "Take the mean over the examples, or divide the learning rate by the size of the batch.",
        )


def _gradient_off_centre(outputs: Tensor, training: Training) -> Tensor:
    """The gradient by outputs that differ as scores do, as those of a fresh network hardly differ at all.

    Probabilities are taken as they are, as a loss may refuse what is none.
    """
    around = outputs.detach().clone()
    if not bool(((around >= 0) & (around <= 1)).all()):
        noise = torch.randn(around.shape, generator=torch.Generator().manual_seed(0))
        around = around + noise.to(around)
    around.requires_grad_()
    try:
        value = training.loss(around, training.targets)
    except (RuntimeError, ValueError):  # a loss of what scores like these are not
        return torch.zeros_like(around, dtype=torch.float64)
    if not value.requires_grad:
        return torch.zeros_like(around, dtype=torch.float64)
    return torch.autograd.grad(value, around)[0].double()


def _direction(outputs: Tensor, training: Training, measured: LossMeasured) -> Iterator[Finding]:
    gradient = _gradient_off_centre(outputs, training)
    size = float(gradient.norm())
    if not size:
        return
    over_classes, over_examples = float(gradient.sum(1).norm()), float(gradient.sum(0).norm())
    if over_examples < CLOSE * size and over_classes > FAR * size:
        yield Finding(
            "wrong-axis",
            (),
            "The loss compares the examples of a batch with each other, not the classes of an example: its gradient "
            "sums to 0 over the examples.",
            "Take softmax and cross-entropy over the axis of the classes (dim=1 for outputs of shape (N, K)).",
        )
    own = gradient.gather(1, training.targets[:, None].clamp(0, gradient.shape[1] - 1))[:, 0]
    if float((own > 0).double().mean()) > MOST:
        yield Finding(
            "wrong-sign",
            (),
            f"The loss has the wrong sign: it is {measured.value:.4g}, and a larger score for the right class makes it "
            "larger.",
            "Minimise the negative logarithm of the probability: look for a minus that is missing, or one too many.",
        )


def _activated(outputs: Tensor, activity: tuple[ActivityOfLayer, ...]) -> Iterator[Finding]:
    sums = outputs.detach().double().sum(1)
    if bool((outputs >= 0).all()) and bool(((sums - 1).abs() < CLOSE).all()):
        most = float(torch.log(torch.tensor(1 + (outputs.shape[1] - 1) / 2.718281828)))
        yield Finding(
            "softmax-before-loss",
            (),
            f"The outputs are probabilities already, and the cross-entropy takes the softmax of them again, so the "
            f"loss cannot fall below {most:.3g} however sure the network is.",
            "Return the scores and leave the softmax to the loss.",
        )
    elif activity and activity[-1].is_output:
        kind = activity[-1].kind
        yield Finding(
            "activated-output",
            (activity[-1].layer,),
            f"The scores pass through {kind} ({activity[-1].layer}) before the cross-entropy, which cuts off what they "
            "could say.",
            f"Return what the last layer gives, without {kind}: the loss takes scores of any size and sign.",
        )


def _against_chance(measured: LossMeasured) -> Iterator[Finding]:
    if measured.chance and measured.value > WORSE * measured.chance:
        yield Finding(
            "worse-than-chance",
            (),
            f"The loss is {measured.value:.3g}; guessing by the frequencies of the classes has {measured.chance:.3g}, "
            "so the network is surely wrong on some examples.",
            "Look at the most confident mistakes. In a new network the last layer's weights are too large; in a "
            "trained one it is overfitting, or these data are not like those of training.",
        )
