"""How scores, activations and arithmetic are tried."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import Tensor

from textbook.case import Case, Drawn, distinct, numbers, shape


def one(low: float = -10, high: float = 10, kinks: Sequence[float] = (), **settings: Any) -> Callable[[Any], Drawn]:
    """Draws one tensor of any shape; each setting from its strategy."""

    def draw_one(draw: Any) -> Drawn:
        options = {name: draw(values) for name, values in settings.items()}
        return (numbers(draw, shape(draw, 0), low, high, kinks),), options

    return draw_one


def two(kinks: Sequence[float] = (), gap: float = 1e-3, **settings: Any) -> Callable[[Any], Drawn]:
    """Draws two tensors that broadcast together, the second without kinks; each setting from its strategy."""

    def draw_two(draw: Any) -> Drawn:
        options = {name: draw(values) for name, values in settings.items()}
        shapes = draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=4)).input_shapes
        return (numbers(draw, shapes[0]), numbers(draw, shapes[1], kinks=kinks, gap=gap)), options

    return draw_two


def draw_linear(draw: Any) -> Drawn:
    inputs, outputs = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    x = numbers(draw, (*shape(draw, 1, 2), inputs))
    b = numbers(draw, (outputs,)) if draw(st.booleans()) else None
    return (x, numbers(draw, (outputs, inputs)), b), {}


def draw_maxout(draw: Any) -> Drawn:
    inputs, outputs, pieces = draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    x = numbers(draw, (*shape(draw, 0, 2, 3), inputs))
    w = distinct(draw, (pieces, outputs, inputs))
    b = distinct(draw, (pieces, outputs)) if draw(st.booleans()) else None
    if pieces > 1:
        best, next_best = torch_maps(x, w, b).topk(2, dim=-2).values.unbind(-2)
        assume(bool((best - next_best > 1e-6).all()))
    return (x, w, b), {}


def torch_maps(x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
    maps = torch.einsum("...i,pki->...pk", x, w)
    return maps if b is None else maps + b


def draw_softmax(draw: Any) -> Drawn:
    sides = shape(draw, 1)
    return (numbers(draw, sides),), {"dim": draw(st.integers(-len(sides), len(sides) - 1))}


def draw_power(draw: Any) -> Drawn:
    exponent = draw(st.sampled_from([0, 1, 2, 3, 0.5, 1.5, -1, -0.5]))
    low = -10 if exponent in {0, 1, 2, 3} else 0.1
    return (numbers(draw, shape(draw, 0), low),), {"exponent": exponent}


def draw_clamp(draw: Any) -> Drawn:
    bounds = draw(st.sampled_from([(0, 6), (-1, None), (None, 2.5), (-3, 3)]))
    x = numbers(draw, shape(draw, 0), kinks=[bound for bound in bounds if bound is not None])
    return (x,), {"minimum": bounds[0], "maximum": bounds[1]}


def draw_unequal(draw: Any) -> Drawn:
    (x, y), _ = two()(draw)
    # a / 7 = b / 3 + 1 / 10 has no solution in whole numbers: no ties.
    return ((x * 7).round() / 7, (y * 3).round() / 3 + 0.1), {}


def draw_matmul(draw: Any) -> Drawn:
    rows, inner, columns = (draw(st.integers(1, 4)) for _ in range(3))
    shapes = draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=2, max_side=3)).input_shapes
    left, right = (*shapes[0], rows, inner), (*shapes[1], inner, columns)
    vector = draw(st.sampled_from(["neither", "left", "right", "both"]))
    x = numbers(draw, (inner,) if vector in {"left", "both"} else left)
    return (x, numbers(draw, (inner,) if vector in {"right", "both"} else right)), {}


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


CASES = {
    "linear": Case(draw_linear, F.linear),
    "identity": Case(one(), torch.nn.Identity()),
    "threshold": Case(one(kinks=(0,)), lambda a: torch.heaviside(a.detach(), torch.zeros((), dtype=a.dtype))),
    "sigmoid": Case(one(), torch.sigmoid),
    "tanh": Case(one(), torch.tanh),
    "relu": Case(one(kinks=(0,)), F.relu),
    "leaky_relu": Case(
        one(kinks=(0,), slope=st.sampled_from([0.01, 0.1, 0.5, 2.0])), lambda a, slope: F.leaky_relu(a, slope)
    ),
    "elu": Case(one(kinks=(0,), alpha=st.sampled_from([1.0, 0.5, 2.0])), F.elu),
    "maxout": Case(draw_maxout, lambda x, w, b: torch_maps(x, w, b).amax(-2)),
    "gelu": Case(one(approximate=st.sampled_from(["none", "tanh"])), F.gelu),
    "silu": Case(one(), F.silu),
    # Not F.hardsigmoid: in float64 its gradient is 1 / 6 rounded to float32, 3e-8 off.
    "hard_sigmoid": Case(one(kinks=(-3, 3)), lambda a: F.relu6(a + 3) / 6),
    "hard_swish": Case(one(kinks=(-3, 3)), F.hardswish),
    "softmax": Case(draw_softmax, F.softmax),
    "log_softmax": Case(draw_softmax, F.log_softmax),
    "add": Case(two(alpha=st.sampled_from([1, 1.0, 2.5, -3])), torch.add),
    "subtract": Case(two(alpha=st.sampled_from([1, 1.0, 2.5, -3])), torch.sub),
    "multiply": Case(two(), torch.mul),
    "divide": Case(two(kinks=(0,), gap=0.1), torch.div),
    "negate": Case(one(), torch.neg),
    "power": Case(draw_power, torch.pow),
    "exponential": Case(one(high=5), torch.exp),
    "logarithm": Case(one(0.1), torch.log),
    "square_root": Case(one(0.1), torch.sqrt),
    "absolute": Case(one(kinks=(0,)), torch.abs),
    "sine": Case(one(), torch.sin),
    "cosine": Case(one(), torch.cos),
    "clamp": Case(draw_clamp, lambda x, minimum, maximum: torch.clamp(x, minimum, maximum)),
    "maximum": Case(draw_unequal, torch.maximum),
    "minimum": Case(draw_unequal, torch.minimum),
    "matmul": Case(draw_matmul, torch.matmul),
    "sum": Case(draw_total, torch.sum),
    "mean": Case(draw_total, torch.mean),
    "norm": Case(draw_length, torch.linalg.vector_norm),
}
