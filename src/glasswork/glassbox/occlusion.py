"""Occlusion: how much the score drops if a part of the input is hidden."""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from glasswork.errors import GlassworkError
from glasswork.glassbox.attribution import Attribution, broadcast_baseline, common_fields
from glasswork.glassbox.inspect import (
    CHUNK,
    Target,
    outputs_of,
    require_inputs,
    scores_of,
    targets_of,
    undisturbed,
)
from glasswork.record import Record


@dataclass(frozen=True)
class Worst(Record):
    """The window that mattered most in one input.

    Attributes:
        start, stop: its first cell, and the one behind its last, in each spatial dimension.
        score: what was left of the score with the window hidden.
        drop: how much lower that is than the score of the whole input; negative where no window lowered it.
    """

    start: tuple[int, ...]
    stop: tuple[int, ...]
    score: float
    drop: float


@dataclass(frozen=True)
class Occlusion(Record):
    """The result of hiding one window after another.

    Attributes:
        attribution: values (N, height, width): the mean drop of the score over all windows that hid a cell.
        window: the window's size in each spatial dimension.
        stride: by how much it moved.
        windows: how many there were.
        worst: for each input.
    """

    attribution: Attribution
    window: tuple[int, ...]
    stride: tuple[int, ...]
    windows: int
    worst: tuple[Worst, ...]


def occlusion(
    network: nn.Module,
    inputs: Tensor,
    target: Target = None,
    window: int | tuple[int, ...] = 3,
    stride: int | tuple[int, ...] = 1,
    baseline: float | Tensor = 0,
) -> Occlusion:
    """How much the score falls where a window of the input is hidden (Zeiler and Fergus 2013, section 4.2).

    The window hides all channels at once. At the far edges it is cut off rather than left out. A cell's value is the
    mean over all windows that hid it.

    Args:
        network: any module that returns a row of scores for each input.
        inputs: (N, channels, ...), or (N, features); of any type, as only the network's outputs are looked at.
        target: the output, one for all inputs or one each; absent for a network with a single output.
        window: its side, or its size in each spatial dimension.
        stride: by how much it moves; no more than the window, so that every cell is hidden once.
        baseline: what stands in the window, a number or a tensor that broadcasts to the inputs.

    Returns:
        Values of shape (N, ...) without the channels.

    Raises:
        GlassworkError: inputs, target, baseline, window or stride do not fit.
    """
    require_inputs(inputs)
    size = tuple(inputs.shape[2:] if inputs.dim() > 2 else inputs.shape[1:])
    extent, steps = _spatial("window", window, size), _spatial("stride", stride, size)
    if any(not 1 <= step <= side <= length for step, side, length in zip(steps, extent, size, strict=True)):
        raise GlassworkError(
            f"A window of {_by(extent)} moved by {_by(steps)} cannot cover an input of {_by(size)}: the stride must be "
            "at least 1 and no more than the window, the window no more than the input."
        )
    starts = list(itertools.product(*map(_starts, size, extent, steps)))
    with undisturbed(network, evaluate=True), torch.no_grad():
        x = inputs.detach()
        hidden = broadcast_baseline(baseline, x)
        outputs = outputs_of(network, x)
        targets = targets_of(target, outputs)
        scores = scores_of(outputs, targets).double()
        total = torch.zeros(len(x), math.prod(size), dtype=torch.float64, device=x.device)
        times = torch.zeros(math.prod(size), dtype=torch.float64, device=x.device)
        drops = []
        at_once = max(1, CHUNK // len(x))
        for place in range(0, len(starts), at_once):
            masks = _masks(starts[place : place + at_once], extent, size).to(x.device)  # (k, ...)
            left = _scores_without(network, x, hidden, masks, targets)
            flat = masks.flatten(1).double()
            drops.append(scores - left)  # (k, N)
            total += drops[-1].T @ flat
            times += flat.sum(0)
    values = (total / times).reshape(len(x), *size).to(_result_type(outputs))
    attribution = Attribution(
        "occlusion",
        "Zeiler and Fergus 2013, Visualizing and Understanding Convolutional Networks, section 4.2",
        "How far the score falls (positive) or rises (negative) when this place is hidden.",
        **common_fields(targets, scores, values, values, x),
        signed=True,
    )
    return Occlusion(attribution, extent, steps, len(starts), _worst(torch.cat(drops), scores, starts, extent, size))


def _scores_without(network: nn.Module, x: Tensor, hidden: Tensor, masks: Tensor, targets: Tensor) -> Tensor:
    """The scores (k, N) of the N inputs with the cells of each of k masks hidden."""
    wide = masks[:, None, None] if x.dim() > 2 else masks[:, None]
    occluded = torch.where(wide, hidden, x).flatten(0, 1)  # (k N, ...)
    scores = scores_of(outputs_of(network, occluded), targets.repeat(len(masks)))
    return scores.double().reshape(len(masks), len(x))


def _result_type(outputs: Tensor) -> torch.dtype:
    """The floating type that results are given in."""
    return outputs.dtype if outputs.is_floating_point() else torch.float32


def _by(sizes: Sequence[int]) -> str:
    return " by ".join(map(str, sizes))


def _spatial(what: str, given: int | tuple[int, ...], size: tuple[int, ...]) -> tuple[int, ...]:
    sizes = (given,) * len(size) if isinstance(given, int) else tuple(given)
    if len(sizes) != len(size):
        raise GlassworkError(f"The {what} has {len(sizes)} sizes, and the inputs {len(size)} spatial dimensions.")
    return sizes


def _starts(length: int, side: int, step: int) -> list[int]:
    return [step * index for index in range(1 + math.ceil((length - side) / step))]


def _masks(starts: Sequence[tuple[int, ...]], extent: tuple[int, ...], size: tuple[int, ...]) -> Tensor:
    """True where a window hides: (windows, *size)."""
    mask = torch.ones(len(starts), *size, dtype=torch.bool)
    for axis, (side, length) in enumerate(zip(extent, size, strict=True)):
        first = torch.tensor([start[axis] for start in starts])[:, None]
        cells = torch.arange(length)[None]
        inside = (cells >= first) & (cells < first + side)  # (windows, length)
        mask &= inside.reshape(len(starts), *(length if axis == other else 1 for other in range(len(size))))
    return mask


def _worst(
    drops: Tensor, scores: Tensor, starts: Sequence[tuple[int, ...]], extent: tuple[int, ...], size: tuple[int, ...]
) -> tuple[Worst, ...]:
    """The window with the greatest drop of each input; drops (windows, N), scores (N,)."""
    found = []
    for score, drop, place in zip(scores.tolist(), *(part.tolist() for part in drops.max(0)), strict=True):
        start = starts[place]
        stop = tuple(min(at + side, length) for at, side, length in zip(start, extent, size, strict=True))
        found.append(Worst(start, stop, score - drop, drop))
    return tuple(found)


SOURCE = (
    "Robnik-Sikonja and Kononenko 2008, Explaining Classifications for Individual Instances, equation 4: the weight "
    "of evidence"
)
MOST = 200
"""Versions of one text that are looked at; of a longer text, several neighbours are left out at once."""

ROWS_AT_ONCE = 64


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


def leave_words_out(scores: Callable[[Tensor], Tensor], tokens: Tensor, unknown: int = 0) -> LeftOut:
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
            for begin in range(0, len(even), ROWS_AT_ONCE):
                left += scores(torch.stack(even[begin : begin + ROWS_AT_ONCE])).tolist()
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
