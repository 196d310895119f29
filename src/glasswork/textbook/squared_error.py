"""The squared error."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write, source_cell, summed_to
from glasswork.textbook.reductions import each, reduced, reduced_in_numbers

HALVED = {"half-sum": "sum", "examples": "examples"}
"""The reductions with the half of the slide, and what is done with the halves."""


def forward(y: Tensor, t: Tensor, *, reduction: str = "half-sum") -> Tensor:
    """E = 1/2 sum_k (y_k - t_k)^2.

    Args:
        y: outputs, any shape.
        t: what they should be, in the same shape or one that broadcasts with it.
        reduction: `half-sum` as on the slide, or `examples`: that over the number of examples, the first axis; or the
            `sum`, `mean` or `none` of (y_k - t_k)^2, as in libraries.

    Returns:
        A scalar, or the shape of y for `none`.
    """
    squares = (y - t) ** 2
    return reduced(squares / 2 if reduction in HALVED else squares, HALVED.get(reduction, reduction))


def backward(upstream: Tensor, y: Tensor, t: Tensor, *, reduction: str = "half-sum") -> tuple[Tensor, Tensor]:
    """dE/dy_k = y_k - t_k, dE/dt_k = -(y_k - t_k), divided as E is; twice that without the half."""
    error = y - t
    delta = each(upstream, error.shape, HALVED.get(reduction, reduction)) * error * (1 if reduction in HALVED else 2)
    return summed_to(delta, y.shape), summed_to(-delta, t.shape)


def put_in(write: Write, cell: Sequence[int], y: Tensor, t: Tensor, *, reduction: str = "half-sum") -> str:
    """The error in numbers."""

    def square(place: tuple[int, ...]) -> str:
        return f"({write(y[source_cell(place, y.shape)])} - {write(t[source_cell(place, t.shape)])}) ** 2"

    shape = (y - t).shape
    numbers = reduced_in_numbers(write, cell, shape, HALVED.get(reduction, reduction), square, apart=False)
    return f"1 / 2 * ({numbers})" if reduction in HALVED else numbers


OPERATION = Operation(
    name="squared_error",
    formula="E = 1/2 sum_k (y_k - t_k)^2",
    latex=r"E_n = \frac{1}{2} \sum_{k=1}^{K} (y_k - t_k)^2",
    source="Kovashka, 'Example' (two-layer network): Minimize E_n",
    inputs=("y", "t"),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
