"""Written-out architectures: the slides' numbers, agreement with torch, and sentences for what is wrong."""

import json
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from glasswork.errors import GlassworkError
from glasswork.glassbox.cost.count import Count, count

QUIZ = "32x32x3 conv5x5x64 pool2 conv3x3x128 pool2 fc10"
ALEXNET = (
    "227x227x3 conv11x11x96/4/valid relu pool3/2 conv5x5x256 relu pool3/2 conv3x3x384 relu conv3x3x384 relu "
    "conv3x3x256 relu pool3/2 flatten fc4096 relu dropout fc4096 relu dropout0.5 fc1000 softmax"
)
VGG16 = "224x224x3 " + " pool2 ".join(
    " ".join([f"conv3x3x{filters} relu"] * times)
    for filters, times in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
)


def test_kolters_quiz() -> None:
    found = count(QUIZ)
    assert found.parameters == 160_650
    assert [layer.parameters for layer in found.layers] == [4864, 0, 73856, 0, 81930]
    assert [layer.output for layer in found.layers] == [
        (32, 32, 64), (16, 16, 64), (16, 16, 128), (8, 8, 128), (10,),
    ]  # fmt: skip
    assert found.layers[0].parameters_formula == "5*5*3*64 + 64 = 4,864"
    assert found.layers[4].parameters_formula == "8*8*128*10 + 10 = 81,930"
    assert found.layers[0].multiply_adds_formula == "32*32*64*5*5*3 = 4,915,200"
    assert found.layers[0].memory == 4 * 32 * 32 * 64
    assert found.weight_bytes == 4 * 160_650
    assert found.input == (32, 32, 3) and found.order == "height x width x channels"


def test_kovashkas_unpadded_filters() -> None:
    assert count("32x32x3 conv5x5x1/valid").layers[0].output == (28, 28, 1)
    assert count("32x32x3 conv5x5x6/valid").layers[0].output == (28, 28, 6)


def test_the_fields_of_published_networks() -> None:
    """Araujo, Norris and Sim 2019: AlexNet 195, VGG-16 212."""
    vgg = count(f"{VGG16} pool2 fc4096 relu fc4096 relu fc1000")
    assert vgg.parameters == 138_357_544
    last_pool = [layer for layer in vgg.layers if layer.name == "pool2"][-1]
    assert (last_pool.output, last_pool.receptive_field, last_pool.jump) == ((7, 7, 512), (212, 212), (32, 32))
    alexnet = count(ALEXNET)
    pools = [layer for layer in alexnet.layers if layer.name == "pool3/2"]
    assert [layer.output for layer in pools] == [(27, 27, 96), (13, 13, 256), (6, 6, 256)]
    assert pools[-1].receptive_field == (195, 195)
    assert alexnet.layers[-1].sees_all and alexnet.layers[-1].receptive_field is None


