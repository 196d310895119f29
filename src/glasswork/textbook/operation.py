"""What an operation of the textbook is, and the few helpers that its files share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

Write = Callable[[Any], str]
"""Writes a number (a float or a tensor of shape ()) as it shall stand in a formula; negative ones in parentheses."""

LONGEST_SUM = 12


@dataclass(frozen=True)
class Operation:
    """One operation as the lecture writes it, in plain tensor arithmetic without autograd.

    All three functions take the tensors of `inputs` by position, None where an optional one is absent, and the
    operation's settings by name.

    Attributes:
        name: the name of its file.
        formula: as text, in the lecture's symbols.
        latex: the same for print.
        source: the slide that it comes from, or the paper where no slide has it.
        inputs: the symbols of its tensors.
        forward: (*inputs, **settings) -> the output, or a tuple of outputs.
        backward: (upstream, *inputs, **settings) -> dE/d(input) for each of `inputs`, by the slide's rule; None where
            there is none. `upstream` is dE/d(output), in the shape of the output (a tuple for several outputs).
        put_in: (write, cell, *inputs, **settings) -> how one cell of the (first) output comes about: an expression of
            numbers that `glasswork graph` can evaluate; a long sum is shortened with an ellipsis.
    """

    name: str
    formula: str
    latex: str
    source: str
    inputs: tuple[str, ...]
    forward: Callable[..., Any]
    backward: Callable[..., tuple[Tensor | None, ...]]
    put_in: Callable[..., str]


def summed_to(gradient: Tensor, shape: Sequence[int]) -> Tensor:
    """The gradient of an input that was broadcast from `shape`: summed over every copy that was made of it."""
    extra = gradient.dim() - len(shape)
    stretched = [extra + i for i, size in enumerate(shape) if size == 1 and gradient.shape[extra + i] != 1]
    axes = [*range(extra), *stretched]
    return gradient.sum(axes, keepdim=True).reshape(tuple(shape)) if axes else gradient


def source_cell(cell: Sequence[int], shape: Sequence[int]) -> tuple[int, ...]:
    """The cell of an input of `shape` that broadcasting brings to `cell` of the output."""
    own = cell[len(cell) - len(shape) :] if shape else ()
    return tuple(0 if size == 1 else place for place, size in zip(own, shape, strict=True))
