import json

import pytest
import torch
from small_networks import Functional, convolutional, images, left_alone
from torch import Tensor, nn

from glasswork.errors import GlassworkError
from glasswork.glassbox.features.features import feature_maps, first_filters, templates
from glasswork.glassbox.features.top_activations import find_most_exciting
from glasswork.glassbox.tensor_summary import image_of
from glasswork.networks.dense import Dense, Linear
from glasswork.networks.lenet import LeNet


def test_a_linear_classifier_has_a_template_for_each_class_in_the_shape_of_its_inputs():
    network = Linear(12, 3)
    with torch.no_grad():
        network.output.weight.copy_(torch.arange(36.0).reshape(3, 12))
        network.output.bias.copy_(torch.tensor([0.5, 1.0, -2.0]))
    found = templates(network, (3, 2, 2))
    assert (found.layer, found.shape) == ("output", (3, 2, 2))
    assert [one.bias for one in found.templates] == [0.5, 1.0, -2.0]
    second = found.templates[1]
    assert second.weights.numbers == tuple(range(12, 24))
    assert [(one.low, one.high, one.width, one.height) for one in second.image.channels] == [
        (12, 15, 2, 2), (16, 19, 2, 2), (20, 23, 2, 2),
    ]  # fmt: skip
    assert type(found).from_json(json.loads(json.dumps(found.to_json()))) == found


@pytest.mark.parametrize(("features", "shape"), [(784, (1, 28, 28)), (3072, (3, 32, 32)), (64, (1, 8, 8))])
def test_a_square_is_recognised(features, shape):
    assert templates(nn.Linear(features, 2, bias=False)).shape == shape
    assert templates(nn.Linear(features, 2, bias=False)).templates[0].bias is None


@pytest.mark.parametrize(
    ("network", "shape", "words"),
    [
        (Dense(4, [3], 2), None, "2 arrays of weights"),
        (nn.Linear(7, 2), None, "do not form a square image"),
        (nn.Linear(8, 2), (1, 3, 3), r"do not fit images of shape \(1, 3, 3\)"),
        (nn.ReLU(), None, "0 arrays of weights"),
    ],
)
def test_what_has_no_templates_is_told_why(network, shape, words):
    with pytest.raises(GlassworkError, match=words):
        templates(network, shape)


def test_first_filters_of_a_convolution_and_of_a_dense_layer():
    found = first_filters(LeNet((1, 28, 28), 10))
    assert (found.layer, found.kind, found.shape, found.count) == ("convolution_1", "convolution", (1, 5, 5), 6)
    assert [(one.channels[0].width, one.channels[0].height) for one in found.filters] == [(5, 5)] * 6
    colour = first_filters(LeNet((3, 28, 28), 10))
    assert all(len(one.channels) == 3 for one in colour.filters)
    dense = first_filters(Dense(784, [100], 10))
    assert (dense.layer, dense.kind, dense.shape, dense.count) == ("layers.dense_1", "dense", (1, 28, 28), 100)
    assert len(dense.filters) == 64
    with pytest.raises(GlassworkError, match="begins with 0, Embedding"):
        first_filters(nn.Sequential(nn.Embedding(5, 3), nn.Linear(3, 2)))
    with pytest.raises(GlassworkError, match="neither a convolution nor a dense layer"):
        first_filters(nn.Sequential(nn.ReLU()))


def test_feature_maps_of_every_layer_in_the_order_of_their_use():
    network = convolutional(inplace=True)
    with left_alone(network):
        found = feature_maps(network, images())
    assert [one.layer for one in found.layers] == list("012345678")
    assert [one.kind for one in found.layers][:3] == ["Conv2d", "ReLU", "MaxPool2d"]
    assert [one.values.shape for one in found.layers][:4] == [(1, 4, 9, 9), (1, 4, 9, 9), (1, 4, 4, 4), (1, 5, 2, 2)]
    below = [one.values.minimum for one in found.layers]
    assert below[0] is not None and below[0] < 0 == below[1]  # what follows in place does not reach what was seen
    assert [len(one.images) for one in found.layers] == [4, 4, 4, 5, 5, 1, 1, 1, 1]
    plain = convolutional().eval()
    assert found.layers[8].values.numbers == pytest.approx(plain(images()[:1])[0].tolist())


def test_a_shared_layer_is_listed_at_each_use_and_silent_maps_are_counted():
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution, self.relu = nn.Conv2d(1, 3, 1), nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            return self.relu(self.relu(self.convolution(x)) - 100)

    found = feature_maps(Twice(), torch.ones(1, 1, 4, 4))
    assert [one.layer for one in found.layers] == ["convolution", "relu", "relu (use 2)"]
    assert found.layers[2].silent == 3


def test_all_maps_of_one_layer():
    network = nn.Sequential(nn.Conv2d(2, 20, 3))
    assert len(feature_maps(network, images().float()).layers[0].images) == 8
    assert len(feature_maps(network, images().float(), "0").layers[0].images) == 20
    with pytest.raises(GlassworkError, match="no layer '1'"):
        feature_maps(network, images().float(), "1")


def test_the_inputs_that_excite_a_map_most_and_the_patch_that_it_sees():
    network, x = LeNet((1, 28, 28), 10).eval(), torch.randn(40, 1, 28, 28)
    with torch.no_grad():
        maps = network.convolution_2(network.activation_1(nn.functional.max_pool2d(network.convolution_1(x), 2)))[:, 3]
    with left_alone(network):
        found = find_most_exciting(network, x, "convolution_2", 3, count=5)
    strengths = maps.flatten(1).amax(1)
    assert [one.index for one in found.excitations] == strengths.argsort(descending=True)[:5].tolist()
    assert (found.looked_at, found.unit, found.layer) == (40, 3, "convolution_2")
    assert found.mean == pytest.approx(float(strengths.mean()), rel=1e-5)
    for one in found.excitations:
        row, column = one.position
        assert one.value == pytest.approx(float(maps[one.index, row, column]), rel=1e-5)
        # 5x5, then 2x2 pooling, then 5x5: 14 pixels, the first at twice the place, less 2 of padding.
        assert one.start == (max(0, 2 * row - 2), max(0, 2 * column - 2))
        assert one.stop == (min(28, 2 * row + 12), min(28, 2 * column + 12))
        assert one.patch == image_of(x[one.index][:, one.start[0] : one.stop[0], one.start[1] : one.stop[1]])


def test_the_patch_is_told_of_functions_as_of_modules():
    network, x = convolutional(), images(20)
    assert (
        find_most_exciting(network, x, "3", 1).excitations
        == find_most_exciting(Functional(network), x, "two", 1).excitations
    )


def test_a_dense_unit_is_excited_by_the_whole_input():
    network = nn.Linear(3, 2)
    with torch.no_grad():
        network.weight.copy_(torch.eye(2, 3))
        network.bias.zero_()
    found = find_most_exciting(
        nn.Sequential(network), torch.tensor([[1.0, 9, 9], [3, 0, 0], [-2, 5, 5]]), "0", 0, count=2
    )
    assert [(one.index, one.value, one.position, one.start) for one in found.excitations] == [
        (1, 3, (), ()),
        (0, 1, (), ()),
    ]
    assert found.active == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("layer", "unit", "count", "words"),
    [("3", 5, 9, "no unit 5 in layer 3"), ("nine", 0, 9, "no layer 'nine'"), ("3", 0, 0, "count has to be at least 1")],
)
def test_what_does_not_fit_is_told(layer, unit, count, words):
    network = convolutional()
    with left_alone(network), pytest.raises(GlassworkError, match=words):
        find_most_exciting(network, images(), layer, unit, count)
