"""Connectionist temporal classification as a decoder: what the next token may be, given those before (Graves 2006)."""

from collections.abc import Sequence
from itertools import groupby

import torch
from torch import Tensor
from torch.nn.functional import pad
from typing_extensions import override

from glasswork.networks.decoding import Decoder, Hypothesis, Memory, State, Step


class CTCDecoder(Decoder):
    """Exact prefix probabilities of frames that were judged each on its own.

    The values of a memory are log probabilities, (batch, frames, tokens + 1), the blank last. For a prefix g,
    n_t(g) and b_t(g) are the probabilities of all alignments of g with the first t frames that end in its last token
    and in the blank (Graves 2006; Watanabe et al. 2017, algorithm 2). Then

        p(g c ...) = sum_t (b_(t-1)(g) + [c is not the last token of g] n_(t-1)(g)) p_t(c)
        p(g)       = n_T(g) + b_T(g)

    and p(g c ...) / p(g ...) is what a step says of c, p(g) / p(g ...) what it says of the end. These sum to 1, so that
    the one beam search of all decoders is prefix beam search here. Both recurrences are linear, and are carried out
    over all frames at once by cumulative sums in the log domain, in float64.
    """

    @override
    def prepare(self, memory: Memory) -> Memory:
        values = memory.values.double()
        return memory._replace(values=values, keys=values.exp())

    @override
    def begin(self, memory: Memory) -> State:
        """n_t and b_t of the empty prefix, (batch, frames + 1); log p(prefix ...); and its last token, -1."""
        said = memory.values[:, :, -1].cumsum(1)
        blank = pad(said, (1, 0))
        rows = len(blank)
        none = torch.full((rows,), -1, device=said.device)
        return torch.full_like(blank, -torch.inf), blank, blank.new_zeros(rows), none

    @override
    def step(self, previous: Tensor, state: State, memory: Memory) -> Step:
        assert memory.keys is not None
        state = self._advance(previous, state, memory) if bool((previous >= 0).any()) else state
        token, blank, sure, last = state
        both = torch.logaddexp(token, blank)
        following = _summed(both[:, :-1], memory.keys)
        repeated = _summed(blank[:, :-1], memory.keys)
        labels = torch.arange(following.shape[1], device=following.device)
        following = torch.where(labels == last[:, None], repeated, following)
        following = torch.cat([following[:, :-1], both[:, -1:]], 1) - sure[:, None]
        return Step(following.nan_to_num(nan=-torch.inf), state)

    def _advance(self, previous: Tensor, state: State, memory: Memory) -> State:
        """The state behind one more token; a row whose token is -1 stays as it is."""
        token, blank, _, last = state
        chosen = previous.clamp(min=0)[:, None, None].expand(-1, memory.values.shape[1], 1)
        said = memory.values.gather(2, chosen)[:, :, 0]
        before = torch.logaddexp(blank, token.masked_fill((last == previous)[:, None], -torch.inf))[:, :-1]
        ahead = _linear(before, said)
        paused = _linear(ahead[:, :-1], memory.values[:, :, -1])
        sure_now = (before + said).logsumexp(1)
        moved = (ahead, paused, sure_now, previous)
        kept = previous < 0
        return tuple(
            torch.where(kept.view(-1, *(1,) * (new.dim() - 1)), old, new) for old, new in zip(state, moved, strict=True)
        )


def _linear(entering: Tensor, factors: Tensor) -> Tensor:
    """x_t = (x_(t-1) + e_t) f_t from x_0 = 0, all as logarithms: (rows, frames) to (rows, frames + 1)."""
    products = factors.cumsum(1)
    found = products + torch.logcumsumexp(entering - (products - factors), 1)
    return pad(found, (1, 0), value=-torch.inf)


def _summed(weights: Tensor, values: Tensor) -> Tensor:
    """log sum_t e^(w_t) v_tc, of weights (rows, frames) and values (rows, frames, tokens)."""
    most = weights.max(1, keepdim=True).values.clamp(min=-1e300)
    return torch.bmm((weights - most).exp()[:, None], values)[:, 0].log() + most


def best_path(log_probabilities: Tensor) -> list[Hypothesis]:
    """The most probable token of every frame, repeated ones and blanks left out: greedy decoding.

    Args:
        log_probabilities: (batch, frames, tokens + 1), the blank last.

    Returns:
        For each example its hypothesis; the probability is that of this one alignment.
    """
    blank = log_probabilities.shape[2] - 1
    values, tokens = log_probabilities.max(2)
    sums = values.double().sum(1).tolist()
    return [Hypothesis(collapse(path, blank), total, total) for path, total in zip(tokens.tolist(), sums, strict=True)]


def collapse(path: Sequence[int], blank: int) -> tuple[int, ...]:
    """The text that an alignment says: repeated tokens once, and no blanks."""
    return tuple(token for token, _ in groupby(path) if token != blank)
