"""Kovashka's deck, first part: what a network is, scores, and losses. Each test says which slide, command and sight."""

import math
from typing import Any

import torch
from pytest import approx
from slides import slide
from torch import nn

from closeness import assert_same_numbers
from glasswork.networks.dense import Dense
from glasswork.objectives import losses, penalties
from glasswork.textbook import operation

SCORES = [[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]]  # rows: the cat, car and frog images
RIGHT = [0, 1, 2]


@slide(
    "Neural network definition",
    """
    glasswork graph "tanh(x)" x=0.5
    glasswork graph "((exp(x) - exp(-x)) / 2) / ((exp(x) + exp(-x)) / 2)" x=0.5
    """,
    "Both forms of tanh, sinh over cosh in exponentials: 0.4621, with the slope 1 - tanh(x)^2 = 0.7864.",
)
def test_both_forms_of_tanh(names: dict[str, Any]) -> None:
    for graph in names["lines"]:
        assert graph["value"] == approx(math.sinh(0.5) / math.cosh(0.5), abs=1e-12)
        assert graph["gradients"]["x"] == approx(1 - math.tanh(0.5) ** 2, abs=1e-12)
        assert (round(graph["value"], 4), round(graph["gradients"]["x"], 4)) == (0.4621, 0.7864)


@slide(
    "Neural network definition: outputs",
    'glasswork graph "1 / (1 + exp(-a))" a=2',
    "A binary output: sigma(2) = 0.8808; its slope is y (1 - y) = 0.105.",
)
def test_a_binary_output(shown: Any) -> None:
    y = shown["value"]
    assert (round(y, 4), round(y * (1 - y), 3)) == (0.8808, 0.105)
    assert shown["gradients"]["a"] == approx(y * (1 - y))


@slide(
    "Neural network definition: outputs",
    'operation("softmax").forward(tensor([1.0, 2.0, 3.0]))',
    "Multiclass outputs exp(a_k) / sum_j exp(a_j): 0.0900, 0.2447 and 0.6652, which sum to 1.",
)
def test_multiclass_outputs(shown: torch.Tensor) -> None:
    whole = sum(map(math.exp, (1, 2, 3)))
    assert shown.tolist() == approx([math.exp(a) / whole for a in (1, 2, 3)], abs=1e-6)
    assert shown.tolist() == approx([0.0900, 0.2447, 0.6652], abs=5e-5)


@slide(
    "Neural network definition: finally, y_k(x, w)",
    'glasswork graph "sigmoid(v1*tanh(w11*x1 + w12*x2 + w10) + v2*tanh(w21*x1 + w22*x2 + w20) + v0)" '
    "x1=1 x2=-2 w11=0.5 w12=0.25 w10=0.1 w21=-1 w22=0.75 w20=0 v1=2 v2=-1 v0=0.5",
    """The two-layer formula with two inputs and two hidden units, 0.8437, and the gradient of each weight; the
    network `Dense(2, (2,), 1, "tanh")` with these weights answers the same.""",
)
def test_the_two_layer_formula(shown: Any) -> None:
    network = Dense(2, (2,), 1, "tanh").double()
    hidden, _, output = network.layers
    with torch.no_grad():
        hidden.weight.copy_(torch.tensor([[0.5, 0.25], [-1.0, 0.75]]))
        hidden.bias.copy_(torch.tensor([0.1, 0.0]))
        output.weight.copy_(torch.tensor([[2.0, -1.0]]))
        output.bias.fill_(0.5)
    y = network(torch.tensor([[1.0, -2.0]]).double()).sigmoid()
    y.backward()
    assert round(shown["value"], 4) == 0.8437
    assert shown["value"] == approx(y.item(), rel=1e-6)
    found = [shown["gradients"][name] for name in ("w11", "w12", "w21", "w22", "v1", "v2", "v0")]
    assert found == approx(
        torch.cat([w.grad.reshape(-1) for w in (hidden.weight, output.weight, output.bias)]).tolist()
    )


