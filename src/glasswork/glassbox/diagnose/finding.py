"""One thing that is wrong, and which of several is said first."""

from collections.abc import Sequence
from dataclasses import dataclass

from glasswork.record import Record

LISTED = 4

ORDER = (
    *("not-finite-inputs", "not-finite-weights", "equal-inputs", "one-class", "unscaled-inputs"),
    *("not-finite-outputs", "wrong-axis", "wrong-sign", "unpaired-loss", "softmax-before-loss", "activated-output"),
    *("shifted-labels", "contradicting-labels", "zero-weights", "identical-units", "dead-layer", "summed-loss"),
    *("large-weights", "not-finite-gradients", "exploding", "saturated", "detached", "frozen", "not-optimised"),
    *("vanishing", "constant-output", "noisy-output", "unscaled-held-out", "leaked-split", "no-shuffling"),
    *("training-mode", "unrelated-labels", "rate-too-high", "rate-too-low", "duplicated-features"),
    *("constant-features", "unused", "dead-units", "worse-than-chance"),
)
"""A cause stands before what follows from it: inputs, loss, network, pace; the harmless stands last."""


@dataclass(frozen=True)
class Finding(Record):
    """One thing that is wrong.

    Attributes:
        kind: a short name for it, one of `ORDER`.
        layers: where.
        what: a sentence that says what is wrong.
        try_this: a sentence that says what to do.
    """

    kind: str
    layers: tuple[str, ...]
    what: str
    try_this: str


def listed(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    shown = ", ".join(names[:LISTED])
    return shown if len(names) <= LISTED else f"{shown} and {len(names) - LISTED} more"
