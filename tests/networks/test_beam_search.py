"""Beam search finds what trying every answer finds, and one call of a decoder is its steps."""

import itertools

import pytest
import torch

from glasswork.errors import GlassworkError
from glasswork.networks.attention_decoder import AttentionDecoder, AttentionName
from glasswork.networks.decoding import Beam, Memory, beam_search, follow, log_probabilities_of
from glasswork.networks.encoder_decoder import EncoderDecoder, sample_previous

TOKENS, PLACES, FEATURES, SIZE, BATCH = 5, 6, 4, 8, 3


def decoder_and_memory(attention: AttentionName, cell: str = "lstm") -> tuple[AttentionDecoder, Memory]:
    torch.manual_seed(1)
    decoder = AttentionDecoder(cell, TOKENS, 5, SIZE, FEATURES, attention, layers=2, residual=True).eval()
    inside = torch.ones(BATCH, PLACES, dtype=torch.bool)
    inside[1, 3:] = False
    summary = tuple(torch.randn(BATCH, SIZE) for _ in range(decoder.summary_sizes))
    return decoder, Memory(torch.randn(BATCH, PLACES, FEATURES), inside, summary)


@pytest.mark.parametrize("attention", ["none", "luong", "bahdanau"])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_a_whole_answer_in_one_call_is_its_steps(attention: AttentionName, cell: str) -> None:
    decoder, memory = decoder_and_memory(attention, cell)
    answers = [[1, 2, 3], [0], []]
    previous = torch.tensor([[-1, 1, 2, 3], [-1, 0, -1, -1], [-1, -1, -1, -1]])
    with torch.no_grad():
        said = decoder(memory, previous).log_softmax(1)
    for row, (answer, followed) in enumerate(zip(answers, follow(decoder, memory, answers), strict=True)):
        torch.testing.assert_close(said[row, :, : len(answer) + 1].T, followed.log_probabilities)
        if attention == "none":
            assert followed.attention is None
        else:
            assert followed.attention is not None
            torch.testing.assert_close(followed.attention.sum(1), torch.ones(len(answer) + 1))
            assert not followed.attention[:, ~memory.inside[row]].any()


@pytest.mark.parametrize("attention", ["none", "luong", "bahdanau"])
def test_a_wide_beam_finds_the_best_of_all_answers(attention: AttentionName) -> None:
    decoder, memory = decoder_and_memory(attention)
    every = [list(each) for size in range(4) for each in itertools.product(range(TOKENS - 1), repeat=size)]
    found = beam_search(decoder, memory, Beam(100, 3, 0.6))
    for row in range(BATCH):
        whole = memory.select(torch.full((len(every),), row))
        totals = [
            float(log_probabilities_of(each, answer).sum())
            for each, answer in zip(follow(decoder, whole, every), every, strict=True)
        ]
        scores = [total / ((6 + len(answer)) / 6) ** 0.6 for total, answer in zip(totals, every, strict=True)]
        best = sorted(range(len(every)), key=lambda place: -scores[place])[:5]
        assert [one.tokens for one in found[row][:5]] == [tuple(every[place]) for place in best]
        assert [one.score for one in found[row][:5]] == pytest.approx([scores[place] for place in best], abs=1e-4)
        assert found[row][0].log_probability == pytest.approx(totals[best[0]], abs=1e-4)


@pytest.mark.parametrize("width", [1, 3])
def test_inputs_are_searched_together_as_alone(width: int) -> None:
    decoder, memory = decoder_and_memory("luong")
    beam = Beam(width, 12, coverage_penalty=0.2)
    together = beam_search(decoder, memory, beam)
    for row in range(BATCH):
        (alone,) = beam_search(decoder, memory.select(torch.tensor([row])), beam)
        assert [one.tokens for one in alone] == [one.tokens for one in together[row]]
        assert [one.score for one in alone] == pytest.approx([one.score for one in together[row]], abs=1e-5)
        assert 1 <= len(alone) <= width and all(len(one.tokens) <= 12 for one in alone)


def test_greedy_takes_the_most_probable_token_each_time() -> None:
    decoder, memory = decoder_and_memory("bahdanau")
    for row, (best,) in enumerate(beam_search(decoder, memory, Beam(1, 8))):
        said = follow(decoder, memory.select(torch.tensor([row])), [best.tokens])[0].log_probabilities.argmax(1)
        assert said[: len(best.tokens)].tolist() == list(best.tokens)
        assert len(best.tokens) == 8 or int(said[-1]) == TOKENS - 1


def test_scores_that_are_no_numbers_are_said() -> None:
    decoder, memory = decoder_and_memory("luong")
    torch.nn.init.constant_(decoder.output.bias, torch.nan)
    with pytest.raises(GlassworkError, match="lower --learning-rate"):
        beam_search(decoder, memory, Beam(2, 4))


class Reader(EncoderDecoder):
    """Hands on what it is given."""

    def encode(self, inputs: torch.Tensor) -> Memory:
        summary = tuple(inputs.mean(1) for _ in range(self.decoder.summary_sizes))
        return Memory(inputs, torch.ones(inputs.shape[:2], dtype=torch.bool), summary)


def test_without_tokens_a_network_goes_on_from_its_own() -> None:
    torch.manual_seed(3)
    network = Reader(AttentionDecoder("gru", TOKENS, 4, SIZE, SIZE, "luong"), unrolled=5).eval()
    inputs = torch.randn(2, PLACES, SIZE)
    with torch.no_grad():
        own = network(inputs)
        tokens = own.argmax(1)
        given = network(inputs, torch.nn.functional.pad(tokens[:, :-1], (1, 0), value=-1)).log_softmax(1)
    assert own.shape == (2, TOKENS, 5)
    torch.testing.assert_close(own, given)


def test_scheduled_sampling_replaces_a_share_of_the_true_tokens() -> None:
    torch.manual_seed(4)
    network = Reader(AttentionDecoder("gru", 50, 4, SIZE, SIZE, "luong"), unrolled=5)
    inputs, previous = torch.randn(64, PLACES, SIZE), torch.randint(0, 49, (64, 30))
    previous[:, 0] = -1
    assert sample_previous(network, inputs, previous, 0.0) is previous
    sampled = sample_previous(network, inputs, previous, 0.5)
    assert torch.equal(sampled[:, 0], previous[:, 0]) and int(sampled.max()) < 49
    assert 0.4 < float((sampled[:, 1:] != previous[:, 1:]).float().mean()) < 0.55
