import json
import math

import pytest
import torch
from small_networks import convolutional, images, left_alone, raises_inside
from torch import Tensor, nn

from glasswork.errors import GlassworkError
from glasswork.glassbox.landscape import landscape

LABELS = torch.tensor([2, 0, 3])


def loss(network: nn.Module) -> Tensor:
    return nn.functional.cross_entropy(network(images()), LABELS)


class Bowl(nn.Module):
    """Two filters of one weight each, so that every direction is a sign."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([[3.0], [-4.0]], dtype=torch.float64))
        self.bias = nn.Parameter(torch.tensor([7.0], dtype=torch.float64))


def test_the_middle_is_the_network_itself_and_the_network_is_left_as_it_was():
    network = convolutional()
    network.add_module("norm", nn.BatchNorm1d(4).double())
    with left_alone(network):
        found = landscape(network, loss, span=0.5, points=5)
    network.eval()
    assert found.centre == pytest.approx(loss(network).item())
    assert found.losses[2][2] == found.centre
    assert found.coordinates == (-0.5, -0.25, 0.0, 0.25, 0.5)
    assert found.moved == ("0.weight", "3.weight", "6.weight", "8.weight")
    assert (found.lowest, found.highest) == (min(map(min, found.losses)), max(map(max, found.losses)))
    assert found.losses[0][0] != found.centre
    assert type(found).from_json(json.loads(json.dumps(found.to_json()))) == found


def test_each_filter_moves_by_its_own_length_and_biases_stay():
    seen = []

    def look(network: nn.Module) -> Tensor:
        weight = network.get_parameter("weight")
        seen.append(weight.flatten().tolist())
        assert network.get_parameter("bias").item() == 7
        return weight.square().sum()

    found = landscape(Bowl(), look, span=1.0, points=3)
    assert found.centre == 25
    # At a distance of 1 in one direction a filter of one weight is 0 or doubled.
    for row in (seen[1 + 1], seen[1 + 3], seen[1 + 5], seen[1 + 7]):
        assert sorted(map(abs, (row[0] - 3, row[1] + 4))) == pytest.approx([3, 4])
    assert found.lowest == min(map(min, found.losses))
    i, j = (found.coordinates.index(one) for one in found.lowest_at)
    assert found.losses[i][j] == found.lowest


def test_the_directions_are_the_seeds():
    network = convolutional()
    first, again, other = (landscape(network, loss, points=3, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first.losses != other.losses and first.centre == other.centre


def test_losses_that_are_not_finite_are_counted():
    def broken(network: nn.Module) -> Tensor:
        return network.get_parameter("weight")[0, 0].log()  # 3 in the middle, else 0, 6 or where both add up, below

    found = landscape(Bowl(), broken, points=3)
    assert found.not_finite == sum(not math.isfinite(one) for row in found.losses for one in row) > 0
    assert found.highest == pytest.approx(math.log(9), abs=1e-9) or found.highest == pytest.approx(math.log(6))
    assert type(found).from_json(json.loads(json.dumps(found.to_json()))).centre == found.centre


def test_an_error_of_the_loss_leaves_nothing_behind():
    network, calls = convolutional(), []

    def troubled(network: nn.Module) -> Tensor:
        calls.append(1)
        if len(calls) > 4:
            raise ValueError("enough")
        return loss(network)

    raises_inside(network, lambda: landscape(network, troubled))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"points": 4}, "odd number"),
        ({"points": 1}, "odd number"),
        ({"span": 0.0}, "Span"),
        ({"span": math.inf}, "Span"),
    ],
)
def test_what_makes_no_square_is_told(options, words):
    with pytest.raises(GlassworkError, match=words):
        landscape(convolutional(), loss, **options)


def test_networks_and_losses_that_do_not_fit_are_told():
    with pytest.raises(GlassworkError, match="no weights"):
        landscape(nn.BatchNorm1d(3), loss)
    network = convolutional()
    with left_alone(network), pytest.raises(GlassworkError, match=r"tensor of shape \(3, 4\)"):
        landscape(network, lambda network: network(images()))
    with pytest.raises(GlassworkError, match="a float"):
        landscape(network, lambda network: 1.0)  # type: ignore[arg-type,return-value]
