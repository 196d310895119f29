"""Kolter's deck, first part: convolutional networks. Each test says which slide, command and sight."""

import base64
import json
import math
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from pytest import approx
from slides import slide
from torch import Tensor, nn

from closeness import assert_same_numbers
from glasswork.glassbox.expressions import evaluate
from glasswork.textbook import convolution_matrix, operation

ROOT = Path(__file__).parent.parent.parent

MATRIX = """
from glasswork.textbook import convolution_matrix
w = tensor([1.0, 2.0, 3.0])
{line}
"""
SLIDING = """
z, w = torch.arange(1.0, 26.0).reshape(1, 1, 5, 5), torch.arange(1.0, 10.0).reshape(1, 1, 3, 3)
convolution = operation("convolution")
{line}
"""


@slide(
    "The problem with fully-connected networks",
    """
    glasswork count "256x256x3 fc1000"
    glasswork count "256x256x3 conv5x5x64"
    """,
    """A 256x256 (RGB) image is 196,608 numbers, about 200K. A fully connected layer of 1,000 units has 196,609,000
    parameters on it, a convolution with 64 filters 4,864.""",
)
def test_fully_connected_layers_need_many_parameters(names: dict[str, Any]) -> None:
    dense, convolution = names["lines"]
    assert math.prod(dense["input"]) == 196_608
    assert (dense["parameters"], convolution["parameters"]) == (196_609_000, 4_864)


@slide(
    "The problem with fully-connected networks",
    """
    image, w = torch.randn(1, 1, 12, 12), torch.randn(1, 1, 3, 3)
    moved, y = image.roll((2, 3), (2, 3)), operation("convolution").forward(image, w)
    operation("convolution").forward(moved, w)[..., 2:, 3:], y[..., :-2, :-3]
    """,
    "A convolution has the invariance expected in images: a moved image gives the same map, moved. Both are equal.",
)
def test_a_moved_image_gives_a_moved_map(shown: tuple[Tensor, Tensor], names: dict[str, Any]) -> None:
    assert_same_numbers(*shown)
    dense = nn.Linear(144, 144)
    y, of_moved = (dense(names[name].flatten(1)).reshape(12, 12) for name in ("image", "moved"))
    assert not torch.allclose(of_moved[2:, 3:], y[:-2, :-3], atol=1e-3)


@slide(
    "Convolutional neural networks",
    """
    from glasswork.textbook import convolution_matrix
    W = convolution_matrix.matrix(torch.arange(1.0, 10.0).reshape(3, 3), (5, 5))
    W.shape, (W != 0).sum(1), W[0], W[8]
    """,
    """The weights restricted in two ways, seen in the layer's matrix of 9x25: each activation is local (9 of 25
    weights are not 0), and all share the same nine weights.""",
)
def test_local_activations_that_share_weights(shown: Any, names: dict[str, Any]) -> None:
    shape, counts, *_ = shown
    assert (shape, set(counts.tolist())) == ((9, 25), {9})
    for row in names["W"]:
        assert row[row != 0].tolist() == list(range(1, 10))
        lines, columns = (row.reshape(5, 5) != 0).nonzero(as_tuple=True)
        assert lines.max() - lines.min() == 2 == columns.max() - columns.min()


@slide(
    "Convolutions",
    SLIDING.format(
        line="convolution.forward(z, w), convolution.worked(lambda value: f'{value:g}', (0, 0, 1, 2), z, w)"
    ),
    """A 3x3 filter slid over 5x5 gives 3x3. y_23 = z_23 w_11 + z_24 w_12 + z_25 w_13 + z_33 w_21 + ... The slide
    prints z_23 w_11 + z_23 w_12 + z_23 w_13 + z_33 w_21: z_23 three times, which cannot be meant.""",
)
def test_sliding_a_filter_and_the_misprinted_formula(shown: tuple[Tensor, str], names: dict[str, Any]) -> None:
    y, formula = shown
    z, w = names["z"][0, 0], names["w"][0, 0]
    assert y.shape == (1, 1, 3, 3)
    y_23 = y[0, 0, 1, 2].item()  # indices from 0 here, from 1 on the slide
    assert y_23 == (z[1:4, 2:5] * w).sum().item() == evaluate(formula)
    assert formula.startswith("1 * 8 + 2 * 9 + 3 * 10 + 4 * 13")
    as_printed = z[1, 2] * (w[0, 0] + w[0, 1] + w[0, 2]) + (z[2:4, 2:5] * w[1:]).sum()
    assert as_printed.item() != y_23


