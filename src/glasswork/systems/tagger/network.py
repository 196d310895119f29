"""One label for each word (Kolter, "Recurrent networks": sentence labelling), from all words before and behind it."""

import torch
from torch import Tensor, nn

from glasswork.networks.bidirectional import Bidirectional, TokenDropout


class Tagger(nn.Module):
    """Scores of the labels at every word: s_t = W [h_t forwards; h_t backwards; x_t] + b.

    x_t is put together from the vectors of the word's features, such as itself and its last letters, so that a word
    not seen in training is still known by its form (Huang, Xu and Yu 2015, without their conditional random field).

    Args:
        cell: `rnn`, `relu-rnn`, `gru` or `lstm`; `none`: every word is judged on its own.
        tokens: how many different features, the unknown one included.
        features: of each word.
        classes: labels.
        embedding: numbers that stand for a feature.
        hidden_size: of each layer, in each direction.
        layers: one above the other.
        dropout: share of the numbers turned off before and after the recurrent layers, while training.
        token_dropout: share of the features that become unknown, while training.
    """

    def __init__(
        self,
        cell: str,
        tokens: int,
        features: int,
        classes: int,
        embedding: int,
        hidden_size: int,
        layers: int = 1,
        dropout: float = 0.0,
        token_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.lost = TokenDropout(token_dropout)
        self.embedding = nn.Embedding(tokens, embedding)
        nn.init.normal_(self.embedding.weight, std=0.1)
        self.dropout = nn.Dropout(dropout)
        size = features * embedding
        self.recurrent = None if cell == "none" else Bidirectional(cell, size, hidden_size, layers, dropout)
        self.output = nn.Linear(size + (0 if cell == "none" else 2 * hidden_size), classes)

    def forward(self, tokens: Tensor) -> Tensor:
        """Scores (batch, classes, times), as cross-entropy takes them; behind a sentence's end they mean nothing.

        Args:
            tokens: int64 (batch, times, features), -1 behind the end of a shorter sentence.
        """
        lengths = (tokens[:, :, 0] >= 0).sum(1)  # (batch,)
        vectors = self.dropout(self.embedding(self.lost(tokens).clamp(min=0)).flatten(2))  # (batch, times, size)
        if self.recurrent is None:
            scores: Tensor = self.output(vectors)
        else:
            read = self.dropout(self.recurrent(vectors, lengths))  # (batch, times, 2 units)
            scores = self.output(torch.cat([read, vectors], 2))  # (batch, times, classes)
        return scores.transpose(1, 2)
