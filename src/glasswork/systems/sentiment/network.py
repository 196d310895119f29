"""Many to one (Kovashka, "Recurrent networks": sentiment): a text is read from both ends, then judged as a whole."""

import torch
from torch import Tensor, nn

from glasswork.networks.bidirectional import Bidirectional, TokenDropout
from glasswork.systems.sentiment.naive_bayes import CountedWords

LEARNT_SHARE = 0.25
"""Of the scores, beside counted words, where no text is held out to say what is best."""


class TextClassifier(nn.Module):
    """Scores of classes from a text: s = W [mean_t z_t; max_t z_t] + b, z_t = [h_t forwards; h_t backwards; x_t].

    The vectors x_t of the words are pooled beside the states h_t, since few texts teach a bag of words sooner than an
    order of words (deep averaging: Iyyer et al. 2015; pooled states: Conneau et al. 2017). With `counted`,
    counted words judge beside: s = share x learnt + (1 - share) x counted, two judges of which each can answer alone.

    Args:
        cell: `rnn`, `relu-rnn`, `gru` or `lstm`.
        tokens: how many different ones, the unknown one included.
        classes: scores.
        embedding: numbers that stand for a token.
        hidden_size: of each layer, in each direction.
        layers: one above the other.
        dropout: share of the numbers turned off before and after the recurrent layers, while training.
        token_dropout: share of the tokens that become the unknown one, while training.
        counted: how many tokens in a row are counted together, at most; 0: no counted words judge beside.
    """

    share: Tensor

    def __init__(
        self,
        cell: str,
        tokens: int,
        classes: int,
        embedding: int,
        hidden_size: int,
        layers: int = 1,
        dropout: float = 0.0,
        token_dropout: float = 0.0,
        counted: int = 0,
    ) -> None:
        super().__init__()
        self.counted = CountedWords(tokens, classes, counted) if counted else None
        self.register_buffer("share", torch.tensor(LEARNT_SHARE) if counted else None)
        self.lost = TokenDropout(token_dropout)
        self.embedding = nn.Embedding(tokens, embedding)
        nn.init.normal_(self.embedding.weight, std=0.1)
        self.dropout = nn.Dropout(dropout)
        self.recurrent = Bidirectional(cell, embedding, hidden_size, layers, dropout)
        self.output = nn.Linear(2 * (2 * hidden_size + embedding), classes)

    def forward(self, tokens: Tensor) -> Tensor:
        """Scores (batch, classes), learned and counted together.

        Args:
            tokens: int64 (batch, times), -1 behind the end of a shorter text; every text has a token.
        """
        learnt = self.learnt(tokens)
        return learnt if self.counted is None else self.share * learnt + (1 - self.share) * self.counted(tokens)

    def learnt(self, tokens: Tensor) -> Tensor:
        """The scores (batch, classes) of the recurrent layers alone, which training is about."""
        real = (tokens >= 0)[:, :, None]  # (batch, times, 1)
        lengths = real.sum((1, 2))  # (batch,)
        vectors = self.dropout(self.embedding(self.lost(tokens).clamp(min=0)))  # (batch, times, embedding)
        read = torch.cat([self.recurrent(vectors, lengths), vectors], 2).float()  # (batch, times, 2 units + embedding)
        mean = read.masked_fill(~real, 0.0).sum(1) / lengths[:, None]
        most = read.masked_fill(~real, -torch.inf).amax(1)
        scores: Tensor = self.output(self.dropout(torch.cat([mean, most], 1)))
        return scores
