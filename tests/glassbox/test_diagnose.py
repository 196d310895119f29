import json
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from small_networks import Troubled, left_alone, raises_inside
from torch import Tensor, nn

from glasswork.errors import GlassworkError
from glasswork.glassbox.diagnose.diagnose import Diagnosis, diagnose
from glasswork.glassbox.diagnose.training import Training
from glasswork.networks.dense import Dense
from glasswork.networks.lenet import LeNet
from glasswork.objectives.losses import cross_entropy

CLASSES = torch.arange(64) % 10


def inputs(*shape: int) -> Tensor:
    return torch.randn(64, *(shape or (20,)), generator=torch.Generator().manual_seed(0))


def loss(scores: Tensor) -> Tensor:
    return cross_entropy(scores, CLASSES[: len(scores)])


def dense(hidden: int = 3, activation: str = "relu") -> Dense:
    torch.manual_seed(0)
    return Dense(20, [32] * hidden, 10, activation)


def kinds(found: Diagnosis) -> list[str]:
    return [one.kind for one in found.findings]


def trained(network: nn.Module, x: Tensor, steps: int = 150) -> nn.Module:
    weights = list(network.parameters())
    for _ in range(steps):
        gradients = torch.autograd.grad(loss(network(x)), weights)
        with torch.no_grad():
            for weight, gradient in zip(weights, gradients, strict=True):
                weight -= 0.2 * gradient
    return network


def residual() -> nn.Module:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
            self.norm_one, self.norm_two, self.relu = nn.BatchNorm2d(8), nn.BatchNorm2d(8), nn.ReLU(inplace=True)

        def forward(self, x: Tensor) -> Tensor:
            maps = self.norm_two(self.two(self.relu(self.norm_one(self.one(x)))))
            y: Tensor = self.relu(maps + x)
            return y

    torch.manual_seed(0)
    blocks = [Block() for _ in range(4)]
    return nn.Sequential(nn.Conv2d(1, 8, 3), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))


