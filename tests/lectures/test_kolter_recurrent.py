"""Kolter's deck, second part: recurrent networks. Each test says which slide, command and sight."""

from typing import Any

import torch
from pytest import approx
from slides import slide
from torch import Tensor

from closeness import assert_same_numbers
from glasswork.textbook import operation

UNROLLED = """
W_xz, W_zz, W_zy = torch.randn(3, 2).double(), torch.randn(3, 3).double(), torch.randn(1, 3).double()
x, y = torch.randn(4, 1, 2).double(), torch.randn(4, 1).double()  # four steps of two numbers, and one number each
rnn, linear, error = operation("rnn", has_biases=False), operation("linear"), operation("squared_error")
z_0 = torch.zeros(1, 1, 3).double()
z, _ = rnn.forward(x, z_0, W_xz, W_zz)
to_y, _ = error.backward(tensor(1.0), linear.forward(z[:, 0], W_zy), y)
to_z, to_zy, _ = linear.backward(to_y, z[:, 0], W_zy)
to_x, to_z0, to_xz, to_zz = rnn.backward((to_z[:, None], z_0), x, z_0, W_xz, W_zz)
to_xz, to_zz, to_zy
"""


@slide(
    "Predicting temporal data",
    """
    x = torch.sin(0.3 * torch.arange(102).double())
    def error(seen):  # of the next value, predicted from the last one alone or from the last two
        rows = torch.stack([x[1 - k : 101 - k] for k in range(seen)], 1)
        w = torch.linalg.lstsq(rows, x[2:, None]).solution.T
        return (operation("linear").forward(rows, w)[:, 0] - x[2:]).abs().max().item()
    error(1), error(2)
    """,
    """Predicting independently would miss correlations: the next value of a wave from the present one alone is off
    by up to 0.3, because it does not say whether the wave rises; with the one before it is exact.""",
)
def test_predicting_independently_misses_correlations(shown: tuple[float, float]) -> None:
    alone, with_past = shown
    assert alone == approx(0.3, abs=0.01)
    assert with_past < 1e-10


@slide(
    "Recurrent neural networks",
    """
    W_xz, W_zz, b_z = tensor([[1.0], [-1.0]]), tensor([[0.5, 0.0], [0.25, -0.5]]), tensor([0.1, 0.2])
    W_zy, b_y = tensor([[1.0, 2.0]]), tensor([0.5])
    z = operation("rnn_step").forward(tensor([[0.5]]), tensor([[0.2, -0.4]]), W_xz, W_zz, b_z, 0 * b_z)
    z, operation("linear").forward(z, W_zy, b_y)
    """,
    """z^(t) = f_z(W_xz x^(t) + W_zz z^(t-1) + b_z) with tanh for f_z: tanh(0.7) = 0.604 and tanh(-0.05) = -0.050;
    y^(t) = f_y(W_zy z^(t) + b_y) with the identity for f_y: 1.004.""",
)
def test_the_recurrent_formulas(shown: tuple[Tensor, Tensor]) -> None:
    z, y = shown
    assert z[0].tolist() == approx(torch.tensor([0.7, -0.05]).tanh().tolist())
    assert [round(number, 3) for number in [*z[0].tolist(), y.item()]] == [0.604, -0.05, 1.004]


@slide(
    "Training recurrent networks",
    UNROLLED,
    """The network unrolled over four steps, the loss summed over them. The same W_zz occurs in each step; its
    gradient is the sum over the steps, and equals autograd's. The slide sums over i = 1 .. m what is indexed by t;
    it is the sum over t.""",
)
def test_the_gradient_of_the_unrolled_network(shown: tuple[Tensor, ...], names: dict[str, Any]) -> None:
    W_xz, W_zz, W_zy, x, y = (names[name] for name in ("W_xz", "W_zz", "W_zy", "x", "y"))  # noqa: N806
    # Unrolled by hand, with a copy of the weights of its own for each step.
    copies = [[weight.clone().requires_grad_() for weight in (W_xz, W_zz, W_zy)] for _ in range(4)]
    z, loss = torch.zeros(1, 3).double(), 0.0
    for t, (own_xz, own_zz, own_zy) in enumerate(copies):
        z = (x[t] @ own_xz.T + z @ own_zz.T).tanh()
        loss = loss + (z @ own_zy.T - y[t]).square().sum() / 2
    loss.backward()
    for place, found in enumerate(shown):
        slopes = [own[place].grad for own in copies]
        torch.testing.assert_close(found, sum(slopes), rtol=0, atol=1e-10)
        assert not torch.allclose(slopes[0], slopes[1])


