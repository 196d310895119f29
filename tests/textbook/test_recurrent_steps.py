"""The recurrent steps gate by gate, through time, and why errors vanish; attention where there is nothing to see."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from glasswork.textbook.attention import MultiHeadAttention
from glasswork.textbook.recurrent import GRU, LSTM, RNN, GRUStep, LSTMStep, Recurrence, RNNStep
from glasswork.textbook.shapes import Embedding

BATCH, FEATURES, WIDTH = 2, 3, 4
KINDS = [(RNN(), 1), (GRU(), 3), (LSTM(), 4)]  # sequence, gates


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def normal(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64)


def step_weights(gates: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    rows = gates * WIDTH
    return normal(rows, FEATURES), normal(rows, WIDTH), normal(rows), normal(rows)


def as_tuple(found: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return found if isinstance(found, tuple) else (found,)


@pytest.mark.parametrize(("sequence", "gates"), KINDS)
def test_a_sequence_is_its_steps_one_after_the_other(sequence: Recurrence, gates: int) -> None:
    x, weights = normal(5, BATCH, FEATURES), step_weights(gates)
    state = tuple(normal(BATCH, WIDTH) for _ in range(sequence.states))
    output, *last = sequence.forward(x, *(part[None] for part in state), *weights)
    for t in range(5):
        state = as_tuple(sequence.step.forward(x[t], *state, *weights))
        assert torch.equal(output[t], state[0])
    assert all(torch.equal(part, own[0]) for part, own in zip(state, last, strict=True))


@pytest.mark.parametrize(("sequence", "gates"), KINDS)
def test_one_step_of_a_sequence_goes_back_as_the_step_does(sequence: Recurrence, gates: int) -> None:
    x, weights = normal(BATCH, FEATURES), step_weights(gates)
    state = tuple(normal(BATCH, WIDTH) for _ in range(sequence.states))
    error = tuple(normal(BATCH, WIDTH) for _ in range(sequence.states))
    one = sequence.step.backward(error if sequence.states > 1 else error[0], x, *state, *weights)
    nothing = torch.zeros(1, BATCH, WIDTH, dtype=torch.float64)
    through = sequence.backward(
        (nothing, *(part[None] for part in error)), x[None], *(part[None] for part in state), *weights
    )
    for ours, whole in zip(one, through, strict=True):
        assert torch.equal(ours, whole.reshape(ours.shape))


def test_the_gates_make_up_the_new_state() -> None:
    x, h, c = normal(BATCH, FEATURES), normal(BATCH, WIDTH), normal(BATCH, WIDTH)
    weights = step_weights(4)
    gate = LSTMStep().gates(x, h, c, *weights)
    assert list(gate) == ["i", "f", "g", "o"]
    memory = gate["f"] * c + gate["i"] * gate["g"]
    torch.testing.assert_close(torch.lstm_cell(x, (h, c), *weights), (gate["o"] * memory.tanh(), memory))
    weights = step_weights(3)
    gate = GRUStep().gates(x, h, *weights)
    assert list(gate) == ["r", "z", "n"]
    torch.testing.assert_close(torch.gru_cell(x, h, *weights), (1 - gate["z"]) * gate["n"] + gate["z"] * h)
    weights = step_weights(1)
    assert torch.equal(RNNStep().gates(x, h, *weights)["h"], RNNStep().forward(x, h, *weights))


def test_gates_lie_between_0_and_1_and_proposals_between_minus_1_and_1() -> None:
    x, h, c = normal(BATCH, FEATURES), normal(BATCH, WIDTH), normal(BATCH, WIDTH)
    for name, gate in (LSTMStep().gates(x, h, c, *step_weights(4)) | GRUStep().gates(x, h, *step_weights(3))).items():
        assert gate.shape == (BATCH, WIDTH)
        assert gate.abs().max() < 1
        assert gate.min() < 0 if name in "gn" else gate.min() > 0


def test_an_open_forget_gate_and_a_shut_input_gate_keep_the_memory() -> None:
    x, h, c = normal(BATCH, FEATURES), normal(BATCH, WIDTH), normal(BATCH, WIDTH)
    w_ih, w_hh, _, b_hh = step_weights(4)
    shut, opened, free = (torch.full((WIDTH,), value, dtype=torch.float64) for value in (-80.0, 80.0, 0.0))
    _, memory = LSTMStep().forward(x, h, c, w_ih, w_hh, torch.cat([shut, opened, free, free]), b_hh)
    torch.testing.assert_close(memory, c)


def test_an_open_update_gate_keeps_the_state() -> None:
    x, h = normal(BATCH, FEATURES), normal(BATCH, WIDTH)
    w_ih, w_hh, _, b_hh = step_weights(3)
    b_ih = torch.cat([torch.full((WIDTH,), value, dtype=torch.float64) for value in (0.0, 80.0, 0.0)])
    torch.testing.assert_close(GRUStep().forward(x, h, w_ih, w_hh, b_ih, b_hh), h)


def test_a_word_picks_a_column_of_the_input_weights() -> None:
    """Kovashka's 'h e l o': W_xh x_t with x_t = (0, .., 1, .., 0) is an embedding."""
    w_ih, w_hh, _, _ = step_weights(1)
    words, h = torch.tensor([2, 0]), normal(BATCH, WIDTH)
    one_hot = torch.eye(FEATURES, dtype=torch.float64)[words]
    looked_up = Embedding().forward(words, w_ih.T)
    torch.testing.assert_close(RNNStep().forward(one_hot, h, w_ih, w_hh), (looked_up + h @ w_hh.T).tanh())


