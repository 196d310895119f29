"""One of two tensors, number by number, as a condition says."""

from collections.abc import Sequence

import torch
from torch import Tensor

from glasswork.textbook.operation import Operation, Write, source_cell, summed_to


def forward(condition: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Number by number: z = x where the condition holds, else y; shapes that broadcast together.

    Args:
        condition: bool.
        x: what stands where it holds.
        y: what stands elsewhere.

    Returns:
        The three broadcast together.
    """
    return torch.where(condition, x, y)


def backward(upstream: Tensor, condition: Tensor, x: Tensor, y: Tensor) -> tuple[None, Tensor, Tensor]:
    """dz/dx = 1 where the condition holds, else 0; dz/dy the other way round: the error goes to what was taken."""
    to_x, to_y = torch.where(condition, upstream, 0.0), torch.where(condition, 0.0, upstream)
    return None, summed_to(to_x, x.shape), summed_to(to_y, y.shape)


def put_in(write: Write, cell: Sequence[int], condition: Tensor, x: Tensor, y: Tensor) -> str:
    """The number that was taken."""
    taken = x if condition[source_cell(cell, condition.shape)] else y
    return write(taken[source_cell(cell, taken.shape)])


OPERATION = Operation(
    name="where",
    formula="z = x where the condition holds, else y",
    latex=r"z = \begin{cases} x & \text{where the condition holds} \\ y & \text{elsewhere} \end{cases}",
    source="Kovashka, 'Activation functions': the cases of ELU",
    inputs=("condition", "x", "y"),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
