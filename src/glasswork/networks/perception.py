"""The convolutional part of a trained network as a fixed measure of pictures: its layers by name, nothing trained."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from glasswork.networks.efficientnet_lite import EfficientNetLite, InvertedResidual
from glasswork.networks.resnet import ResNet
from glasswork.networks.vgg import VGG

Named = Iterator[tuple[str, Tensor]]
Walk = Callable[[Any, Tensor], Named]
DENSE = ("classifier", "fc", "_fc")
PROBED = 64  # pixels of the picture that the layers are measured on


class Perception:
    """Answers of a network's layers, computed as far as they are asked for.

    Weights are fixed and need no gradient. Each batch normalisation is folded into the convolution before it. That is
    faster, and its backward pass plays no part, which torch 2.14.1 gets wrong on processors for a single picture if
    the incoming gradient has certain strides.

    Args:
        network: an EfficientNet-Lite, a VGG or a ResNet with its weights; changed in place, without its dense layers.

    Attributes:
        layers: the names of the layers, in the order of a forward pass.
        strides: pixels per cell of each layer.
        reaches: how many pixels beyond the edge of a square of cells each layer looks, at most.
    """

    def __init__(self, network: nn.Module) -> None:
        for name in DENSE:
            if hasattr(network, name):
                network.set_submodule(name, nn.Identity())
        self.network = _fold(network.eval()).requires_grad_(False)
        self.strides, self.reaches = self._measure()
        self.layers = tuple(self.strides)

    def activations(self, pictures: Tensor) -> Named:
        """The answers of the layers one by one; those that are not asked for are not computed.

        Args:
            pictures: (batch, 3, height, width), scaled as the network expects.
        """
        return FAMILIES[type(self.network)](self.network, pictures)

    def look(self, pictures: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """The answers of some layers, (batch, maps, height / stride, width / stride) each."""
        wanted, found = set(layers), {}
        for name, maps in self.activations(pictures):
            if name in wanted:
                found[name] = maps
                if len(found) == len(wanted):
                    break
        return found

    def _measure(self) -> tuple[dict[str, int], dict[str, int]]:
        """Strides and reaches, from what the filters do on the way through a small picture."""
        strides, reaches = dict[str, int](), dict[str, int]()
        before, after = 0, 0

        def note(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            nonlocal before, after
            size, step, padding = (_side(getattr(layer, key)) for key in ("kernel_size", "stride", "padding"))
            if type(layer) is not nn.Conv2d and isinstance(layer, nn.Conv2d):  # padded as it runs
                padding = (size - step) // 2
            pixels = PROBED // inputs[0].shape[-1]
            before, after = before + padding * pixels, after + (size - 1 - padding) * pixels

        filters = [each for each in self.network.modules() if isinstance(each, nn.Conv2d | nn.MaxPool2d)]
        handles = [each.register_forward_hook(note) for each in filters]
        try:
            with torch.no_grad():
                for name, maps in self.activations(torch.zeros(1, 3, PROBED, PROBED)):
                    strides[name] = PROBED // maps.shape[-1]
                    reaches[name] = max(before, after)
        finally:
            for handle in handles:
                handle.remove()
        return strides, reaches


def _side(value: int | tuple[int, ...]) -> int:
    return value if isinstance(value, int) else value[0]


def _fold(module: nn.Module) -> nn.Module:
    """The module with every normalisation that follows a convolution folded into it."""
    before: tuple[str, nn.Module] | None = None
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d) and before is not None and isinstance(before[1], nn.Conv2d):
            module.set_submodule(before[0], fuse_conv_bn_eval(before[1], child))
            module.set_submodule(name, nn.Identity())
        else:
            _fold(child)
        before = (name, child)
    return module


def _walk_vgg(network: VGG, maps: Tensor) -> Named:
    """Layers by Gatys's names: `relu1_1`, `pool1`, ..., `pool5`."""
    block, place = 1, 1
    for layer in network.features:
        if isinstance(layer, nn.ReLU):
            maps = F.relu(maps)
            yield f"relu{block}_{place}", maps
            place += 1
        else:
            maps = layer(maps)
            if isinstance(layer, nn.MaxPool2d):
                yield f"pool{block}", maps
                block, place = block + 1, 1


def _walk_efficientnet(network: EfficientNetLite, maps: Tensor) -> Named:
    """Layers `stem`, then of each block `block1.expand`, `block1.depthwise` and `block1`, then `head`."""
    maps = F.relu6(network._bn0(network._conv_stem(maps)))
    yield "stem", maps
    for number, block in enumerate(network._blocks):
        assert isinstance(block, InvertedResidual)
        wide = maps
        if block._expand_conv is not None and block._bn0 is not None:
            wide = F.relu6(block._bn0(block._expand_conv(maps)))
            yield f"block{number}.expand", wide
        wide = F.relu6(block._bn1(block._depthwise_conv(wide)))
        yield f"block{number}.depthwise", wide
        narrow = block._bn2(block._project_conv(wide))
        maps = narrow + maps if block.adds else narrow
        yield f"block{number}", maps
    yield "head", F.relu6(network._bn1(network._conv_head(maps)))


def _walk_resnet(network: ResNet, maps: Tensor) -> Named:
    """Layers `stem`, then `layer1.0` and so on for each block."""
    maps = F.relu(network.bn1(network.conv1(maps)))
    yield "stem", maps
    maps = network.maxpool(maps)
    for number, stage in enumerate((network.layer1, network.layer2, network.layer3, network.layer4), 1):
        for place, block in enumerate(stage):
            maps = block(maps)
            yield f"layer{number}.{place}", maps


FAMILIES: dict[type[nn.Module], Walk] = {
    EfficientNetLite: _walk_efficientnet,
    VGG: _walk_vgg,
    ResNet: _walk_resnet,
}
"""What passes a picture through a network and names what it meets."""
