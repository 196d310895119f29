"""Which words moved the decision: what the answer loses where a word is left out."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from glasswork.record import Record

SOURCE = (
    "Robnik-Sikonja and Kononenko 2008, Explaining Classifications for Individual Instances, equation 4: the weight "
    "of evidence"
)
MOST = 200
"""Versions of one text that are looked at; of a longer text, several neighbours are left out at once."""

CHUNK = 64


@dataclass(frozen=True)
class LeftOut(Record):
    """How far every token of a text moved one score.

    Attributes:
        method: what was done, in words.
        source: the paper it is from.
        values: of each token the whole text's score less the score without it: positive where it speaks for the answer.
        score: of the whole text.
        stretch: how many neighbours were left out at once; each has an equal share of what they moved together.
    """

    method: str
    source: str
    values: tuple[float, ...]
    score: float
    stretch: int


def leaving_out(scores: Callable[[Tensor], Tensor], tokens: Tensor, unknown: int = 0) -> LeftOut:
    """Leaves out each token of a text in turn; the rest moves together.

    A text of a single token gets the unknown one in its place, as nothing would be left.

    Args:
        scores: from texts, int64 (texts, times), to one number each, (texts,), such as `evidence` of an answer.
        tokens: int64 (times,), at least one.
        unknown: number of the unknown token.
    """
    times = len(tokens)
    stretch = max(1, math.ceil(times / MOST))
    starts = range(0, times, stretch)
    with torch.no_grad():
        whole = float(scores(tokens[None])[0])
        left: list[float] = []
        if times == 1:
            left = scores(torch.full_like(tokens[None], unknown)).tolist()
        else:
            versions = [torch.cat([tokens[:start], tokens[start + stretch :]]) for start in starts]
            # The last stretch may be shorter, and its version longer than the others: it goes alone.
            even = [version for version in versions if len(version) == len(versions[0])]
            for begin in range(0, len(even), CHUNK):
                left += scores(torch.stack(even[begin : begin + CHUNK])).tolist()
            for version in versions[len(even) :]:
                left += scores(version[None]).tolist()
    values = [0.0] * times
    for start, score in zip(starts, left, strict=True):
        stop = min(start + stretch, times)
        values[start:stop] = [(whole - score) / (stop - start)] * (stop - start)
    return LeftOut(
        "every word is left out in turn, and the difference of the answer's log odds is taken",
        SOURCE,
        tuple(values),
        whole,
        stretch,
    )


def evidence(probabilities: Tensor) -> Tensor:
    """The log odds log2(p / (1 - p)) in bits; probabilities of 0 and 1 count as the next ones that float32 can tell.

    Args:
        probabilities: of any shape.
    """
    least = torch.finfo(torch.float32).eps
    p = probabilities.double().clamp(least, 1 - least)
    return (p / (1 - p)).log2()