@slide(
    "Activation functions",
    """
    x = tensor([-2.0, 0.0, 2.0])
    {h: operation(h).forward(x).tolist() for h in ("sigmoid", "tanh", "relu", "elu")}
    """,
    "At -2, 0 and 2: sigmoid 0.119, 0.5, 0.881; tanh -0.964, 0, 0.964; ReLU 0, 0, 2; ELU (alpha = 1) -0.865, 0, 2.",
)
def test_activation_functions(shown: dict[str, list[float]]) -> None:
    assert shown["sigmoid"] == approx([1 / (1 + math.exp(2)), 0.5, 1 / (1 + math.exp(-2))], abs=1e-6)
    assert shown["tanh"] == approx([math.tanh(-2), 0, math.tanh(2)], abs=1e-6)
    assert shown["relu"] == [0, 0, 2]
    assert shown["elu"] == approx([math.exp(-2) - 1, 0, 2], abs=1e-6)
    printed = [0.119, 0.5, 0.881, -0.964, 0, 0.964, 0, 0, 2, -0.865, 0, 2]
    assert [round(value, 3) for values in shown.values() for value in values] == printed


@slide(
    "Activation functions",
    'operation("leaky_relu", slope=0.1).forward(tensor([-2.0, 0.0, 2.0]))',
    "Leaky ReLU max(0.1 x, x), the slope as in the picture: -0.2, 0, 2.",
)
def test_leaky_relu(shown: torch.Tensor) -> None:
    assert shown.tolist() == approx([max(0.1 * x, x) for x in (-2, 0, 2)])


@slide(
    "Activation functions",
    'glasswork graph "max(w11*x1 + w12*x2 + b1, w21*x1 + w22*x2 + b2)" '
    "x1=1 x2=2 w11=1 w12=-1 b1=0.5 w21=-1 w22=1 b2=0.25",
    "Maxout: the greater of w1'x + b1 = -0.5 and w2'x + b2 = 1.25, and only its weights get a gradient.",
)
def test_maxout(shown: Any) -> None:
    w, b = torch.tensor([[[1.0, -1.0]], [[-1.0, 1.0]]]), torch.tensor([[0.5], [0.25]])
    values = [node["value"] for node in shown["nodes"]]
    assert -0.5 in values
    assert shown["value"] == 1.25 == operation("maxout").forward(torch.tensor([1.0, 2.0]), w, b).item()
    assert (shown["gradients"]["w21"], shown["gradients"]["w22"], shown["gradients"]["w11"]) == (1, 2, 0)


@slide(
    "A multi-layer neural network",
    """
    def gap(units, f=torch.sin):  # each hidden unit makes one step from a value of f to the next
        x, corners = torch.linspace(0, 6, 2000)[:, None], torch.linspace(0, 6, units + 1)
        w, middles = torch.full((units, 1), 4 / (corners[1] - corners[0])), (corners[1:] + corners[:-1]) / 2
        z = operation("sigmoid").forward(operation("linear").forward(x, w, -w[:, 0] * middles))
        y = operation("linear").forward(z, f(corners).diff()[None], f(corners[:1]))
        return (y - f(x)).abs().max().item()
    [gap(units) for units in (5, 50, 500)]
    """,
    """Can approximate any continuous function: sin on [0, 6] by one hidden layer of 5, 50 and 500 sigmoid units,
    to within 0.21, 0.015 and 0.0015. No training: the weights are written down.""",
)
def test_a_hidden_layer_approximates_a_continuous_function(shown: list[float], names: dict[str, Any]) -> None:
    assert shown == approx([0.21, 0.015, 0.0015], rel=0.05)
    assert names["gap"](500, lambda x: (x - 3).abs()) < 0.02  # one with a kink


@slide(
    "Inspiration: Neuron cells",
    """
    inputs = tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    operation("threshold").forward(operation("linear").forward(inputs, tensor([[1.0, 1.0]]), tensor([-1.5])))
    """,
    """Inputs times weights along the edges, summed; the neuron fires (1) where the sum is over its threshold 1.5:
    only for the last, both inputs on.""",
)
def test_a_neuron_fires_over_its_threshold(shown: torch.Tensor) -> None:
    assert shown[:, 0].tolist() == [0, 0, 0, 1]


