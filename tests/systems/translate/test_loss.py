"""What is minimised is the mean over real tokens, and what is left out of a text is what it would be without."""

import pytest
import torch
from torch.nn import functional

from glasswork.data.batches import Batch
from glasswork.data.collate import IGNORED
from glasswork.data.sequence_batches import before
from glasswork.networks.attention_decoder import AttentionDecoder, AttentionName
from glasswork.networks.decoding import follow, log_probabilities_of
from glasswork.objectives.losses import Objective
from glasswork.systems.sequences import leave_out, token_loss
from glasswork.systems.translate.network import Reader, Translator

TEXTS = torch.tensor([[1, 2, 3, 4], [3, 5, -1, -1]])
TARGETS = torch.tensor([[0, 3, 5], [5, IGNORED, IGNORED]])


def translator(attention: AttentionName) -> Translator:
    torch.manual_seed(0)
    reader = Reader("gru", "bidirectional", 4, 8, 1, 0.0, True)
    return Translator(6, 4, reader, AttentionDecoder("gru", 6, 4, 8, reader.outputs, attention), 4)


@pytest.mark.parametrize("attention", ["none", "luong", "bahdanau"])
def test_padding_is_no_part_of_the_loss(attention: AttentionName) -> None:
    network, previous = translator(attention), before(TARGETS)
    found = token_loss(network, Batch(TEXTS, TARGETS), previous, Objective("cross-entropy", 0.1))
    scores = network(TEXTS, previous)
    wanted = functional.cross_entropy(scores, TARGETS, ignore_index=IGNORED, label_smoothing=0.1)
    torch.testing.assert_close(found, wanted)


def test_bits_are_those_of_the_text_without_the_part() -> None:
    network, answer = translator("luong").eval(), [0, 3]
    with torch.inference_mode():
        whole, shorter = network.encode(TEXTS[:1]), network.encode(TEXTS[:1, 1:])
        (bits,) = leave_out(network.decoder, lambda: shorter, whole, answer)
        logs = [
            float(log_probabilities_of(follow(network.decoder, m, [answer])[0], answer).sum()) for m in (whole, shorter)
        ]
    assert bits == pytest.approx((logs[0] - logs[1]) / torch.log(torch.tensor(2.0)).item(), abs=1e-5)
