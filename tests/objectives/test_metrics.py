import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from glasswork.data.kinds.labels import Labels
from glasswork.data.kinds.numbers import Numbers
from glasswork.data.kinds.one_class import OneClass
from glasswork.errors import GlassworkError
from glasswork.objectives import metrics

SEEDS = st.integers(0, 10_000)

NAMES = ("a", "b", "c")


def generator_of(seed):
    return torch.Generator().manual_seed(seed)


@given(seed=SEEDS, examples=st.integers(1, 30), classes=st.integers(2, 9))
@settings(max_examples=20, deadline=None)
def test_metrics_of_classes_against_scikit_learn(seed, examples, classes):
    generator = generator_of(seed)
    scores = torch.randn(examples, classes, generator=generator)
    targets = torch.randint(classes, (examples,), generator=generator)
    answers = scores.argmax(1)
    result = OneClass(NAMES).measure(scores, targets, "cross-entropy")
    expected = {
        "accuracy": sklearn_metrics.accuracy_score(targets, answers),
        "macro_f1": sklearn_metrics.f1_score(targets, answers, average="macro", zero_division=0),
    }
    if classes > 5:
        expected["top_5_accuracy"] = sklearn_metrics.top_k_accuracy_score(
            targets, scores, k=5, labels=list(range(classes))
        )
    assert result == pytest.approx(expected)
    confusion = metrics.confusion_matrix(answers, targets, classes)
    assert confusion.dtype == torch.int64
    theirs = sklearn_metrics.confusion_matrix(targets, answers, labels=list(range(classes)))
    assert confusion.tolist() == theirs.tolist()


@given(seed=SEEDS, examples=st.integers(1, 20), labels=st.integers(2, 6), loss=st.sampled_from([0, 1]))
@settings(max_examples=20, deadline=None)
def test_metrics_of_labels_against_scikit_learn(seed, examples, labels, loss):
    generator = generator_of(seed)
    scores = torch.randn(examples, labels, generator=generator)
    targets = torch.randint(2, (examples, labels), generator=generator, dtype=torch.uint8)
    name, boundary = [("binary-cross-entropy", 0.0), ("squared-error", 0.5)][loss]
    answers = (scores > boundary).int()
    expected = {
        "accuracy": 1 - sklearn_metrics.hamming_loss(targets, answers),
        "exact_match": sklearn_metrics.accuracy_score(targets, answers),
        "f1": sklearn_metrics.f1_score(targets, answers, average="micro", zero_division=0),
    }
    assert Labels(NAMES).measure(scores, targets, name) == pytest.approx(expected)


@given(seed=SEEDS, examples=st.integers(2, 20), numbers=st.integers(1, 3), constant=st.booleans())
@settings(max_examples=20, deadline=None)
def test_metrics_of_numbers_against_scikit_learn(seed, examples, numbers, constant):
    generator = generator_of(seed)
    scores = 10 * torch.randn(examples, numbers, generator=generator)
    targets = scores + torch.randn(examples, numbers, generator=generator)
    if constant:
        targets[:, 0] = 4.0
    expected = {
        "mean_absolute_error": sklearn_metrics.mean_absolute_error(targets, scores),
        "root_mean_squared_error": sklearn_metrics.root_mean_squared_error(targets, scores),
        "r2": sklearn_metrics.r2_score(targets.double(), scores.double()),
    }
    assert Numbers(NAMES).measure(scores, targets, "squared-error") == pytest.approx(expected, rel=1e-4)


def test_constant_numbers_are_met_or_not():
    same = torch.ones(3, 1)
    assert Numbers(NAMES).measure(same, same, "squared-error")["r2"] == 1
    assert Numbers(NAMES).measure(same + 1, same, "squared-error")["r2"] == 0


def test_labels_that_are_never_set_nor_answered_have_no_f1():
    result = Labels(NAMES).measure(-torch.ones(2, 3), torch.zeros(2, 3), "binary-cross-entropy")
    assert result == {"accuracy": 1, "exact_match": 1, "f1": 0}


def test_no_examples_are_a_mistake_and_so_is_a_loss_that_does_not_fit():
    with pytest.raises(GlassworkError, match="no examples to evaluate on"):
        OneClass(NAMES).measure(torch.ones(0, 3), torch.ones(0, dtype=torch.int64), "hinge")
    with pytest.raises(GlassworkError, match="does not fit"):
        Numbers(NAMES).measure(torch.ones(1, 3), torch.ones(1, 3), "hinge")


@given(seed=SEEDS, examples=st.integers(1, 60), bins=st.integers(1, 12))
@settings(max_examples=20, deadline=None)
def test_calibration_against_a_count_by_hand(seed, examples, bins):
    generator = generator_of(seed)
    probabilities = (2 * torch.randn(examples, 3, generator=generator)).softmax(1)
    targets = torch.randint(3, (examples,), generator=generator)
    parts = metrics.calibration(probabilities, targets, bins)
    assert len(parts) == bins
    gap = 0.0
    for place, part in enumerate(parts):
        low, high = place / bins, (place + 1) / bins
        inside = [
            (max(row), float(row.index(max(row)) == target))
            for row, target in zip(probabilities.tolist(), targets.tolist(), strict=True)
            if low < max(row) <= high
        ]
        count = len(inside)
        confidence = sum(p for p, _ in inside) / max(count, 1)
        accuracy = sum(right for _, right in inside) / max(count, 1)
        assert (part.low, part.high, part.count) == (low, high, count)
        assert (part.confidence, part.accuracy) == pytest.approx((confidence, accuracy))
        gap += count / examples * abs(confidence - accuracy)
    assert metrics.expected_calibration_error(parts) == pytest.approx(gap)


def test_certain_and_right_is_calibrated_certain_and_wrong_is_not():
    sure = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    right = metrics.calibration(sure, torch.tensor([0, 0]))
    wrong = metrics.calibration(sure, torch.tensor([1, 1]))
    assert (right[-1].count, right[-1].accuracy, wrong[-1].accuracy) == (2, 1, 0)
    assert metrics.expected_calibration_error(right) == 0
    assert metrics.expected_calibration_error(wrong) == 1
    assert metrics.expected_calibration_error([]) == 0
