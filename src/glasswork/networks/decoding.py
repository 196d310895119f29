"""Decoders that answer token by token, and beam search over their answers (Kolter: sequence to sequence)."""

import abc
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from glasswork.errors import GlassworkError

State = tuple[Tensor, ...]
"""What a decoder hands from one token to the next; the first dimension of every tensor is the answers."""


class Memory(NamedTuple):
    """What an encoder has read.

    Attributes:
        values: of each place of the inputs, (batch, places, features).
        inside: bool (batch, places), False behind the end of a shorter input.
        summary: what the decoder begins with, as it takes it; the first dimension of every tensor is the batch.
        keys: the values as attention compares them with a state, (batch, places, size); None: not made yet.
    """

    values: Tensor
    inside: Tensor
    summary: State = ()
    keys: Tensor | None = None

    def select(self, rows: Tensor) -> "Memory":
        """The memories at `rows`, int64; one may come several times."""
        keys = None if self.keys is None else self.keys[rows]
        return Memory(self.values[rows], self.inside[rows], tuple(each[rows] for each in self.summary), keys)


class Step(NamedTuple):
    """What a decoder says before the next token.

    Attributes:
        log_probabilities: of every token, (answers, tokens); the last one ends the answer.
        state: to go on from.
        attention: how much each place of the memory counted, (answers, places); None: the decoder has none.
    """

    log_probabilities: Tensor
    state: State
    attention: Tensor | None = None


class Decoder(abc.ABC):
    """Answers token by token: what the next one may be, given all before it. The last token begins and ends answers."""

    def prepare(self, memory: Memory) -> Memory:
        """The memory with what is made of it once, before the first step."""
        return memory

    def begin(self, memory: Memory) -> State:
        """The state before the first token."""
        return memory.summary

    @abc.abstractmethod
    def step(self, previous: Tensor, state: State, memory: Memory) -> Step:
        """One token further.

        Args:
            previous: the last token of each answer, int64 (answers,); -1 before the first.
            state: after the token before it.
            memory: one for each answer.
        """


@dataclass(frozen=True)
class Hypothesis:
    """An answer that beam search has found.

    Attributes:
        tokens: its numbers, without the one that ends it.
        log_probability: of the whole answer with its end, in nats.
        score: what hypotheses are ordered by: log probability over the length penalty, with the coverage penalty.
    """

    tokens: tuple[int, ...]
    log_probability: float
    score: float


@dataclass(frozen=True)
class Beam:
    """How answers are searched for.

    Attributes:
        width: hypotheses that are kept at each token; 1: the most probable token at once (greedy).
        longest: tokens of an answer at most.
        length_penalty: alpha; scores are divided by ((5 + tokens) / 6)^alpha (Wu et al. 2016, equation 14).
        coverage_penalty: beta; what attention has not looked at counts against an answer (the same).
    """

    width: int = 4
    longest: int = 100
    length_penalty: float = 0.6
    coverage_penalty: float = 0.0


def beam_search(decoder: Decoder, memory: Memory, beam: Beam) -> list[list[Hypothesis]]:
    """The best answers to each of several inputs at once, the best first.

    Args:
        decoder: says what may come next.
        memory: what was read of the inputs.
        beam: how to search.

    Returns:
        For each input up to `beam.width` hypotheses; one that reaches the longest length ends there, probable or not.

    Raises:
        GlassworkError: if the network says nothing that is a number.
    """
    with torch.inference_mode():
        found = _Search(decoder, decoder.prepare(memory), beam).run()
    if not all(found):
        raise GlassworkError(
            "The network's scores are no numbers, so it answers nothing: train again with a lower --learning-rate"
        )
    return found


