"""Recurrent layers that read rows of differing length from both ends (Schuster and Paliwal 1997)."""

import torch
from torch import Tensor, nn

from glasswork.networks.recurrent import Recurrent

UNKNOWN = 0
"""The number of the token that stands for all others."""


def reverse(rows: Tensor, lengths: Tensor) -> Tensor:
    """Every row from its own end to its beginning; what stands behind the end stays where it is.

    Args:
        rows: (batch, times, features).
        lengths: int64 (batch,), how many times of each row are real.
    """
    times = torch.arange(rows.shape[1], device=rows.device)
    places = torch.where(times < lengths[:, None], lengths[:, None] - 1 - times, times)  # (batch, times)
    return rows.gather(1, places[:, :, None].expand(-1, -1, rows.shape[2]))


class Bidirectional(nn.Module):
    """Layers of recurrent units, of which each reads both ways and hands on both states side by side.

    The same as `Recurrent(bidirectional=True)` for rows without padding. Padded rows are turned around within their own
    length, so that no state depends on the padding and torch's kernels for whole batches can be used.

    Args:
        cell: a name in `CELLS`.
        features: numbers of one input x_t.
        hidden_size: numbers of one state, in each direction.
        layers: one above the other.
        dropout: share of the numbers turned off between one layer and the next while training.
    """

    def __init__(self, cell: str, features: int, hidden_size: int, layers: int = 1, dropout: float = 0.0) -> None:
        super().__init__()
        sizes = [features] + [2 * hidden_size] * (layers - 1)
        self.forwards = nn.ModuleList(Recurrent(cell, size, hidden_size) for size in sizes)
        self.backwards = nn.ModuleList(Recurrent(cell, size, hidden_size) for size in sizes)
        self.dropout = nn.Dropout(dropout)

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """Both states at every time, (batch, times, 2 units); behind a row's end they mean nothing.

        Args:
            inputs: (batch, times, features).
            lengths: int64 (batch,), how many times of each row are real.
        """
        for layer, (forwards, backwards) in enumerate(zip(self.forwards, self.backwards, strict=True)):
            read = self.dropout(inputs) if layer else inputs
            ahead, _ = forwards(read)  # (batch, times, units)
            behind, _ = backwards(reverse(read, lengths))
            inputs = torch.cat([ahead, reverse(behind, lengths)], 2)  # (batch, times, 2 units)
        return inputs


class TokenDropout(nn.Module):
    """Tokens of a text that become the unknown one, at random while training (Iyyer et al. 2015, "word dropout").

    No answer may rest on a single word then, and the unknown token learns what an unknown word is worth.

    Args:
        share: of the tokens.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens int64 (batch, times), some of them unknown; padding stays padding."""
        if not self.training or self.share == 0:
            return tokens
        lost = torch.rand(tokens.shape, device=tokens.device) < self.share
        return tokens.masked_fill(lost & (tokens >= 0), UNKNOWN)

    def extra_repr(self) -> str:
        """The share."""
        return str(self.share)
