"""Products summed over shared axes, as the letters of an equation say (Einstein's summation)."""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from glasswork.textbook.operation import Operation, Write, source_cell, summed_to
from glasswork.textbook.reductions import cell_at
from glasswork.textbook.terms import sum_of


def forward(*xs: Tensor, equation: str) -> Tensor:
    """y = the sum, over every letter that is not in the output, of the product of the operands.

    Args:
        xs: the operands, each with an axis for each of its letters; an axis of size 1 broadcasts.
        equation: such as `bqd,bkd->bqk`; without `->` the output has the letters that occur once, in the order of the
            alphabet. No letter twice in one operand, no `...`.
    """
    return torch.einsum(equation, *xs)


def backward(upstream: Tensor, *xs: Tensor, equation: str) -> tuple[Tensor, ...]:
    """The gradient of an operand is an einsum too: the error takes its place among the operands.

    It is the same along a letter that no other operand and no output has.
    """
    letters, output = parts_of(equation)
    return tuple(_to_operand(upstream, xs, letters, output, place) for place in range(len(xs)))


def put_in(write: Write, cell: Sequence[int], *xs: Tensor, equation: str) -> str:
    """One output in numbers."""
    letters, output = parts_of(equation)
    sizes = _sizes(xs, letters)
    summed = [letter for letter in sizes if letter not in output]
    lengths = [sizes[letter] for letter in summed]

    def product(place: int) -> str:
        at = dict(zip(output, cell, strict=True)) | dict(zip(summed, cell_at(place, lengths), strict=True))
        own = (x[source_cell([at[c] for c in own], x.shape)] for x, own in zip(xs, letters, strict=True))
        return " * ".join(write(number) for number in own)

    return sum_of(math.prod(lengths), product)


def parts_of(equation: str) -> tuple[list[str], str]:
    """The letters of each operand and of the output."""
    left, arrow, output = equation.replace(" ", "").partition("->")
    if not arrow:
        output = "".join(sorted(letter for letter in set(left) - {","} if left.count(letter) == 1))
    return left.split(","), output


def _sizes(xs: Sequence[Tensor], letters: Sequence[str]) -> Mapping[str, int]:
    """How long the axis of each letter is."""
    sizes: dict[str, int] = {}
    for x, own in zip(xs, letters, strict=True):
        for letter, size in zip(own, x.shape, strict=True):
            sizes[letter] = size if sizes.get(letter, 1) == 1 else sizes[letter]
    return sizes


def _to_operand(upstream: Tensor, xs: Sequence[Tensor], letters: Sequence[str], output: str, place: int) -> Tensor:
    others = [x for other, x in enumerate(xs) if other != place]
    theirs = [own for other, own in enumerate(letters) if other != place]
    mine = letters[place]
    known = "".join(letter for letter in mine if letter in output or any(letter in own for own in theirs))
    error = torch.einsum(f"{','.join([output, *theirs])}->{known}", upstream, *others)
    for axis, letter in enumerate(mine):
        if letter not in known:
            error = error.unsqueeze(axis)
    sizes = [min(size, own) for size, own in zip(error.shape, xs[place].shape, strict=True)]
    return summed_to(error, sizes).expand(xs[place].shape)


OPERATION = Operation(
    name="einsum",
    formula="y_ij = sum_k x1_ik x2_kj, by the letters of the equation",
    latex=r"y_{ij} = \sum_k x^{(1)}_{ik} x^{(2)}_{kj}",
    source="Einstein 1916; Kovashka, 'Linear classifier': f(x, W) = Wx",
    inputs=("x1", "x2", "..."),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