@slide(
    "Convolutions in image processing",
    """
    glasswork convolve samples/digits/7/a.png --kernel gaussian --out blurred.png
    glasswork convolve samples/digits/7/a.png --kernel gradient --out edges.png
    """,
    """Prespecified filters: a Gaussian blur and the image's gradient (two Sobel filters, sqrt(y1^2 + y2^2)), as
    pictures; one cell worked out in numbers, and the matrix of a small crop.""",
)
def test_prespecified_filters(names: dict[str, Any]) -> None:
    blur, gradient = names["lines"]
    with Image.open("samples/digits/7/a.png") as digit:
        image = torch.tensor(list(digit.convert("L").tobytes())).double().reshape(1, 1, 28, 28)
    weights = torch.tensor(blur["kernels"][0]["numbers"]).double() / blur["kernels"][0]["divisor"]
    blurred = nn.functional.conv2d(image, weights[None, None], padding=2)
    assert weights.sum().item() == approx(1)
    assert (blur["lowest"], blur["highest"]) == approx((blurred.min().item(), blurred.max().item()))
    sums = [
        nn.functional.conv2d(image, torch.tensor(k["numbers"]).double()[None, None], padding=1)
        for k in gradient["kernels"]
    ]
    length = torch.stack(sums).square().sum(0).sqrt()
    assert (gradient["lowest"], gradient["highest"]) == approx((length.min().item(), length.max().item()))
    assert Path("blurred.png").read_bytes() == base64.b64decode(blur["result"])
    assert Path("edges.png").read_bytes() == base64.b64decode(gradient["result"])


@slide(
    "Convolutional neural networks: learned filters",
    """
    from glasswork.textbook.update_rules import gradient_descent
    images, w = torch.randn(8, 1, 10, 10), torch.zeros(1, 1, 3, 3)
    convolution, error = operation("convolution"), operation("squared_error", reduction="mean")
    wanted = convolution.forward(images, tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])[None, None])
    for step in range(100):
        delta, _ = error.backward(tensor(1.0), convolution.forward(images, w), wanted)
        w, _ = gradient_descent(w, convolution.backward(delta, images, w)[1], learning_rate=0.2)
    w
    """,
    "Let the network learn the right filters: shown images and their edges, gradient descent finds the Sobel filter.",
)
def test_a_filter_is_learnt(shown: Tensor) -> None:
    assert shown.reshape(-1).tolist() == approx([-1, 0, 1, -2, 0, 2, -1, 0, 1], abs=1e-3)


@slide(
    "Convolutional neural networks: learned filters",
    """
    image, w = torch.randn(1, 3, 8, 8), torch.randn(1, 3, 3, 3)
    convolution = operation("convolution").forward
    convolution(image, w), sum(convolution(image[:, [map]], w[:, [map]]) for map in range(3))
    """,
    """"3D" convolutions: a separate convolution on each of the three maps, and the results added together; both
    are equal.""",
)
def test_a_3d_convolution_adds_over_maps(shown: tuple[Tensor, Tensor]) -> None:
    assert_same_numbers(*shown)


@slide(
    "Additional on convolutions",
    """
    from glasswork.textbook import convolution_matrix
    z, w = torch.randn(5, 5), torch.randn(3, 3)
    convolution_matrix.correlation(z, w), convolution_matrix.true_convolution(z, w.flip(0, 1))
    """,
    """What the lecture calls convolution is a correlation: convolution in the sense of signal processing with the
    filter flipped upside-down and left-right. Both are equal.""",
)
def test_correlation_is_convolution_with_the_flipped_filter(
    shown: tuple[Tensor, Tensor], names: dict[str, Any]
) -> None:
    correlation, flipped = shown
    assert_same_numbers(correlation, flipped)
    z, w = names["z"], names["w"]
    assert_same_numbers(operation("convolution").forward(z[None, None], w[None, None])[0, 0], correlation)
    by_definition = sum(w[a, b] * z[3 - a, 3 - b] for a in range(3) for b in range(3))  # (w * z)(3, 3)
    assert_same_numbers(convolution_matrix.true_convolution(z, w)[1, 1], by_definition)


@slide(
    "Additional on convolutions",
    """
    glasswork count "32x32x3 conv5x5x8"
    glasswork count "32x32x3 conv5x5x8/valid"
    glasswork count "32x32x3 conv5x5x8 pool2"
    glasswork count "32x32x3 conv5x5x8/2"
    """,
    """Zero-padded, the image keeps its size 32x32 (unpadded it would be 28x28); max-pooling shrinks it to 16x16,
    and so does a strided convolution.""",
)
def test_padding_keeps_and_pooling_and_strides_shrink(names: dict[str, Any]) -> None:
    sizes = [found["layers"][-1]["output"] for found in names["lines"]]
    assert sizes == [[32, 32, 8], [28, 28, 8], [16, 16, 8], [16, 16, 8]]


