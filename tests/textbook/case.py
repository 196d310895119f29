"""What the operation contract needs to know about one operation, and how its numbers are drawn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import Tensor

Drawn = tuple[tuple[Tensor | None, ...], dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """How to try one operation.

    draw: (draw) -> (tensors in the order of the operation's inputs, settings by name); float64, small shapes.
    torch: the same arguments -> what torch makes of them; differentiated by autograd.
    constant: positions of inputs that torch does not differentiate though they are floats (such as a drawn mask).
    """

    draw: Callable[[Any], Drawn]
    torch: Callable[..., Any]
    constant: tuple[int, ...] = ()


def numbers(
    draw: Any, shape: Sequence[int], low: float = -10, high: float = 10, kinks: Sequence[float] = (), gap: float = 1e-3
) -> Tensor:
    """A float64 tensor between low and high, no nearer than `gap` to any of `kinks`."""
    floats = st.floats(low, high, allow_nan=False, allow_infinity=False, allow_subnormal=False)
    values = floats.filter(lambda value: all(abs(value - kink) >= gap for kink in kinks)) if kinks else floats
    return torch.from_numpy(np.asarray(draw(hnp.arrays(np.float64, tuple(shape), elements=values)), np.float64).copy())


def distinct(draw: Any, shape: Sequence[int], low: float = -10, high: float = 10) -> Tensor:
    """A float64 tensor of evenly spaced values between low and high in random order: without ties."""
    count = int(np.prod(shape)) if len(shape) else 1
    order = torch.randperm(count, generator=torch.Generator().manual_seed(draw(st.integers(0, 2**31 - 1))))
    return (low + (high - low) * (order.double() + 0.5) / count).reshape(tuple(shape))


def shape(draw: Any, least: int = 1, most: int = 3, side: int = 4) -> tuple[int, ...]:
    """The shape of a small tensor of `least` to `most` dimensions."""
    return tuple(draw(st.lists(st.integers(1, side), min_size=least, max_size=most)))


def whole(draw: Any, sides: tuple[int, ...], low: int = -2, high: int = 2) -> Tensor:
    """A float64 tensor of few different numbers: with ties."""
    count = prod(sides)
    values = draw(st.lists(st.integers(low, high), min_size=count, max_size=count))
    return torch.tensor(values, dtype=torch.float64).reshape(sides)
