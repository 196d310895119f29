"""Kovashka's deck, last part: recurrent networks. Each test says which slide, command and sight."""

from typing import Any

import torch
from pytest import approx
from slides import slide
from torch import Tensor

from closeness import assert_same_numbers

HELLO = """
vocabulary = "helo"
letters = tensor([vocabulary.index(letter) for letter in "hello"])
x, wanted = nn.functional.one_hot(letters[:-1], 4).double()[:, None], letters[1:]  # (time, 1, letter), (time,)"""
TRAINED = (
    HELLO
    + """
from glasswork.textbook.update_rules import gradient_descent
rnn, linear, loss = operation("rnn", has_biases=False), operation("linear"), operation("cross_entropy")
none = torch.zeros(1, 1, 3).double()  # h_0, and the error that comes back from after the end
def trained(memory):  # how much of W_hh counts
    W_xh, W_hh, W_hy = (torch.randn(shape).double() / 2 for shape in ((3, 4), (3, 3), (4, 3)))
    for step in range(300):
        h, _ = rnn.forward(x, none, W_xh, memory * W_hh)  # tanh(W_hh h_(t-1) + W_xh x_t)
        s = linear.forward(h[:, 0], W_hy)  # a score for each letter that may come next
        to_s, *_ = loss.backward(tensor(1.0), s, wanted)
        to_h, to_hy, _ = linear.backward(to_s, h[:, 0], W_hy)
        _, _, to_xh, to_hh = rnn.backward((to_h[:, None], none), x, none, W_xh, memory * W_hh)
        slopes = zip((W_xh, W_hh, W_hy), (to_xh, to_hh, to_hy))
        W_xh, W_hh, W_hy = (gradient_descent(w, slope, learning_rate=0.5)[0] for w, slope in slopes)
    return "".join(vocabulary[k] for k in s.argmax(1)), s.softmax(1)
trained(memory=1), trained(memory=0)
"""
)


@slide(
    "Recurrent Neural Network",
    """
    step, rnn = operation("rnn_step"), operation("rnn", has_biases=False)
    x, h_0 = torch.randn(5, 1, 3), torch.zeros(1, 1, 4)  # five steps of three numbers; four units
    W_xh, W_hh = torch.randn(4, 3), torch.randn(4, 4)
    h = [h_0[0]]
    for t in range(5):
        h.append(step.forward(x[t], h[t], W_xh, W_hh))
    torch.stack(h[1:]), rnn.forward(x, h_0, W_xh, W_hh)[0]
    """,
    """h_t = f_W(h_(t-1), x_t): the network over a sequence is the same function with the same parameters at every
    time step. Both are equal.""",
)
def test_the_same_function_at_every_step(shown: tuple[Tensor, Tensor], names: dict[str, Any]) -> None:
    assert_same_numbers(*shown)
    network = torch.nn.RNN(3, 4, bias=False)
    network.weight_ih_l0.data, network.weight_hh_l0.data = names["W_xh"], names["W_hh"]
    assert_same_numbers(torch.stack(names["h"][1:]), network(names["x"])[0])


@slide(
    "(Vanilla) Recurrent Neural Network",
    """
    W_hh, W_xh, W_hy = tensor([[0.5, -1.0], [1.0, 0.0]]), tensor([[1.0], [-0.5]]), tensor([[2.0, 1.0]])
    h = operation("rnn_step").forward(tensor([[2.0]]), tensor([[0.5, -0.5]]), W_xh, W_hh)
    h, operation("linear").forward(h, W_hy)
    """,
    """h_t = tanh(W_hh h_(t-1) + W_xh x_t) = (tanh 2.75, tanh -0.5) = (0.992, -0.462), y_t = W_hy h_t = 1.522. (The
    second formula stood in a picture and is CS231n's.)""",
)
def test_vanilla_step(shown: tuple[Tensor, Tensor]) -> None:
    h, y = shown
    assert h[0].tolist() == approx(torch.tensor([2.75, -0.5]).tanh().tolist())
    assert [round(value, 3) for value in [*h[0].tolist(), y.item()]] == [0.992, -0.462, 1.522]


@slide(
    "Character-level language model example",
    HELLO + "\nx[:, 0], wanted",
    """The training sequence "hello" over the vocabulary h, e, l, o: inputs h, e, l, l as one-hot rows, each
    followed by e, l, l, o. The l is followed once by l and once by o. (The word stood in a picture and is
    CS231n's.)""",
)
def test_hello_as_one_hot_rows(shown: tuple[Tensor, Tensor]) -> None:
    rows, wanted = shown
    assert rows.tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0]]
    assert wanted.tolist() == [1, 2, 2, 3]


@slide(
    "Character-level language model example",
    TRAINED,
    """Three hidden units, h_t = tanh(W_hh h_(t-1) + W_xh x_t), the gradient carried back through time, 300 steps
    of gradient descent: it predicts e, l, l, o, each with a probability above 0.9.""",
)
def test_hello_is_learnt(shown: Any, names: dict[str, Any]) -> None:
    word, probabilities = shown[0]
    assert word == "ello"
    assert all(probabilities[t, k] > 0.9 for t, k in enumerate(names["wanted"]))


