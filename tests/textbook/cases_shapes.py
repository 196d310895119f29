"""How the operations that change shapes are tried."""

from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from hypothesis import assume
from hypothesis import strategies as st
from torch import Tensor

from textbook.case import Case, Drawn, numbers, shape


def draw_reshape(draw: Any) -> Drawn:
    sizes = shape(draw)
    new = list(draw(st.permutations([*sizes, *draw(st.sampled_from([(), (1,), (1, 1)]))])))
    if draw(st.booleans()):
        new = [prod(new[:2]), *new[2:]]
    if draw(st.booleans()):
        new[draw(st.integers(0, len(new) - 1))] = -1
    return (numbers(draw, sizes),), {"shape": tuple(new)}


def draw_permute(draw: Any) -> Drawn:
    sizes = shape(draw, most=4)
    dims = draw(st.permutations(range(len(sizes))))
    return (numbers(draw, sizes),), {"dims": tuple(dim - draw(st.sampled_from([0, len(sizes)])) for dim in dims)}


def draw_part(draw: Any, size: int) -> Any:
    """An index for one dimension: an integer, a slice that keeps something, or integers that may repeat."""
    begin = draw(st.integers(0, size - 1))
    end = draw(st.integers(begin + 1, size + 1))
    places = draw(st.lists(st.integers(-size, size - 1), min_size=1, max_size=4))
    return draw(
        st.sampled_from(
            [begin, begin - size, slice(begin, end, draw(st.integers(1, 2))), slice(None), torch.tensor(places)]
        )
    )


def draw_select(draw: Any) -> Drawn:
    x = numbers(draw, shape(draw))
    kind = draw(st.sampled_from(["parts", "parts", "parts", "mask", "ellipsis", "several"]))
    if kind == "mask":
        mask = torch.tensor(draw(st.lists(st.booleans(), min_size=x.shape[0], max_size=x.shape[0])))
        mask[draw(st.integers(0, x.shape[0] - 1))] = True
        return (x,), {"index": (mask,)}
    if kind == "ellipsis":
        return (x,), {"index": (..., draw_part(draw, x.shape[-1]), None)}
    if kind == "several":
        places = [torch.tensor(draw(st.lists(st.integers(0, n - 1), min_size=5, max_size=5))) for n in x.shape]
        return (x,), {"index": tuple(places)}
    index = [draw_part(draw, size) for size in x.shape[: draw(st.integers(1, x.dim()))]]
    # Tensors of different lengths do not broadcast.
    first = next((i for i, part in enumerate(index) if isinstance(part, Tensor)), None)
    parts = [slice(None) if isinstance(part, Tensor) and i != first else part for i, part in enumerate(index)]
    if draw(st.booleans()):
        parts.insert(draw(st.integers(0, len(parts))), None)
    return (x,), {"index": tuple(parts)}


def draw_expand(draw: Any) -> Drawn:
    sizes = [draw(st.sampled_from([1, 1, 2, 3])) for _ in range(draw(st.integers(1, 3)))]
    new = [draw(st.integers(1, 3)) if size == 1 else draw(st.sampled_from([size, -1])) for size in sizes]
    return (numbers(draw, sizes),), {"shape": (*draw(st.sampled_from([(), (2,), (2, 3)])), *new)}


def draw_pad(draw: Any) -> Drawn:
    mode = draw(st.sampled_from(["constant", "constant", "reflect", "replicate", "circular"]))
    dimensions = draw(st.integers(1, 2))
    sizes = [draw(st.integers(2, 4)) for _ in range(dimensions)]
    most = {"constant": 2, "reflect": min(sizes) - 1, "replicate": 3, "circular": min(sizes)}[mode]
    padding = [draw(st.integers(0, most)) for _ in range(2 * dimensions)]
    if mode == "constant" and draw(st.booleans()):
        padding[draw(st.integers(0, len(padding) - 1))] = -1
    options: dict[str, Any] = {"padding": tuple(padding), "mode": mode}
    if mode == "constant":
        options["value"] = draw(st.sampled_from([None, 0.0, 2.5]))
    return (numbers(draw, (draw(st.integers(1, 2)), draw(st.integers(1, 2)), *sizes)),), options


def torch_pad(x: Tensor, padding: tuple[int, ...], mode: str, value: float | None = None) -> Tensor:
    return F.pad(x, padding, mode, value)


def draw_concatenate(draw: Any) -> Drawn:
    sizes, count = list(shape(draw)), draw(st.integers(1, 4))
    dim = draw(st.integers(-len(sizes), len(sizes) - 1))
    inputs = []
    for _ in range(count):
        sizes[dim] = draw(st.integers(1, 3))
        inputs.append(numbers(draw, sizes))
    return tuple(inputs), {"dim": dim}


def torch_concatenate(*xs: Tensor, dim: int) -> Tensor:
    return torch.cat(xs, dim)


def draw_stack(draw: Any) -> Drawn:
    sizes = shape(draw)
    inputs = tuple(numbers(draw, sizes) for _ in range(draw(st.integers(1, 4))))
    return inputs, {"dim": draw(st.integers(-len(sizes) - 1, len(sizes)))}


def torch_stack(*xs: Tensor, dim: int) -> Tensor:
    return torch.stack(xs, dim)


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
    "reshape": Case(draw_reshape, lambda x, shape: x.reshape(shape)),
    "permute": Case(draw_permute, lambda x, dims: x.permute(dims)),
    "select": Case(draw_select, lambda x, index: x[index]),
    "expand": Case(draw_expand, lambda x, shape: x.expand(shape)),
    "pad": Case(draw_pad, torch_pad),
    "concatenate": Case(draw_concatenate, torch_concatenate),
    "stack": Case(draw_stack, torch_stack),
    "repeat": Case(draw_repeat, lambda x, times: x.repeat(times)),
    "flip": Case(draw_flip, torch.flip),
    "roll": Case(draw_roll, torch.roll),
    "assign": Case(draw_assign, torch_assign),
}
