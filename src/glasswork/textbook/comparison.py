"""Which of two numbers is greater, or whether they are equal."""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor

from glasswork.textbook.operation import Operation, Write, source_cell

RELATIONS: Mapping[str, Callable[[Any, Any], Any]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}


def forward(x: Tensor, y: Tensor, *, relation: str = ">") -> Tensor:
    """Number by number: 1 where x > y (or another relation) holds, else 0; shapes that broadcast together.

    Args:
        x: the left side.
        y: the right side.
        relation: `>`, `<`, `>=`, `<=`, `==` or `!=`.

    Returns:
        The numbers 0 and 1, in float64.

    Raises:
        KeyError: for another relation.
    """
    holds = RELATIONS[relation](x, y)
    assert isinstance(holds, Tensor)
    return holds.double()


def backward(upstream: Tensor, x: Tensor, y: Tensor, *, relation: str = ">") -> tuple[None, None]:
    """No error flows back: the slope of a step is 0 wherever it has one."""
    return None, None


def put_in(write: Write, cell: Sequence[int], x: Tensor, y: Tensor, *, relation: str = ">") -> str:
    """1 or 0."""
    return write(RELATIONS[relation](x[source_cell(cell, x.shape)], y[source_cell(cell, y.shape)]))


OPERATION = Operation(
    name="comparison",
    formula="z = 1 where x > y, else 0",
    latex=r"z = \begin{cases} 1 & x > y \\ 0 & \text{else} \end{cases}",
    source="Kovashka, 'Inspiration: Neuron cells': if output of function over threshold, neuron 'fires'",
    inputs=("x", "y"),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