@slide(
    "Character-level language model example",
    TRAINED,
    """The same without memory, W_hh = 0: both l give the same prediction, half l and half o, which is wrong for
    one of them.""",
)
def test_hello_needs_memory(shown: Any) -> None:
    word, probabilities = shown[1]
    assert word[:2] == "el" and word[2] == word[3]
    torch.testing.assert_close(probabilities[2], probabilities[3])
    assert probabilities[2, 2:].tolist() == approx([0.5, 0.5], abs=0.05)


@slide(
    "Extensions: vanishing gradient",
    """
    def slope(h, steps):  # dh_T/dh_0 of one unit that keeps what it has, h_t = h(h_(t-1) + x_t)
        x, one = torch.ones(steps, 1, 1), torch.ones(1, 1, 1)
        rnn = operation("rnn", has_biases=False, nonlinearity=h)
        return rnn.backward((0 * x, one), x, 0 * one, one[0], one[0])[1].item()
    [[slope(h, steps) for steps in (1, 5, 20)] for h in ("tanh", "relu")]
    """,
    """Slopes of tanh lie between 0 and 1, and many of them are multiplied: over 1, 5 and 20 steps 0.42, 2.1e-5 and
    3.6e-22 is left. One solution: ReLU, whose slope is 1: 1, 1, 1.""",
)
def test_the_gradient_vanishes_but_not_through_relu(shown: list[list[float]]) -> None:
    tanh, relu = shown
    h, product, products = 0.0, 1.0, []
    for _ in range(20):
        h = torch.tensor(h + 1).double().tanh().item()
        product *= 1 - h**2
        products.append(product)
    assert tanh == approx([products[0], products[4], products[19]], rel=1e-2, abs=0)
    assert tanh == approx([0.42, 2.1e-5, 3.6e-22], rel=0.05, abs=0)
    assert relu == [1, 1, 1]


@slide(
    "Extensions: vanishing gradient",
    "glasswork vanishing-gradient --steps 0 --length 50",
    """Untrained networks of 64 units: of the gradient of the loss at the last character, 0.5, an RNN leaves 3.7e-3 for
    the state 49 characters before, a GRU, whose update gate is half open, 7.8e-8, the memory of an LSTM, whose forget
    gate begins open, 1.2e-2, and a ReLU-RNN, whose matrix begins as the identity, 0.24. `--out page.html` draws the
    curves; without `--steps 0` trained networks are shown, too.""",
)
def test_what_of_the_gradient_arrives(shown: dict[str, Any]) -> None:
    found = {one["gradient"]["cell"]: one["gradient"] for one in shown["curves"]}
    assert all(one["hidden"][0] == approx(0.5, abs=0.05) for one in found.values())
    last = [found["rnn"]["hidden"][49], found["gru"]["hidden"][49], found["lstm"]["memory"][49]]
    assert [*last, found["relu-rnn"]["hidden"][49]] == approx([3.7e-3, 7.8e-8, 1.2e-2, 0.24], rel=0.05, abs=0)


@slide(
    "Extensions: RNNs with gates",
    """
    from glasswork.textbook.recurrent import GRUStep, LSTMStep
    x, h, c = torch.randn(1, 3), torch.randn(1, 4), torch.randn(1, 4)
    gru = torch.randn(12, 3), torch.randn(12, 4), torch.randn(12), torch.randn(12)
    lstm = torch.randn(16, 3), torch.randn(16, 4), torch.randn(16), torch.randn(16)
    GRUStep().gates(x, h, *gru), LSTMStep().gates(x, h, c, *lstm)
    """,
    """Adaptively decide how much of memory to keep: the GRU's gates r and z with its proposal n, the LSTM's gates
    i, f and o with its proposal g; gates lie between 0 and 1, proposals between -1 and 1.""",
)
def test_gates(shown: Any, names: dict[str, Any]) -> None:
    for gates in shown:
        for name, gate in gates.items():
            assert (-1 if name in "ng" else 0) <= gate.min() and gate.max() <= 1
    x, h, c = names["x"], names["h"], names["c"]
    (r_z_n, i_f_g_o), gru, lstm = shown, names["gru"], names["lstm"]
    z = r_z_n["z"]
    memory = i_f_g_o["f"] * c + i_f_g_o["i"] * i_f_g_o["g"]
    torch.testing.assert_close((1 - z) * r_z_n["n"] + z * h, torch.gru_cell(x, h, *gru))
    torch.testing.assert_close((i_f_g_o["o"] * memory.tanh(), memory), torch.lstm_cell(x, (h, c), *lstm))


@slide(
    "Extensions: RNNs with gates",
    """
    x, h, c = torch.zeros(1, 1), torch.zeros(1, 1), tensor([[2.0]])
    bias = tensor([-20.0, 20.0, 0.0, 0.0])  # input gate shut, forget gate open
    for step in range(100):
        h, c = operation("lstm_step").forward(x, h, c, torch.zeros(4, 1), torch.zeros(4, 1), bias)
    c
    """,
    "An LSTM whose forget gate is open and whose input gate is shut still remembers its 2 after 100 steps.",
)
def test_an_open_forget_gate_remembers(shown: Tensor) -> None:
    assert shown.item() == approx(2, abs=1e-4)