def errors_by_lag(nonlinearity: str, steps: int) -> tuple[list[float], list[float]]:
    """How one unit's last state depends on its state `lag` steps earlier, and the derivatives of f on the way."""
    step = RNNStep(nonlinearity)
    one, h = torch.ones(1, 1, dtype=torch.float64), torch.full((1, 1), 0.5, dtype=torch.float64)
    inputs, states = torch.rand(steps, 1, 1, dtype=torch.float64), [h]
    for x in inputs:
        states.append(step.forward(x, states[-1], one, one))
    slopes = [float(1 - h**2) if nonlinearity == "tanh" else 1.0 for h in states[1:]]
    error, found = one, [1.0]
    for x, before in zip(inputs.flip(0), reversed(states[:-1]), strict=True):
        error = step.backward(error, x, before, one, one)[1]
        found.append(float(error))
    return found, slopes


def test_the_gradient_vanishes_with_the_lag() -> None:
    """Kovashka, 'Extensions': many values between 0 and 1, the derivatives of tanh, are multiplied together."""
    found, slopes = errors_by_lag("tanh", steps=30)
    for lag in range(1, 31):
        assert found[lag] < found[lag - 1]
        assert math.isclose(found[lag], math.prod(slopes[-lag:]), rel_tol=1e-12)
    assert found[30] < 1e-6


def test_rectified_units_are_one_solution() -> None:
    found, _ = errors_by_lag("relu", steps=30)
    assert found == [1.0] * 31


@pytest.mark.parametrize(("forget_bias", "least", "most"), [(-1.0, 0.0, 1e-8), (6.0, 0.9, 1.0)])
def test_the_memorys_error_is_the_product_of_the_forget_gates(forget_bias: float, least: float, most: float) -> None:
    """The derivative of the memory by the one 30 steps before: kept or forgotten as the gates say."""
    w_ih, w_hh = 0.1 * normal(4, 1), torch.zeros(4, 1, dtype=torch.float64)
    b = torch.tensor([0.0, forget_bias, 0.0, 0.0], dtype=torch.float64)
    x, zero, one = normal(30, 1, 1), torch.zeros(1, 1, 1, dtype=torch.float64), torch.ones(1, 1, 1, dtype=torch.float64)
    upstream = (torch.zeros(30, 1, 1, dtype=torch.float64), zero, one)
    _, _, error, *_ = LSTM().backward(upstream, x, zero, zero, w_ih, w_hh, b, torch.zeros_like(b))
    forget = [float(LSTMStep().gates(x_t, zero[0], zero[0], w_ih, w_hh, b)["f"]) for x_t in x]
    assert math.isclose(float(error), math.prod(forget), rel_tol=1e-12)
    assert least < float(error) < most


def test_projected_states_are_refused() -> None:
    module = torch.nn.LSTM(FEATURES, WIDTH, proj_size=2)
    x, h, c = torch.zeros(1, 1, FEATURES), torch.zeros(1, 1, 2), torch.zeros(1, 1, WIDTH)
    with pytest.raises(ValueError, match="have 4 weight tensors, but 5 were given; projected states"):
        LSTM().forward(x, h, c, *module.parameters())


def test_units_dropped_between_layers_are_refused() -> None:
    with pytest.raises(ValueError, match="not known; set dropout=0 or train=False"):
        LSTM(num_layers=2, dropout=0.5, train=True)


def test_an_unknown_nonlinearity_is_refused() -> None:
    with pytest.raises(ValueError, match="'tanh' or 'relu', not 'sine'"):
        RNNStep(nonlinearity="sine")


def test_self_attention_adds_the_errors_of_query_key_and_value() -> None:
    x = normal(3, BATCH, WIDTH).requires_grad_()
    weights = (normal(3 * WIDTH, WIDTH), normal(3 * WIDTH), normal(WIDTH, WIDTH), normal(WIDTH))
    error = normal(3, BATCH, WIDTH)
    module = torch.nn.MultiheadAttention(WIDTH, 2).double()
    with torch.no_grad():
        for own, given in zip(module.parameters(), weights, strict=True):
            own.copy_(given)
    wanted = torch.autograd.grad(module(x, x, x, need_weights=False)[0], x, error)[0]
    given = x.detach()
    of_query, of_key, of_value, *_ = MultiHeadAttention(heads=2).backward(error, given, given, given, *weights)
    torch.testing.assert_close(of_query + of_key + of_value, wanted, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("need_weights", [False, True])
def test_a_query_that_may_look_nowhere_is_answered_as_torch_answers_it(need_weights: bool) -> None:
    """Zeros without the weights, NaN with them."""
    tensors = (normal(2, 1, WIDTH), normal(3, 1, WIDTH), normal(3, 1, WIDTH))
    w_in, b_in, w_out, b_out = normal(3 * WIDTH, WIDTH), normal(3 * WIDTH), normal(WIDTH, WIDTH), normal(WIDTH)
    mask = torch.tensor([[True, True, True], [False, True, False]])
    options = {"need_weights": need_weights, "attn_mask": mask}
    wanted = F.multi_head_attention_forward(
        *tensors, WIDTH, 2, w_in, b_in, None, None, False, 0.0, w_out, b_out, **options
    )[0]
    found = MultiHeadAttention(2, need_weights).forward(*tensors, w_in, b_in, w_out, b_out, mask)
    output = found[0] if need_weights else found
    torch.testing.assert_close(output, wanted, rtol=1e-10, atol=1e-10, equal_nan=True)
    assert output[0].isnan().all() == need_weights