@slide(
    "Number of parameters",
    'glasswork count "32x32x3 conv5x5x64 pool2 conv3x3x128 pool2 fc10"',
    """The quiz: 5*5*3*64 + 64 = 4,864, 3*3*64*128 + 128 = 73,856 and 8*8*128*10 + 10 = 81,930 make 160,650
    parameters: answer 3, O(10^5).""",
)
def test_the_quiz(shown: Any) -> None:
    assert [layer["parameters"] for layer in shown["layers"]] == [4_864, 0, 73_856, 0, 81_930]
    assert shown["parameters"] == 160_650
    assert round(math.log10(shown["parameters"])) == 5
    assert shown["layers"][3]["output"] == [8, 8, 128]


@slide(
    "Learning with convolutions",
    """
    W, z, b, g = torch.randn(4, 6), torch.randn(1, 6), torch.randn(4), torch.randn(1, 4)
    linear = operation("linear")
    linear.forward(z, W, b), linear.backward(g, z, W, b)[0]
    """,
    "A dense layer: the forward pass multiplies by W, the backward pass by its transpose W^T.",
)
def test_a_dense_layer_goes_back_through_its_transpose(shown: tuple[Tensor, Tensor], names: dict[str, Any]) -> None:
    W, z, b, g = (names[name] for name in ("W", "z", "b", "g"))  # noqa: N806
    forward, back = shown
    assert_same_numbers(forward[0], W @ z[0] + b)
    assert_same_numbers(back[0], W.T @ g[0])


@slide(
    "Learning with convolutions",
    """
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Tanh()).double()
    z, wanted = torch.randn(1, 1, 5, 5).double(), torch.randn(1, 2, 3, 3).double()
    gw.open_network(network, z, target=wanted, loss=lambda y, t: (y - t).square().sum() / 2)
    """,
    """z_(i+1) = f_i(z_i * w_i + b_i): the error of the input, and the gradients of w and b by the slide's rule,
    equal autograd's.""",
)
def test_backpropagation_through_a_convolution(shown: Any, names: dict[str, Any]) -> None:
    network, z, wanted = (names[name] for name in ("network", "z", "wanted"))
    z = z.detach().requires_grad_()
    loss = (network(z) - wanted).square().sum() / 2
    slopes = torch.autograd.grad(loss, [z, network[0].weight, network[0].bias])
    convolution = shown.operations[0]
    assert convolution.name == "convolution" and convolution.verdict == "equal"
    for operand, slope in zip(convolution.operands, slopes, strict=True):
        assert operand.gradient.numbers == approx(slope.reshape(-1).tolist(), abs=1e-10)


@slide(
    "Convolutions as matrix multiplication",
    MATRIX.format(line="convolution_matrix.matrix(w, (6,))"),
    "The slide's 4x6 matrix W: w_1 w_2 w_3 moved on by one column in each row, zeros elsewhere; W z = z * w.",
)
def test_the_convolution_matrix(shown: Tensor, names: dict[str, Any]) -> None:
    assert shown.tolist() == [[1, 2, 3, 0, 0, 0], [0, 1, 2, 3, 0, 0], [0, 0, 1, 2, 3, 0], [0, 0, 0, 1, 2, 3]]
    z = torch.randn(6)
    assert_same_numbers(shown @ z, convolution_matrix.correlation(z, names["w"]))
    assert_same_numbers(shown @ z, nn.functional.conv1d(z[None, None], names["w"][None, None])[0, 0])


@slide(
    "Convolutions as matrix multiplication, cont",
    MATRIX.format(
        line="g = tensor([1.0, -1.0, 2.0, 0.5])\n"
        "padded = nn.functional.pad(g, (2, 2))  # 0 0 g 0 0\n"
        "convolution_matrix.matrix(w, (6,)).T @ g, convolution_matrix.correlation(padded, w.flip(0))"
    ),
    """Multiplication by the 6x4 transpose W^T is the convolution of the zero-padded g with the flipped filter:
    both are 1, 1, 3, 1.5, 7, 1.5. The slide calls the flipped filter w-bar_(i+1) in the text and w-bar_i in the
    formula; it is that of w_i.""",
)
def test_the_transpose_is_convolution_with_the_flipped_filter(
    shown: tuple[Tensor, Tensor], names: dict[str, Any]
) -> None:
    by_matrix, by_filter = shown
    assert by_matrix.tolist() == by_filter.tolist() == [1, 1, 3, 1.5, 7, 1.5]
    assert convolution_matrix.transpose_product(names["g"], names["w"], (6,)).tolist() == by_matrix.tolist()


