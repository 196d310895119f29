"""A patch classifier slid over an image says of each patch what it says of the patch alone; tiles join seamlessly."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from torch import Tensor, nn

from closeness import assert_same_numbers
from glasswork.errors import GlassworkError
from glasswork.glassbox.fully_convolutional import FullyConvolutional, fully_convolutional, tile_scores, tiles
from glasswork.networks.convnet_small import ConvNetSmall
from glasswork.networks.efficientnet_lite import EfficientNetLite
from glasswork.networks.lenet import LeNet
from glasswork.networks.patchnet import PatchNet
from glasswork.networks.resnet import ResNet


def settled(network: nn.Module) -> nn.Module:
    """With statistics as after training."""
    generator = torch.Generator().manual_seed(1)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean = torch.rand(len(layer.running_var), generator=generator) / 5
            layer.running_var = 0.5 + torch.rand(len(layer.running_var), generator=generator)
    return network.eval()


def image(channels: int, height: int, width: int) -> Tensor:
    return torch.rand(channels, height, width, generator=torch.Generator().manual_seed(2))


def dense_head(shape: tuple[int, int, int]) -> nn.Module:
    """LeNet-like, without padding: convolutions, pooling, dense layers over all cells, some of them normalised."""
    cells = (((shape[1] - 4) // 2 - 2) // 2) * (((shape[2] - 4) // 2 - 2) // 2)
    return nn.Sequential(
        *(nn.Conv2d(shape[0], 4, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3), nn.Tanh(), nn.AvgPool2d(2)),
        *(nn.Flatten(), nn.Linear(6 * cells, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Dropout(0.5), nn.Linear(12, 3)),
    )


def adaptive_head(shape: tuple[int, int, int]) -> nn.Module:
    """VGG-like: averages over parts of the patch, of which dense layers then see all."""
    return nn.Sequential(
        *(nn.Conv2d(shape[0], 5, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(3)),
        *(nn.Flatten(), nn.Linear(45, 8), nn.ReLU(), nn.Linear(8, 2)),
    )


def greatest_head(shape: tuple[int, int, int]) -> nn.Module:
    return nn.Sequential(nn.Conv2d(shape[0], 5, 3, dilation=2), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(5, 2))


UNPADDED: dict[str, Callable[[tuple[int, int, int]], nn.Module]] = {
    "patchnet": lambda shape: PatchNet(shape, 2, widths=(8, 16, 16)),
    "dense": dense_head,
    "adaptive": adaptive_head,
    "greatest": greatest_head,
}
PADDED: dict[str, tuple[Callable[[], nn.Module], tuple[int, int, int]]] = {
    "lenet": (lambda: LeNet((1, 28, 28), 10), (1, 28, 28)),
    "lenet of an odd size": (lambda: LeNet((1, 30, 33), 10), (1, 30, 33)),
    "convnet-small": (lambda: ConvNetSmall((3, 32, 32), 2), (3, 32, 32)),
    "resnet18": (lambda: ResNet("resnet18", (3, 32, 32), 2), (3, 32, 32)),
}


def tiled(network: FullyConvolutional, pixels: Tensor, tile: int) -> Tensor:
    _, height, width = pixels.shape
    rows, columns = network.size(height, width)
    joined = torch.full((2 if pixels.shape[0] == 3 else 10, rows, columns), float("nan"))
    for part in tiles(network, height, width, tile):
        scores = tile_scores(
            network, lambda left, top, wide, high: pixels[:, top : top + high, left : left + wide], height, width, part
        )
        joined[: len(scores), part[0], part[1]] = scores
    return joined[: len(scores)]


@pytest.mark.parametrize("name", UNPADDED)
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 33, 30)])
def test_without_padding_each_value_is_that_of_the_patch_alone(name: str, shape: tuple[int, int, int]) -> None:
    torch.manual_seed(0)
    network = settled(UNPADDED[name](shape))
    sliding = fully_convolutional(network, shape)
    pixels = image(shape[0], 71, 83)
    with torch.no_grad():
        whole = sliding(pixels[None])[0]
        assert not sliding.padded and whole.shape[1:] == sliding.size(71, 83)
        for row in range(whole.shape[1]):
            for column in range(whole.shape[2]):
                top, left = row * sliding.stride[0], column * sliding.stride[1]
                patch = pixels[None, :, top : top + shape[1], left : left + shape[2]]
                assert_same_numbers(whole[:, row, column], network(patch)[0])
    assert 71 - shape[1] < whole.shape[1] * sliding.stride[0]
    assert 83 - shape[2] < whole.shape[2] * sliding.stride[1]


@pytest.mark.parametrize("name", PADDED)
def test_with_padding_tiles_join_to_the_untiled_map(name: str) -> None:
    torch.manual_seed(0)
    make, shape = PADDED[name]
    network = settled(make())
    sliding = fully_convolutional(network, shape)
    pixels = image(shape[0], 121, 139)
    with torch.no_grad():
        whole = sliding(pixels[None])[0]
        assert sliding.padded
        assert_same_numbers(tiled(sliding, pixels, 32), whole)
        alone = image(shape[0], *shape[1:])
        assert_same_numbers(sliding(alone[None])[..., 0, 0], network(alone[None]))


@settings(deadline=None, max_examples=25)
@given(tile=some.integers(1, 150), height=some.integers(32, 120), width=some.integers(32, 120), padded=some.booleans())
def test_tiles_of_any_size_join(tile: int, height: int, width: int, padded: bool) -> None:
    torch.manual_seed(0)
    made = ConvNetSmall((3, 32, 32), 2, widths=(8, 8, 8)) if padded else PatchNet((3, 32, 32), 2, widths=(8, 8, 8))
    sliding = fully_convolutional(settled(made), (3, 32, 32))
    pixels = image(3, height, width)
    with torch.no_grad():
        assert_same_numbers(tiled(sliding, pixels, tile), sliding(pixels[None])[0])


def test_padding_matters_only_at_the_patches_borders() -> None:
    torch.manual_seed(0)
    sliding = fully_convolutional(settled(LeNet((1, 28, 28), 10)), (1, 28, 28))
    assert (sliding.before, sliding.after, sliding.stride) == ((2, 2), (2, 2), (4, 4))


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (EfficientNetLite("efficientnet-lite0", (3, 32, 32), 2), "depends on its input's size"),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4), nn.Flatten(), nn.Linear(3600, 2)), "GroupNorm"),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(2), nn.Flatten(), nn.Linear(3600, 2)), "not flattening"),
        (nn.Sequential(nn.Conv2d(3, 4, 3, padding="same"), nn.Flatten(), nn.Linear(4096, 2)), "padding"),
        (nn.Sequential(nn.MaxPool2d(3, ceil_mode=True), nn.Flatten(), nn.Linear(363, 2)), "ceil_mode"),
    ],
)
def test_what_cannot_slide_is_named(network: nn.Module, words: str) -> None:
    with pytest.raises(GlassworkError, match=words):
        fully_convolutional(network, (3, 32, 32))
