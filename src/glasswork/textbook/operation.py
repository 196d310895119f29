"""What an operation of the textbook is, the bases of the simple ones, and how numbers are put into formulas."""

import abc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

Write = Callable[[Any], str]
"""Writes a number (a float or a tensor of shape ()) as it stands in a formula; negative ones in parentheses."""

LONGEST_SUM = 12


@dataclass(frozen=True)
class Operation(abc.ABC):
    """One operation as the lecture writes it, in plain tensor arithmetic without autograd.

    The settings of an operation are its fields, so that the three methods take tensors only: those of `inputs` by
    position, None for an optional one that is left out. (`named` lets a subclass give its tensors names.)

    Attributes:
        name: its name in the table `OPERATIONS`, and in a trace.
        formula: as text, in the lecture's symbols.
        latex: the same for print.
        source: the slide that it comes from, or the paper if no slide has it.
        inputs: the symbols of its tensors; the last one is "..." if there may be any number of them.
    """

    name: ClassVar[str]
    formula: ClassVar[str]
    latex: ClassVar[str]
    source: ClassVar[str]
    inputs: ClassVar[tuple[str, ...]] = ("x",)

    @abc.abstractmethod
    def forward(self, *tensors: Any, **named: Any) -> Any:
        """The output, or a tuple of outputs."""

    @abc.abstractmethod
    def backward(self, upstream: Any, *tensors: Any, **named: Any) -> tuple[Tensor | None, ...]:
        """dE/d(input) of each of `inputs`, by the slide's rule; None for an input that no error flows back to.

        Args:
            upstream: dE/d(output), in the shape of the output; a tuple if there are several outputs.
            tensors: those that `forward` takes.
            named: not used.
        """

    @abc.abstractmethod
    def worked(self, write: Write, cell: Sequence[int], *tensors: Any, **named: Any) -> str:
        """One cell of the (first) output worked out in numbers.

        Returns:
            An expression that `glasswork graph` can evaluate; a long sum is shortened with an ellipsis.
        """


class Pointwise(Operation):
    """A function of each number on its own; any shape."""

    @abc.abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """f(x), in the shape of x."""

    def backward(self, upstream: Tensor, x: Tensor) -> tuple[Tensor | None]:
        """The chain rule, number by number."""
        return (self.chain(upstream, x),)

    def worked(self, write: Write, cell: Sequence[int], x: Tensor) -> str:
        """One output in numbers."""
        return self.words(write, x[tuple(cell)])

    @abc.abstractmethod
    def chain(self, upstream: Tensor, x: Tensor) -> Tensor | None:
        """The error dE/dy times the slope f'(x); None if the slope is 0 everywhere."""

    @abc.abstractmethod
    def words(self, write: Write, x: Tensor) -> str:
        """f(x) in numbers, x a single one."""


class Broadcast(Operation):
    """A function of several tensors, number by number; their shapes broadcast together."""

    def backward(self, upstream: Tensor, *tensors: Tensor) -> tuple[Tensor | None, ...]:
        """The chain rule, number by number; the error of a number that was copied is the sum over its copies."""
        errors = zip(self.chain(upstream, *tensors), tensors, strict=True)
        return tuple(None if error is None else sum_to(error, tensor.shape) for error, tensor in errors)

    def worked(self, write: Write, cell: Sequence[int], *tensors: Tensor) -> str:
        """One output in numbers."""
        return self.words(write, *(tensor[source_cell(cell, tensor.shape)] for tensor in tensors))

    @abc.abstractmethod
    def chain(self, upstream: Any, *tensors: Any, **named: Any) -> tuple[Tensor | None, ...]:
        """The error times the slope by each tensor, in the shape of the output; None if that slope is 0 everywhere."""

    @abc.abstractmethod
    def words(self, write: Write, *numbers: Any, **named: Any) -> str:
        """One output in numbers, of one number of each tensor."""


class Rearrangement(Operation):
    """An operation whose outputs are numbers of its inputs, or their places: there is nothing to work out."""

    def worked(self, write: Write, cell: Sequence[int], *tensors: Tensor) -> str:
        """The number that stands there."""
        return write(self.forward(*tensors)[tuple(cell)])


def sum_to(gradient: Tensor, shape: Sequence[int]) -> Tensor:
    """The gradient of an input that was broadcast from `shape`: summed over every copy that was made of it."""
    extra = gradient.dim() - len(shape)
    stretched = [extra + i for i, size in enumerate(shape) if size == 1 and gradient.shape[extra + i] != 1]
    axes = [*range(extra), *stretched]
    return gradient.sum(axes, keepdim=True).reshape(tuple(shape)) if axes else gradient


def source_cell(cell: Sequence[int], shape: Sequence[int]) -> tuple[int, ...]:
    """The cell of an input of `shape` that broadcasting brings to `cell` of the output."""
    own = cell[len(cell) - len(shape) :] if shape else ()
    return tuple(0 if size == 1 else place for place, size in zip(own, shape, strict=True))


def write_terms(count: int, term: Callable[[int], str]) -> list[str]:
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
    numbers = write_terms(x.numel(), lambda i: write(x[i]))
    return numbers[0] if len(numbers) == 1 else f"max({', '.join(numbers)})"


def alone(write: Write, value: Any) -> str:
    """A number that stands by itself between parentheses or commas: a negative one needs none of its own."""
    return write(value).removeprefix("(").removesuffix(")")


def sum_of(count: int, term: Callable[[int], str]) -> str:
    """The terms 0 to `count` - 1 with + between them, written only where they are shown: there may be millions."""
    return " + ".join(write_terms(count, term)) or "0"


def cell_at(place: int, shape: Sequence[int]) -> tuple[int, ...]:
    """The cell of a tensor of `shape` that comes at `place` when it is read row by row."""
    cell = []
    for size in reversed(shape):
        place, index = divmod(place, size)
        cell.append(index)
    return tuple(reversed(cell))