@slide(
    "Training recurrent networks",
    """
    x, z_0, W_xz, W_zz = torch.randn(120, 1, 2), torch.zeros(1, 1, 3), torch.randn(3, 2), torch.randn(3, 3)
    z, _ = operation("rnn", has_biases=False).forward(x, z_0, W_xz, W_zz)
    z[0], operation("linear").forward(x[0], W_xz).tanh()
    """,
    """The first hidden layer is set to all zeros, so that the first step depends on its input alone: tanh(W_xz
    x^(1)). The sequence is long, 120 steps.""",
)
def test_the_initial_state_is_zero(shown: tuple[Tensor, Tensor], names: dict[str, Any]) -> None:
    assert_same_numbers(*shown)
    network = torch.nn.RNN(2, 3, bias=False)  # which sets it to zeros by itself
    network.weight_ih_l0.data, network.weight_hh_l0.data = names["W_xz"], names["W_zz"]
    assert_same_numbers(network(names["x"])[0], names["z"])


@slide(
    "LSTM networks",
    """
    def slope(h, w, steps):  # of one unit: dz^(T)/dz^(0), back through time
        x, one = torch.full((steps, 1, 1), 0.5), torch.ones(1, 1, 1)
        rnn = operation("rnn", has_biases=False, nonlinearity=h)
        return rnn.backward((0 * x, one), x, 0 * one, one[0], w * one[0])[1].item()
    [[slope(h, w, steps) for steps in (1, 10, 100)] for h, w in (("tanh", 0.9), ("relu", 1.5))]
    """,
    """Vanishing gradient: over 1, 10 and 100 steps a tanh unit with W_zz = 0.9 leaves 0.71, 5.1e-6 and 0 in single
    precision. ReLUs have their own problems: with W_zz = 1.5 it explodes, 1.5, 58 and 4e17.""",
)
def test_gradients_vanish_or_explode(shown: list[list[float]]) -> None:
    tanh, relu = shown
    assert tanh == approx([0.71, 5.1e-6, 0], rel=0.05, abs=1e-30)
    assert relu == approx([1.5, 1.5**10, 1.5**100], rel=1e-4)


@slide(
    "LSTM networks",
    """
    from glasswork.textbook.recurrent import LSTMStep
    x, h, c = torch.randn(1, 3), torch.randn(1, 2), torch.randn(1, 2)
    weights = torch.randn(8, 3), torch.randn(8, 2), torch.randn(8), torch.randn(8)
    step = LSTMStep()
    step.gates(x, h, c, *weights), step.forward(x, h, c, *weights)
    """,
    """Gate by gate: i, f and o by a sigmoid, the proposal g by tanh, c_t = f c_(t-1) + i g, h_t = o tanh(c_t);
    equal to PyTorch's, whose formulas these are, for the slide's (Jozefowicz et al. 2015) stood in a picture.""",
)
def test_the_lstm_gate_by_gate(shown: Any, names: dict[str, Any]) -> None:
    gates, (h, c) = shown
    w_ih, w_hh, b_ih, b_hh = names["weights"]
    scores = (names["x"] @ w_ih.T + b_ih + names["h"] @ w_hh.T + b_hh)[0].split(2)
    for name, score, squash in zip("ifgo", scores, ("sigmoid", "sigmoid", "tanh", "sigmoid"), strict=True):
        torch.testing.assert_close(gates[name][0], operation(squash).forward(score))
    torch.testing.assert_close(c, gates["f"] * names["c"] + gates["i"] * gates["g"])
    torch.testing.assert_close((h, c), torch.lstm_cell(names["x"], (names["h"], names["c"]), *names["weights"]))


@slide(
    "LSTM networks",
    """
    lstm, steps = operation("lstm"), 100
    x, z_0, none = torch.zeros(steps, 1, 1), torch.zeros(1, 1, 1), torch.zeros(steps, 1, 1)
    bias = tensor([0.0, 8.0, 0.0, 0.0])  # of i, f, g and o: the forget gate is open
    weights = torch.zeros(4, 1), torch.zeros(4, 1), bias, 0 * bias
    lstm.backward((none, z_0, z_0 + 1), x, z_0, z_0, *weights)[2]
    """,
    """Able to model long-term dependencies: through an LSTM's memory 0.967 of the error comes back over 100 steps,
    for its forget gate, 0.99966, is all that stands on the way.""",
)
def test_the_lstm_keeps_its_gradient(shown: Tensor) -> None:
    forget = torch.tensor(8.0).double().sigmoid().item()
    assert shown.item() == approx(forget**100, rel=1e-4)
    assert (round(forget, 5), round(shown.item(), 3)) == (0.99966, 0.967)
