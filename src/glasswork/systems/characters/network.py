"""The character model (Kovashka and Kolter, "Recurrent networks"): what comes next in a text, at every time."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from glasswork.networks.recurrent import Recurrent, State


class OneHot(nn.Module):
    """A token as a vector of zeros with a one at its number, as on the slide (h = 1, 0, 0, 0)."""

    def __init__(self, tokens: int) -> None:
        super().__init__()
        self.tokens = tokens

    def forward(self, numbers: Tensor) -> Tensor:
        """float32 (..., tokens) from int64 (...)."""
        return functional.one_hot(numbers, self.tokens).to(torch.get_default_dtype())

    def extra_repr(self) -> str:
        """The number of tokens."""
        return str(self.tokens)


class CharacterNetwork(nn.Module):
    """Scores of every character to come next, from all that came before: s_t = W h_t + b, h_t = f(x_t, h_(t-1)).

    Args:
        cell: `rnn`, `relu-rnn`, `gru` or `lstm`.
        characters: how many different ones, the unknown one included.
        hidden_size: of each layer.
        layers: one above the other.
        embedding: numbers that stand for a character; 0: a one among zeros.
        dropout: share of the units turned off between layers and before the scores, while training.
    """

    def __init__(
        self, cell: str, characters: int, hidden_size: int, layers: int = 1, embedding: int = 0, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(characters, embedding) if embedding else OneHot(characters)
        self.recurrent = Recurrent(cell, embedding or characters, hidden_size, layers, dropout=dropout)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(hidden_size, characters)

    def forward(self, tokens: Tensor) -> Tensor:
        """Scores from the beginning of a text on: (batch, characters, times), as cross-entropy takes them.

        Args:
            tokens: int64 (batch, times).
        """
        return self.advance(tokens)[0].transpose(1, 2)

    def advance(self, tokens: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Scores at every time, (batch, times, characters), and the state to continue from.

        Args:
            tokens: int64 (batch, times).
            state: after the text before; None: this is the beginning.
        """
        read, state = self.recurrent(self.embedding(tokens), state)  # (batch, times, units)
        return self.output(self.dropout(read)), state  # (batch, times, characters)
