"""From features of sound to a score of every character at every moment."""

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from glasswork.networks.bidirectional import Bidirectional
from glasswork.networks.ctc_decoding import CTCDecoder
from glasswork.networks.decoding import Decoder, Memory
from glasswork.networks.ngram_decoder import NGramDecoder
from glasswork.networks.shallow_fusion import ShallowFusion
from glasswork.objectives.ctc import NEVER


class SpeechNetwork(nn.Module):
    """Two strided convolutions, recurrent layers that read both ways, and scores with a blank (Amodei et al. 2016).

    Behind a sound's end the blank is certain, so that the outputs of a batch can be read without its lengths.

    Args:
        bands: of the features.
        tokens: scores at every moment; the last one is the blank.
        filters: maps of each convolution.
        subsampling: frames to a moment: 1, 2 or 4.
        cell: a name in `CELLS`.
        hidden_size: of each recurrent layer, in each direction.
        layers: one above the other.
        dropout: share of the numbers turned off between recurrent layers and before the output, while training.
        language_order: of the language model; 0: none.
        language_weight: what its log probabilities count in beam search.
    """

    def __init__(
        self,
        bands: int,
        tokens: int,
        filters: int,
        subsampling: int,
        cell: str,
        hidden_size: int,
        layers: int,
        dropout: float,
        language_order: int = 0,
        language_weight: float = 0.0,
    ) -> None:
        super().__init__()
        self.subsampling = subsampling
        self.steps = (2 if subsampling > 1 else 1, 2 if subsampling > 2 else 1)
        self.convolution_1 = nn.Conv2d(1, filters, 3, (self.steps[0], 2), 1)
        self.normalization_1 = nn.BatchNorm2d(filters)
        self.convolution_2 = nn.Conv2d(filters, filters, 3, (self.steps[1], 2), 1)
        self.normalization_2 = nn.BatchNorm2d(filters)
        size = filters * (((bands + 1) // 2 + 1) // 2)
        self.recurrent = Bidirectional(cell, size, hidden_size, layers, dropout)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(2 * hidden_size, tokens)
        self.language = NGramDecoder(tokens, language_order) if language_order else None
        self.language_weight = language_weight

    def forward(self, features: Tensor) -> Tensor:
        """Scores (batch, tokens, moments) of features and a 1, all 0 behind an end, (batch, frames, bands + 1)."""
        inside = features[:, :, -1] > 0  # (batch, frames)
        maps = features[:, None, :, :-1]
        convolutions = (self.convolution_1, self.convolution_2), (self.normalization_1, self.normalization_2)
        for convolution, normalization, step in zip(*convolutions, self.steps, strict=True):
            inside = inside[:, ::step]
            # Padding stays 0, as it is around a sound that is alone.
            maps = torch.relu(normalization(convolution(maps))) * inside[:, None, :, None]
        read = self.recurrent(maps.transpose(1, 2).flatten(2), inside.sum(1))  # (batch, moments, 2 units)
        scores = self.output(self.dropout(read)).float()
        labels, blank = scores[:, :, :-1], scores[:, :, -1:]
        outside = ~inside[:, :, None]
        found = torch.cat([labels.masked_fill(outside, NEVER), blank.masked_fill(outside, 0.0)], 2)
        return found.transpose(1, 2)

    def encode(self, features: Tensor) -> Memory:
        """The log probabilities of every moment, (batch, moments, tokens)."""
        return memory_of(self(features))

    def decoder(self) -> Decoder:
        """What beam search asks: CTC, with the language model if there is one."""
        if self.language is None or not self.language_weight:
            return CTCDecoder()
        return ShallowFusion(CTCDecoder(), [(self.language, self.language_weight)])


def memory_of(scores: Tensor) -> Memory:
    """Scores (batch, tokens, moments) as decoders take them."""
    values = scores.float().log_softmax(1).transpose(1, 2)
    inside = torch.ones(values.shape[:2], dtype=torch.bool, device=values.device)
    return Memory(values, inside)


def without_stretches(features: Tensor, length: int) -> Tensor:
    """The features of one sound (frames, bands + 1) with 0, their mean, in each stretch of `length` in turn."""
    frames = len(features)
    count = -(-frames // length)
    places = torch.arange(count * length, device=features.device).view(count, length)
    left_out = torch.zeros(count, count * length, dtype=torch.bool, device=features.device)
    left_out.scatter_(1, places, True)
    repeated = pad(features, (0, 0, 0, count * length - frames)).expand(count, -1, -1)
    values = repeated[:, :, :-1].masked_fill(left_out[:, :, None], 0.0)
    return torch.cat([values, repeated[:, :, -1:]], 2)[:, :frames]
