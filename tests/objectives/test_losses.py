import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from glasswork.data.kinds.labels import Labels
from glasswork.data.kinds.numbers import Numbers
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.task import TARGETS
from glasswork.errors import GlassworkError
from glasswork.objectives import losses
from glasswork.objectives.losses import LOSSES

SLIDE_SCORES = torch.tensor([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]])  # cat, car, frog
SLIDE_TARGETS = torch.tensor([0, 1, 2])


def slow_loss(name, scores, target, smoothing):
    """One example by the formula of its docstring; target an int or a list of numbers."""
    classes = len(scores)
    wanted = [float(k == target) for k in range(classes)] if isinstance(target, int) else target
    if name == "hinge":
        return sum(max(0.0, scores[j] - scores[target] + 1) for j in range(classes) if j != target)
    if name == "squared-error":
        return sum((y - t) ** 2 for y, t in zip(scores, wanted, strict=True)) / 2
    if name == "cross-entropy":
        wanted = [(1 - smoothing) * t + smoothing / classes for t in wanted]
        total = sum(math.exp(s) for s in scores)
        return -sum(t * math.log(math.exp(s) / total) for t, s in zip(wanted, scores, strict=True))
    wanted = [(1 - smoothing) * t + smoothing / 2 for t in wanted]
    y = [1 / (1 + math.exp(-s)) for s in scores]
    return -sum(t * math.log(p) + (1 - t) * math.log(1 - p) for t, p in zip(wanted, y, strict=True))


def draw(seed, batch, outputs):
    generator = torch.Generator().manual_seed(seed)
    scores = 3 * torch.randn(batch, outputs, generator=generator, dtype=torch.float64)
    return scores, torch.randint(outputs, (batch,), generator=generator), generator


def test_hinge_gives_the_numbers_of_the_slide():
    each = [float(losses.hinge(SLIDE_SCORES[i : i + 1], SLIDE_TARGETS[i : i + 1])) for i in range(3)]
    assert each == pytest.approx([2.9, 0, 12.9], abs=1e-5)
    assert float(losses.hinge(SLIDE_SCORES, SLIDE_TARGETS)) == pytest.approx(5.27, abs=0.005)


def test_cross_entropy_of_the_slides_cat():
    # e^3.2 = 24.5, e^5.1 = 164.0, e^-1.7 = 0.18: P(cat) = 0.13
    probability = losses.class_probabilities(SLIDE_SCORES, "cross-entropy")[0, 0]
    assert float(probability) == pytest.approx(0.13, abs=0.001)
    assert float(losses.cross_entropy(SLIDE_SCORES[:1], SLIDE_TARGETS[:1])) == pytest.approx(2.04, abs=0.005)


@pytest.mark.parametrize("name", OneClass.losses)
@given(
    seed=st.integers(0, 10_000),
    batch=st.integers(1, 6),
    outputs=st.integers(1, 7),
    weighted=st.booleans(),
    smoothing=st.sampled_from([0.0, 0.1, 0.5]),
)
@settings(max_examples=20, deadline=None)
def test_one_class_per_example_against_the_formula(name, seed, batch, outputs, weighted, smoothing):
    if name in ("hinge", "squared-error"):
        smoothing = 0.0
    scores, targets, generator = draw(seed, batch, outputs)
    weights = torch.rand(outputs, generator=generator, dtype=torch.float64) + 0.1
    factors = [float(weights[target]) if weighted else 1.0 for target in targets.tolist()]
    each = [slow_loss(name, s, t, smoothing) for s, t in zip(scores.tolist(), targets.tolist(), strict=True)]
    expected = sum(w * loss for w, loss in zip(factors, each, strict=True)) / sum(factors)
    actual = LOSSES[name](scores, targets, class_weights=weights if weighted else None, smoothing=smoothing)
    assert float(actual) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@given(seed=st.integers(0, 10_000), batch=st.integers(1, 6), outputs=st.integers(1, 7))
@settings(max_examples=20, deadline=None)
def test_labels_and_numbers_against_the_formula(seed, batch, outputs):
    scores, _, generator = draw(seed, batch, outputs)
    labels = torch.randint(2, (batch, outputs), generator=generator, dtype=torch.uint8)
    numbers = torch.randn(batch, outputs, generator=generator)
    for name, targets in [("binary-cross-entropy", labels), ("squared-error", labels), ("squared-error", numbers)]:
        each = [slow_loss(name, s, t, 0.0) for s, t in zip(scores.tolist(), targets.tolist(), strict=True)]
        assert float(LOSSES[name](scores, targets)) == pytest.approx(sum(each) / batch, rel=1e-9)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_losses_against_torch(seed):
    scores, targets, _ = draw(seed, 5, 4)
    one_hot = F.one_hot(targets, 4).double()
    expected = {
        "cross-entropy": F.nll_loss(scores.log_softmax(1), targets),
        "hinge": F.multi_margin_loss(scores, targets) * 4,
        "binary-cross-entropy": F.binary_cross_entropy(scores.sigmoid(), one_hot) * 4,
        "squared-error": F.mse_loss(scores, one_hot) * 4 / 2,
    }
    assert expected.keys() == LOSSES.keys() - {"pinball"}  # of quantiles, in test_forecasts.py
    for name, value in expected.items():
        torch.testing.assert_close(LOSSES[name](scores, targets), value)


