import json
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from glasswork.data.dataset import Dataset, fingerprints
from glasswork.data.kinds.numbers import Numbers
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.table import Table
from glasswork.data.kinds.task import Task
from glasswork.data.toy import points
from glasswork.execution import Execution
from glasswork.glassbox.regions import LayerUnits, Plane, Region, answers_over, plane_of, region, units_over
from glasswork.networks.dense import Dense

NUMERICS = Execution()


def of_number(inputs: Tensor, targets: Tensor, names: tuple[str, ...] = ("height",)) -> Dataset:
    columns = {"inputs": inputs, "targets": targets, "fingerprints": fingerprints(inputs)}
    return Dataset(columns, Task(Table((2,), features=("east", "north")), Numbers(names)), "made")


def plane_on(dataset: Dataset, loss: str = "cross-entropy") -> Plane:
    rows = torch.arange(len(dataset))
    plane = plane_of(dataset.with_task(dataset.task.fit(dataset, rows)), rows, loss, NUMERICS)
    assert plane is not None
    return plane


class Function(nn.Module):
    """A network that is a function of its scaled inputs."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, inputs: Tensor) -> Tensor:
        return self.function(inputs)


def test_rows_go_upwards_and_columns_to_the_right() -> None:
    corners = torch.tensor([[0.0, 10.0], [0.0, 30.0], [4.0, 10.0], [4.0, 30.0]])
    plane = plane_on(of_number(corners, torch.tensor([[0.0], [1.0], [2.0], [3.0]])), "squared-error")
    assert plane.low == pytest.approx((-0.6, 7.0)) and plane.high == pytest.approx((4.6, 33.0))

    def first(network_inputs: Tensor) -> Tensor:  # back from the scaled to the input's own units, and so again
        return (network_inputs[:, :1] * 2 + 2 - 1.5) / plane.task.target.deviation[0]

    def second(network_inputs: Tensor) -> Tensor:
        return (network_inputs[:, 1:] * 10 + 20 - 1.5) / plane.task.target.deviation[0]

    columns, rows = (
        answers_over(Function(first), plane, 13)[:, :, 0],
        answers_over(Function(second), plane, 13)[:, :, 0],
    )
    torch.testing.assert_close(columns[5], torch.linspace(-0.4, 4.4, 13, dtype=torch.float64), rtol=1e-6, atol=1e-5)
    assert torch.equal(columns[0], columns[12])
    torch.testing.assert_close(rows[:, 5], torch.linspace(8, 32, 13, dtype=torch.float64), rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("loss", ["cross-entropy", "hinge", "binary-cross-entropy", "squared-error"])
def test_answers_are_those_of_the_network_at_the_middle_of_each_cell(loss: str) -> None:
    plane = plane_on(points("moons"), loss)
    network = Dense(2, (5,), 2, "tanh")
    answers = answers_over(network, plane, 7)
    torch.testing.assert_close(answers.sum(2), torch.ones(7, 7))
    width = [high - low for low, high in zip(plane.low, plane.high, strict=True)]
    place = torch.tensor([[plane.low[0] + width[0] * 2.5 / 7, plane.low[1] + width[1] * 5.5 / 7]])
    scaled = (place - torch.tensor(plane.task.inputs.mean)) / torch.tensor(plane.task.inputs.deviation)
    with torch.no_grad():
        assert answers[5, 2].argmax() == network(scaled)[0].argmax()
        if loss == "cross-entropy":
            torch.testing.assert_close(answers[5, 2], network(scaled).softmax(1)[0])


def test_units_are_what_the_next_layer_reads_however_they_are_written() -> None:
    class Written(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second, self.last = nn.Linear(2, 30), nn.Linear(30, 4), nn.Linear(4, 2)

        def forward(self, inputs: Tensor) -> Tensor:
            scores: Tensor = self.last(F.relu(self.second(torch.tanh(self.first(inputs)))))
            return scores

    network, plane = Written(), plane_on(points("circle"))
    tanh, relu = units_over(network, plane, 9)
    assert [(each.layer, each.count, len(each.units)) for each in (tanh, relu)] == [(1, 30, 24), (2, 4, 4)]
    assert 0 < tanh.limit <= 1
    assert min(value for unit in relu.units for row in unit for value in row) >= 0
    assert units_over(nn.Linear(2, 2), plane) == ()
    assert LayerUnits.from_json(json.loads(json.dumps(tanh.to_json()))) == tanh


def test_looking_leaves_the_network_as_it_was() -> None:
    network = nn.Sequential(nn.Linear(2, 6), nn.BatchNorm1d(6), nn.Dropout(0.5), nn.Linear(6, 2))
    network[2].eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    drawn = torch.default_generator.get_state()
    plane = plane_on(points("gauss"))
    assert torch.equal(answers_over(network, plane, 5), answers_over(network, plane, 5))
    units_over(network, plane, 5)
    assert [module.training for module in network] == [True, True, False, True]
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert torch.equal(torch.default_generator.get_state(), drawn)
    assert not any(module._forward_pre_hooks for module in network)


def test_a_region_has_its_points_and_goes_to_json_and_back() -> None:
    dataset = points("xor", each=700)
    shown = region(Dense(2, (3,), 2), plane_on(dataset), 4)
    assert len(shown.points) == 700  # every second one
    assert shown.points[1] == (*dataset.columns["inputs"][2].tolist(), 0)
    assert (shown.classes, shown.number, shown.line) == (("0", "1"), False, None)
    assert Region.from_json(json.loads(json.dumps(shown.to_json()))) == shown


def test_a_line_parts_numbers_that_are_one_of_two() -> None:
    inputs = torch.randn(9, 2, generator=torch.Generator().manual_seed(0))
    two, many = (inputs[:, :1] > 0).float() * 4 + 1, inputs[:, :1]
    assert region(Dense(2, (), 1), plane_on(of_number(inputs, two), "squared-error"), 3).line == 3
    assert region(Dense(2, (), 1), plane_on(of_number(inputs, many), "squared-error"), 3).line is None


def test_what_lies_on_no_plane_has_no_region() -> None:
    inputs = torch.zeros(6, 2)
    rows = torch.arange(6)
    assert plane_of(of_number(inputs, torch.zeros(6, 2), ("a", "b")), rows, "squared-error", NUMERICS) is None
    three = Dataset({"inputs": torch.zeros(6, 3), "targets": rows % 2}, Task(Table((3,)), OneClass(("a", "b"))), "")
    assert plane_of(three, rows, "cross-entropy", NUMERICS) is None
    names = tuple(map(str, range(11)))
    eleven = Dataset({"inputs": inputs, "targets": rows}, Task(Table((2,)), OneClass(names)), "")
    assert plane_of(eleven, rows, "cross-entropy", NUMERICS) is None
    unknown = of_number(torch.full((6, 2), torch.nan), torch.zeros(6, 1))
    assert plane_of(unknown, rows, "squared-error", NUMERICS) is None
    one = plane_of(of_number(inputs, torch.zeros(6, 1)), rows, "squared-error", NUMERICS)
    assert one is not None and one.low == pytest.approx((-0.15, -0.15)) and one.high == pytest.approx((0.15, 0.15))
