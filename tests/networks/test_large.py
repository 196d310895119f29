"""The large image networks against torchvision's: its state dicts load, and the outputs are equal."""

import pytest
import torch
import torchvision.models

from closeness import assert_same_numbers
from glasswork.errors import GlassworkError
from glasswork.networks.alexnet import AlexNet
from glasswork.networks.resnet import ResNet
from glasswork.networks.vgg import VGG

SHAPE = (3, 64, 64)

# Name in torchvision, and ours for a shape and a number of classes.
PAIRS = {
    "alexnet": lambda outputs: AlexNet(SHAPE, outputs),
    **{
        f"vgg{depth}{suffix}": lambda outputs, depth=depth, suffix=suffix: VGG(
            f"vgg{depth}", SHAPE, outputs, normalised=bool(suffix)
        )
        for depth in (11, 13, 16, 19)
        for suffix in ("", "_bn")
    },
    **{
        f"resnet{depth}": lambda outputs, depth=depth: ResNet(f"resnet{depth}", SHAPE, outputs)
        for depth in (18, 34, 50)
    },
}

# As torchvision's documentation prints them for 1,000 classes.
PARAMETERS = {
    "alexnet": 61100840,
    "vgg11": 132863336,
    "vgg13": 133047848,
    "vgg16": 138357544,
    "vgg19": 143667240,
    "resnet18": 11689512,
    "resnet34": 21797672,
    "resnet50": 25557032,
}


@pytest.mark.parametrize("name", ["alexnet", "vgg11", "vgg13_bn", "resnet18", "resnet34", "resnet50"])
def test_weights_of_torchvision_load_and_give_the_same_outputs(name: str) -> None:
    torch.manual_seed(0)
    theirs = getattr(torchvision.models, name)(weights=None, num_classes=7).eval()
    ours = PAIRS[name](7).eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    images = torch.randn(2, *SHAPE)
    with torch.no_grad():
        assert_same_numbers(ours(images), theirs(images))


@pytest.mark.parametrize("name", PAIRS)
def test_every_configuration_has_the_layers_of_torchvision(name: str) -> None:
    with torch.device("meta"):
        theirs = getattr(torchvision.models, name)(weights=None)
        ours = PAIRS[name](1000)
    shapes = {key: tuple(value.shape) for key, value in ours.state_dict().items()}
    assert shapes == {key: tuple(value.shape) for key, value in theirs.state_dict().items()}
    if name in PARAMETERS:
        assert sum(parameter.numel() for parameter in ours.parameters()) == PARAMETERS[name]


@pytest.mark.parametrize("make", [lambda: AlexNet((3, 32, 32), 2), lambda: VGG("vgg11", (3, 28, 28), 2)])
def test_images_too_small_are_told_with_what_to_do(make) -> None:
    with pytest.raises(GlassworkError, match="--size 224"):
        make()


def test_a_residual_block_without_weights_hands_its_input_on() -> None:
    network = ResNet("resnet18", SHAPE, 2)
    block = network.layer1[0]
    torch.nn.init.zeros_(block.bn2.weight)
    maps = torch.rand(1, 64, 8, 8)
    torch.testing.assert_close(block(maps), maps)