@slide(
    "Multilayer networks",
    'glasswork count "4 fc5 tanh fc3 tanh fc2"',
    "The output of one layer is the input to the next, each has its own weights: 4*5 + 5, 5*3 + 3, 3*2 + 2; 51 in all.",
)
def test_layers_in_a_cascade(shown: Any) -> None:
    layers = [layer for layer in shown["layers"] if layer["parameters"]]
    assert [layer["parameters"] for layer in layers] == [4 * 5 + 5, 5 * 3 + 3, 3 * 2 + 2]
    assert [layer["output"] for layer in layers] == [[5], [3], [2]]
    assert shown["parameters"] == 51


@slide(
    "Deep neural networks",
    """
    y = x = torch.linspace(0, 1, 1025)[:, None]
    for layer in range(5):  # two hidden units a layer fold the line once more
        z = operation("relu").forward(operation("linear").forward(y, tensor([[1.0], [1.0]]), tensor([0.0, -0.5])))
        y = operation("linear").forward(z, tensor([[2.0, -4.0]]))
    int((y[:, 0].diff().sign().diff() != 0).sum()) + 1
    """,
    """Depth = power (usually): ten ReLU units in five layers make 32 straight pieces; ten in one layer make at
    most 11, for each adds one kink.""",
)
def test_depth_is_power(shown: int) -> None:
    assert shown == 32
    shallow = Dense(1, (10,), 1)
    nn.init.normal_(shallow.layers[0].bias)
    slopes = shallow.double()(torch.linspace(-50, 50, 4001, dtype=torch.float64)[:, None]).diff(dim=0)[:, 0]
    kinks = (slopes.diff().abs() > 1e-9).nonzero()[:, 0]
    assert 1 <= int((kinks.diff() > 1).sum()) + 1 <= 10  # a kink between two points shows at both


@slide(
    "Classification goal",
    """
    import tempfile
    from pathlib import Path
    from glasswork.data.dataset import ReadingOptions
    from glasswork.data.reading import read
    file = Path(tempfile.mkdtemp()) / "data_batch_1.bin"
    file.write_bytes(b"".join(bytes([label]) + bytes(3072) for label in range(10)))
    read(file, ReadingOptions()).task
    """,
    """CIFAR-10's own format, here ten black images: 10 labels, images of 32x32x3. `--data cifar10` fetches the
    50,000 + 10,000 real ones, which are not installed.""",
)
def test_the_example_dataset(shown: Any) -> None:
    assert (len(shown.target.names), shown.inputs.shape) == (10, (3, 32, 32))


@slide(
    "Classification scores",
    'glasswork count "32x32x3 fc10"',
    "3072 numbers in, 10 numbers out: 32*32*3*10 weights and 10 biases, 30,730.",
)
def test_classification_scores(shown: Any) -> None:
    assert math.prod(shown["input"]) == 3072
    assert shown["layers"][-1]["output"] == [10]
    assert shown["parameters"] == 3072 * 10 + 10


@slide(
    "Linear classifier: example with 4 pixels and 3 classes",
    """
    W = tensor([[0.2, -0.5, 0.1, 2.0], [1.5, 1.3, 2.1, 0.0], [0.0, 0.25, 0.2, -0.3]])
    operation("linear").forward(tensor([56.0, 231.0, 24.0, 2.0]), W, tensor([1.1, 3.2, -1.2]))
    """,
    """Scores -96.8 (cat), 437.9 (dog) and 60.75 (ship). The numbers stood in a picture and are CS231n's; that
    slide prints 61.95 for the ship, which leaves its bias -1.2 out.""",
)
def test_the_cat_of_four_pixels(shown: torch.Tensor, names: dict[str, Any]) -> None:
    assert_same_numbers(shown, [-96.8, 437.9, 60.75], 1e-6)
    without_bias = operation("linear").forward(torch.tensor([56.0, 231.0, 24.0, 2.0]), names["W"])
    assert without_bias[2].item() == approx(61.95, rel=1e-5)


