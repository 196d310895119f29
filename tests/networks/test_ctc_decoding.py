"""CTC as a decoder, its loss and its alignments against the sum over all alignments."""

import itertools
from collections import defaultdict

import pytest
import torch
from torch import Tensor

from glasswork.networks.ctc_decoding import CTCDecoder, best_path, collapse
from glasswork.networks.decoding import Beam, Memory, beam_search, follow
from glasswork.networks.ngram_decoder import NGramDecoder
from glasswork.networks.shallow_fusion import ShallowFusion
from glasswork.objectives.ctc import NEVER, align_tokens, ctc_loss, ctc_losses, frames_needed

FRAMES, BLANK = 5, 2


def scores_of(batch: int = 2) -> Tensor:
    """(batch, tokens, frames), in float32."""
    return 2 * torch.randn(batch, BLANK + 1, FRAMES, generator=torch.Generator().manual_seed(4))


def memory_of(scores: Tensor) -> Memory:
    values = scores.log_softmax(1).transpose(1, 2)
    return Memory(values, torch.ones(values.shape[:2], dtype=torch.bool))


def by_hand(
    values: Tensor,
) -> tuple[dict[tuple[int, ...], float], dict[tuple[int, ...], tuple[float, tuple[int, ...]]]]:
    """The probability of every text as the sum over its alignments, and its most probable one."""
    chances, best = defaultdict[tuple[int, ...], float](float), dict[tuple[int, ...], tuple[float, tuple[int, ...]]]()
    table = values.double().exp().tolist()
    for path in itertools.product(range(BLANK + 1), repeat=len(table)):
        chance = 1.0
        for row, token in zip(table, path, strict=True):
            chance *= row[token]
        text = collapse(path, BLANK)
        chances[text] += chance
        best[text] = max(best.get(text, (0.0, ())), (chance, path))
    return dict(chances), best


def test_every_prefix_has_the_probability_of_all_its_alignments() -> None:
    memory = memory_of(scores_of())
    for row in range(2):
        chances, _ = by_hand(memory.values[row])
        one = memory.select(torch.tensor([row]))
        for text in [(), (0,), (0, 0), (0, 1, 0), (1, 1), (1, 0, 0)]:
            said = follow(CTCDecoder(), one, [text])[0].log_probabilities
            torch.testing.assert_close(said.exp().sum(1), torch.ones(len(said)), rtol=1e-5, atol=0)
            for size in range(len(text) + 1):
                whole = sum(chance for other, chance in chances.items() if other[:size] == text[:size])
                for token in range(BLANK):
                    ahead = sum(c for other, c in chances.items() if other[: size + 1] == (*text[:size], token))
                    assert float(said[size, token].exp()) == pytest.approx(ahead / whole, rel=1e-5, abs=1e-9)
                assert float(said[size, BLANK].exp()) == pytest.approx(chances[text[:size]] / whole, rel=1e-5)


def test_a_wide_beam_finds_the_most_probable_texts_of_each_input() -> None:
    memory = memory_of(scores_of())
    found = beam_search(CTCDecoder(), memory, Beam(40, longest=FRAMES, length_penalty=0.0))
    for row, hypotheses in enumerate(found):
        chances, _ = by_hand(memory.values[row])
        ranked = sorted(chances.items(), key=lambda pair: -pair[1])[:12]
        assert [one.tokens for one in hypotheses[:12]] == [text for text, _ in ranked]
        for one, (_, chance) in zip(hypotheses, ranked, strict=False):
            assert one.log_probability == pytest.approx(torch.tensor(chance).log().item(), abs=1e-5)


def test_what_is_certainly_blank_adds_nothing() -> None:
    scores = scores_of()
    behind = torch.full((2, BLANK + 1, 3), NEVER)
    behind[:, BLANK] = 0
    longer = torch.cat([scores, behind], 2)
    beam = Beam(8, longest=FRAMES, length_penalty=0.0)
    for short, padded in zip(
        beam_search(CTCDecoder(), memory_of(scores), beam),
        beam_search(CTCDecoder(), memory_of(longer), beam),
        strict=True,
    ):
        assert [one.tokens for one in short] == [one.tokens for one in padded]
        assert [one.score for one in short] == pytest.approx([one.score for one in padded], abs=1e-6)
    targets = torch.tensor([[0, 1, BLANK], [1, BLANK, -100]])
    torch.testing.assert_close(ctc_losses(scores, targets), ctc_losses(longer, targets))
    full = torch.tensor([[0, 0, 0, BLANK], [0, 0, 0, 0]])  # the second has no room before the end, but behind it
    assert ctc_losses(longer, full)[2].tolist() == [True, False]


