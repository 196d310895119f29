"""The same numbers in another shape: reshape, view, flatten, squeeze, unsqueeze."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write


def forward(x: Tensor, *, shape: Sequence[int]) -> Tensor:
    """The numbers of x, row by row, in `shape`; one of its sizes may be -1 for what is left."""
    return x.reshape(tuple(shape))


def backward(upstream: Tensor, x: Tensor, *, shape: Sequence[int]) -> tuple[Tensor]:
    """The error in the shape of x."""
    return (upstream.reshape(x.shape),)


def put_in(write: Write, cell: Sequence[int], x: Tensor, *, shape: Sequence[int]) -> str:
    """The number that stands there."""
    return write(forward(x, shape=shape)[tuple(cell)])


OPERATION = Operation(
    name="reshape",
    formula="y = x, row by row in another shape",
    latex=r"y = \operatorname{vec}^{-1}(\operatorname{vec}(x))",
    source="Kovashka, 'Convolutional Neural Networks (CNN)': feature maps become the classifier's vector",
    inputs=("x",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