@slide(
    "Suppose: 3 training examples, 3 classes: hinge loss",
    'glasswork graph "max(0, 5.1 - 3.2 + 1) + max(0, -1.7 - 3.2 + 1)"',
    "The cat: max(0, 2.9) + max(0, -3.9) = 2.9.",
)
def test_hinge_loss_of_the_cat(shown: Any) -> None:
    values = [node["value"] for node in shown["nodes"]]
    assert shown["value"] == approx(2.9)
    assert any(value == approx(-3.9) for value in values)


@slide(
    "Suppose: 3 training examples, 3 classes: hinge loss",
    'glasswork graph "max(0, 1.3 - 4.9 + 1) + max(0, 2.0 - 4.9 + 1)"',
    "The car: max(0, -2.6) + max(0, -1.9) = 0; its score is higher than the others by more than 1.",
)
def test_hinge_loss_of_the_car(shown: Any) -> None:
    values = [node["value"] for node in shown["nodes"]]
    assert shown["value"] == 0
    assert any(value == approx(-2.6) for value in values) and any(value == approx(-1.9) for value in values)


@slide(
    "Suppose: 3 training examples, 3 classes: hinge loss",
    'glasswork graph "max(0, 2.2 - (-3.1) + 1) + max(0, 2.5 - (-3.1) + 1)"',
    "The frog: 6.3 + 6.6 = 12.9.",
)
def test_hinge_loss_of_the_frog(shown: Any) -> None:
    values = [node["value"] for node in shown["nodes"]]
    assert shown["value"] == approx(12.9)
    assert any(value == approx(6.3) for value in values) and any(value == approx(6.6) for value in values)


@slide(
    "Suppose: 3 training examples, 3 classes: hinge loss",
    """
    s = tensor([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]])  # a row of scores for each image
    [operation("hinge", reduction=how).forward(s, tensor([0, 1, 2])) for how in ("none", "mean")]
    """,
    "2.9, 0 and 12.9; their mean 15.8 / 3 = 5.2667, which the slide rounds to 5.3.",
)
def test_the_mean_over_all_examples(shown: list[torch.Tensor]) -> None:
    each, mean = shown
    assert each.tolist() == approx([2.9, 0, 12.9], abs=1e-5)
    assert mean.item() == approx(15.8 / 3, abs=1e-5)
    assert (round(mean.item(), 2), round(mean.item(), 1)) == (5.27, 5.3)
    assert losses.hinge(torch.tensor(SCORES), torch.tensor(RIGHT)).item() == approx(mean.item())


@slide(
    "f(x, W) = Wx and the full loss",
    """
    network = nn.Linear(3, 3, bias=False)
    network.weight.data = tensor([[3.2, 1.3, 2.2], [5.1, 4.9, 2.5], [-1.7, 2.0, -3.1]])
    gw.open_network(network, torch.eye(3), target=tensor([0, 1, 2]), loss="hinge")
    """,
    "Scores Wx of three examples, then L = 5.2667; and back: dL/dW, and what one step down the gradient would do.",
)
def test_the_full_loss_of_a_linear_classifier(shown: Any) -> None:
    assert [one.name for one in shown.operations] == ["linear", "hinge"]
    assert shown.loss_value == approx(15.8 / 3, abs=1e-5)
    assert shown.descent.loss_after < shown.descent.loss_before
    assert not shown.differing


@slide(
    "Weight Regularization",
    """
    W = tensor([[1.0, -2.0], [3.0, 0.5]])
    R = [operation(name, strength=0.1) for name in ("l2", "l1")]
    [(penalty.forward(W), penalty.backward(tensor(1.0), W)) for penalty in R]
    """,
    """With lambda = 0.1: L2 is lambda sum w^2 = 1.425 with the gradient 2 lambda w (no half); L1 is lambda sum |w|
    = 0.65 with the gradient lambda sign(w).""",
)
def test_weight_regularization(shown: Any, names: dict[str, Any]) -> None:
    w = names["W"].requires_grad_()
    wanted = (("l2", 1.425, 2 * 0.1 * w), ("l1", 0.65, 0.1 * w.sign()))
    for (name, value, gradient), (found, (slope,)) in zip(wanted, shown, strict=True):
        assert [found.item(), 0.1 * penalties.penalty(name, [w]).item()] == approx([value, value])
        assert slope.reshape(-1).tolist() == approx(gradient.reshape(-1).tolist())


