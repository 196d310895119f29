"""The long short-term memory over a sequence."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from glasswork.textbook import lstm_step, recurrence
from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.recurrence import Layout


def forward(x: Tensor, h_0: Tensor, c_0: Tensor, *weights: Tensor, **layout: Any) -> tuple[Tensor, ...]:
    """c_t = f_t * c_(t-1) + i_t * g_t, h_t = o_t * tanh(c_t) for t = 1 .. T; the gates are those of `lstm_step`.

    Args:
        x: (T, N, D), or (N, T, D) with batch_first.
        h_0: (layers * directions, N, H).
        c_0: (layers * directions, N, H).
        weights: w_ih, w_hh, b_ih, b_hh (biases unless has_biases=False) for each direction of each layer.
        layout: the fields of `recurrence.Layout`: num_layers, bidirectional, batch_first, has_biases, dropout, train.

    Returns:
        h of the top layer at each time, (T, N, directions * H); the last h and the last c of each,
        (layers * directions, N, H).

    Raises:
        ValueError: projected states, or units dropped between layers.
    """
    return recurrence.forward(lstm_step.OPERATION, Layout(**layout), x, (h_0, c_0), weights)


def backward(
    upstream: Sequence[Tensor], x: Tensor, h_0: Tensor, c_0: Tensor, *weights: Tensor, **layout: Any
) -> tuple[Tensor, ...]:
    """Back-propagation through time: the step's backward from the last time to the first, h and c side by side."""
    return recurrence.backward(lstm_step.OPERATION, Layout(**layout), upstream, x, (h_0, c_0), weights)


def put_in(
    write: Write, cell: Sequence[int], x: Tensor, h_0: Tensor, c_0: Tensor, *weights: Tensor, **layout: Any
) -> str:
    """One unit of the top layer's h at one time in numbers, out of the state before."""
    return recurrence.put_in(lstm_step.OPERATION, Layout(**layout), write, cell, x, (h_0, c_0), weights)


OPERATION = Operation(
    name="lstm",
    formula="c_t = f_t * c_(t-1) + i_t * g_t, h_t = o_t * tanh(c_t), t = 1 .. T",
    latex=r"c_t = f_t \odot c_{t-1} + i_t \odot g_t, \quad h_t = o_t \odot \tanh(c_t), \quad t = 1, \dots, T",
    source="Kolter, 'LSTM networks', 'Training recurrent networks'; Hochreiter and Schmidhuber 1997",
    inputs=("x", "h_0", "c_0", "w", "..."),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
