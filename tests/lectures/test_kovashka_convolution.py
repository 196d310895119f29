"""Kovashka's deck, fourth part: convolutional networks. Each test says which slide, command and sight."""

from pathlib import Path
from typing import Any

import torch
from pytest import approx
from slides import slide
from torch import Tensor, nn

from glasswork.glassbox.trace.trace import Trace
from glasswork.textbook import operation

CONVOLUTION = """
x, w, b = torch.randn(1, 3, 32, 32), torch.randn({filters}, 3, 5, 5), torch.randn({filters})
{line}
"""


@slide(
    "Convolutional Neural Networks (CNN)",
    "glasswork count lenet",
    """Stages of feature extractors, a classification layer at the end. Higher stages are more global: one number
    of the first convolution sees 5x5 pixels, after pooling 6x6, of the second 14x14, then 16x16; the dense layers
    see all.""",
)
def test_higher_stages_see_more(shown: Any) -> None:
    sees = {layer["name"]: layer["receptive_field"] for layer in shown["layers"]}
    assert (sees["convolution_1"], sees["max_pool2d"]) == ([5, 5], [6, 6])
    assert (sees["convolution_2"], sees["max_pool2d (2)"]) == ([14, 14], [16, 16])
    assert all(layer["sees_all"] for layer in shown["layers"] if layer["kind"] == "fully connected")
    assert shown["layers"][-1]["output"] == [10]


@slide(
    "Convolutional Neural Networks (CNN)",
    """
    glasswork train lenet --data digits --size 16 --epochs 1 --out runs/lenet
    glasswork open runs/lenet samples/digits/7/a.png --target 7
    """,
    """Feed-forward feature extraction, operation by operation: convolve with learned filters, non-linearity, pool;
    and the classification error sent back to every filter. LeNet here pools before the non-linearity, which gives
    the same numbers.""",
)
def test_filters_are_trained_by_the_classification_error(shown: Any) -> None:
    trace = Trace.from_json(shown)
    names = [one.name for one in trace.operations]
    assert names[:6] == ["convolution", "max_pooling", "relu"] * 2
    assert [weight.gradient.maximum != 0 for weight in trace.weights] == [True] * 10
    assert not trace.differing and not trace.unknown
    maps = torch.randn(1, 6, 8, 8)
    torch.testing.assert_close(
        nn.functional.max_pool2d(maps.relu(), 2), nn.functional.max_pool2d(maps, 2).relu(), rtol=0, atol=0
    )


@slide(
    "1. Convolution",
    """
    glasswork count "32x32x3 conv5x5x6"
    glasswork count "32x32x3 conv5x5x6/2"
    """,
    """One feature map per filter, six here. With stride 2 a quarter of the multiply-adds (faster) and of the
    numbers kept (less memory).""",
)
def test_a_stride_is_faster_and_takes_less_memory(names: dict[str, Any]) -> None:
    one, two = (found["layers"][0] for found in names["lines"])
    assert (one["output"], two["output"]) == ([32, 32, 6], [16, 16, 6])
    assert (one["multiply_adds"], one["memory"]) == (4 * two["multiply_adds"], 4 * two["memory"])
    assert one["parameters"] == two["parameters"]


@slide(
    "2. Non-Linearity",
    """
    a = tensor([0.0, 2.0, 10.0]).double()
    {h: operation(h).backward(torch.ones(3), a)[0].tolist() for h in ("tanh", "sigmoid", "relu")}
    """,
    """Slopes at 0, 2 and 10: tanh 1, 0.071, 8.2e-9; sigmoid 0.25, 0.105, 4.5e-5: saturated; ReLU 0 (at its kink),
    1, 1: not. Each is applied per element, independently.""",
)
def test_relu_avoids_saturation(shown: dict[str, list[float]], names: dict[str, Any]) -> None:
    assert shown["tanh"] == approx([1, 0.071, 8.2e-9], rel=0.01)
    assert shown["sigmoid"] == approx([0.25, 0.105, 4.5e-5], rel=0.01)
    assert shown["relu"] == [0, 1, 1]
    for h in shown:
        slopes = torch.autograd.functional.jacobian(operation(h).forward, names["a"])
        assert torch.equal(slopes, slopes.diag().diag())  # no element looks at another


