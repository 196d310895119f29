"""The gated recurrent unit over a sequence."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from glasswork.textbook import gru_step, recurrence
from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.recurrence import Layout


def forward(x: Tensor, h_0: Tensor, *weights: Tensor, **layout: Any) -> tuple[Tensor, ...]:
    """h_t = (1 - z_t) * n_t + z_t * h_(t-1) for t = 1 .. T; the gates are those of `gru_step`.

    Args:
        x: (T, N, D), or (N, T, D) with batch_first.
        h_0: (layers * directions, N, H).
        weights: w_ih, w_hh, b_ih, b_hh (biases unless has_biases=False) for each direction of each layer.
        layout: the fields of `recurrence.Layout`: num_layers, bidirectional, batch_first, has_biases, dropout, train.

    Returns:
        h of the top layer at each time, (T, N, directions * H); the last h of each, (layers * directions, N, H).

    Raises:
        ValueError: projected states, or units dropped between layers.
    """
    return recurrence.forward(gru_step.OPERATION, Layout(**layout), x, (h_0,), weights)


def backward(upstream: Sequence[Tensor], x: Tensor, h_0: Tensor, *weights: Tensor, **layout: Any) -> tuple[Tensor, ...]:
    """Back-propagation through time: the step's backward from the last time to the first."""
    return recurrence.backward(gru_step.OPERATION, Layout(**layout), upstream, x, (h_0,), weights)


def put_in(write: Write, cell: Sequence[int], x: Tensor, h_0: Tensor, *weights: Tensor, **layout: Any) -> str:
    """One unit of the top layer at one time in numbers, out of the state before."""
    return recurrence.put_in(gru_step.OPERATION, Layout(**layout), write, cell, x, (h_0,), weights)


OPERATION = Operation(
    name="gru",
    formula="h_t = (1 - z_t) * n_t + z_t * h_(t-1), t = 1 .. T",
    latex=r"h_t = (1 - z_t) \odot n_t + z_t \odot h_{t-1}, \quad t = 1, \dots, T",
    source="Kovashka, 'Extensions' (RNNs with gates); Kolter, 'Training recurrent networks'; Cho et al. 2014",
    inputs=("x", "h_0", "w", "..."),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
