"""Confident learning by hand, and against the library of its authors."""

import numpy as np
import pytest
import torch
from cleanlab import count, filter, rank
from hypothesis import given
from hypothesis import strategies as st

from glasswork.studies.label_errors import confident_learning

HAND = [[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.4, 0.6], [0.1, 0.9], [0.2, 0.8], [0.7, 0.3]]
LABELS = [0, 0, 0, 0, 1, 1, 1]


def test_a_hand_worked_example() -> None:
    found = confident_learning(torch.tensor(HAND), torch.tensor(LABELS))
    # t_0 = (0.9 + 0.7 + 0.2 + 0.4) / 4, t_1 = (0.9 + 0.8 + 0.3) / 3
    assert found.thresholds.tolist() == pytest.approx([0.55, 2 / 3])
    # 0.4 / 0.6 is below both thresholds and counts nowhere
    assert found.counts.tolist() == [[2, 1], [1, 2]]
    # rows brought to 4 and 3 of 7
    assert found.joint.tolist() == [pytest.approx([8 / 21, 4 / 21]), pytest.approx([1 / 7, 2 / 7])]
    assert found.wrong_share == pytest.approx(1 / 3)
    # 4 - 8/3 and 3 - 2, rounded: one label of each class; margins 0.2 - 0.8 and 0.3 - 0.7
    assert found.suspects.tolist() == [2, 6]
    assert found.margin[found.suspects].tolist() == pytest.approx([-0.6, -0.4])


def test_labels_that_nothing_speaks_against_are_not_suspected() -> None:
    labels = torch.arange(30) % 3
    found = confident_learning(torch.eye(3)[labels] * 0.7 + 0.1, labels)
    assert found.suspects.tolist() == []
    assert found.wrong_share == pytest.approx(0)


@given(st.integers(0, 10_000), st.integers(2, 6), st.floats(0.3, 3.0))
def test_it_agrees_with_its_authors_library(seed: int, classes: int, sharpness: float) -> None:
    draws = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), draws.integers(0, classes, 80)])
    scores = draws.normal(size=(len(labels), classes))
    scores[np.arange(len(labels)), labels] += 1
    chances = np.exp(sharpness * scores)
    chances /= chances.sum(1, keepdims=True)
    found = confident_learning(torch.from_numpy(chances), torch.from_numpy(labels))
    margins = rank.get_normalized_margin_for_each_label(labels, chances)
    assert found.margin.numpy() / 2 + 0.5 == pytest.approx(margins, abs=1e-9)
    # Where several classes reach their thresholds, the library takes the most probable class of all, equation 1 the
    # most probable of these; and it puts at least 1 on the diagonal. Where that makes a difference C is another.
    several = (chances >= found.thresholds.numpy()).sum(1) > 1
    reached = (chances >= found.thresholds.numpy())[np.arange(len(labels)), chances.argmax(1)]
    if (several & ~reached).any() or (found.counts.diagonal() == 0).any():
        return
    assert found.counts.tolist() == count.compute_confident_joint(labels, chances, calibrate=False).tolist()
    theirs = filter.find_label_issues(labels, chances, filter_by="prune_by_class", n_jobs=1)
    # Its counts are rounded so that columns keep their sums: by one per class they may differ.
    assert len(set(np.flatnonzero(theirs)) ^ set(found.suspects.tolist())) <= classes