@slide(
    "3. Spatial Pooling",
    """
    x = tensor([[1.0, 2, 3, 4], [5, 6, 7, 8], [9, 8, 7, 6], [5, 4, 3, 2]])[None, None]
    [operation(name, kernel=2).forward(x)[0, 0].tolist() for name in ("max_pooling", "sum_pooling")]
    """,
    "Max over the four non-overlapping 2x2 regions: 6, 8, 9, 7; sum: 14, 22, 26, 18.",
)
def test_pooling_over_regions_that_do_not_overlap(shown: list[Any], names: dict[str, Any]) -> None:
    assert shown == [[[6, 8], [9, 7]], [[14, 22], [26, 18]]]
    assert nn.functional.max_pool2d(names["x"], 2)[0, 0].tolist() == shown[0]


@slide(
    "3. Spatial Pooling",
    """
    x = tensor([[1.0, 2, 3, 4], [5, 6, 7, 8], [9, 8, 7, 6], [5, 4, 3, 2]])[None, None]
    [operation(name, kernel=2, stride=1).forward(x)[0, 0].tolist() for name in ("max_pooling", "sum_pooling")]
    """,
    "Over the nine overlapping 2x2 regions: max 6, 7, 8; 9, 8, 8; 9, 8, 7, and the sums.",
)
def test_pooling_over_overlapping_regions(shown: list[Any], names: dict[str, Any]) -> None:
    assert shown[0] == [[6, 7, 8], [9, 8, 8], [9, 8, 7]]
    sums = nn.functional.avg_pool2d(names["x"], 2, 1) * 4
    assert shown[1] == sums[0, 0].tolist()


@slide(
    "3. Spatial Pooling",
    """
    here, there = torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 4)
    here[0, 0, 0, 0] = there[0, 0, 1, 1] = 1  # the same bright pixel, moved
    [operation("max_pooling", kernel=2).forward(x)[0, 0].tolist() for x in (here, there)]
    """,
    "Invariance to small transformations: a pixel moved within its region gives the same.",
)
def test_pooling_is_invariant_to_small_shifts(shown: list[Any]) -> None:
    assert shown[0] == shown[1] == [[1, 0], [0, 0]]


@slide(
    "3. Spatial Pooling",
    """
    glasswork count "32x32x3 conv5x5x6 conv5x5x6"
    glasswork count "32x32x3 conv5x5x6 pool2 conv5x5x6"
    """,
    "Larger receptive fields: neurons of the second convolution see 9x9 pixels of the input, behind a pooling 14x14.",
)
def test_pooling_enlarges_receptive_fields(names: dict[str, Any]) -> None:
    without, behind = (found["layers"][-1]["receptive_field"] for found in names["lines"])
    assert (without, behind) == ([9, 9], [14, 14])


@slide(
    "Convolution Layer",
    CONVOLUTION.format(filters=1, line='operation("convolution").forward(x, w, b)'),
    """The filter slides over the image: each number is a dot product of 5*5*3 = 75 numbers, plus the bias; 28x28
    of them.""",
)
def test_a_convolution_is_dot_products(shown: Tensor, names: dict[str, Any]) -> None:
    x, w, b = (names[name] for name in ("x", "w", "b"))
    assert shown.shape == (1, 1, 28, 28) and w[0].numel() == 75
    for i, j in ((0, 0), (13, 20), (27, 27)):
        chunk = x[0, :, i : i + 5, j : j + 5].reshape(75)
        assert shown[0, 0, i, j].item() == approx((w.reshape(75) @ chunk + b).item(), abs=1e-4)


