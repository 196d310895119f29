"""Gradients by lag: a matrix's powers where the network is linear, finite differences everywhere else."""

import pytest
import torch
from torch import Tensor

from glasswork.errors import GlassworkError
from glasswork.glassbox.sequences.unrolled import GradientByLag, gradient_by_lag
from glasswork.networks.recurrent import CELLS, Recurrent


def test_a_linear_network_has_the_powers_of_its_matrix() -> None:
    torch.manual_seed(0)
    network = Recurrent("relu-rnn", 2, 3)
    matrix = torch.rand(3, 3) * 0.5  # with inputs above zero every unit is on, and the network is linear
    network.kernel.weight_hh_l0.data, network.kernel.weight_ih_l0.data = matrix, torch.rand(3, 2)
    wanted = torch.randn(3, dtype=torch.float64)
    found = gradient_by_lag(network, torch.rand(4, 9, 2), lambda last: last @ wanted)
    expected = [float((torch.linalg.matrix_power(matrix.double().T, lag) @ wanted).norm()) for lag in range(9)]
    assert found.hidden == pytest.approx(expected, rel=1e-12)
    assert found.memory is None


def moved(network: Recurrent, inputs: Tensor, at: int, part: int, unit: int, by: float, wanted: Tensor) -> float:
    """The loss where one number of the state after time `at` is moved; by the kernel, in float64."""
    _, state = network(inputs[:, : at + 1])
    state[part][-1, 0, unit] += by  # the top layer's
    if part == 1:  # the memory moves what is shown of it
        gates = torch.cat([inputs[:, at], network(inputs[:, :at])[1][0][-1] if at else torch.zeros(1, 4).double()], 1)
        w_ih, w_hh, b_ih, b_hh = network.weights_of(0)
        o = (gates @ torch.cat([w_ih, w_hh], 1).T + b_ih + b_hh).chunk(4, 1)[3].sigmoid()
        state[0][-1, 0, unit] = o[0, unit] * state[1][-1, 0, unit].tanh()
    last = state[0][-1] if at == inputs.shape[1] - 1 else network(inputs[:, at + 1 :], state)[0][:, -1]
    return float(last.square() @ wanted)


@pytest.mark.parametrize(("cell", "part"), [*((cell, 0) for cell in CELLS), ("lstm", 1)])
@torch.no_grad()
def test_gradients_are_what_moving_the_state_does(cell: str, part: int) -> None:
    torch.manual_seed(3)
    network = Recurrent(cell, 3, 4).double()
    inputs, wanted, step = torch.randn(1, 6, 3).double(), torch.randn(4).double(), 1e-6
    found = gradient_by_lag(network, inputs, lambda last: last.square() @ wanted)
    for lag in range(6):
        sides = ([moved(network, inputs, 5 - lag, part, unit, by, wanted) for by in (step, -step)] for unit in range(4))
        expected = torch.tensor([(up - down) / (2 * step) for up, down in sides]).norm()
        norms = found.memory if part else found.hidden
        assert norms is not None and norms[lag] == pytest.approx(float(expected), rel=1e-4, abs=1e-9), lag


def test_gates_keep_what_a_vanilla_network_loses() -> None:
    torch.manual_seed(0)
    inputs = torch.randn(8, 60, 5)
    found = {}
    for cell in CELLS:
        network = Recurrent(cell, 5, 16)
        if cell == "lstm":  # open forget gates, as training leaves them where memory pays
            network.kernel.bias_ih_l0.data[16:32] = 6.0
        found[cell] = gradient_by_lag(network, inputs, lambda last: last.square().sum(1))
    lstm = found["lstm"].memory
    assert lstm is not None and lstm[50] > 0.1 * lstm[1]
    assert found["rnn"].hidden[50] < 0.01 * found["rnn"].hidden[1]
    assert found["gru"].hidden[50] < 1e-6
    assert GradientByLag.from_json(found["lstm"].to_json()) == found["lstm"]


def test_the_network_and_its_mode_stay_as_they_were_and_layers_can_be_chosen() -> None:
    network = Recurrent("gru", 2, 3, layers=2, dropout=0.5).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with torch.inference_mode():
        lower = gradient_by_lag(network, torch.randn(2, 5, 2), lambda last: last.sum(1), layer=0)
    assert (lower.layer, len(lower.hidden), network.training) == (0, 5, True)
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_mistakes_are_told() -> None:
    inputs = torch.randn(2, 5, 2)
    with pytest.raises(GlassworkError, match="bidirectional network has no last"):
        gradient_by_lag(Recurrent("rnn", 2, 3, bidirectional=True), inputs, lambda last: last.sum(1))
    with pytest.raises(GlassworkError, match="one number for each of the 2 sequences"):
        gradient_by_lag(Recurrent("rnn", 2, 3), inputs, lambda last: last.sum())
    with pytest.raises(GlassworkError, match="1 layers, and none with the number 3"):
        gradient_by_lag(Recurrent("rnn", 2, 3), inputs, lambda last: last.sum(1), layer=3)