def test_the_loss_is_that_of_all_alignments_per_token() -> None:
    scores, targets = scores_of(), torch.tensor([[0, 1, 1, BLANK], [1, BLANK, -100, -100]])
    expected = []
    for row, text in enumerate([(0, 1, 1), (1,)]):
        chances, _ = by_hand(memory_of(scores).values[row])
        expected.append(-torch.tensor(chances[text]).log().item())
    losses, counts, fits = ctc_losses(scores, targets)
    assert losses.tolist() == pytest.approx(expected, rel=1e-5) and counts.tolist() == [3, 1] and fits.all()
    assert ctc_loss(scores, targets).item() == pytest.approx(sum(expected) / 4, rel=1e-5)


def test_a_text_without_room_counts_nothing_and_hurts_nothing() -> None:
    scores = scores_of().requires_grad_()
    targets = torch.tensor([[0, 0, 0, 0, BLANK], [1, BLANK, -100, -100, -100]])
    loss = ctc_loss(scores, targets)
    assert loss.item() == pytest.approx(ctc_loss(scores[1:], targets[1:]).item(), rel=1e-6)
    loss.backward()
    assert scores.grad is not None and scores.grad.isfinite().all()
    assert not scores.grad[0].any() and scores.grad[1].any()
    assert [frames_needed(text) for text in ([], [0], [0, 0, 1], [0, 0, 0, 0])] == [0, 1, 4, 7]


def test_the_best_alignment_is_found() -> None:
    values = memory_of(scores_of()).values
    for row in range(2):
        _, best = by_hand(values[row])
        for text in [(0,), (1, 1), (0, 1), (1, 0, 1)]:
            path = best[text][1]
            expected, place = [], 0
            for token, group in itertools.groupby(path):
                size = len(list(group))
                expected += [(place, place + size - 1)] if token != BLANK else []
                place += size
            assert align_tokens(values[row], text) == expected
    assert align_tokens(values[0], (0, 0, 0, 0)) == [] and align_tokens(values[0], ()) == []


def test_greedy_is_the_best_path() -> None:
    values = memory_of(scores_of()).values
    for row, one in enumerate(best_path(values)):
        path = values[row].argmax(1).tolist()
        assert one.tokens == collapse(path, BLANK)
        assert one.score == pytest.approx(float(values[row].max(1).values.sum()), rel=1e-6)


def test_the_language_model_is_that_of_witten_and_bell() -> None:
    language = NGramDecoder(3, 2)  # tokens a, b, end
    language.count([(0, 1), (0, 0)])
    memory = Memory(torch.zeros(1, 1, 1), torch.ones(1, 1, dtype=torch.bool))
    said = follow(language, memory, [(0, 1)])[0].log_probabilities.exp()
    once = [(count + 3 / 3) / (6 + 3) for count in (3, 1, 2)]  # 6 tokens, 3 different ones
    begin = [(count + 1 * chance) / (2 + 1) for count, chance in zip((2, 0, 0), once, strict=True)]
    after_a = [(count + 3 * chance) / (3 + 3) for count, chance in zip((1, 1, 1), once, strict=True)]
    after_b = [(count + 1 * chance) / (1 + 1) for count, chance in zip((0, 0, 1), once, strict=True)]
    torch.testing.assert_close(said, torch.tensor([begin, after_a, after_b]))
    again = NGramDecoder(3, 2)
    again.load_state_dict(language.state_dict())
    assert torch.equal(again.table, language.table) and torch.equal(again.keys, language.keys)
    deep = NGramDecoder(4000, 9)
    deep.count([[3999 - 1] * 9] * 3)
    assert follow(deep, memory, [[3998] * 9])[0].log_probabilities[8, 3998] > -0.7


def test_decoders_are_added_with_their_weights() -> None:
    memory, language = memory_of(scores_of()), NGramDecoder(BLANK + 1, 3)
    language.count([(0, 1, 0), (0, 1)])
    texts = [(0, 1), (1, 0)]
    both = follow(ShallowFusion(CTCDecoder(), [(language, 0.4)]), memory, texts)
    first, second = follow(CTCDecoder(), memory, texts), follow(language, memory, texts)
    for whole, one, other in zip(both, first, second, strict=True):
        expected = one.log_probabilities + 0.4 * other.log_probabilities
        torch.testing.assert_close(whole.log_probabilities, expected)