@slide(
    "Convolution Layer",
    'glasswork count "32x32x3 conv5x5x1/valid"',
    "One 5x5x3 filter over all spatial locations: an activation map of 28x28x1; 75 weights and a bias.",
)
def test_one_activation_map(shown: Any) -> None:
    assert (shown["layers"][0]["output"], shown["parameters"]) == ([28, 28, 1], 76)


@slide(
    "Convolution Layer",
    'glasswork count "32x32x3 conv5x5x2/valid"',
    "A second, green filter: a second activation map, 28x28x2.",
)
def test_a_second_filter(shown: Any) -> None:
    assert (shown["layers"][0]["output"], shown["parameters"]) == ([28, 28, 2], 2 * 76)


@slide(
    "Convolution Layer",
    'glasswork count "32x32x3 conv5x5x6/valid"',
    """Six 5x5 filters, six maps, stacked up to a "new image" of size 28x28x6; 456 parameters.""",
)
def test_six_filters_make_a_new_image(shown: Any) -> None:
    assert (shown["layers"][0]["output"], shown["parameters"]) == ([28, 28, 6], 6 * 76)


@slide(
    "Preview: ConvNet is a sequence of Convolution Layers, interspersed with activation functions",
    'glasswork count "32x32x3 conv5x5x6/valid relu conv5x5x10/valid relu"',
    "32x32x3, then 28x28x6, then, by ten filters of 5x5x6, 24x24x10. (The sizes stood in a picture and are CS231n's.)",
)
def test_a_sequence_of_convolution_layers(shown: Any) -> None:
    assert [layer["output"] for layer in shown["layers"]] == [[28, 28, 6]] * 2 + [[24, 24, 10]] * 2
    assert shown["layers"][2]["parameters"] == 10 * (5 * 5 * 6 + 1)


@slide(
    "Preview: feature visualization (Zeiler & Fergus 2013)",
    """
    glasswork train lenet --data digits --size 16 --epochs 1 --out runs/lenet
    glasswork open runs/lenet samples/digits/7/a.png --features --out features.html
    """,
    """The first layer's filters, the maps that each layer makes of the image, and what in its pixels excited the
    strongest unit of each convolution (deconvolution), on one page.""",
)
def test_feature_visualization(shown: Any) -> None:
    filters, *others = shown["found"]
    assert filters["layer"] == "convolution_1"
    assert [found["finding"] for found in others] == ["FeatureMaps", "Deconvolution", "Deconvolution"]
    assert Path("features.html").stat().st_size > 10_000


@slide(
    "The First Popular Architecture: AlexNet",
    'glasswork count "227x227x3 conv11x11x96/4/valid relu pool3/2 conv5x5x256 relu pool3/2 conv3x3x384 relu '
    'conv3x3x384 relu conv3x3x256 relu pool3/2 fc4096 relu fc4096 relu fc1000"',
    """Five convolutions and three dense layers, 55x55x96 after the first: 62,378,344 parameters, 60,965,224 with
    the second, fourth and fifth convolution in two groups as in the paper (which prints 224x224, where 227x227 is
    meant); 94 % of them in the dense layers.""",
)
def test_alexnet(shown: Any) -> None:
    layers = {layer["name"]: layer for layer in shown["layers"]}
    assert layers["conv11x11x96/4/valid"]["output"] == [55, 55, 96]
    assert shown["layers"][12]["output"] == [6, 6, 256]
    assert shown["parameters"] == 62_378_344
    halves = 5 * 5 * 96 * 256 // 2 + 3 * 3 * 384 * 384 // 2 + 3 * 3 * 384 * 256 // 2
    assert shown["parameters"] - halves == 60_965_224
    dense = sum(layer["parameters"] for layer in shown["layers"] if layer["kind"] == "fully connected")
    assert dense / shown["parameters"] == approx(0.94, abs=0.005)