@slide(
    "Convolutions as matrix multiplication, cont",
    MATRIX.format(
        line="padded = tensor([0.0, 0, 1, -1, 2, 0.5, 0, 0])\nconvolution_matrix.true_convolution(padded, w)"
    ),
    """The slide adds that signal processing calls this a correlation. By its own earlier slide it is the other way
    round: the lecture's convolution is their correlation, and with the flipped filter their convolution, which
    gives these numbers.""",
)
def test_what_signal_processing_calls_the_transpose(shown: Tensor, names: dict[str, Any]) -> None:
    assert shown.tolist() == [1, 1, 3, 1.5, 7, 1.5]
    assert convolution_matrix.correlation(names["padded"], names["w"]).tolist() != shown.tolist()


@slide(
    "Convolutions as matrix multiplication, cont",
    """
    from glasswork.textbook import convolution_matrix
    w, g = torch.randn(3, 3).double(), torch.randn(3, 3).double()
    W = convolution_matrix.matrix(w, (5, 5))
    (W.T @ g.reshape(9)).reshape(5, 5), convolution_matrix.correlation(nn.functional.pad(g, (2, 2, 2, 2)), w.flip(0, 1))
    """,
    "The property holds for 2D convolutions: backprop just flips convolutions. Both are equal, and equal autograd's.",
)
def test_the_property_in_two_dimensions(shown: tuple[Tensor, Tensor], names: dict[str, Any]) -> None:
    by_matrix, by_filter = shown
    torch.testing.assert_close(by_matrix, by_filter, rtol=0, atol=1e-12)
    z = torch.randn(1, 1, 5, 5).double().requires_grad_()
    (nn.functional.conv2d(z, names["w"][None, None])[0, 0] * names["g"]).sum().backward()
    torch.testing.assert_close(z.grad[0, 0], by_matrix, rtol=0, atol=1e-12)


@slide(
    "LeNet network, digit classification",
    "glasswork count lenet",
    """LeNet-5 on 28x28 digits: 6 and 16 maps of 5x5 filters, each pooled, then 120, 84 and 10 units; 61,706
    parameters. Its 1 % error on MNIST is row 13 of [docs/results.md](results.md), which has the commands and what
    they reached on the digits at hand.""",
)
def test_lenet(shown: Any) -> None:
    sizes = [layer["output"] for layer in shown["layers"] if layer["parameters"]]
    assert sizes == [[6, 28, 28], [16, 10, 10], [120], [84], [10]]
    assert shown["parameters"] == 61_706
    results = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    assert any(line.startswith("| 13 | `glasswork train lenet") for line in results.splitlines())


@slide(
    "Playing Atari games",
    "glasswork train cartpole --steps 12000 --learning-starts 1000 --update-every 4 --learning-rate 0.001 "
    "--exploration 0.3 --evaluate-every 3000 --evaluation-episodes 5 --test-episodes 20",
    """Deep Q-learning, in seconds on a game of four numbers: after 12,000 steps the network balances the pole for
    more than 100 actions, random play for about 22. The same command with `atari --game Pong` takes an hour and
    more; see [playing](atari.md).""",
)
def test_a_network_learns_to_play(shown: Any) -> None:
    assert shown["played"] == 12_000 and shown["episodes"] == 20
    assert shown["test"]["mean_return"] > 100


@slide(
    "Neural style",
    "glasswork style china flower --size 96 --coarse 48 --iterations 24 --begin noise --threads 1",
    """The input image is adjusted, from noise on, until inner products of feature activations match those of the other
    picture. The style loss, 1 for a picture of nothing, falls below a quarter; content and style stand in the report
    beside the painting. Larger: [style](style.md).""",
)
def test_neural_style(shown: Any) -> None:
    assert 0 < shown["style_loss"] < 0.25
    assert (shown["width"], shown["height"], shown["steps"]) == (96, 64, 32)
    steps = (Path(shown["run"]) / "steps.jsonl").read_text(encoding="utf-8").splitlines()
    losses = [json.loads(line)["loss"] for line in steps]
    assert losses[-1] < 0.5 * losses[0]