@pytest.mark.parametrize(
    ("name", "outputs_of"),
    [
        ("cross-entropy", lambda s: s.softmax(1)),
        ("binary-cross-entropy", torch.sigmoid),
        ("squared-error", lambda s: s),
    ],
)
def test_the_error_of_an_output_is_y_minus_t(name, outputs_of):
    scores, targets, _ = draw(3, 5, 4)
    (error,) = torch.autograd.grad(LOSSES[name](scores.requires_grad_(), targets), scores)
    torch.testing.assert_close(error * 5, outputs_of(scores.detach()) - F.one_hot(targets, 4))


@pytest.mark.parametrize("name", OneClass.losses)
def test_gradients_are_those_of_finite_differences(name):
    scores, targets, _ = draw(11, 3, 4)
    weights = torch.tensor([1.0, 2.0, 0.5, 3.0], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda s: LOSSES[name](s, targets, class_weights=weights), scores.requires_grad_())


@pytest.mark.parametrize("name", OneClass.losses)
def test_huge_scores_stay_finite(name):
    scores = torch.tensor([[1e4, -1e4, 0.0]], requires_grad=True)
    loss = LOSSES[name](scores, torch.tensor([1]))
    loss.backward()
    assert loss.isfinite()
    assert scores.grad.isfinite().all()


@pytest.mark.parametrize("name", OneClass.losses)
def test_many_networks_can_be_scored_at_once(name):
    scores, targets, _ = draw(5, 6, 4)
    stacked = torch.func.vmap(LOSSES[name], in_dims=(0, None))(torch.stack([scores, 2 * scores]), targets)
    torch.testing.assert_close(stacked, torch.stack([LOSSES[name](scores, targets), LOSSES[name](2 * scores, targets)]))


@pytest.mark.parametrize("name", ["hinge", "squared-error"])
def test_smoothing_is_refused_where_targets_are_no_probabilities(name):
    with pytest.raises(GlassworkError, match=f"{name} has no label smoothing"):
        LOSSES[name](SLIDE_SCORES, SLIDE_TARGETS, smoothing=0.1)


def test_class_weights_are_refused_for_labels():
    with pytest.raises(GlassworkError, match="one class per example"):
        losses.binary_cross_entropy(SLIDE_SCORES, torch.ones(3, 3), class_weights=torch.ones(3))


def test_targets_of_another_shape_are_not_broadcast():
    with pytest.raises(ValueError, match="targets of shape"):
        losses.squared_error(SLIDE_SCORES, torch.ones(3, 1))


@pytest.mark.parametrize(("kind", "name"), [(Numbers, "hinge"), (Labels, "cross-entropy")])
def test_a_loss_that_does_not_fit_names_those_that_do(kind, name):
    with pytest.raises(GlassworkError, match=rf"{name} does not fit .* {kind.losses[0]}"):
        kind(("y",)).require_loss(name)


def test_defaults_fit_and_every_loss_is_of_use():
    assert {kind: target.losses[0] for kind, target in TARGETS.items()} == {
        "class": "cross-entropy",
        "classes": "binary-cross-entropy",
        "number": "squared-error",
        "next": "cross-entropy",
        "class per step": "cross-entropy",
        "ahead": "pinball",
        "token sequence": "cross-entropy",
        "boxes": "cross-entropy",
    }
    assert {name for target in TARGETS.values() for name in target.losses} == set(LOSSES)


@pytest.mark.parametrize("name", OneClass.losses)
@given(seed=st.integers(0, 10_000), outputs=st.integers(1, 8), scale=st.sampled_from([0.1, 1.0, 100.0]))
@settings(max_examples=20, deadline=None)
def test_probabilities_of_classes_sum_to_one_and_keep_the_answer(name, seed, outputs, scale):
    scores, _, _ = draw(seed, 4, outputs)
    result = losses.class_probabilities(scale * scores, name)
    torch.testing.assert_close(result.sum(1), torch.ones(4, dtype=torch.float64))
    assert (result >= 0).all()
    # At a great scale two probabilities may round to the same number.
    answered = result.gather(1, scores.argmax(1, keepdim=True))[:, 0]
    assert torch.equal(answered, result.max(1).values)


def test_one_against_the_rest_is_divided_by_the_sum_even_where_that_underflows():
    expected = torch.sigmoid(SLIDE_SCORES) / torch.sigmoid(SLIDE_SCORES).sum(1, keepdim=True)
    torch.testing.assert_close(losses.class_probabilities(SLIDE_SCORES, "binary-cross-entropy"), expected)
    least = losses.class_probabilities(torch.tensor([[-900.0, -900.0]]), "binary-cross-entropy")
    torch.testing.assert_close(least, torch.tensor([[0.5, 0.5]]))


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_the_nearest_distribution_is_nearer_than_any_other(seed):
    scores, _, generator = draw(seed, 1, 5)
    nearest = losses.nearest_distribution(scores)
    others = torch.rand(200, 5, generator=generator, dtype=torch.float64).pow(4)
    others = others / others.sum(1, keepdim=True)
    assert (nearest - scores).norm() <= (others - scores).norm(dim=1).min()
    torch.testing.assert_close(losses.nearest_distribution(others), others)


def test_probabilities_of_labels_stand_alone_and_numbers_have_none():
    torch.testing.assert_close(losses.label_probabilities(SLIDE_SCORES, "binary-cross-entropy"), SLIDE_SCORES.sigmoid())
    limited = losses.label_probabilities(torch.tensor([[-1.0, 0.3, 2.0]]), "squared-error")
    torch.testing.assert_close(limited, torch.tensor([[0.0, 0.3, 1.0]]))
    with pytest.raises(GlassworkError, match="no probabilities"):
        Numbers(("y",)).probabilities(SLIDE_SCORES, "squared-error")
