"""An encoder that reads a text, and a decoder that writes its translation (Kolter: sequence to sequence)."""

from typing import Literal

import torch
from torch import Tensor, nn
from typing_extensions import override

from glasswork.networks.attention_decoder import AttentionDecoder
from glasswork.networks.bidirectional import reverse
from glasswork.networks.decoding import Memory
from glasswork.networks.encoder_decoder import EncoderDecoder
from glasswork.networks.recurrent import Recurrent

EncoderName = Literal["bidirectional", "forwards", "reversed"]


class Reader(nn.Module):
    """Recurrent layers that read a text: the states at every place, and the last states of every layer.

    - `bidirectional`: each layer reads from both ends, half of its states each way (Bahdanau et al. 2015).
    - `forwards`: from the beginning to the end (the slide's encoder).
    - `reversed`: from the end to the beginning, so that its last state has just read the first words (Sutskever et al.
      2014, section 3.3).

    Args:
        cell: a name in `CELLS`.
        direction: as above.
        features: numbers of one token.
        hidden_size: of each layer, of both directions together.
        layers: one above the other.
        dropout: share of the numbers turned off between layers, while training.
        residual: whether layers, from the second one on, add to what they read (Wu et al. 2016, section 3.1).
    """

    def __init__(
        self,
        cell: str,
        direction: EncoderName,
        features: int,
        hidden_size: int,
        layers: int,
        dropout: float,
        residual: bool,
    ) -> None:
        super().__init__()
        self.direction, self.residual = direction, residual
        ways = 2 if direction == "bidirectional" else 1
        size = -(-hidden_size // ways)
        self.outputs = ways * size
        sizes = [features] + [self.outputs] * (layers - 1)
        self.first = nn.ModuleList(Recurrent(cell, each, size) for each in sizes)
        self.second = nn.ModuleList(Recurrent(cell, each, size) for each in sizes if ways == 2)
        self.dropout = nn.Dropout(dropout)

    def forward(self, inputs: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """States (batch, times, outputs) in the order of the text, and the last ones (batch, layers x outputs).

        Args:
            inputs: (batch, times, features).
            lengths: int64 (batch,), how many times of each row are real.
        """
        last = (lengths - 1)[:, None, None]
        if self.direction == "reversed":
            inputs = reverse(inputs, lengths)
        ends = []
        for layer, forwards in enumerate(self.first):
            read = self.dropout(inputs) if layer else inputs
            out, _ = forwards(read)
            if len(self.second):
                behind, _ = self.second[layer](reverse(read, lengths))
                ends += [out, behind]
                out = torch.cat([out, reverse(behind, lengths)], 2)
            else:
                ends.append(out)
            inputs = out + inputs if self.residual and layer else out
        found = torch.cat([each.gather(1, last.expand(-1, 1, each.shape[2]))[:, 0] for each in ends], 1)
        return reverse(inputs, lengths) if self.direction == "reversed" else inputs, found


class Translator(EncoderDecoder):
    """Scores of every next token of a translation.

    The decoder's first states are tanh(W e + b) of the reader's last ones e.

    Args:
        tokens: how many different ones the texts have, the unknown one included.
        embedding: numbers that stand for a token.
        reader: reads the text.
        decoder: writes.
        unrolled: tokens of an answer at most, if the network goes on from its own tokens.
    """

    def __init__(self, tokens: int, embedding: int, reader: Reader, decoder: AttentionDecoder, unrolled: int) -> None:
        super().__init__(decoder, unrolled)
        self.embedding = nn.Embedding(tokens, embedding)
        nn.init.normal_(self.embedding.weight, std=0.1)
        self.reader = reader
        states = decoder.summary_sizes
        self.bridge = nn.Linear(len(reader.first) * reader.outputs, states * decoder.output.in_features)
        self.states = states

    @override
    def encode(self, inputs: Tensor) -> Memory:
        """Memory of texts, int64 (batch, times), -1 behind the end of a shorter one; every text has a token."""
        inside = inputs >= 0
        vectors = self.decoder.dropout(self.embedding(inputs.clamp(min=0)))
        values, ends = self.reader(vectors, inside.sum(1))
        begins = torch.tanh(self.bridge(ends)).view(inputs.shape[0], self.states, -1)
        return Memory(values, inside, tuple(each.contiguous() for each in begins.unbind(1)))
