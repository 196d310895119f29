"""How reductions are tried, and what runs along an axis: extremes, spread, running sums, lengths."""

from typing import Any

import torch
import torch.nn.functional as F
from hypothesis import assume
from hypothesis import strategies as st
from torch import Tensor

from textbook.case import Case, Drawn, distinct, numbers, shape, whole


def draw_total(draw: Any) -> Drawn:
    sides = shape(draw, 0)
    axes = list(range(len(sides)))
    dim = None
    if axes and draw(st.booleans()):
        some = draw(st.lists(st.sampled_from(axes), min_size=1, unique=True))
        dim = some[0] - draw(st.sampled_from([0, len(sides)])) if draw(st.booleans()) else tuple(some)
    return (numbers(draw, sides),), {"dim": dim, "keepdim": draw(st.booleans())}


def draw_length(draw: Any) -> Drawn:
    (x,), options = draw_total(draw)
    assert x is not None
    return (x.where(x.abs() > 0.1, 0.1),), options


def draw_extreme(draw: Any) -> Drawn:
    """Ties are wanted: who gets the error then is part of what is tried."""
    if draw(st.booleans()):
        (x,), options = draw_total(draw)
        assert x is not None
        return (whole(draw, tuple(x.shape)),), options | {"ties": "shared"}
    sides = shape(draw, 0)
    dim = draw(st.integers(-len(sides), len(sides) - 1)) if sides else draw(st.sampled_from([0, -1]))
    return (whole(draw, sides),), {"dim": dim, "keepdim": draw(st.booleans()), "ties": "first"}


def torch_largest(x: Tensor, dim: Any, keepdim: bool, ties: str) -> Tensor:
    if ties == "first":
        return x.max(dim, keepdim).values
    return x.amax(() if dim is None else dim, keepdim)


def torch_smallest(x: Tensor, dim: Any, keepdim: bool, ties: str) -> Tensor:
    if ties == "first":
        return x.min(dim, keepdim).values
    return x.amin(() if dim is None else dim, keepdim)


def draw_place(draw: Any) -> Drawn:
    sides = shape(draw, 0)
    dim = draw(st.one_of(st.none(), st.integers(-len(sides), len(sides) - 1))) if sides else None
    return (whole(draw, sides),), {"dim": dim, "keepdim": draw(st.booleans())}


def draw_logsumexp(draw: Any) -> Drawn:
    (x,), options = draw_total(draw)
    assert x is not None
    return (x,), options | {"dim": tuple(range(x.dim())) if options["dim"] is None else options["dim"]}


def draw_normalize(draw: Any) -> Drawn:
    (x,), options = draw_length(draw)
    assert x is not None
    assume(options["dim"] is not None)
    eps = draw(st.sampled_from([1e-12, 2.3456789]))
    return (x * draw(st.sampled_from([1.0, 0.0])),), {"dim": options["dim"], "eps": eps}


def torch_normalize(x: Tensor, dim: Any, eps: float) -> Tensor:
    return F.normalize(x, 2.0, dim, eps)


def draw_spread(draw: Any) -> Drawn:
    (x,), options = draw_total(draw)
    assert x is not None
    correction = draw(st.sampled_from([0, 1]))
    count = x.numel() // max(1, x.sum(options["dim"]).numel())
    assume(count > 1)
    return (distinct(draw, tuple(x.shape)),), options | {"correction": correction}


def draw_along(draw: Any) -> Drawn:
    sides = shape(draw, 0)
    dim = draw(st.integers(-len(sides), len(sides) - 1)) if sides else draw(st.sampled_from([0, -1]))
    return (numbers(draw, sides),), {"dim": dim}


CASES = {
    "largest": Case(draw_extreme, torch_largest),
    "smallest": Case(draw_extreme, torch_smallest),
    "argmax": Case(draw_place, torch.argmax),
    "argmin": Case(draw_place, torch.argmin),
    "logsumexp": Case(draw_logsumexp, torch.logsumexp),
    "normalize": Case(draw_normalize, torch_normalize),
    "variance": Case(draw_spread, torch.var),
    "standard_deviation": Case(draw_spread, torch.std),
    "cumulative_sum": Case(draw_along, torch.cumsum),
    "sum": Case(draw_total, torch.sum),
    "mean": Case(draw_total, torch.mean),
    "norm": Case(draw_length, torch.linalg.vector_norm),
}
