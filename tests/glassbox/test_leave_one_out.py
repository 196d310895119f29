"""Leaving words out: exact for a sum over words, and how a short and a very long text are treated."""

import math

import pytest
import torch
from torch import Tensor

from glasswork.glassbox.occlusion import MOST, LeftOut, evidence, leave_words_out

WEIGHTS = torch.tensor([0.0, 1.5, -2.0, 0.25])


def summed(texts: Tensor) -> Tensor:
    return WEIGHTS[texts].sum(1)


def test_of_a_sum_every_word_moves_its_own_term() -> None:
    found = leave_words_out(summed, torch.tensor([1, 2, 0, 3, 1]))
    assert found.values == pytest.approx([1.5, -2.0, 0.0, 0.25, 1.5])
    assert (found.score, found.stretch) == (pytest.approx(1.25), 1)
    assert LeftOut.from_json(found.to_json()) == found


def test_a_single_word_gives_way_to_the_unknown_one() -> None:
    assert leave_words_out(summed, torch.tensor([2])).values == (-2.0,)


@pytest.mark.parametrize("length", [MOST, MOST + 1, 3 * MOST - 1])
def test_of_a_long_text_neighbours_go_together(length: int) -> None:
    tokens = torch.randint(0, 4, (length,), generator=torch.Generator().manual_seed(0))
    found = leave_words_out(summed, tokens)
    assert len(found.values) == length and found.stretch == math.ceil(length / MOST)
    assert sum(found.values) == pytest.approx(found.score, abs=1e-3)
    first = WEIGHTS[tokens[: found.stretch]].mean()
    assert found.values[0] == pytest.approx(float(first), abs=1e-4)


def test_evidence_is_the_log_odds_in_bits() -> None:
    assert evidence(torch.tensor([0.5, 0.8, 0.2])).tolist() == pytest.approx([0, 2, -2])
    assert evidence(torch.tensor([0.0, 1.0])).isfinite().all()
