"""One step of the long short-term memory.

    i = sigma(W_xi x_t + b_xi + W_hi h_(t-1) + b_hi)    input gate: how much of the proposal is written
    f = sigma(W_xf x_t + b_xf + W_hf h_(t-1) + b_hf)    forget gate: how much of the memory is kept
    g = tanh(W_xg x_t + b_xg + W_hg h_(t-1) + b_hg)     the proposal for the memory
    o = sigma(W_xo x_t + b_xo + W_ho h_(t-1) + b_ho)    output gate: how much of the memory is shown
    c_t = f * c_(t-1) + i * g                           the memory
    h_t = o * tanh(c_t)                                 what is shown of it

with * number by number. As in torch, w_ih is W_xi, W_xf, W_xg and W_xo below one another, w_hh likewise.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from glasswork.textbook import linear
from glasswork.textbook.operation import Operation, Write


def forward(
    x: Tensor,
    h: Tensor,
    c: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """c_t = f * c_(t-1) + i * g, h_t = o * tanh(c_t).

    Args:
        x: the input x_t, (N, D).
        h: the state before, h_(t-1), (N, H).
        c: the memory before, c_(t-1), (N, H).
        w_ih: (4 H, D), for i, f, g and o below one another.
        w_hh: (4 H, H), likewise.
        b_ih: (4 H,).
        b_hh: (4 H,).

    Returns:
        h_t and c_t, each (N, H).
    """
    gate = gates(x, h, c, w_ih, w_hh, b_ih, b_hh)
    memory = gate["f"] * c + gate["i"] * gate["g"]
    return gate["o"] * memory.tanh(), memory


def gates(
    x: Tensor,
    h: Tensor,
    c: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> dict[str, Tensor]:
    """The gates i (input), f (forget) and o (output), between 0 and 1, and the proposal g, between -1 and 1.

    Each is (N, H). The memory c has no part in them; it is taken so that all three functions are called alike.
    """
    i, f, g, o = (linear.forward(x, w_ih, b_ih) + linear.forward(h, w_hh, b_hh)).chunk(4, -1)
    return {"i": i.sigmoid(), "f": f.sigmoid(), "g": g.tanh(), "o": o.sigmoid()}


def backward(
    upstream: tuple[Tensor, Tensor],
    x: Tensor,
    h: Tensor,
    c: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> tuple[Tensor | None, ...]:
    """The memory's error dE/dc_t comes from c_t itself and through h_t; times f, it goes on to c_(t-1).

    No weight and no squashing function stands on that way: where f is near 1, the error does not vanish.
    """
    d_h_new, d_c_new = upstream
    gate = gates(x, h, c, w_ih, w_hh, b_ih, b_hh)
    i, f, g, o = gate["i"], gate["f"], gate["g"], gate["o"]
    shown = (f * c + i * g).tanh()
    d_memory = d_c_new + d_h_new * o * (1 - shown.square())
    delta_i = d_memory * g * i * (1 - i)  # sigma' = sigma (1 - sigma)
    delta_f = d_memory * c * f * (1 - f)
    delta_g = d_memory * i * (1 - g.square())  # tanh' = 1 - tanh^2
    delta_o = d_h_new * shown * o * (1 - o)
    delta = torch.cat([delta_i, delta_f, delta_g, delta_o], -1)  # (N, 4 H)
    d_x, d_w_ih, d_b_ih = linear.backward(delta, x, w_ih, b_ih)
    d_h, d_w_hh, d_b_hh = linear.backward(delta, h, w_hh, b_hh)
    return d_x, d_h, d_memory * f, d_w_ih, d_w_hh, d_b_ih, d_b_hh


def put_in(
    write: Write,
    cell: Sequence[int],
    x: Tensor,
    h: Tensor,
    c: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> str:
    """One unit of h_t in numbers, its gates written out."""
    example, unit = cell
    rows = [(example, gate * h.shape[-1] + unit) for gate in range(4)]
    i, f, g, o = (
        f"{linear.put_in(write, row, x, w_ih, b_ih)} + {linear.put_in(write, row, h, w_hh, b_hh)}" for row in rows
    )
    memory = f"sigmoid({f}) * {write(c[example, unit])} + sigmoid({i}) * tanh({g})"
    return f"sigmoid({o}) * tanh({memory})"


OPERATION = Operation(
    name="lstm_step",
    formula="i, f, o = sigma(W_x x_t + W_h h_(t-1) + b), each with its own weights; g = tanh(W_xg x_t + W_hg h_(t-1) + "
    "b_g); c_t = f * c_(t-1) + i * g; h_t = o * tanh(c_t)",
    latex=r"\begin{aligned} i &= \sigma(W_{xi} x_t + W_{hi} h_{t-1} + b_i) \\ "
    r"f &= \sigma(W_{xf} x_t + W_{hf} h_{t-1} + b_f) \\ "
    r"g &= \tanh(W_{xg} x_t + W_{hg} h_{t-1} + b_g) \\ "
    r"o &= \sigma(W_{xo} x_t + W_{ho} h_{t-1} + b_o) \\ "
    r"c_t &= f \odot c_{t-1} + i \odot g \\ h_t &= o \odot \tanh(c_t) \end{aligned}",
    source="Kolter, 'LSTM networks'; Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000",
    inputs=("x", "h", "c", "w_ih", "w_hh", "b_ih", "b_hh"),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
