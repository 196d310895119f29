"""Faults of training, found by rehearsing it on a copy: its pace, and labels that cannot be learned."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from glasswork.glassbox.diagnose.activity import watch_run
from glasswork.glassbox.diagnose.data_symptoms import FEWEST, WEAK, is_classes, neighbours_agree
from glasswork.glassbox.diagnose.finding import Finding
from glasswork.glassbox.diagnose.loss_symptoms import LossMeasured
from glasswork.glassbox.diagnose.symptoms import is_partly_dead
from glasswork.glassbox.diagnose.training import DROPOUT, Rehearsal, Training, rehearse
from glasswork.glassbox.inspect import undisturbed

LEARNS = 0.02
"""Share of the loss that a rehearsal loses: with less, the network does not move."""
LEARNS_WELL = 0.15
"""And what another learning rate must reach before the rate is blamed."""
SLOWER, FASTER = (0.1, 0.01, 1e-3), (10.0, 100.0, 1e3, 1e4, 1e5)
LEARNED = 0.5
"""Of chance: a loss below it is that of a network that has learned already, and need not fall further."""
DROWNED = 0.2
"""What is left of the gain with dropout over that without; sound dropout leaves most of it."""
NEAR = 0.95
"""Of chance: a few dozen held-out examples tell no smaller share."""
APART = 1e-3


@dataclass(frozen=True)
class Rehearsed:
    """What the rehearsal showed.

    Attributes:
        findings: what is wrong.
        revived: activations of which few units are dead after it; where the network learns, dead units near 0 do not
            count.
        remarks: sentences about how it was rehearsed.
    """

    findings: tuple[Finding, ...]
    revived: frozenset[str] = frozenset()
    remarks: tuple[str, ...] = ()

    def passes(self, finding: Finding) -> bool:
        """Whether a finding goes away by itself as the network learns."""
        return finding.kind == "dead-units" and self.revived.issuperset(finding.layers)


def training_findings(
    network: nn.Module, inputs: Tensor, training: Training, answered: LossMeasured, explained: bool
) -> Rehearsed:
    """What is wrong with evaluation and pace; the rehearsal is left out where a cause was found already.

    Args:
        network: as it stands.
        inputs: that are looked at.
        training: all that is known.
        answered: the loss on them.
        explained: whether something was found that keeps a network from learning.
    """
    found = list(_evaluation(network, inputs, training)) if training.evaluate is not None else []
    learned = answered.chance is not None and answered.value < LEARNED * answered.chance
    if explained or learned or training.optimizer is None or not training.batches:
        return Rehearsed(tuple(found))
    try:
        own = rehearse(network, training)
    except (RuntimeError, TypeError) as error:  # a network or an optimizer that cannot be copied
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return Rehearsed(tuple(found), remarks=(f"training could not be rehearsed on a copy: {reason}",))
    found += _noise(network, training, own)
    if not found and own.gain < LEARNS:
        found += _pace(network, training, own)
    found += _unrelated(inputs, training, answered, own)
    returned, watch = watch_run(own.network, inputs)
    awake = []
    for one in watch.found(returned):
        stuck = watch.far_off.get(one.layer, one.dead) if own.gain > LEARNS else one.dead
        if not is_partly_dead(replace(one, dead=stuck)):
            awake.append(one.layer)
    return Rehearsed(tuple(found), frozenset(awake))


def _noise(network: nn.Module, training: Training, own: Rehearsal) -> Iterator[Finding]:
    shares = [module.p for module in network.modules() if isinstance(module, DROPOUT) and module.training]
    if not shares or not max(shares):
        return
    calm = rehearse(network, training, calm=True)
    if calm.gain > LEARNS_WELL and own.gain < DROWNED * calm.gain:
        yield Finding(
            "noisy-output",
            (),
            f"Dropout ({max(shares):.3g}) drowns what is to be learned: in a rehearsal on a copy the loss went from "
            f"{own.before:.3g} to {own.after:.3g}, and without dropout to {calm.after:.3g}.",
            "Use less dropout: 0.5 is usual for wide hidden layers, 0.1 to 0.2 elsewhere.",
        )


def _evaluation(network: nn.Module, inputs: Tensor, training: Training) -> Iterator[Finding]:
    assert training.evaluate is not None
    with undisturbed(network, evaluate=False), torch.no_grad():
        half = len(inputs) // 2
        one, other = training.evaluate(inputs), training.evaluate(inputs)
        alone = training.evaluate(inputs[:half])
    size = float(one.abs().max()) * APART
    if float((one - other).abs().max()) > size:
        why = "asked twice, it gives two answers to the same inputs"
    elif half and float((one[:half] - alone).abs().max()) > size:
        why = "its answer to an input depends on the other inputs in the batch"
    else:
        return
    yield Finding(
        "training-mode",
        (),
        f"The network is evaluated in training mode: {why}.",
        "Call network.eval() before evaluating and network.train() before training on.",
    )


def _pace(network: nn.Module, training: Training, own: Rehearsal) -> Iterator[Finding]:
    tries = [rehearse(network, training, factor) for factor in (*SLOWER, *FASTER)]
    best = max(tries, key=lambda one: one.gain)
    if best.gain < LEARNS_WELL:
        return
    assert training.optimizer is not None
    rates = sorted({float(group["lr"]) for group in training.optimizer.param_groups})
    rate = " and ".join(f"{one:.3g}" for one in rates)
    better = f"{rates[-1] * best.factor:.3g}"
    slower = best.factor < 1
    yield Finding(
        "rate-too-high" if slower else "rate-too-low",
        (),
        f"The learning rate ({rate}) is too {'high' if slower else 'low'}: in a rehearsal on a copy the loss went from "
        f"{own.before:.3g} to {own.after:.3g}, and with {better} to {best.after:.3g}.",
        f"Try {better}.",
    )


def _unrelated(inputs: Tensor, training: Training, answered: LossMeasured, own: Rehearsal) -> Iterator[Finding]:
    if answered.chance is None or own.held_out is None or own.held_out < NEAR * answered.chance:
        return
    if not inputs.is_floating_point() or len(inputs) < FEWEST or not is_classes(training.targets, len(inputs)):
        return
    if neighbours_agree(inputs, training.targets) < WEAK:
        yield Finding(
            "unrelated-labels",
            (),
            f"The labels seem to have nothing to do with the inputs: similar inputs share a label no more often than "
            f"chance has it, and after a rehearsal the loss on held-out examples is {own.held_out:.3g}, where guessing "
            f"has {answered.chance:.3g}.",
            "Look at some inputs beside their labels; check that both are shuffled together or not at all.",
        )