@slide(
    "Another loss: Softmax (cross-entropy)",
    """
    s = tensor([3.2, 5.1, -1.7])
    s.exp(), operation("softmax").forward(s)
    """,
    """Unnormalized probabilities 24.5, 164.0 and 0.18 of cat, car and frog; normalized 0.13, 0.87 and 0.00. The
    numbers stood in a picture and are CS231n's.""",
)
def test_softmax_probabilities(shown: tuple[torch.Tensor, torch.Tensor]) -> None:
    exponentials, probabilities = shown
    assert exponentials.tolist() == approx([24.5, 164.0, 0.18], abs=0.05)
    assert [round(p, 2) for p in probabilities.tolist()] == approx([0.13, 0.87, 0.00])


@slide(
    "Another loss: Softmax (cross-entropy)",
    """
    glasswork graph "-log(exp(3.2) / (exp(3.2) + exp(5.1) + exp(-1.7)))"
    glasswork graph "-log(exp(3.2) / (exp(3.2) + exp(5.1) + exp(-1.7))) / log(10)"
    """,
    """L = -ln 0.13 = 2.04. CS231n's picture prints 0.89, which is -log10 0.13; every library, and the gradient P_k
    - t_k, takes the natural logarithm.""",
)
def test_softmax_loss_in_both_logarithms(names: dict[str, Any]) -> None:
    natural, decimal = (graph["value"] for graph in names["lines"])
    assert (round(natural, 2), round(decimal, 2)) == (2.04, 0.89)
    loss = operation("cross_entropy").forward(torch.tensor(SCORES[:1]), torch.tensor([0]))
    assert loss.item() == approx(natural, rel=1e-6)


@slide(
    "Other losses",
    """
    anchor, positive, negative = tensor([[0.0, 0.0]]), tensor([[1.0, 0.0]]), tensor([[0.0, 1.0]])
    triplet = operation("triplet", alpha=0.2)
    triplet.forward(anchor, positive, negative), triplet.backward(tensor(1.0), anchor, positive, negative)
    """,
    """1 - 1 + alpha = 0.2, and the step down its gradient pulls the positive nearer and pushes the negative away.
    Our text of the slide ends the bracket in a 4; it is FaceNet's +, max(0, ..).""",
)
def test_triplet_loss(shown: Any, names: dict[str, Any]) -> None:
    loss, gradients = shown
    assert loss.item() == approx(0.2)
    points = [names["anchor"], names["positive"], names["negative"]]
    a, p, n = (point - 0.1 * slope for point, slope in zip(points, gradients, strict=True))
    assert (a - p).norm() < 1 < (a - n).norm()
    far = names["triplet"].forward(points[0], points[1], 2 * points[2])
    assert far.item() == 0  # 1 - 4 + 0.2 is below 0


@slide(
    "Anything you want! (almost)",
    """
    network = nn.Linear(2, 1)
    gw.open_network(network, tensor([[1.0, 2.0]]), target=tensor([[3.0]]), loss=lambda y, t: (y - t).abs().sqrt().sum())
    """,
    "A loss of your own, |y - t|^(1/2): its operations are traced one by one, forward and backward.",
)
def test_any_loss(shown: Any, names: dict[str, Any]) -> None:
    y = names["network"](torch.tensor([[1.0, 2.0]]))
    assert [one.name for one in shown.operations] == ["linear", "subtract", "absolute", "square_root", "sum"]
    assert shown.loss_value == approx((y - 3).abs().sqrt().item(), rel=1e-6)
    assert all(one.verdict == "equal" for one in shown.operations)
