"""Confident learning by hand, and against the library of its authors."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from glasswork.experiments.confident_learning import confident_learning

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
    # margins 0.2 - 0.8 and 0.3 - 0.7
    assert found.suspects.tolist() == [2, 6]
    assert found.margin[found.suspects].tolist() == pytest.approx([-0.6, -0.4])
    assert found.suggested[found.suspects].tolist() == [1, 0]


@given(st.integers(0, 10_000), st.integers(2, 6), st.floats(0.3, 3.0))
def test_it_agrees_with_its_authors_library(seed: int, classes: int, sharpness: float) -> None:
    count = pytest.importorskip("cleanlab.count")
    rank = pytest.importorskip("cleanlab.rank")
    draws = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), draws.integers(0, classes, 80)])
    scores = draws.normal(size=(len(labels), classes))
    scores[np.arange(len(labels)), labels] += 1
    chances = np.exp(sharpness * scores)
    chances /= chances.sum(1, keepdims=True)
    found = confident_learning(torch.from_numpy(chances), torch.from_numpy(labels))
    # Where several classes reach their thresholds, the library takes the most probable class of all, equation 1 the
    # most probable of these: where the two differ there is nothing to compare.
    reached = chances >= found.thresholds.numpy()
    if not reached[np.arange(len(labels)), chances.argmax(1)][reached.sum(1) > 1].all():
        return
    joint, (suspects,) = count.compute_confident_joint(labels, chances, return_indices_of_off_diagonals=True), ((),)
    theirs, suspects = joint
    raw = count.compute_confident_joint(labels, chances, calibrate=False)
    # The library writes at least 1 on the diagonal.
    ours = found.counts.numpy() + np.diag((found.counts.numpy().diagonal() == 0).astype(int))
    assert ours.tolist() == raw.tolist()
    assert sorted(found.suspects.tolist()) == sorted(suspects)
    assert found.margin.numpy() / 2 + 0.5 == pytest.approx(
        rank.get_normalized_margin_for_each_label(labels, chances), abs=1e-9
    )
    if (found.counts.numpy().diagonal() > 0).all():
        assert found.joint.numpy() * len(labels) == pytest.approx(theirs, abs=1.0)