@st.composite
def built(draw: Any) -> tuple[str, nn.Sequential, tuple[int, int, int]]:
    """An architecture in words and in torch, for an input (channels, height, width)."""
    number = st.integers(1, 4)
    channels, height, width = draw(number), draw(st.integers(12, 20)), draw(st.integers(12, 20))
    shape, words, layers = (channels, height, width), [f"{height}x{width}x{channels}"], []
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["conv", "valid", "pool", "avgpool", "bn", "relu", "tanh", "dropout"]))
        side, other, filters, stride = draw(number), draw(number), draw(number), draw(st.integers(1, 2))
        if kind == "conv":
            side, other = 2 * side - 1, 2 * other - 1  # torch pads even sides unevenly, and not under a stride
            words.append(f"conv{side}x{other}x{filters}/{stride}")
            layers.append(nn.Conv2d(channels, filters, (side, other), stride, (side // 2, other // 2)))
        elif kind == "valid":
            side, other = min(side, height), min(other, width)
            words.append(f"conv{side}x{other}x{filters}/{stride}/valid")
            layers.append(nn.Conv2d(channels, filters, (side, other), stride))
        elif kind in ("pool", "avgpool"):
            side = min(side, height, width)
            words.append(f"{kind}{side}/{stride}" if draw(st.booleans()) else f"{kind}{side}")
            step = stride if "/" in words[-1] else side
            layers.append((nn.MaxPool2d if kind == "pool" else nn.AvgPool2d)(side, step))
        else:
            words.append(kind)
            others = {"bn": nn.BatchNorm2d(channels), "relu": nn.ReLU(), "tanh": nn.Tanh(), "dropout": nn.Dropout()}
            layers.append(others[kind])
        _, channels, height, width = layers[-1].eval()(torch.empty(1, channels, height, width)).shape
    words.append("fc7")
    layers += [nn.Flatten(), nn.Linear(channels * height * width, 7)]
    return " ".join(words), nn.Sequential(*layers).eval(), shape


@settings(max_examples=40)
@given(built())
def test_words_and_torch_agree(pair: tuple[str, nn.Sequential, tuple[int, int, int]]) -> None:
    words, network, shape = pair
    found = count(words)
    assert found.parameters == sum(parameter.numel() for parameter in network.parameters())
    values, layers = torch.zeros(1, *shape), [layer for layer in network if not isinstance(layer, nn.Flatten)]
    assert len(layers) == len(found.layers)
    for layer, ours in zip(layers, found.layers, strict=True):
        values = layer(values if not isinstance(layer, nn.Linear) else values.flatten(1))
        theirs = tuple(values.shape[1:])
        assert ours.output == ((*theirs[1:], theirs[0]) if len(theirs) == 3 else theirs)


def test_padding_keeps_the_size_of_even_filters_too() -> None:
    assert count("32x30x3 conv4x6x8").layers[0].output == (32, 30, 8)
    assert count("7x7x3 conv2x2x8/2").layers[0].output == (4, 4, 8)
    assert count("112x112x3 conv7x7x64/2/valid").layers[0].output == (53, 53, 64)


def test_one_direction_and_no_direction() -> None:
    sound = count("100x1 conv5x8 pool2 bn sumpool5/3 globalpool fc3")
    assert [layer.output for layer in sound.layers] == [(100, 8), (50, 8), (50, 8), (16, 8), (1, 8), (3,)]
    assert [layer.parameters for layer in sound.layers] == [48, 0, 16, 0, 0, 27]
    assert sound.layers[3].receptive_field == (5 + 1 + 4 * 2,)
    assert sound.layers[4].sees_all
    assert count("784 fc100 relu fc10").parameters == 784 * 100 + 100 + 100 * 10 + 10


def test_the_size_may_stand_apart() -> None:
    assert count("conv5x5x6", size=(28, 28, 1)) == count("conv5x5x6", size="28x28x1")
    assert count("32x32x3 conv5x5x6", size="28x28x1").layers[0].parameters == 156


def test_what_does_not_fill_its_input_is_said() -> None:
    assert any("1 pixel at the end is left out" in note for note in count("7x7x3 pool2").notes)
    assert any("up to 2 pixels at the end are left out" in note for note in count("8x7x3 pool3").notes)
    assert not any("left out" in note for note in count("8x8x3 pool2").notes)
    assert any("covers only zeros" in note for note in count("2x2x3 conv5x5x4").notes)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("32x32x3 covn5x5x64", r"Word 2 of the architecture, 'covn5x5x64', is not known; did you mean conv5x5x64\?"),
        ("32x32x3 pool2 pol3/2", r"Word 3 .*did you mean pool3/2\?"),
        ("32x32x3 zzz", r"Word 2 .*'zzz', is not known; the words are conv5x5x64"),
        ("32x32x3 conv5x5x64/fast", "option '/fast' that is not known"),
        ("32x32x3 conv5x5x64/0", "option '/0' that is not known"),
        ("32x32x3 conv5x5", "does not fit its input 32x32x3.*such as conv5x5x64"),
        ("28x28 conv5x5x64", "such as conv5x8; a grey image is 28x28x1"),
        ("4x4x3 conv5x5x64/valid", "filter larger than its input 4x4x3"),
        ("32x32x3 pool2 pool2 pool2 pool2 pool2 pool2", "Word 7 .*window larger than its input 1x1x3"),
        ("32x32x3 flatten conv3x3x8", "3,072 numbers in a row: put it before flatten and fc"),
        ("32x32x3 fc", "needs how many outputs"),
        ("32x32x3 fc10x10", "takes no size"),
        ("32x32x3 relu/2", "takes no option"),
        ("32x32x3 conv0x5x64", "sizes start from 1"),
        ("conv5x5x64 pool2", "starts with the size of its input"),
        ("", "starts with the size of its input"),
        ("32x32x3", "has no layers"),
        ("2x3x4x5 fc10", "'2x3x4x5' is none of these"),
        ("0x32x3 fc10", "all from 1 up"),
        ("32x32x3 pool2x3", "needs a stride"),
        ("32x32x3 pool", "needs the side of its window"),
    ],
)
def test_a_mistake_is_one_sentence(words: str, sentence: str) -> None:
    with pytest.raises(GlassworkError, match=sentence) as raised:
        count(words)
    assert "\n" not in str(raised.value) and str(raised.value)[-1] in ".?'"


def test_a_count_goes_through_json() -> None:
    found = count(ALEXNET)
    assert Count.from_json(json.loads(json.dumps(found.to_json()))) == found
