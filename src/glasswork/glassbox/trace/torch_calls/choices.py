"""Readers of conditions and of what is done by them: comparing, choosing, masking, writing over."""

from collections.abc import Callable
from typing import Any

import torch

from glasswork.glassbox.trace.recorder import Input, Kept, Recorded
from glasswork.glassbox.trace.torch_calls.known import (
    Known,
    Operand,
    Reading,
    constant,
    output_shape,
    plain,
    tensor_of,
)
from glasswork.glassbox.trace.torch_calls.shapes import index_of
from glasswork.textbook.arithmetic import Comparison, Where
from glasswork.textbook.operation import Operation
from glasswork.textbook.reductions import Largest, Smallest
from glasswork.textbook.shapes import Assign


def comparison(relation: str) -> Callable[..., Reading]:
    """`torch.gt` and its like."""

    def read(entry: Recorded, input: Input, other: Operand) -> Reading:
        if isinstance(other, (int, float)) and tensor_of(input).is_floating_point():
            other = float(torch.tensor(other, dtype=tensor_of(input).dtype))  # torch rounds it to the tensor's type
        return Known(Comparison(relation), (input, other))

    return read


def where(entry: Recorded, *words: Any, condition: Any = None, input: Any = None, other: Any = None) -> Reading:
    """`torch.where(condition, x, y)` and `x.where(condition, y)`."""
    given = [*words, *(word for word in (condition, input, other) if word is not None)]
    if len(given) != 3:
        return None
    conditions = [place for place in (0, 1) if isinstance(given[place], Input) and _is_bool(given[place])]
    if len(conditions) != 1:  # of truth values: which of them is the condition cannot be told
        return None
    chosen = given.pop(conditions[0])
    return Known(Where(), (chosen, *given))


def masked_fill(entry: Recorded, input: Input, mask: Input, value: Operand) -> Reading:
    """`Tensor.masked_fill`."""
    return Known(Where(), (mask, value, input))


def triangle(lower: bool) -> Callable[..., Reading]:
    """`torch.tril` and `torch.triu`: zero on one side of a diagonal."""

    def read(entry: Recorded, input: Input, diagonal: int = 0) -> Reading:
        ones = torch.ones(output_shape(entry)[-2:], dtype=torch.bool)
        kept = ones.tril(diagonal) if lower else ones.triu(diagonal)
        return Known(Where(), (constant(kept), input, 0.0))

    return read


def inverted(entry: Recorded, input: Input) -> Reading:
    """`~mask`: whether a truth value is 0."""
    return Known(Comparison("=="), (_numbers(input), 0.0)) if _is_bool(input) else None


def both(operation: Operation) -> Callable[..., Reading]:
    """`a & b` as the product and `a | b` as the maximum of truth values."""

    def read(entry: Recorded, input: Input, other: Input) -> Reading:
        return Known(operation, (_numbers(input), _numbers(other))) if _is_bool(input) and _is_bool(other) else None

    return read


def quantified(operation: type[Largest | Smallest]) -> Callable[..., Reading]:
    """`torch.all` and `torch.any` as the smallest and the largest of truth values."""

    def read(entry: Recorded, input: Input, dim: Any = (), keepdim: bool = False) -> Reading:
        if not _is_bool(input):
            return None
        return Known(operation(plain(dim), keepdim), (_numbers(input),), without=("ties",))

    return read


def setitem(entry: Recorded, input: Input, index: Any, value: Operand) -> Reading:
    """`x[index] = value`."""
    # A view gets only that part of the error that flows through it, while the value gets what flows through the tensor
    # behind it too: of a view the value's error is not compared. A view is known by its old node, to which nothing is
    # sent any more; without a node, what came out of an operation may be a view.
    whole = bool(input.errors) if input.edge is not None else input.made_by is None
    if isinstance(value, Input) and not whole:
        value = Input(value.kept, value.made_by, value.name, None)
    return Known(Assign(index_of(index)), (input, value))


def _is_bool(operand: Any) -> bool:
    return isinstance(operand, Input) and tensor_of(operand).dtype == torch.bool


def _numbers(truth: Input) -> Input:
    """Truth values as the numbers 0 and 1, with which the textbook reckons."""
    return Input(Kept(tensor_of(truth).double()), truth.made_by, truth.name, None)