HEALTHY: dict[str, Callable[[], tuple[nn.Module, Tensor]]] = {
    "dense relu": lambda: (dense(), inputs()),
    "dense relu, trained": lambda: (trained(dense(), inputs()), inputs()),
    "dense tanh": lambda: (dense(3, "tanh"), inputs()),
    "dense tanh, trained": lambda: (trained(dense(3, "tanh"), inputs()), inputs()),
    "one sigmoid layer": lambda: (dense(1, "sigmoid"), inputs()),
    "linear": lambda: (dense(0), inputs()),
    "lenet": lambda: (LeNet((1, 28, 28), 10), inputs(1, 28, 28)),
    "residual": lambda: (residual(), inputs(1, 12, 12)),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_network_gives_nothing(name):
    network, x = HEALTHY[name]()
    found = diagnose(network, x, loss)
    assert found.findings == (), found.sentences
    (sentence,) = found.sentences
    assert sentence.startswith("Nothing found on 64 inputs") and "validation loss" in sentence


def test_dead_units():
    network = dense()
    with torch.no_grad():
        network.layers.dense_2.bias.fill_(-100)
    found = diagnose(network, inputs(), loss)
    assert kinds(found)[0] == "dead-layer"
    assert found.findings[0].layers == ("layers.activation_2", "layers.activation_3")[: len(found.findings[0].layers)]
    assert "layers.activation_2" in found.sentences[0] and "leaky-relu" in found.sentences[0]
    assert "vanishing" not in kinds(found)  # it is the dead layer that stops the error
    assert "constant-output" in kinds(found)
    state = found.activity[1]
    assert (state.layer, state.kind, state.units, state.dead, state.at_limits) == (
        "layers.activation_2",
        "relu",
        32,
        32,
        1,
    )
    assert found.activity[0].dead == 0


def test_some_dead_units():
    network = dense()
    with torch.no_grad():
        network.layers.dense_2.bias[:16].fill_(-100)
    found = diagnose(network, inputs(), loss)
    assert kinds(found) == ["dead-units"]
    assert "16 of 32" in found.sentences[0]
    with torch.no_grad():
        network.layers.dense_2.bias[8:].zero_()
    again = diagnose(network, inputs(), loss)
    assert kinds(again) == [] and again.activity[1].dead == 8


def test_saturated_tanh():
    network = dense(2, "tanh")
    with torch.no_grad():
        network.layers.dense_1.weight.mul_(100)
    found = diagnose(network, inputs(), loss)
    assert kinds(found) == ["saturated"]
    assert found.findings[0].layers == ("layers.activation_1",)
    assert found.activity[0].saturated > 30 and found.activity[1].saturated < 5


def test_saturated_sigmoid_but_not_where_it_is_the_answer():
    hidden = nn.Sequential(nn.Linear(20, 10), nn.Sigmoid(), nn.Linear(10, 10))
    with torch.no_grad():
        hidden[0].weight.mul_(200)
    assert "saturated" in kinds(diagnose(hidden, inputs(), loss))
    last = hidden[:2]
    found = diagnose(last, inputs(), lambda chances: F.mse_loss(chances, torch.zeros_like(chances)))
    assert found.activity[0].is_output and found.activity[0].saturated > 5
    assert "saturated" not in kinds(found)


def test_vanishing_gradient():
    found = diagnose(dense(10, "sigmoid"), inputs(), loss)
    assert "vanishing" in kinds(found)
    finding = next(one for one in found.findings if one.kind == "vanishing")
    assert finding.layers[0] == "layers.dense_1" and "layers.output" not in finding.layers
    assert "times smaller than in layers.output" in finding.what
    sizes = [one.size for one in found.gradients]
    assert sizes == sorted(sizes)


def test_exploding_gradient():
    network = dense(8)
    with torch.no_grad():
        for layer in network.layers:
            if isinstance(layer, nn.Linear):
                layer.weight.mul_(6)
    found = diagnose(network, inputs(), loss)
    assert kinds(found) == ["large-weights", "exploding"]
    assert "clip" in found.sentences[1].lower()


def test_gradients_beyond_all_bounds():
    network = dense(1)

    def rooted(scores: Tensor) -> Tensor:
        return (scores - scores.detach()).abs().sqrt().sum() + loss(scores)

    found = diagnose(network, inputs(), rooted)
    assert kinds(found) == ["not-finite-gradients"]
    assert set(found.findings[0].layers) == {"layers.dense_1", "layers.output"}


def test_a_layer_of_noughts_is_told_and_what_follows_from_it_is_not():
    network = dense()
    with torch.no_grad():
        network.layers.output.weight.zero_()
    found = diagnose(network, inputs(), loss)
    assert kinds(found) == ["zero-weights"]
    assert found.findings[0].layers == ("layers.output",)


def test_what_is_no_matrix_is_not_compared_over_depth():
    class Tokens(nn.Module):
        """A shift and a scale of almost nothing, as fresh transformers and ConvNeXt have them."""

        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.shift = nn.Parameter(torch.zeros(1, 20))
            self.scale = nn.Parameter(torch.full((20, 1), 1e-6))
            self.one, self.two = nn.Linear(20, 20), nn.Linear(20, 10)

        def forward(self, x: Tensor) -> Tensor:
            scores: Tensor = self.two(x + self.scale[:, 0] * self.one(x + self.shift))
            return scores

    found = diagnose(Tokens(), inputs(), loss)
    assert [(one.layer, one.in_depth) for one in found.gradients] == [
        ("weights of its own", False), ("one", True), ("two", True),
    ]  # fmt: skip
    assert kinds(found) == ["vanishing"]  # the layer behind the scale really gets next to nothing


def test_constant_output():
    network = dense(1)
    with torch.no_grad():
        network.layers.dense_1.weight.mul_(1e-6)
        network.layers.dense_1.bias.normal_()
    found = diagnose(network, inputs(), loss)
    assert kinds(found)[0] == "constant-output"
    assert "All 64 inputs get the same answer" in found.sentences[0]
    same = diagnose(dense(1), inputs()[:1].expand(64, -1), loss)
    assert "constant-output" not in kinds(same)  # the same input may well get the same answer


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite(value):
    network = dense()
    with torch.no_grad():
        network.layers.dense_2.weight[3, 4] = value
    found = diagnose(network, inputs(), loss)
    assert kinds(found) == ["not-finite-weights"]
    assert "layers.dense_2.weight" in found.sentences[0]


def test_outputs_and_losses_that_are_not_finite():
    class Divided(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(20, 10)

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(x) / x[:, :1].clamp(max=0)

    found = diagnose(Divided(), inputs().abs(), loss)
    assert kinds(found) == ["not-finite-outputs"] and "outputs on these inputs" in found.sentences[0]
    found = diagnose(dense(), inputs(), lambda scores: (scores - scores).log().mean())
    assert kinds(found) == ["not-finite-outputs"] and "The loss on these inputs" in found.sentences[0]


@pytest.mark.parametrize(("scale", "shift"), [(75.0, 33.0), (1e-4, 0.0), (0.3, 200.0)])
def test_unscaled_inputs(scale, shift):
    network, x = LeNet((1, 28, 28), 10), inputs(1, 28, 28)
    assert "unscaled-inputs" in kinds(diagnose(network, x * scale + shift, loss))


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (0.31, 0.13), (2.0, -1.0)])
def test_scaled_inputs(scale, shift):
    network, x = LeNet((1, 28, 28), 10), inputs(1, 28, 28)
    assert "unscaled-inputs" not in kinds(diagnose(network, x * scale + shift, loss))


def test_one_unscaled_feature_of_a_table_is_named():
    x = inputs()
    x[:, 7] *= 1000
    found = diagnose(dense(1), x, loss)
    (sentence,) = (one.what for one in found.findings if one.kind == "unscaled-inputs")
    assert "the values of feature 7 have" in sentence


