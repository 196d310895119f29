"""A tensor with some of its numbers written over."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from glasswork.textbook.operation import Operation, Write, summed_to


def forward(x: Tensor, value: Tensor, *, index: Any) -> Tensor:
    """x[index] = value: x but for the numbers chosen, in whose place the value stands.

    Args:
        x: any shape.
        value: broadcasts to what is chosen; the last one stays where a number is chosen twice.
        index: as PyTorch takes it: an integer, slice, Ellipsis, None, integer or bool tensor, or a tuple of these.

    Returns:
        As x.
    """
    y = x.clone()
    y[index] = value.to(x.dtype)
    return y


def backward(upstream: Tensor, x: Tensor, value: Tensor, *, index: Any) -> tuple[Tensor, Tensor]:
    """The error of what was written over goes to the value, summed over its copies; all other error goes to x."""
    to_x = upstream.clone()
    to_x[index] = 0.0
    written = upstream[index]
    shape = value.shape[max(0, value.dim() - written.dim()) :]  # torch takes more axes of size 1 in front
    return to_x, summed_to(written, shape).reshape(value.shape)


def put_in(write: Write, cell: Sequence[int], x: Tensor, value: Tensor, *, index: Any) -> str:
    """The number that stands there."""
    return write(forward(x, value, index=index)[tuple(cell)])


OPERATION = Operation(
    name="assign",
    formula="y = x with y[index] = value",
    latex=r"y_{\text{index}_i} = \text{value}_i, \; y_j = x_j \text{ elsewhere}",
    source="PyTorch's documentation, 'Tensor.index_put_'; the error flows to where each number came from",
    inputs=("x", "value"),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
