"""The vanilla recurrent network over a sequence."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from glasswork.textbook import recurrence, rnn_step
from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.recurrence import Layout


def forward(x: Tensor, h_0: Tensor, *weights: Tensor, nonlinearity: str = "tanh", **layout: Any) -> tuple[Tensor, ...]:
    """h_t = f(W_xh x_t + W_hh h_(t-1) + b) for t = 1 .. T.

    Args:
        x: (T, N, D), or (N, T, D) with batch_first.
        h_0: (layers * directions, N, H).
        weights: w_ih, w_hh, b_ih, b_hh (biases unless has_biases=False) for each direction of each layer.
        nonlinearity: f, 'tanh' or 'relu'.
        layout: the fields of `recurrence.Layout`: num_layers, bidirectional, batch_first, has_biases, dropout, train.

    Returns:
        h of the top layer at each time, (T, N, directions * H); the last h of each, (layers * directions, N, H).

    Raises:
        ValueError: projected states, or units dropped between layers.
    """
    return recurrence.forward(rnn_step.OPERATION, Layout(**layout), x, (h_0,), weights, nonlinearity=nonlinearity)


def backward(
    upstream: Sequence[Tensor], x: Tensor, h_0: Tensor, *weights: Tensor, nonlinearity: str = "tanh", **layout: Any
) -> tuple[Tensor, ...]:
    """Back-propagation through time: the error of h_t, times the step's derivative, is that of h_(t-1)."""
    return recurrence.backward(
        rnn_step.OPERATION, Layout(**layout), upstream, x, (h_0,), weights, nonlinearity=nonlinearity
    )


def put_in(
    write: Write,
    cell: Sequence[int],
    x: Tensor,
    h_0: Tensor,
    *weights: Tensor,
    nonlinearity: str = "tanh",
    **layout: Any,
) -> str:
    """One unit of the top layer at one time in numbers, out of the state before."""
    return recurrence.put_in(
        rnn_step.OPERATION, Layout(**layout), write, cell, x, (h_0,), weights, nonlinearity=nonlinearity
    )


OPERATION = Operation(
    name="rnn",
    formula="h_t = f(W_xh x_t + W_hh h_(t-1) + b_h), t = 1 .. T",
    latex=r"h_t = f(W_{xh} x_t + W_{hh} h_{t-1} + b_h), \quad t = 1, \dots, T",
    source="Kolter, 'Recurrent neural networks', 'Training recurrent networks'; Kovashka, 'Recurrent Neural Network'",
    inputs=("x", "h_0", "w", "..."),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
