"""A recurrent decoder, with attention over what the encoder has read or without."""

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from glasswork.errors import GlassworkError
from glasswork.networks.decoding import Decoder, Memory, State, Step
from glasswork.networks.recurrent import CELLS, Recurrent

AttentionName = Literal["none", "luong", "bahdanau"]


class Attention(nn.Module):
    """Weights over the places of a memory, and the mean of the memory under them, its context.

    a_i = softmax_i(score(h, m_i)), c = sum_i a_i m_i. Luong's score is h^T W m_i (Luong et al. 2015, `general`),
    Bahdanau's v^T tanh(W h + U m_i) (Bahdanau et al. 2015).

    Args:
        name: `luong` or `bahdanau`.
        size: of a decoder's state h.
        features: of one place of the memory m_i.
    """

    def __init__(self, name: AttentionName, size: int, features: int) -> None:
        super().__init__()
        self.name = name
        self.key = nn.Linear(features, size, bias=False)
        self.query = nn.Linear(size, size, bias=False) if name == "bahdanau" else nn.Identity()
        self.score = nn.Linear(size, 1, bias=False) if name == "bahdanau" else None

    def forward(self, states: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """Contexts (batch, times, features) and weights (batch, times, places) of states (batch, times, size)."""
        assert memory.keys is not None
        queries, keys = self.query(states), memory.keys
        if self.score is None:
            scores = queries @ keys.transpose(1, 2)
        else:
            scores = self.score(torch.tanh(queries[:, :, None] + keys[:, None])).squeeze(3)
        weights = scores.masked_fill(~memory.inside[:, None], -torch.inf).softmax(2)
        return weights @ memory.values, weights


class AttentionDecoder(nn.Module, Decoder):
    """Recurrent layers over the tokens so far, and scores of the next one.

    - `none`: what was read is in the first state alone (Sutskever et al. 2014; Kolter: sequence to sequence).
    - `luong`: the last layer's state looks at the memory, s = W tanh(W_c [c; h]) (Luong et al. 2015). All layers read
      the known tokens of a whole answer in one call while training.
    - `bahdanau`: the state before a token looks at the memory, and the context is part of what the first layer reads,
      so that training goes token by token (Bahdanau et al. 2015).

    From the second layer on, a layer's input is added to its output if `residual` (Wu et al. 2016, section 3.1).

    Args:
        cell: a name in `CELLS`.
        tokens: how many there are; the last one ends an answer, and also stands before its first token.
        embedding: numbers that stand for a token.
        hidden_size: of each layer.
        features: of one place of the memory.
        attention: how the memory is looked at.
        layers: one above the other.
        dropout: share of the numbers turned off between layers and before the output, while training.
        residual: whether layers add to what they read.
    """

    def __init__(
        self,
        cell: str,
        tokens: int,
        embedding: int,
        hidden_size: int,
        features: int,
        attention: AttentionName = "luong",
        layers: int = 1,
        dropout: float = 0.0,
        residual: bool = False,
    ) -> None:
        super().__init__()
        if attention not in get_args(AttentionName):
            raise GlassworkError(f"There is no attention named '{attention}': use {', '.join(get_args(AttentionName))}")
        self.tokens, self.residual = tokens, residual
        self.states = CELLS[cell].states
        self.embedding = nn.Embedding(tokens, embedding)
        nn.init.normal_(self.embedding.weight, std=0.1)
        self.attention = None if attention == "none" else Attention(attention, hidden_size, features)
        self.feeding = attention == "bahdanau"
        first = embedding + features if self.feeding else embedding
        sizes = [first] + [hidden_size] * (layers - 1)
        self.layers = nn.ModuleList(Recurrent(cell, size, hidden_size) for size in sizes)
        self.dropout = nn.Dropout(dropout)
        joined = hidden_size + features if self.attention is not None else hidden_size
        self.combine = nn.Linear(joined, hidden_size) if self.attention is not None else nn.Identity()
        self.output = nn.Linear(hidden_size, tokens)

    @property
    def summary_sizes(self) -> int:
        """How many tensors (batch, hidden_size) the summary of a memory has: each layer's first state."""
        return len(self.layers) * self.states

    def forward(self, memory: Memory, previous: Tensor) -> Tensor:
        """Scores of every next token, (batch, tokens, times), as cross-entropy takes them.

        Args:
            memory: what was read.
            previous: the token before each time, int64 (batch, times); -1 before the first.
        """
        return self.score(self.read(memory, previous)).transpose(1, 2)

    def read(self, memory: Memory, previous: Tensor) -> Tensor:
        """What the output layer reads at every time, (batch, times, hidden_size); arguments as of `forward`."""
        embedded = self._embed(previous)  # (batch, times, embedding)
        memory = self.prepare(memory)
        if not self.feeding:
            return self._advance(embedded, memory.summary, memory)[0]
        state, found = memory.summary, []
        for time in range(previous.shape[1]):
            hidden, state, _ = self._advance(embedded[:, time : time + 1], state, memory)
            found.append(hidden)
        return torch.cat(found, 1)

    def score(self, read: Tensor) -> Tensor:
        """Scores of the tokens, (..., tokens), from what the output layer reads, (..., hidden_size)."""
        scores: Tensor = self.output(self.dropout(read))
        return scores

    def prepare(self, memory: Memory) -> Memory:
        """The memory with the keys of its places."""
        return memory if self.attention is None else memory._replace(keys=self.attention.key(memory.values))

    def step(self, previous: Tensor, state: State, memory: Memory) -> Step:
        """One token further."""
        hidden, after, weights = self._advance(self._embed(previous[:, None]), state, memory)
        scores = self.score(hidden)[:, 0]
        return Step(scores.float().log_softmax(1), after, None if weights is None else weights[:, 0])

    def _embed(self, previous: Tensor) -> Tensor:
        embedded: Tensor = self.dropout(self.embedding(previous.remainder(self.tokens)))
        return embedded

    def _advance(self, embedded: Tensor, state: State, memory: Memory) -> tuple[Tensor, State, Tensor | None]:
        """What the output layer reads at some times, the state after the last one, and the attention at each."""
        weights = context = None
        if self.feeding:
            assert self.attention is not None
            top = state[(len(self.layers) - 1) * self.states]  # h of the last layer before this token
            context, weights = self.attention(top[:, None], memory)
            embedded = torch.cat([embedded, context], 2)
        read, after = embedded, []
        for place, layer in enumerate(self.layers):
            before = tuple(each[None] for each in state[place * self.states : (place + 1) * self.states])
            out, ends = layer(self.dropout(read) if place else read, before)
            read = out + read if self.residual and place else out
            after += [each[0] for each in ends]
        if self.attention is not None:
            if context is None:
                context, weights = self.attention(read, memory)
            read = torch.tanh(self.combine(torch.cat([context, read], 2)))
        return read, tuple(after), weights
