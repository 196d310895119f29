"""How losses and penalties are tried."""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import Tensor

from glasswork.objectives.losses import pinball
from textbook.case import Case, Drawn, numbers, shape
from textbook.cases_pointwise import one

REDUCTIONS = st.sampled_from(["mean", "sum", "none"])
STRENGTHS = st.sampled_from([1.0, 0.1, 0.002])


def classes(draw: Any, sides: tuple[int, ...], count: int, ignored: int) -> Tensor:
    """The right class of every example, some of them ignored but not the first: the mean needs one."""
    drawn = draw(hnp.arrays(np.int64, sides, elements=st.sampled_from([*range(count), ignored])))
    y = torch.from_numpy(np.array(drawn, np.int64))
    if y.reshape(-1)[0] == ignored:
        y.view(-1)[0] = count - 1
    return y


def draw_hinge(draw: Any) -> Drawn:
    examples, count = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    # No two multiples of 0.3 are 1 apart, where the margin has its kink.
    s = (numbers(draw, (examples, count)) / 0.3).round() * 0.3
    y = torch.tensor(draw(st.lists(st.integers(0, count - 1), min_size=examples, max_size=examples)))
    return (s, y), {"reduction": draw(REDUCTIONS)}


def torch_hinge(s: Tensor, y: Tensor, reduction: str) -> Tensor:
    return F.multi_margin_loss(s, y, reduction=reduction) * s.shape[1]  # torch divides by the number of classes


def draw_likelihood(draw: Any) -> Drawn:
    """Scores or log probabilities, with a class for each example."""
    count, ignored = draw(st.integers(2, 5)), draw(st.sampled_from([-100, 0]))
    sides = shape(draw, 0, 3, 3)  # what the shape of y is; the classes come second, or are alone
    s = numbers(draw, (*sides[:1], count, *sides[1:]))
    weights = numbers(draw, (count,), 0.1, 2) if draw(st.booleans()) else None
    settings = {"reduction": draw(REDUCTIONS), "ignore_index": ignored}
    return (s, classes(draw, sides, count, ignored), weights), settings


def draw_cross_entropy(draw: Any) -> Drawn:
    (s, y, weights), settings = draw_likelihood(draw)
    assert s is not None
    settings["label_smoothing"] = draw(st.sampled_from([0.0, 0.1, 0.5]))
    if draw(st.booleans()):  # probabilities in place of classes; torch refuses an ignored class then
        y = numbers(draw, s.shape, -2, 2).softmax(1 if s.dim() > 1 else 0)
        settings["ignore_index"] = -100
    return (s, y, weights), settings


def draw_squared_error(draw: Any) -> Drawn:
    sides = shape(draw, 0)
    reduction = draw(st.sampled_from(["half-sum", "examples", "mean", "sum", "none"]))
    return (numbers(draw, sides), numbers(draw, sides)), {"reduction": reduction}


def torch_squared_error(y: Tensor, t: Tensor, reduction: str) -> Tensor:
    if reduction in {"half-sum", "examples"}:
        halved = F.mse_loss(y, t, reduction="sum") / 2
        return halved if reduction == "half-sum" else halved / prod([*y.shape[:1], *y.shape[2:]])
    return F.mse_loss(y, t, reduction=reduction)


def draw_binary_cross_entropy(draw: Any) -> Drawn:
    sides = shape(draw)
    t = numbers(draw, sides, 0, 1)
    if draw(st.booleans()):
        t = t.round()
    weight = numbers(draw, draw(st.sampled_from([sides, sides[-1:]])), 0, 2) if draw(st.booleans()) else None
    return (numbers(draw, sides), t, weight), {"reduction": draw(REDUCTIONS | st.just("examples"))}


def torch_binary_cross_entropy(s: Tensor, t: Tensor, weight: Tensor | None, reduction: str) -> Tensor:
    if reduction == "examples":
        summed = F.binary_cross_entropy_with_logits(s, t, weight, reduction="sum")
        return summed / prod([*s.shape[:1], *s.shape[2:]])
    return F.binary_cross_entropy_with_logits(s, t, weight, reduction=reduction)


def draw_triplet(draw: Any) -> Drawn:
    sides = (draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    anchor, positive, negative = (numbers(draw, sides) for _ in range(3))
    alpha = draw(st.sampled_from([0.2, 1.0, 50.0]))
    margins = squared_distance(anchor, positive) - squared_distance(anchor, negative) + alpha
    assume(bool((margins.abs() > 1e-6).all()))
    return (anchor, positive, negative), {"alpha": alpha, "reduction": draw(REDUCTIONS)}


def squared_distance(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).square().sum(-1)


def torch_triplet(anchor: Tensor, positive: Tensor, negative: Tensor, alpha: float, reduction: str) -> Tensor:
    return F.triplet_margin_with_distance_loss(
        anchor, positive, negative, distance_function=squared_distance, margin=alpha, reduction=reduction
    )


def distance(loss: Any, w: Tensor) -> Tensor:
    """From zero, by one of torch's losses."""
    return loss(w, torch.zeros_like(w), reduction="sum")


def draw_pinball(draw: Any) -> Drawn:
    sides = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    # No two multiples of 0.3, one of them moved by 0.1, are equal, where the loss has its kink.
    q = (numbers(draw, (*sides, draw(st.integers(1, 5)))) / 0.3).round() * 0.3
    return (q, (numbers(draw, sides) / 0.3).round() * 0.3 + 0.1), {}


def two_apart(**settings: Any) -> Callable[[Any], Drawn]:
    """Draws two tensors of one shape whose numbers are no multiple of 1/2 apart, where absolute errors have kinks."""

    def draw_apart(draw: Any) -> Drawn:
        sides = shape(draw, 0)
        y, t = (numbers(draw, sides) * 2).round() / 2, (numbers(draw, sides) * 2).round() / 2 + 0.2
        return (y, t), {name: draw(values) for name, values in settings.items()}

    return draw_apart


def torch_huber(y: Tensor, t: Tensor, reduction: str, delta: float, divided: bool) -> Tensor:
    if divided:
        return F.smooth_l1_loss(y, t, reduction=reduction, beta=delta)
    return F.huber_loss(y, t, reduction=reduction, delta=delta)


CASES = {
    "hinge": Case(draw_hinge, torch_hinge),
    "cross_entropy": Case(draw_cross_entropy, F.cross_entropy, constant=(2,)),
    "negative_log_likelihood": Case(draw_likelihood, F.nll_loss, constant=(2,)),
    "squared_error": Case(draw_squared_error, torch_squared_error),
    "absolute_error": Case(two_apart(reduction=REDUCTIONS), F.l1_loss),
    "huber": Case(
        two_apart(reduction=REDUCTIONS, delta=st.sampled_from([0.5, 1.0, 3.0]), divided=st.booleans()), torch_huber
    ),
    "binary_cross_entropy": Case(draw_binary_cross_entropy, torch_binary_cross_entropy, constant=(2,)),
    "pinball": Case(draw_pinball, pinball),
    "triplet": Case(draw_triplet, torch_triplet),
    "l1": Case(one(kinks=(0,), strength=STRENGTHS), lambda w, strength: strength * distance(F.l1_loss, w)),
    "l2": Case(one(strength=STRENGTHS), lambda w, strength: strength * distance(F.mse_loss, w)),
}
