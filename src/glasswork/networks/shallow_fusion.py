"""Several decoders as one: their log probabilities are added, each with a weight (Gulcehre et al. 2015)."""

from collections.abc import Sequence

from torch import Tensor
from typing_extensions import override

from glasswork.networks.decoding import Decoder, Memory, State, Step


class ShallowFusion(Decoder):
    """A decoder and others that judge the same tokens, such as a language model.

    log p = log p_1 + sum_k w_k log p_k; what it says does not sum to 1.

    Args:
        first: has weight 1; the memory is its own, and so is the attention.
        others: with their weights.
    """

    def __init__(self, first: Decoder, others: Sequence[tuple[Decoder, float]]) -> None:
        self.first, self.others = first, others

    @override
    def prepare(self, memory: Memory) -> Memory:
        return self.first.prepare(memory)

    @override
    def begin(self, memory: Memory) -> State:
        states = [self.first.begin(memory), *(other.begin(memory) for other, _ in self.others)]
        self.sizes = [len(state) for state in states]
        return tuple(tensor for state in states for tensor in state)

    @override
    def step(self, previous: Tensor, state: State, memory: Memory) -> Step:
        size = self.sizes[0]
        said = self.first.step(previous, state[:size], memory)
        total, states = said.log_probabilities, [said.state]
        for (other, weight), own in zip(self.others, self.sizes[1:], strict=True):
            step = other.step(previous, state[size : size + own], memory)
            size += own
            total = total + weight * step.log_probabilities
            states.append(step.state)
        return Step(total, tuple(tensor for part in states for tensor in part), said.attention)
