"""One step of the gated recurrent unit.

    r = sigma(W_xr x_t + b_xr + W_hr h_(t-1) + b_hr)        reset: how much of the memory the proposal may see
    z = sigma(W_xz x_t + b_xz + W_hz h_(t-1) + b_hz)        update: how much of the memory is kept
    n = tanh(W_xn x_t + b_xn + r * (W_hn h_(t-1) + b_hn))   the proposal for the new memory
    h_t = (1 - z) * n + z * h_(t-1)

with * number by number. As in torch, w_ih is W_xr, W_xz and W_xn below one another, w_hh likewise, and r stands outside
the matrix product; Cho et al. 2014 have it inside, W_hn (r * h_(t-1)).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from glasswork.textbook import linear
from glasswork.textbook.operation import Operation, Write


def forward(
    x: Tensor, h: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """h_t = (1 - z) * n + z * h_(t-1).

    Args:
        x: the input x_t, (N, D).
        h: the state before, h_(t-1), (N, H).
        w_ih: (3 H, D), for r, z and n below one another.
        w_hh: (3 H, H), likewise.
        b_ih: (3 H,).
        b_hh: (3 H,).

    Returns:
        h_t, (N, H).
    """
    gate = gates(x, h, w_ih, w_hh, b_ih, b_hh)
    return (1 - gate["z"]) * gate["n"] + gate["z"] * h


def gates(
    x: Tensor, h: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> dict[str, Tensor]:
    """The gates r (reset) and z (update), between 0 and 1, and the proposal n, between -1 and 1; each (N, H)."""
    x_r, x_z, x_n = linear.forward(x, w_ih, b_ih).chunk(3, -1)  # each (N, H)
    h_r, h_z, h_n = linear.forward(h, w_hh, b_hh).chunk(3, -1)  # each (N, H)
    r = (x_r + h_r).sigmoid()
    z = (x_z + h_z).sigmoid()
    n = (x_n + r * h_n).tanh()
    return {"r": r, "z": z, "n": n}


def backward(
    upstream: Tensor,
    x: Tensor,
    h: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> tuple[Tensor | None, ...]:
    """The error of h_t goes to n, z and h_(t-1), from n on to r, and through each gate's scores to x and h_(t-1)."""
    gate = gates(x, h, w_ih, w_hh, b_ih, b_hh)
    r, z, n = gate["r"], gate["z"], gate["n"]
    h_n = linear.forward(h, w_hh, b_hh).chunk(3, -1)[2]  # (N, H)
    delta_n = upstream * (1 - z) * (1 - n.square())  # tanh' = 1 - tanh^2
    delta_z = upstream * (h - n) * z * (1 - z)  # sigma' = sigma (1 - sigma)
    delta_r = delta_n * h_n * r * (1 - r)
    of_input = torch.cat([delta_r, delta_z, delta_n], -1)  # (N, 3 H)
    of_state = torch.cat([delta_r, delta_z, delta_n * r], -1)  # (N, 3 H)
    d_x, d_w_ih, d_b_ih = linear.backward(of_input, x, w_ih, b_ih)
    d_h, d_w_hh, d_b_hh = linear.backward(of_state, h, w_hh, b_hh)
    return d_x, d_h + upstream * z, d_w_ih, d_w_hh, d_b_ih, d_b_hh


def put_in(
    write: Write,
    cell: Sequence[int],
    x: Tensor,
    h: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> str:
    """One unit of the new state in numbers, its gates written out."""
    example, unit = cell
    width = h.shape[-1]
    rows = [(example, gate * width + unit) for gate in range(3)]
    x_r, x_z, x_n = (linear.put_in(write, row, x, w_ih, b_ih) for row in rows)
    h_r, h_z, h_n = (linear.put_in(write, row, h, w_hh, b_hh) for row in rows)
    r, z = f"sigmoid({x_r} + {h_r})", f"sigmoid({x_z} + {h_z})"
    n = f"tanh({x_n} + {r} * ({h_n}))"
    return f"(1 - {z}) * {n} + {z} * {write(h[example, unit])}"


OPERATION = Operation(
    name="gru_step",
    formula="r = sigma(W_xr x_t + W_hr h_(t-1) + b_r); z = sigma(W_xz x_t + W_hz h_(t-1) + b_z); "
    "n = tanh(W_xn x_t + b_xn + r * (W_hn h_(t-1) + b_hn)); h_t = (1 - z) * n + z * h_(t-1)",
    latex=r"\begin{aligned} r &= \sigma(W_{xr} x_t + W_{hr} h_{t-1} + b_r) \\ "
    r"z &= \sigma(W_{xz} x_t + W_{hz} h_{t-1} + b_z) \\ "
    r"n &= \tanh(W_{xn} x_t + b_{xn} + r \odot (W_{hn} h_{t-1} + b_{hn})) \\ "
    r"h_t &= (1 - z) \odot n + z \odot h_{t-1} \end{aligned}",
    source="Kovashka, 'Extensions' (RNNs with gates); Cho et al. 2014",
    inputs=("x", "h", "w_ih", "w_hh", "b_ih", "b_hh"),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
