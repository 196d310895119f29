"""A network that only looks: what it answers, how far it looks, and that it stops where nothing more is asked."""

import copy

import pytest
import torch
from torch import Tensor, nn

from glasswork.networks.efficientnet_lite import EfficientNetLite
from glasswork.networks.perception import Perception
from glasswork.networks.resnet import ResNet
from glasswork.networks.vgg import VGG

SHAPE = (3, 64, 64)


def _without_dense(name: str) -> nn.Module:
    with torch.device("meta"):  # the dense layers alone are half a gigabyte
        network = VGG(name, SHAPE, 5, normalised=True)
    network.classifier = nn.Sequential()
    network.to_empty(device="cpu")
    for layer in network.features:
        if isinstance(layer, nn.Conv2d | nn.BatchNorm2d):
            layer.reset_parameters()
    return network


def made(name: str) -> nn.Module:
    torch.manual_seed(0)
    network = {
        "lite": lambda: EfficientNetLite("efficientnet-lite0", SHAPE, 5),
        "vgg": lambda: _without_dense("vgg11"),
        "resnet": lambda: ResNet("resnet18", SHAPE, 5),
    }[name]()
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):  # as after training
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias)
            layer.running_mean, layer.running_var = torch.randn(layer.num_features), torch.rand(layer.num_features) + 1
    for dense in ("classifier", "fc", "_fc"):
        if hasattr(network, dense):
            network.set_submodule(dense, nn.Identity())
    return network.eval()


@pytest.mark.parametrize(("name", "last"), [("lite", "head"), ("vgg", "pool5"), ("resnet", "layer4.1")])
def test_folded_layers_answer_as_the_network(name: str, last: str) -> None:
    network, pictures = made(name), torch.randn(2, *SHAPE)
    found = Perception(copy.deepcopy(network))
    with torch.no_grad():
        torch.testing.assert_close(found.network(pictures), network(pictures), rtol=1e-3, atol=1e-3)
    assert found.layers[-1] == last
    assert not [each for each in found.network.modules() if isinstance(each, nn.BatchNorm2d)]


@pytest.mark.parametrize(("name", "layer"), [("lite", "block3"), ("vgg", "relu3_2"), ("resnet", "layer2.0")])
def test_no_layer_looks_further_than_it_says(name: str, layer: str) -> None:
    found = Perception(made(name))
    stride, reach, side = found.strides[layer], found.reaches[layer], 256
    picture = torch.rand(1, 3, side, side, requires_grad=True)
    maps = found.look(picture, [layer])[layer]
    low, high = 4 * stride, 6 * stride  # two cells, and the pixels that they stand for
    (seen,) = torch.autograd.grad(maps[..., low // stride : high // stride, :].square().sum(), picture)
    rows = seen.abs().sum((0, 1, 3)).nonzero().flatten()
    assert low - reach <= int(rows.min()) and int(rows.max()) < high + reach


def test_layers_that_are_not_asked_for_are_not_computed() -> None:
    found = Perception(made("vgg"))
    computed: list[Tensor] = []
    found.network.features[-3].register_forward_hook(lambda *each: computed.append(each[2]))  # type: ignore[index]
    maps = found.look(torch.zeros(1, *SHAPE), ["relu1_1"])
    assert list(maps) == ["relu1_1"] and not computed
