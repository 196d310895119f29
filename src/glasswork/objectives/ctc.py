"""Connectionist temporal classification: the loss of a text whose place in time is not known (Graves et al. 2006).

The last output is the blank, which says that no token begins here. A token may be said over several frames; the same
token twice needs a blank between.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional

NEVER = -1e6
"""The score of a token where none can be, such as behind an example's end."""


def ctc_losses(scores: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """-log p(text | frames) of each example, the sum over all its alignments.

    Args:
        scores: (batch, tokens + 1, frames), the blank last; behind an example's end it is certain, and adds nothing.
        targets: int64 (batch, times); the blank's number ends a text, and below 0 is what stands behind the end.

    Returns:
        Losses (batch,); the tokens of each text, int64 (batch,); and whether it fits into its frames, bool (batch,).
        The loss of one that does not means nothing, and has no gradient or a finite one.
    """
    blank = scores.shape[1] - 1
    inside = (targets >= 0) & (targets < blank)
    counts = inside.sum(1)
    chances = scores.log_softmax(1).permute(2, 0, 1)  # (frames, batch, tokens + 1)
    frames = torch.full((len(scores),), scores.shape[2], dtype=torch.int64)
    labels = targets.clamp(0, max(0, blank - 1))[:, : max(1, int(counts.max()))]
    losses = functional.ctc_loss(chances, labels, frames, counts, blank, reduction="none", zero_infinity=True)
    repeated = ((targets[:, 1:] == targets[:, :-1]) & inside[:, 1:]).sum(1)
    return losses, counts, (counts + repeated <= scores.shape[2]) & (losses < -NEVER / 2)


def ctc_loss(scores: Tensor, targets: Tensor) -> Tensor:
    """-log p(text | frames) per token over a batch, shape (); texts that do not fit into their frames count nothing."""
    losses, counts, fits = ctc_losses(scores, targets)
    return torch.where(fits, losses, 0.0).sum() / (counts * fits).sum().clamp(min=1)


def frames_needed(tokens: Sequence[int]) -> int:
    """How many frames a text takes at least: one for each token, and a blank between equal neighbours."""
    return len(tokens) + sum(one == other for one, other in pairwise(tokens))


def align_tokens(log_probabilities: Tensor, tokens: Sequence[int]) -> list[tuple[int, int]]:
    """The frames of each token on the most probable alignment (Viterbi).

    Args:
        log_probabilities: (frames, tokens + 1), the blank last.
        tokens: of the text.

    Returns:
        The first and the last frame of each token; empty if the text does not fit into the frames.
    """
    blank, count = log_probabilities.shape[1] - 1, len(tokens)
    if not count or frames_needed(tokens) > len(log_probabilities):
        return []
    states = torch.full((2 * count + 1,), blank)
    states[1::2] = torch.tensor(tokens)
    skips = torch.zeros(len(states), dtype=torch.bool)  # a blank may be left out between different tokens
    skips[3::2] = states[3::2] != states[1:-2:2]
    emitted = log_probabilities.double()[:, states]
    best = torch.full((len(states),), -torch.inf, dtype=torch.float64)
    best[:2] = emitted[0, :2]
    back = []
    for frame in emitted[1:]:
        before = functional.pad(best, (2, 0), value=-torch.inf)
        choices = torch.stack([best, before[1:-1], before[:-2].masked_fill(~skips, -torch.inf)])
        values, steps = choices.max(0)
        back.append(steps)
        best = values + frame
    place = len(states) - 1 if best[-1] > best[-2] else len(states) - 2
    path = [place]
    for steps in reversed(back):
        place -= int(steps[place])
        path.append(place)
    path.reverse()
    found = []
    for number in range(count):
        frames = [frame for frame, state in enumerate(path) if state == 2 * number + 1]
        found.append((frames[0], frames[-1]))
    return found
