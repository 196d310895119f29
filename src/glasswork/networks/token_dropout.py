"""Words that are hidden at random while training."""

import torch
from torch import Tensor, nn

UNKNOWN = 0
"""The number of the token that stands for all others."""


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
