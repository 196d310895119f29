"""The encoder reads a padded text as it reads it alone, from either end."""

import pytest
import torch

from glasswork.networks.attention_decoder import AttentionDecoder
from glasswork.networks.bidirectional import reverse
from glasswork.systems.translate.network import EncoderName, Reader, Translator

TEXTS = torch.tensor([[1, 2, 3, 4, 5], [6, 7, 1, -1, -1], [2, -1, -1, -1, -1]])


@pytest.mark.parametrize("direction", ["bidirectional", "forwards", "reversed"])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_padding_changes_nothing(direction: EncoderName, cell: str) -> None:
    torch.manual_seed(0)
    reader = Reader(cell, direction, 4, 7, 3, 0.0, True)
    network = Translator(8, 4, reader, AttentionDecoder(cell, 6, 4, 5, reader.outputs, layers=3), 4).eval()
    with torch.no_grad():
        together = network.encode(TEXTS)
        for row, length in enumerate((5, 3, 1)):
            alone = network.encode(TEXTS[row : row + 1, :length])
            assert together.inside[row].tolist() == [place < length for place in range(5)]
            torch.testing.assert_close(together.values[row : row + 1, :length], alone.values)
            for one, other in zip(together.summary, alone.summary, strict=True):
                torch.testing.assert_close(one[row : row + 1], other)


def test_reversed_is_forwards_on_the_reversed_text() -> None:
    torch.manual_seed(0)
    ahead, back = Reader("lstm", "forwards", 4, 6, 2, 0.0, False), Reader("lstm", "reversed", 4, 6, 2, 0.0, False)
    back.load_state_dict(ahead.state_dict())
    inputs, lengths = torch.randn(3, 5, 4), torch.tensor([5, 3, 1])
    with torch.no_grad():
        states, ends = ahead(reverse(inputs, lengths), lengths)
        others, last = back(inputs, lengths)
    torch.testing.assert_close(last, ends)
    torch.testing.assert_close(others, reverse(states, lengths))
