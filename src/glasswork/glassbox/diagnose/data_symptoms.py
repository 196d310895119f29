"""Faults of the data: what can be seen before any network is asked."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from glasswork.glassbox.diagnose.finding import Finding
from glasswork.glassbox.diagnose.training import Training

MANY = 0.5
"""Of the features. The borders of digits are constant, and columns of tables repeat others; half is no accident."""
CONTRADICTING = 0.02
"""Of the examples: beyond it, what cannot be learned is more than a slip of the pen."""
REPEATING = 0.5
"""Of the examples that differ from all others: with fewer, copies are in the nature of the data."""
LEAKED = 0.1
"""Of the held-out examples, beyond the share that repeats itself within the training examples."""
SORTED = 0.5
"""Mean entropy of the classes within a batch over that of all; of 32 examples drawn at random it is above 0.9."""
FARTHEST_SHIFT = 4
STRONG, WEAK = 6.0, 3.0
"""Standard deviations of chance: six never happen by accident; less than three are nothing."""
FEWEST = 48
"""Examples: with fewer, the agreement of neighbours says nothing."""


def data_findings(inputs: Tensor, training: Training | None) -> Iterator[Finding]:
    """What is wrong with inputs and targets."""
    if inputs.is_floating_point():
        yield from _values(inputs, _known(inputs, training))
    if training is None:
        return
    yield from _split(inputs, training)
    if not is_classes(training.targets, len(inputs)):
        return
    yield from _classes(inputs, training)
    yield from _order(training)


def _known(inputs: Tensor, training: Training | None) -> Tensor:
    """The inputs, and those of the training batches: a rare category is constant in a few dozen rows of a table."""
    batches = () if training is None else training.batches
    others = [one for one, _ in batches if one.shape[1:] == inputs.shape[1:] and one.dtype == inputs.dtype]
    return torch.cat([inputs, *others])


def is_classes(targets: Tensor, count: int) -> bool:
    """Whether the targets are one class for each input."""
    return targets.dtype == torch.int64 and targets.shape == (count,)


def entropy(classes: Tensor) -> float:
    """Of the frequencies of the classes, in nats: the cross-entropy of guessing by them."""
    shares = classes.bincount().double() / len(classes)
    shares = shares[shares > 0]
    return float(-(shares * shares.log()).sum())


def neighbours_agree(inputs: Tensor, classes: Tensor, shift: int = 0) -> float:
    """By how many standard deviations more nearest neighbours share a class than chance has it, after a shift."""
    rows = inputs.detach().flatten(1).double()
    spread = rows.std(0, correction=0)
    rows = (rows - rows.mean(0)) / torch.where(spread > 0, spread, torch.ones_like(spread))
    apart = torch.cdist(rows, rows).fill_diagonal_(torch.inf)
    nearest = apart.argmin(1)
    moved = classes.roll(shift)
    chance = float((classes.bincount().double() / len(classes)).square().sum())
    deviation = max(math.sqrt(chance * (1 - chance) / len(classes)), 1e-9)
    agreeing = float((moved[nearest] == moved).double().mean())
    return (agreeing - chance) / deviation


def agreement(deviations: float) -> str:
    """How often similar inputs share a label, in words."""
    return "no more often than chance has it" if deviations < WEAK else "hardly more often than chance has it"


def _values(inputs: Tensor, known: Tensor) -> Iterator[Finding]:
    """What is wrong with the numbers of inputs, and with the features of all inputs that are known."""
    finite = inputs.isfinite()
    if not bool(finite.all()):
        rows = int((~finite).flatten(1).any(1).sum())
        yield Finding(
            "not-finite-inputs",
            (),
            f"{rows} of the {len(inputs)} inputs hold inf or nan, and so does all that is computed from them.",
            "Find where they come from (empty cells, a division by a deviation of 0), and leave these examples out or "
            "fill the gaps with the mean of the training data.",
        )
        return
    if len(inputs) > 1 and bool((inputs == inputs[:1]).all()):
        yield Finding(
            "equal-inputs",
            (),
            f"All {len(inputs)} inputs are the same, so no network can tell them apart.",
            "Look at what is read: often one file is read again and again, or scaling has cut everything to one value.",
        )
        return
    features = _features(known)
    if features is None or len(features) < 2 or features.shape[1] < 2:
        return
    constant = (features == features[:, :1]).all(1)
    if float(constant.double().mean()) >= MANY:
        yield Finding(
            "constant-features",
            (),
            f"{int(constant.sum())} of {len(features)} features have the same value in every input and say nothing.",
            "Check that these columns are read correctly, then leave them out.",
        )
    varied = features[~constant]
    repeated = len(varied) - len(_distinct(varied)[0]) if len(varied) else 0
    if repeated >= MANY * len(varied) > 0:
        yield Finding(
            "duplicated-features",
            (),
            f"{repeated} of {len(features)} features repeat others exactly, so they add weights and no knowledge.",
            "Leave the copies out; grey pictures in three channels may stay, if a pretrained network asks for them.",
        )


def _distinct(inputs: Tensor) -> tuple[Tensor, Tensor]:
    """The different rows, and for each row which of them it is."""
    rows, places = torch.unique(inputs.detach().flatten(1), dim=0, return_inverse=True)
    return rows, places


def _features(inputs: Tensor) -> Tensor | None:
    """(features, everything else): columns of a table, channels of pictures, numbers of each step of a sequence."""
    axes = {2: 1, 3: 2, 4: 1}
    axis = axes.get(inputs.dim())
    return None if axis is None else inputs.detach().movedim(axis, 0).flatten(1)


def _split(inputs: Tensor, training: Training) -> Iterator[Finding]:
    held = None if training.held_out is None else training.held_out[0]
    trained_on = [batch for batch, _ in training.batches]
    own = inputs if held is not inputs else torch.cat(trained_on) if trained_on else None
    if held is None or own is None or own.shape[1:] != held.shape[1:]:
        return
    if held.is_floating_point() and own.is_floating_point():
        one, other = own.double(), held.double()
        deviation, theirs = float(one.std(correction=0)), float(other.std(correction=0))
        apart = abs(float(one.mean() - other.mean()))
        if deviation and theirs and (apart > deviation or not 1 / 3 < theirs / deviation < 3):
            yield Finding(
                "unscaled-held-out",
                (),
                f"The held-out inputs are scaled in another way: mean {float(other.mean()):.3g} and standard deviation "
                f"{theirs:.3g}, where training has {float(one.mean()):.3g} and {deviation:.3g}.",
                "Prepare both in the same way, with the mean and the standard deviation of the training data.",
            )
    distinct, _ = _distinct(torch.cat([own, *trained_on]))
    repeating = 1 - len(_distinct(own)[0]) / len(own)
    _, places = _distinct(torch.cat([distinct, held.flatten(1)]))
    shared = float(torch.isin(places[len(distinct) :], places[: len(distinct)]).double().mean())
    if shared - repeating > LEAKED:
        yield Finding(
            "leaked-split",
            (),
            f"{shared:.0%} of the {len(held)} held-out examples are among the training examples too, so they do not "
            "show how the network does on new ones.",
            "Remove duplicates before splitting, and keep what belongs together (one patient, one film) in one part.",
        )


def _classes(inputs: Tensor, training: Training) -> Iterator[Finding]:
    classes = training.targets
    if len(classes) > 1 and bool((classes == classes[0]).all()):
        yield Finding(
            "one-class",
            (),
            f"All {len(classes)} targets are class {int(classes[0])}, so answering it always is a perfect score.",
            "Check how the labels are read and split: a split of data sorted by class leaves whole classes out.",
        )
        return
    rows, places = _distinct(inputs)
    if len(rows) > REPEATING * len(inputs):  # a table of few categories repeats itself, and its noise with it
        lowest = torch.full((len(rows),), int(classes.max())).scatter_reduce_(0, places.cpu(), classes.cpu(), "amin")
        highest = torch.zeros(len(rows), dtype=torch.int64).scatter_reduce_(0, places.cpu(), classes.cpu(), "amax")
        torn = int((lowest != highest)[places.cpu()].sum())
        if torn >= CONTRADICTING * len(inputs) and torn:
            yield Finding(
                "contradicting-labels",
                (),
                f"{torn} of {len(inputs)} examples have an exact copy in another class, so not all of them can be "
                "learned.",
                "Decide on one label for each of them, or use a target of several classes if both are right.",
            )
    if not inputs.is_floating_point() or len(inputs) < FEWEST or not bool(inputs.isfinite().all()):
        return
    as_given = neighbours_agree(inputs, classes)
    for shift in (sign * by for by in range(1, FARTHEST_SHIFT + 1) for sign in (-1, 1)):
        moved = neighbours_agree(inputs, classes, shift)
        if moved > STRONG and moved > 2 * as_given:
            yield Finding(
                "shifted-labels",
                (),
                f"The labels are shifted by {abs(shift)} against the inputs: similar inputs share a label "
                f"{agreement(as_given)}, and far more often if the labels are moved by {shift}.",
                "Look where inputs and labels are joined: a header read as a label, or files sorted in another order.",
            )
            return


def _order(training: Training) -> Iterator[Finding]:
    batches = [targets for inputs, targets in training.batches if is_classes(targets, len(inputs)) and len(targets) > 3]
    if len(batches) < 2:
        return
    overall = entropy(torch.cat(batches))
    within = sum(map(entropy, batches)) / len(batches)
    if overall > 0 and within < SORTED * overall:
        yield Finding(
            "no-shuffling",
            (),
            f"The examples are not shuffled: a batch holds {within:.2g} nats of variety in its classes, where all "
            f"batches together hold {overall:.2g}, so each batch teaches to forget the others.",
            "Shuffle the training examples again in every epoch (shuffle=True).",
        )
