"""How what hand-written modules commonly use is tried: conditions, extremes, einsum, copies, writing over."""

from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import Tensor

from textbook.case import Case, Drawn, distinct, numbers, shape
from textbook.cases_pointwise import draw_length, draw_total, one
from textbook.cases_shapes import draw_select

RELATIONS = {">": "gt", "<": "lt", ">=": "ge", "<=": "le", "==": "eq", "!=": "ne"}


def whole(draw: Any, sides: tuple[int, ...], low: int = -2, high: int = 2) -> Tensor:
    """A float64 tensor of few different numbers: with ties."""
    count = prod(sides)
    values = draw(st.lists(st.integers(low, high), min_size=count, max_size=count))
    return torch.tensor(values, dtype=torch.float64).reshape(sides)


def draw_where(draw: Any) -> Drawn:
    sides = draw(hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=3, max_side=4)).input_shapes
    return (whole(draw, sides[0]) > 0, numbers(draw, sides[1]), numbers(draw, sides[2])), {}


def draw_comparison(draw: Any) -> Drawn:
    sides = draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=4)).input_shapes
    return (whole(draw, sides[0]), whole(draw, sides[1])), {"relation": draw(st.sampled_from(list(RELATIONS)))}


def torch_comparison(x: Tensor, y: Tensor, relation: str) -> Tensor:
    compared = getattr(torch, RELATIONS[relation])(x, y)
    assert isinstance(compared, Tensor)
    return compared.double()


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


def draw_einsum(draw: Any) -> Drawn:
    """One to three operands over few letters, of which some broadcast, some are in one operand only."""
    lengths = {letter: draw(st.integers(1, 3)) for letter in "bkqd"}
    words = draw(st.lists(st.lists(st.sampled_from("bkqd"), max_size=3, unique=True), min_size=1, max_size=3))
    used = sorted({letter for word in words for letter in word})
    equation = draw(st.sampled_from([",", ", "])).join("".join(word) for word in words)
    if draw(st.booleans()):
        output = draw(st.permutations(used))[: draw(st.integers(0, len(used)))]
        equation += draw(st.sampled_from(["->", " -> "])) + "".join(output)
    operands = []
    for word in words:
        sides = [draw(st.sampled_from([lengths[letter]] * 3 + [1])) for letter in word]
        operands.append(numbers(draw, sides))
    return tuple(operands), {"equation": equation}


def written_out(*xs: Tensor, equation: str) -> Tensor:
    """Einstein's summation by broadcasting: every operand gets an axis for every letter. Its value is torch's."""
    left, arrow, output = equation.replace(" ", "").partition("->")
    words = left.split(",")
    letters = sorted(set(left) - {","})
    if not arrow:
        output = "".join(letter for letter in letters if left.count(letter) == 1)
    product = torch.ones([1] * len(letters), dtype=torch.float64)
    for x, word in zip(xs, words, strict=True):
        ordered = x.permute([word.index(letter) for letter in letters if letter in word])
        sizes = iter(ordered.shape)
        product = product * ordered.reshape([next(sizes) if letter in word else 1 for letter in letters])
    axes = [axis for axis, letter in enumerate(letters) if letter not in output]
    summed = product.sum(axes) if axes else product
    left_over = [letter for letter in letters if letter in output]
    value = summed.permute([left_over.index(letter) for letter in output])
    torch.testing.assert_close(value, torch.einsum(equation, *xs), rtol=1e-10, atol=1e-10)
    return value


def draw_softplus(draw: Any) -> Drawn:
    beta, threshold = draw(st.sampled_from([0.5, 1.0, 2.0])), draw(st.sampled_from([20.0, 5.0]))
    return (numbers(draw, shape(draw, 0), -30, 30, [threshold / beta]),), {"beta": beta, "threshold": threshold}


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


def draw_repeat(draw: Any) -> Drawn:
    sides = shape(draw, 0)
    more = draw(st.integers(0, 2))
    times = draw(st.lists(st.integers(1, 3), min_size=len(sides) + more, max_size=len(sides) + more))
    return (numbers(draw, sides),), {"times": tuple(times)}


def draw_flip(draw: Any) -> Drawn:
    sides = shape(draw)
    dims = draw(st.lists(st.integers(0, len(sides) - 1), unique=True))
    return (numbers(draw, sides),), {"dims": tuple(dim - draw(st.sampled_from([0, len(sides)])) for dim in dims)}


def draw_roll(draw: Any) -> Drawn:
    sides = shape(draw)
    dims = draw(st.lists(st.integers(-len(sides), len(sides) - 1), max_size=3))
    shifts = draw(st.lists(st.integers(-6, 6), min_size=len(dims) or 1, max_size=len(dims) or 1))
    return (numbers(draw, sides),), {"shifts": tuple(shifts), "dims": tuple(dims)}


def draw_along(draw: Any) -> Drawn:
    sides = shape(draw, 0)
    dim = draw(st.integers(-len(sides), len(sides) - 1)) if sides else draw(st.sampled_from([0, -1]))
    return (numbers(draw, sides),), {"dim": dim}


def draw_assign(draw: Any) -> Drawn:
    (x,), options = draw_select(draw)
    assert x is not None
    places = torch.arange(x.numel()).reshape(x.shape)[options["index"]]
    assume(
        len(set(places.reshape(-1).tolist())) == places.numel()
    )  # of two values for one place torch promises neither
    sides = [draw(st.sampled_from([size, size, 1])) for size in places.shape]
    while sides and sides[0] == 1 and draw(st.booleans()):
        sides = sides[1:]
    return (x, numbers(draw, sides)), options


def torch_assign(x: Tensor, value: Tensor, index: Any) -> Tensor:
    y = x * 1
    y[index] = value
    return y


CASES = {
    "where": Case(draw_where, torch.where),
    "comparison": Case(draw_comparison, torch_comparison),
    "largest": Case(draw_extreme, torch_largest),
    "smallest": Case(draw_extreme, torch_smallest),
    "argmax": Case(draw_place, torch.argmax),
    "argmin": Case(draw_place, torch.argmin),
    "einsum": Case(draw_einsum, written_out),
    "softplus": Case(draw_softplus, F.softplus),
    "log_sigmoid": Case(one(), F.logsigmoid),
    "mish": Case(one(), F.mish),
    "log1p": Case(one(-0.9), torch.log1p),
    "logsumexp": Case(draw_logsumexp, torch.logsumexp),
    "normalize": Case(draw_normalize, torch_normalize),
    "variance": Case(draw_spread, torch.var),
    "standard_deviation": Case(draw_spread, torch.std),
    "cumulative_sum": Case(draw_along, torch.cumsum),
    "repeat": Case(draw_repeat, lambda x, times: x.repeat(times)),
    "flip": Case(draw_flip, torch.flip),
    "roll": Case(draw_roll, torch.roll),
    "assign": Case(draw_assign, torch_assign),
}
