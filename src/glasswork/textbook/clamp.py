"""Values held between two bounds."""

from collections.abc import Sequence

import torch
from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.terms import alone


def forward(x: Tensor, *, minimum: float | None = None, maximum: float | None = None) -> Tensor:
    """Of each number on its own: y = min(maximum, max(minimum, x)); any shape, None for no bound."""
    raised = x if minimum is None else x.clamp(min=minimum)
    return raised if maximum is None else raised.clamp(max=maximum)


def backward(
    upstream: Tensor, x: Tensor, *, minimum: float | None = None, maximum: float | None = None
) -> tuple[Tensor]:
    """dy/dx = 1 where minimum < x < maximum, else 0; at the bounds too, as torch has it."""
    inside = torch.ones_like(x, dtype=torch.bool)
    if minimum is not None:
        inside &= x > minimum
    if maximum is not None:
        inside &= x < maximum
    return (upstream * inside,)


def put_in(
    write: Write, cell: Sequence[int], x: Tensor, *, minimum: float | None = None, maximum: float | None = None
) -> str:
    """One output in numbers."""
    value = alone(write, x[tuple(cell)])
    raised = value if minimum is None else f"max({alone(write, minimum)}, {value})"
    return raised if maximum is None else f"min({alone(write, maximum)}, {raised})"


OPERATION = Operation(
    name="clamp",
    formula="y = min(maximum, max(minimum, x))",
    latex=r"y = \min(b, \max(a, x))",
    source="Sandler et al. 2018, 'MobileNetV2': ReLU6 is min(6, max(0, x))",
    inputs=("x",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