def test_unused_weights():
    network = dense()
    network.register_module("spare", nn.Linear(3, 3))
    found = diagnose(network, inputs(), loss)
    assert kinds(found) == ["unused"]
    assert found.findings[0].layers == ("spare.weight", "spare.bias")
    network.spare.requires_grad_(False)
    assert kinds(diagnose(network, inputs(), loss)) == []


class Functions(nn.Module):
    """Activations as functions, methods, in place, by clamping, and of a recurrent layer."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.one, self.two, self.three, self.four, self.five = (nn.Linear(20, 20) for _ in range(5))
        self.recurrent, self.last = nn.RNN(4, 6, batch_first=True), nn.Linear(6, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.one(x))
        x = self.two(x).relu_()
        x = torch.tanh(self.three(x))
        x = self.four(x).sigmoid()
        x = self.five(x).clamp(min=0)
        states, _ = self.recurrent(x.reshape(len(x), 5, 4))
        scores: Tensor = self.last(states[:, -1])
        return scores


def test_activations_are_seen_however_they_are_written():
    network = Functions()
    with torch.no_grad():
        network.two.bias[:3].fill_(-100)
        network.five.bias[:4].fill_(-100)
        network.recurrent.weight_ih_l0[0].mul_(0)
        network.recurrent.bias_ih_l0[0] = 50
    found = diagnose(network, inputs(), loss)
    assert [(one.layer, one.kind, one.units) for one in found.activity] == [
        ("relu after one", "relu", 20),
        ("relu after two", "relu", 20),
        ("tanh after three", "tanh", 20),
        ("sigmoid after four", "sigmoid", 20),
        ("relu after five", "relu", 20),
        ("recurrent", "tanh", 6),
    ]
    assert found.activity[1].dead == 3
    assert found.activity[4].dead >= 4
    assert found.activity[5].saturated == 1
    assert [one.layer for one in found.gradients] == ["one", "two", "three", "four", "five", "recurrent", "last"]


def test_one_module_used_twice_is_told_apart():
    found = diagnose(residual(), inputs(1, 12, 12), loss)
    names = [one.layer for one in found.activity]
    assert names[:2] == ["1.relu", "1.relu (use 2)"]
    assert all(one.units == 8 for one in found.activity)


def test_norms_are_those_of_autograd():
    network, x = dense(1), inputs()
    found = diagnose(network, x, loss)
    loss(network(x)).backward()
    for row, layer in zip(found.gradients, (network.layers.dense_1, network.layers.output), strict=True):
        assert row.gradient_norm == pytest.approx(layer.weight.grad.norm().item(), rel=1e-5)
        assert row.weight_norm == pytest.approx(layer.weight.norm().item(), rel=1e-5)
        assert row.ratio == pytest.approx(row.gradient_norm / row.weight_norm)
    assert found.loss == pytest.approx(loss(network(x)).item())


def test_the_most_serious_comes_first():
    network = dense(10, "sigmoid")
    network.register_module("spare", nn.Linear(3, 3))
    found = diagnose(network, inputs() * 300, loss)
    order = ["unscaled-inputs", "saturated", "vanishing", "constant-output", "unused"]
    assert kinds(found) == [kind for kind in order if kind in kinds(found)]
    assert {"vanishing", "unscaled-inputs", "unused"} <= set(kinds(found))


def test_the_network_is_left_as_it_was_dropout_and_batch_norm_included():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(20, 8), nn.BatchNorm1d(8), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(8, 10))
    with left_alone(network):
        diagnose(network, inputs(), loss)


def test_an_error_inside_leaves_nothing_behind():
    network, x = Troubled(), torch.randn(3, 2, 9, 9, dtype=torch.float64)
    network.calls = 2
    raises_inside(network, lambda: diagnose(network, x, loss))


def test_to_json_and_back():
    found = diagnose(dense(10, "sigmoid"), inputs(), loss)
    assert Diagnosis.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_what_does_not_fit_is_told():
    with pytest.raises(GlassworkError, match=r"in layer layers.dense_1, Linear\(in_features=20"):
        diagnose(dense(), inputs(21), loss)
    with pytest.raises(GlassworkError, match="one number"):
        diagnose(dense(), inputs(), lambda scores: scores)
    with pytest.raises(GlassworkError, match="batch of at least one"):
        diagnose(dense(), inputs()[0], loss)


def test_a_category_that_is_rare_is_no_constant_feature():
    """Most columns of a one-hot code are 0 in a few dozen rows, and not in all that trains."""
    torch.manual_seed(0)
    codes = F.one_hot(torch.arange(400) % 100, 100).float()
    few, targets = codes[:20], torch.arange(20) % 10
    network = Dense(100, [32], 10, "relu")
    training = Training(targets, cross_entropy, [(codes, torch.arange(400) % 10)])
    alone = diagnose(network, few, lambda scores: cross_entropy(scores, targets))
    known = diagnose(network, few, lambda scores: cross_entropy(scores, targets), training=training)
    assert "constant-features" in kinds(alone) and "constant-features" not in kinds(known)
