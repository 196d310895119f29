"""How scores, activations, functions and arithmetic are tried."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import Tensor

from textbook.case import Case, Drawn, distinct, numbers, shape, whole


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


RELATIONS = {">": "gt", "<": "lt", ">=": "ge", "<=": "le", "==": "eq", "!=": "ne"}


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


def draw_prelu(draw: Any) -> Drawn:
    sides = (draw(st.integers(1, 3)), *shape(draw, 1, 3, 3))
    return (numbers(draw, sides, kinks=(0,)), numbers(draw, (draw(st.sampled_from([1, sides[1]])),))), {}


def draw_glu(draw: Any) -> Drawn:
    sides = list(shape(draw, 1, 3))
    dim = draw(st.integers(-len(sides), len(sides) - 1))
    sides[dim] *= 2
    return (numbers(draw, sides),), {"dim": dim}


CASES = {
    "linear": Case(draw_linear, F.linear),
    "identity": Case(one(), torch.nn.Identity()),
    "stop_gradient": Case(one(), torch.detach),
    "threshold": Case(one(kinks=(0,)), lambda a: torch.heaviside(a.detach(), torch.zeros((), dtype=a.dtype))),
    "sigmoid": Case(one(), torch.sigmoid),
    "tanh": Case(one(), torch.tanh),
    "relu": Case(one(kinks=(0,)), F.relu),
    "leaky_relu": Case(
        one(kinks=(0,), slope=st.sampled_from([0.01, 0.1, 0.5, 2.0])), lambda a, slope: F.leaky_relu(a, slope)
    ),
    "elu": Case(one(kinks=(0,), alpha=st.sampled_from([1.0, 0.5, 2.0])), F.elu),
    "celu": Case(one(kinks=(0,), alpha=st.sampled_from([1.0, 0.5, 2.0])), F.celu),
    "selu": Case(one(kinks=(0,)), F.selu),
    "softsign": Case(one(), F.softsign),
    "prelu": Case(draw_prelu, F.prelu),
    "glu": Case(draw_glu, F.glu),
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
    "where": Case(draw_where, torch.where),
    "comparison": Case(draw_comparison, torch_comparison),
    "einsum": Case(draw_einsum, written_out),
    "softplus": Case(draw_softplus, F.softplus),
    "log_sigmoid": Case(one(), F.logsigmoid),
    "mish": Case(one(), F.mish),
    "log1p": Case(one(-0.9), torch.log1p),
}
