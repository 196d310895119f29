"""Softplus: a relu without the kink."""

from collections.abc import Sequence

import torch
from torch import Tensor

from glasswork.textbook.operation import Operation, Write


def forward(a: Tensor, *, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """h(a) = log(1 + e^(beta a)) / beta, of each number on its own; any shape.

    Args:
        a: any shape.
        beta: how sharply it bends.
        threshold: where beta a is greater, h(a) = a, from which it cannot be told apart.
    """
    scaled = beta * a
    return torch.where(scaled > threshold, a, (scaled.clamp(min=0) + (1 + (-scaled.abs()).exp()).log()) / beta)


def backward(upstream: Tensor, a: Tensor, *, beta: float = 1.0, threshold: float = 20.0) -> tuple[Tensor]:
    """h'(a) = sigma(beta a), and 1 beyond the threshold."""
    scaled = beta * a
    return (upstream * torch.where(scaled > threshold, 1.0, 1 / (1 + (-scaled).exp())),)


def put_in(write: Write, cell: Sequence[int], a: Tensor, *, beta: float = 1.0, threshold: float = 20.0) -> str:
    """One output in numbers."""
    number = a[tuple(cell)]
    if beta * float(number) > threshold:
        return write(number)
    return (
        f"log(1 + exp({write(number)}))"
        if beta == 1
        else f"log(1 + exp({write(beta)} * {write(number)})) / {write(beta)}"
    )


OPERATION = Operation(
    name="softplus",
    formula="h(a) = log(1 + e^(beta a)) / beta",
    latex=r"h(a) = \frac{1}{\beta} \log(1 + e^{\beta a})",
    source="Dugas et al. 2001; Glorot, Bordes and Bengio 2011",
    inputs=("a",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
