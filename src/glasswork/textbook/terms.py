"""How numbers are put into formulas; of a long sum only the terms that are shown are written."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from glasswork.textbook.operation import LONGEST_SUM, Write


def shown(count: int, term: Callable[[int], str]) -> list[str]:
    """The terms 0 to `count` - 1; of many the first three and the last, and how many stand between them."""
    if count <= LONGEST_SUM:
        return [term(place) for place in range(count)]
    return [*(term(place) for place in range(3)), f"... {count - 4} more ...", term(count - 1)]


def products(write: Write, weights: Tensor, values: Tensor) -> str:
    """sum_i w_i x_i in numbers, of two tensors of one shape."""
    w, x = weights.reshape(-1), values.reshape(-1)
    return sum_of(w.numel(), lambda i: f"{write(w[i])} * {write(x[i])}")


def total(write: Write, values: Tensor) -> str:
    """sum_i x_i in numbers."""
    x = values.reshape(-1)
    return sum_of(x.numel(), lambda i: write(x[i]))


def largest(write: Write, values: Tensor) -> str:
    """max_i x_i in numbers."""
    x = values.reshape(-1)
    numbers = shown(x.numel(), lambda i: write(x[i]))
    return numbers[0] if len(numbers) == 1 else f"max({', '.join(numbers)})"


def alone(write: Write, value: Any) -> str:
    """A number that stands by itself between parentheses or commas: a negative one needs none of its own."""
    return write(value).removeprefix("(").removesuffix(")")


def sum_of(count: int, term: Callable[[int], str]) -> str:
    """The terms 0 to `count` - 1 with + between them, written only where they are shown: there may be millions."""
    return " + ".join(shown(count, term)) or "0"


def cell_at(place: int, shape: Sequence[int]) -> tuple[int, ...]:
    """The cell of a tensor of `shape` that comes at `place` when it is read row by row."""
    cell = []
    for size in reversed(shape):
        place, index = divmod(place, size)
        cell.append(index)
    return tuple(reversed(cell))
