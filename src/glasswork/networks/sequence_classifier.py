"""Many to one (Kovashka, "Recurrent networks: sentiment classification"): a sequence is read, then answered once."""

import torch
from torch import Tensor, nn

from glasswork.networks.recurrent import Recurrent


class ManyToOne(nn.Module):
    """Symbols as one-hot rows, recurrent units over them, and a score for each class out of the last state.

    Args:
        cell: a name in `recurrent.CELLS`.
        symbols: how many different ones there are.
        hidden_size: numbers of one state.
        classes: how many scores come out.
    """

    def __init__(self, cell: str, symbols: int, hidden_size: int, classes: int) -> None:
        super().__init__()
        self.symbols = symbols
        self.recurrent = Recurrent(cell, symbols, hidden_size)
        self.output = nn.Linear(hidden_size, classes)

    def forward(self, codes: Tensor) -> Tensor:
        """Scores (batch, classes) of sequences of codes (batch, time), whole numbers of any type."""
        states, _ = self.recurrent(self.one_hot(codes))  # (batch, time, units)
        scores: Tensor = self.output(states[:, -1])
        return scores

    def one_hot(self, codes: Tensor) -> Tensor:
        """Rows of zeros with a one at each code, (batch, time, symbols)."""
        return torch.nn.functional.one_hot(codes.long(), self.symbols).to(self.output.weight.dtype)
