import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from torch import nn

from glasswork.data.batches import Batch
from glasswork.data.collate import shuffled_batches
from glasswork.data.dataset import Dataset, fingerprints
from glasswork.data.kinds.numbers import Numbers
from glasswork.data.kinds.table import Table
from glasswork.data.kinds.task import Task
from glasswork.execution import Execution
from glasswork.objectives.losses import squared_error
from glasswork.objectives.penalties import MAX_NORM, PENALTIES, constrain, is_added, penalty, shorten, weights_of
from glasswork.systems.supervised.recipe import SupervisedRecipe
from glasswork.training.fit import fit
from glasswork.training.stage import Clock, Stage

WEIGHTS = [torch.tensor([[1.0, -2.0], [0.5, 0.0]]), torch.tensor([[3.0]])]


@pytest.mark.parametrize(("name", "value"), [("none", 0.0), ("l1", 6.5), ("l2", 14.25)])
def test_a_penalty_is_the_sum_of_the_slide(name, value):
    assert float(penalty(name, WEIGHTS)) == value


@pytest.mark.parametrize(
    ("name", "gradient"),
    [("none", torch.zeros_like), ("l1", torch.sign), ("l2", lambda weight: 2 * weight)],
)
def test_the_gradient_is_the_slides(name, gradient):
    weights = [weight.clone().requires_grad_() for weight in WEIGHTS]
    (0.1 * penalty(name, weights) + 0 * sum(weight.sum() for weight in weights)).backward()
    for weight in weights:
        torch.testing.assert_close(weight.grad, 0.1 * gradient(weight.detach()))


@pytest.mark.parametrize("name", PENALTIES)
def test_no_weights_have_no_penalty(name):
    assert float(penalty(name, [])) == 0


def test_weights_are_neither_biases_nor_the_scales_of_normalisation():
    network = nn.ModuleDict(
        {
            "convolution": nn.Conv2d(1, 2, 3),
            "normalisation": nn.BatchNorm2d(2),
            "recurrent": nn.LSTM(3, 4),
            "attention_bias": nn.ParameterDict({"bias": nn.Parameter(torch.zeros(2, 2))}),
        }
    )
    network["tied"] = network["convolution"]
    expected = [network["convolution"].weight, network["recurrent"].weight_ih_l0, network["recurrent"].weight_hh_l0]
    found = weights_of(network)
    assert len(found) == 3
    assert all(one is other for one, other in zip(found, expected, strict=True))


@given(
    values=some.lists(some.floats(-1e3, 1e3, width=32), min_size=12, max_size=12),
    longest=some.floats(2**-7, 1e3, width=32),
    shape=some.sampled_from([(3, 4), (4, 3), (2, 3, 2), (3, 1, 2, 2)]),
)
def test_max_norm_shortens_only_what_is_too_long(values, longest, shape):
    before = torch.tensor(values).reshape(shape)
    after = before.clone()
    shorten([after], longest)
    for unit, was in zip(after, before, strict=True):
        length = float(was.norm())
        if length < longest * (1 - 1e-6):
            assert torch.equal(unit, was)
        else:
            torch.testing.assert_close(unit, was * min(1, longest / max(length, 1e-30)), rtol=1e-5, atol=1e-30)


def test_max_norm_adds_nothing_and_constrains_alone():
    assert not is_added(MAX_NORM)
    assert all(map(is_added, PENALTIES))
    weights = [weight.clone() for weight in WEIGHTS]
    constrain("l2", weights, 0.1)
    assert all(torch.equal(weight, was) for weight, was in zip(weights, WEIGHTS, strict=True))
    constrain(MAX_NORM, weights, 0.5)
    assert [round(float(row.norm()), 6) for weight in weights for row in weight] == [0.5, 0.5, 0.5]


def test_max_norm_reaches_the_constrained_minimum():
    """Least |Xw - t|^2 / 2N with |w| <= c is where (X'X / N + m) w = X't / N for the m >= 0 that makes |w| = c."""
    rows, features, longest = 24, 3, 1.0
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(rows, features, generator=generator)
    targets = inputs @ torch.tensor([[1.0], [-2.0], [0.5]])
    task = Task(Table((features,)), Numbers(("y",)))
    columns = {"inputs": inputs, "targets": targets, "fingerprints": fingerprints(inputs)}
    batches = shuffled_batches(Dataset(columns, task, "made"), torch.arange(rows), rows, 0, Execution())

    def loss(network, batch: Batch, state, moment):
        return squared_error(network(batch.inputs), batch.targets), state

    network = nn.Linear(features, 1, bias=False)
    settings = {"optimizer": "sgd", "schedule": "constant", "penalty": MAX_NORM, "strength": longest}
    parameters, clock = list(network.parameters()), Clock(300)
    steps = list(fit(Stage("train", network, parameters, batches, loss, None, clock, Execution(), 0, 0.3, **settings)))
    assert all(step.penalty is None for step in steps)
    inputs, targets = inputs.double(), targets.double()
    left, right = inputs.t() @ inputs / len(inputs), inputs.t() @ targets / len(inputs)
    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        answer = torch.linalg.solve(left + middle * torch.eye(features), right)
        low, high = (middle, high) if answer.norm() > longest else (low, middle)
    assert low > 0
    torch.testing.assert_close(network.weight.detach().double().t(), answer, atol=1e-4, rtol=0)


def test_max_norm_has_a_usual_length():
    assert SupervisedRecipe.parse({"penalty": MAX_NORM}).completed({}).strength == 3
    assert SupervisedRecipe.parse({"penalty": MAX_NORM, "strength": 2}).strength == 2
