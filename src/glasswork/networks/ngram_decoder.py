"""A language model of counted n-grams as a decoder."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from typing_extensions import override

from glasswork.networks.decoding import Decoder, Memory, State, Step

MOST_CONTEXTS = 100_000
LEAST_COUNT = 2
"""How often a context of two tokens or more has to come to be kept."""


class NGramDecoder(nn.Module, Decoder):
    """The next token by the tokens before it, interpolated over all lengths (Witten and Bell 1991).

    p(c | h) = (count(h c) + d(h) p(c | h')) / (count(h) + d(h)), d(h) the number of different tokens after h, and h'
    is h without its first token. Of a context that never came, the longest end that did counts.

    Args:
        tokens: how many there are; the last one ends a text, and stands before its first token.
        order: n, the tokens that are looked at, with the one that is judged.
    """

    keys: Tensor
    table: Tensor

    def __init__(self, tokens: int, order: int) -> None:
        super().__init__()
        self.tokens = tokens
        self.order = min(order, 1 + int(62 / math.log2(tokens + 1)))  # a context is one number of 63 bits
        self.register_buffer("keys", torch.zeros(1, dtype=torch.int64))  # the number of the empty context
        self.register_buffer("table", torch.full((1, tokens), 1 / tokens).log())

    def count(self, texts: Iterable[Sequence[int]]) -> None:
        """Sets what is known from texts, each without the token that ends it."""
        counts = self._counts(texts)
        known: dict[tuple[int, ...], Tensor] = {}
        uniform = torch.full((self.tokens,), 1 / self.tokens, dtype=torch.float64)
        for context in sorted(counts, key=len):
            shorter = known[context[1:]] if context else uniform
            after = torch.zeros(self.tokens, dtype=torch.float64)
            found = counts[context]
            after[list(found)] = torch.tensor(list(found.values()), dtype=torch.float64)
            known[context] = (after + len(found) * shorter) / (after.sum() + len(found))
        if not known:
            return
        numbers = torch.tensor([self._number(context) for context in known])
        order = numbers.argsort()
        self.keys = numbers[order].to(self.keys.device)
        self.table = torch.stack(list(known.values()))[order].log().float().to(self.table.device)

    def _counts(self, texts: Iterable[Sequence[int]]) -> Mapping[tuple[int, ...], Counter[int]]:
        """What came after every context that is kept; the ends of a kept context are kept."""
        counts: dict[tuple[int, ...], Counter[int]] = {}
        end = self.tokens - 1
        for text in texts:
            whole = (*[end] * (self.order - 1), *text, end)
            for place in range(self.order - 1, len(whole)):
                for size in range(self.order):
                    counts.setdefault(whole[place - size : place], Counter())[whole[place]] += 1
        frequent = [one for one in counts if len(one) < 2 or counts[one].total() >= LEAST_COUNT]
        # A longer context is never more frequent than its end, so that with equal counts the shorter goes first.
        frequent.sort(key=lambda one: (-counts[one].total(), len(one)))
        return {one: counts[one] for one in frequent[:MOST_CONTEXTS]}

    def _number(self, context: Sequence[int]) -> int:
        number = 0
        for token in context:
            number = number * (self.tokens + 1) + token + 1
        return number

    @override
    def begin(self, memory: Memory) -> State:
        shape = len(memory.values), self.order - 1
        return (torch.full(shape, self.tokens - 1, device=self.keys.device),)

    @override
    def step(self, previous: Tensor, state: State, memory: Memory) -> Step:
        (context,) = state
        if context.shape[1]:
            moved = torch.cat([context[:, 1:], previous[:, None]], 1)
            context = torch.where(previous[:, None] >= 0, moved, context)
        return Step(self.table[self._rows(context)], (context,))

    def _rows(self, context: Tensor) -> Tensor:
        """The row of the longest known end of each context (rows, order - 1), int64 (rows,)."""
        number = torch.zeros(len(context), dtype=torch.int64, device=context.device)
        rows = torch.zeros_like(number)  # the empty context is number 0, and the first row
        factor = 1
        for place in range(context.shape[1] - 1, -1, -1):
            number = number + (context[:, place] + 1) * factor
            factor *= self.tokens + 1
            found = torch.searchsorted(self.keys, number).clamp(max=len(self.keys) - 1)
            rows = torch.where(self.keys[found] == number, found, rows)
        return rows

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *others: Any) -> None:
        """Makes room for as many contexts as were counted."""
        for name in ("keys", "table"):
            if prefix + name in state_dict:
                setattr(self, name, torch.empty_like(state_dict[prefix + name], device=getattr(self, name).device))
        super()._load_from_state_dict(state_dict, prefix, *others)