class _Search:
    """The hypotheses of all inputs side by side, (inputs x width) rows."""

    def __init__(self, decoder: Decoder, memory: Memory, beam: Beam) -> None:
        self.decoder, self.beam = decoder, beam
        self.count, width = len(memory.values), beam.width
        device = memory.values.device
        self.inputs = torch.arange(self.count, device=device)  # that are still searched, as rows of the whole
        rows = self.inputs.repeat_interleave(width)
        self.memory = memory.select(rows)
        self.state = tuple(each[rows] for each in decoder.begin(memory))
        self.scores = torch.full((self.count, width), -torch.inf, device=device)
        self.scores[:, 0] = 0  # all begin alike: one of them is enough
        self.tokens = torch.empty(self.count, width, 0, dtype=torch.int64, device=device)
        self.looked = torch.zeros(self.count, width, memory.values.shape[1], device=device)
        self.found: list[list[Hypothesis]] = [[] for _ in range(self.count)]

    def run(self) -> list[list[Hypothesis]]:
        for length in range(self.beam.longest + 1):
            if not len(self.inputs):
                break
            self._extend(length)
        return [sorted(each, key=lambda one: -one.score)[: self.beam.width] for each in self.found]

    def _extend(self, length: int) -> None:
        width, count = self.beam.width, len(self.inputs)
        step = self._step()
        size = step.log_probabilities.shape[1]
        end = size - 1
        totals = self.scores[:, :, None] + step.log_probabilities.float().view(count, width, size)
        if step.attention is not None:
            self.looked = self.looked + step.attention.float().view(count, width, -1)
        if length == self.beam.longest:  # all end here, probable or not
            parents = torch.arange(width, device=totals.device).expand(count, -1)
            self._collect(totals[:, :, end], parents, torch.ones_like(parents, dtype=torch.bool), length)
            self.inputs = self.inputs[:0]
            return
        best, places = totals.flatten(1).topk(min(2 * width, width * size), 1)  # at most `width` of them are ends
        parents, tokens = places // size, places % size
        ended = tokens == end
        self._collect(best, parents, ended & (torch.arange(best.shape[1], device=best.device) < width), length)
        keep = torch.where(ended, -torch.inf, best).topk(width, 1)
        parents, tokens = parents.gather(1, keep.indices), tokens.gather(1, keep.indices)
        self.scores = keep.values
        self.tokens = torch.cat([_pick(self.tokens, parents), tokens[:, :, None]], 2)
        self.looked = _pick(self.looked, parents)
        rows = (torch.arange(count, device=parents.device)[:, None] * width + parents).flatten()
        self.state = tuple(each[rows] for each in step.state)
        self._drop_finished(length)

    def _step(self) -> Step:
        last = self.tokens[:, :, -1].flatten() if self.tokens.shape[2] else None
        if last is None:
            last = torch.full((len(self.inputs) * self.beam.width,), -1, device=self.inputs.device)
        return self.decoder.step(last, self.state, self.memory)

    def _collect(self, totals: Tensor, parents: Tensor, ended: Tensor, length: int) -> None:
        """Takes down the hypotheses that end here."""
        scores = self._score(totals, _pick(self.looked, parents), length)
        for place, rank in ended.nonzero().tolist():
            if totals[place, rank] > -torch.inf:
                tokens = tuple(self.tokens[place, parents[place, rank]].tolist())
                found = Hypothesis(tokens, float(totals[place, rank]), float(scores[place, rank]))
                self.found[int(self.inputs[place])].append(found)

    def _score(self, totals: Tensor, looked: Tensor, length: int) -> Tensor:
        """log P / lp + cp, lp = ((5 + length) / 6)^alpha, cp = beta sum_i log min(sum_j p_ij, 1)."""
        scores = totals / _length_penalty(length + 1, self.beam.length_penalty)
        if self.beam.coverage_penalty and looked.shape[2]:
            inside = self.memory.inside.view(len(self.inputs), self.beam.width, -1)[:, :1]
            seen = looked.clamp(1e-6, 1.0).log().masked_fill(~inside, 0.0).sum(2)
            scores = scores + self.beam.coverage_penalty * seen
        return scores

    def _drop_finished(self, length: int) -> None:
        """Leaves out the inputs of which no hypothesis can come among the best any more."""
        alpha, width = self.beam.length_penalty, self.beam.width
        # Log probabilities only fall: what is best now, over the greatest penalty, is the most that it can become.
        at_most = (self.scores[:, 0] / _length_penalty(self.beam.longest + 1, alpha)).tolist()
        keep = []
        for row, most in zip(self.inputs.tolist(), at_most, strict=True):
            scores = sorted((one.score for one in self.found[row]), reverse=True)[:width]
            keep.append(most > -torch.inf and (len(scores) < width or scores[-1] < most))
        if not all(keep):
            kept = torch.tensor(keep, device=self.inputs.device)
            rows = kept.repeat_interleave(width)
            self.inputs, self.scores = self.inputs[kept], self.scores[kept]
            self.tokens, self.looked = self.tokens[kept], self.looked[kept]
            self.memory, self.state = self.memory.select(rows.nonzero()[:, 0]), tuple(each[rows] for each in self.state)


def _length_penalty(tokens: int, alpha: float) -> float:
    return float(((5 + tokens) / 6) ** alpha)


def _pick(values: Tensor, parents: Tensor) -> Tensor:
    """values (inputs, width, ...) at parents (inputs, some)."""
    return values.gather(1, parents[:, :, None].expand(-1, -1, values.shape[2]))


@dataclass(frozen=True)
class Followed:
    """What a decoder said at every token of an answer that is given to it.

    Attributes:
        log_probabilities: of every token before each of the answer's, (tokens + 1, vocabulary); the last row is the
            end's.
        attention: (tokens + 1, places); None: the decoder has none.
    """

    log_probabilities: Tensor
    attention: Tensor | None


def follow(decoder: Decoder, memory: Memory, answers: Sequence[Sequence[int]]) -> list[Followed]:
    """What the decoder says at every token of known answers, one to each input of the memory; on the CPU."""
    longest = max(map(len, answers)) + 1
    end = torch.full((len(answers), longest), -1)
    for row, answer in enumerate(answers):
        end[row, 1 : len(answer) + 1] = torch.tensor(answer)
    previous = end.to(memory.values.device)
    said, looked = [], []
    with torch.inference_mode():
        memory = decoder.prepare(memory)
        state = decoder.begin(memory)
        for time in range(longest):
            step = decoder.step(previous[:, time], state, memory)
            state = step.state
            said.append(step.log_probabilities.float().cpu())
            if step.attention is not None:
                looked.append(step.attention.float().cpu())
    together, seen = torch.stack(said, 1), torch.stack(looked, 1) if looked else None
    return [
        Followed(together[row, : len(answer) + 1], None if seen is None else seen[row, : len(answer) + 1])
        for row, answer in enumerate(answers)
    ]


def log_probabilities_of(followed: Followed, answer: Sequence[int]) -> Tensor:
    """The log probability of each token of an answer and of its end, (tokens + 1,)."""
    said = followed.log_probabilities
    tokens = torch.tensor([*answer, said.shape[1] - 1])
    return said.gather(1, tokens[:, None])[:, 0]
