"""Counted words: what is counted, and what is not."""

import math

import pytest
import torch
from torch import Tensor

from closeness import assert_same_numbers
from glasswork.objectives.losses import LOSSES
from glasswork.systems.sentiment.naive_bayes import CountedWords
from glasswork.systems.sentiment.network import TextClassifier

GOOD, BAD, NOT, TEA, RICE, ONCE = range(1, 7)


def kind(texts: int, seed: int) -> tuple[Tensor, Tensor]:
    """Texts of a thing and a judgement that `NOT` before it turns round, in 4 words; whether they are kind."""
    draws = torch.Generator().manual_seed(seed)
    turned, word = (torch.randint(0, 2, (texts,), generator=draws) for _ in range(2))
    thing = torch.randint(TEA, RICE + 1, (texts,), generator=draws)
    before, judged = torch.where(turned == 1, NOT, TEA), torch.where(word == 1, BAD, GOOD)
    return torch.stack([thing, before, judged, thing], 1), (turned + word) % 2


def counted(texts: Tensor, targets: Tensor, classes: int = 2, loss: str = "cross-entropy") -> CountedWords:
    made, half = CountedWords(7, classes), len(texts) // 2
    made.count([texts[:half], texts[half:]], [targets[:half], targets[half:]], LOSSES[loss])
    return made


def test_pairs_turn_a_word_round() -> None:
    made, (texts, targets) = counted(*kind(200, 0)), kind(100, 1)
    assert torch.equal(made(texts).argmax(1), targets)


def test_several_classes_are_a_yes_or_no_each() -> None:
    texts, targets = kind(200, 0)
    labels = torch.stack([targets, (texts == RICE).any(1).long(), torch.ones_like(targets)], 1).to(torch.uint8)
    made = counted(texts, labels, 3, "binary-cross-entropy")
    assert torch.equal((made(texts) > 0).to(torch.uint8), labels)


def test_only_what_a_text_has_counts_and_that_once() -> None:
    made = counted(*kind(200, 0))
    once, often = torch.tensor([[GOOD, TEA]]), torch.tensor([[GOOD, TEA, GOOD, TEA, -1, -1]])
    again = made.found(often)[0]
    assert sorted(again[again < again.max()].tolist()) == sorted(
        {GOOD, TEA, int(made.of_neighbours(once[0, 0], once[0, 1])), int(made.of_neighbours(once[0, 1], once[0, 0]))}
    )
    assert torch.equal(made(once), made(torch.tensor([[GOOD, TEA, -1]])))
    assert torch.equal(made(torch.tensor([[0, -1]]))[0], made.bias)


def test_what_is_in_one_text_alone_says_nothing() -> None:
    texts, targets = kind(200, 0)
    texts[0, 0] = ONCE
    made = counted(texts, targets)
    assert not made.weights[ONCE].any() and made.weights[GOOD].any()


def test_counts_of_chance_are_believed_little() -> None:
    """Naive Bayes says of texts that it counted what they were; each without its own counts, it cannot tell."""
    draws = torch.Generator().manual_seed(0)
    texts, targets = torch.randint(1, 200, (400, 12), generator=draws), torch.randint(0, 2, (400,), generator=draws)
    made = CountedWords(200, 2)
    made.count([texts], [targets], LOSSES["cross-entropy"])
    new = torch.randint(1, 200, (400, 12), generator=draws)
    loss = LOSSES["cross-entropy"](made(new), torch.randint(0, 2, (400,), generator=draws))
    assert float(loss) < math.log(2) + 0.05


@pytest.mark.parametrize("texts", [[[1, 1], [2, 2], [3, 3], [4, 4]], [[0, 0]] * 4, [[1, 2], [1, 2], [1, 2], [1, 2]]])
def test_where_nothing_tells_classes_apart_only_their_shares_do(texts: list[list[int]]) -> None:
    made = CountedWords(7, 2)
    made.count([torch.tensor(texts)], [torch.tensor([0, 0, 0, 1])], LOSSES["cross-entropy"])
    chances = made(torch.tensor([[5, 6]])).softmax(1)
    assert chances[0].tolist() == pytest.approx([0.75, 0.25], abs=0.02)


def test_few_texts_that_are_told_apart_entirely_are_not_believed_without_end() -> None:
    texts, targets = torch.tensor([[GOOD, TEA], [GOOD, RICE], [BAD, TEA], [BAD, RICE]]), torch.tensor([1, 1, 0, 0])
    made = CountedWords(7, 2)
    made.count([texts], [targets], LOSSES["cross-entropy"])
    assert made(texts).softmax(1).amax() < 0.99


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_two_judges_share_the_scores(share: float) -> None:
    texts, targets = kind(100, 0)
    torch.manual_seed(0)
    network = TextClassifier("gru", 7, 2, 5, 4, counted=2).eval()
    assert network.counted is not None
    network.counted.count([texts], [targets], LOSSES["cross-entropy"])
    network.share.fill_(share)
    expected = share * network.learnt(texts) + (1 - share) * network.counted(texts)
    assert_same_numbers(network(texts), expected)
    assert not [name for name, _ in network.named_parameters() if "counted" in name or "share" in name]
