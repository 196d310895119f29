"""One step of the vanilla recurrent network.

Kolter writes z^(t) = f_z(W_xz x^(t) + W_zz z^(t-1) + b_z), Kovashka h_t = tanh(W_hh h_(t-1) + W_xh x_t). Here, as in
torch, w_ih is W_xz = W_xh, w_hh is W_zz = W_hh, and the bias b_z comes in two parts, b_ih + b_hh.
"""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook import linear
from glasswork.textbook.operation import Operation, Write


def forward(
    x: Tensor,
    h: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
    nonlinearity: str = "tanh",
) -> Tensor:
    """h_t = f(W_xh x_t + W_hh h_(t-1) + b).

    Args:
        x: the input x_t, (N, D).
        h: the state before, h_(t-1), (N, H).
        w_ih: W_xh, (H, D).
        w_hh: W_hh, (H, H).
        b_ih: (H,).
        b_hh: (H,).
        nonlinearity: f, 'tanh' or 'relu'.

    Returns:
        h_t, (N, H).

    Raises:
        ValueError: another nonlinearity.
    """
    a = linear.forward(x, w_ih, b_ih) + linear.forward(h, w_hh, b_hh)  # (N, H)
    if nonlinearity == "tanh":
        return a.tanh()
    if nonlinearity == "relu":
        return a.clamp(min=0)
    raise ValueError(f"the nonlinearity of a recurrent step is 'tanh' or 'relu', not '{nonlinearity}'")


def gates(
    x: Tensor,
    h: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
    nonlinearity: str = "tanh",
) -> dict[str, Tensor]:
    """The activations of the step by name. A vanilla step has no gates: only its new state, h, (N, H)."""
    return {"h": forward(x, h, w_ih, w_hh, b_ih, b_hh, nonlinearity)}


def backward(
    upstream: Tensor,
    x: Tensor,
    h: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
    nonlinearity: str = "tanh",
) -> tuple[Tensor | None, ...]:
    """With delta = f'(a) dE/dh_t: dE/dh_(t-1) = W_hh^T delta, dE/dW_hh = delta h_(t-1)^T, and with x likewise.

    f' is 1 - h_t^2 for tanh; for the rectified linear unit 1 where h_t > 0, else 0.
    """
    new = forward(x, h, w_ih, w_hh, b_ih, b_hh, nonlinearity)
    delta = upstream * (1 - new.square()) if nonlinearity == "tanh" else upstream * (new > 0)
    d_x, d_w_ih, d_b_ih = linear.backward(delta, x, w_ih, b_ih)
    d_h, d_w_hh, d_b_hh = linear.backward(delta, h, w_hh, b_hh)
    return d_x, d_h, d_w_ih, d_w_hh, d_b_ih, d_b_hh


def put_in(
    write: Write,
    cell: Sequence[int],
    x: Tensor,
    h: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
    nonlinearity: str = "tanh",
) -> str:
    """One unit of the new state in numbers."""
    of_input, of_state = linear.put_in(write, cell, x, w_ih, b_ih), linear.put_in(write, cell, h, w_hh, b_hh)
    return f"{nonlinearity}({of_input} + {of_state})"


OPERATION = Operation(
    name="rnn_step",
    formula="h_t = f(W_xh x_t + W_hh h_(t-1) + b_h)",
    latex=r"h_t = f(W_{xh} x_t + W_{hh} h_{t-1} + b_h)",
    source="Kolter, 'Recurrent neural networks'; Kovashka, '(Vanilla) Recurrent Neural Network'",
    inputs=("x", "h", "w_ih", "w_hh", "b_ih", "b_hh"),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
