"""Kovashka's deck, third part: little data and overfitting. Each test says which slide, command and sight."""

import json
from pathlib import Path
from typing import Any

import torch
from pytest import approx
from slides import slide
from torch import Tensor

PHOTO = """
from glasswork.data.augmentation import augment, parse
photo = torch.randint(0, 256, (64, 3, 12, 12), dtype=torch.uint8)[:1].expand(64, -1, -1, -1)  # one photo, 64 times
{line}
"""


@slide(
    "Dealing with sparse data",
    """
    glasswork count "784 fc32 fc10"
    glasswork count "784 fc32 fc32 fc32 fc10"
    """,
    "A deeper network has more weights to learn, 27,562 against 25,450.",
)
def test_a_deeper_network_has_more_weights(names: dict[str, Any]) -> None:
    shallow, deep = (found["parameters"] for found in names["lines"])
    assert (shallow, deep) == (25450, 27562)
    assert deep - shallow == 2 * (32 * 32 + 32)


@slide(
    "Dealing with sparse data",
    """
    x, noise = torch.randn(1100, 100).double(), torch.randn(1100).sign().double()  # labels by tossing a coin
    def accuracy(examples):  # 100 weights, fitted to so many examples, asked about those and about 100 others
        w = torch.linalg.lstsq(x[:examples], noise[:examples, None]).solution.T
        right = operation("linear").forward(x, w)[:, 0].sign() == noise
        return right[:examples].double().mean().item(), right[1000:].double().mean().item()
    accuracy(100), accuracy(1000)
    """,
    """The more weights, the more data: 100 weights memorise 100 coin tosses (100 % right, about half on new
    ones); of 1,000 tosses they no longer can.""",
)
def test_few_examples_are_learnt_by_heart(shown: Any) -> None:
    (by_heart, on_new), (fitted, _) = shown
    assert by_heart == 1
    assert 0.3 < on_new < 0.7
    assert fitted < 0.7


@slide(
    "Over-training prevention",
    "glasswork train mlp --data digits --hidden 64 --epochs 60 --patience 2 --schedule constant --learning-rate 0.01 "
    "--out runs/early",
    """A tenth of the training examples is held out and measured after every epoch; when two epochs in a row have
    not lowered its error, training stops, here long before 60, and the weights of the best epoch are kept.""",
)
def test_early_stopping(shown: Any) -> None:
    steps = [json.loads(line) for line in Path("runs/early/steps.jsonl").read_text(encoding="utf-8").splitlines()]
    errors = [step["validation"]["loss"] for step in steps if "validation" in step]
    assert len(errors) == shown["epochs"] < 60
    assert shown["best_epoch"] == shown["epochs"] - 2 == errors.index(min(errors)) + 1
    assert shown["validation"]["loss"] == approx(min(errors))
    assert shown["examples"]["validation"] > 0


@slide(
    "Determining best number of hidden units",
    """
    glasswork train xor --hidden 1 --epochs 2000
    glasswork train xor --hidden 2 --epochs 2000
    """,
    """Too few hidden units prevent the network from fitting the data: one unit never gets XOR's fourth example
    right, two do.""",
)
def test_too_few_hidden_units(names: dict[str, Any]) -> None:
    one, two = names["lines"]
    assert (one["converged"], one["test"]["accuracy"]) == (False, 0.75)
    assert (two["converged"], two["test"]["accuracy"]) == (True, 1)


@slide(
    "Effect of number of neurons",
    """
    glasswork count "64 fc2 relu fc10"
    glasswork count "64 fc32 relu fc10"
    glasswork train mlp --data digits --hidden 2 --epochs 10
    glasswork train mlp --data digits --hidden 32 --epochs 10
    """,
    """More neurons = more capacity: 160 or 2,410 parameters, and after ten epochs about 31 % or 94 % of new digits
    right.""",
)
def test_more_neurons_more_capacity(names: dict[str, Any]) -> None:
    *counts, few, many = names["lines"]
    assert [found["parameters"] for found in counts] == [160, 2410]
    assert few["test"]["accuracy"] == approx(0.31, abs=0.05)
    assert many["test"]["accuracy"] == approx(0.94, abs=0.02)


@slide(
    "Regularization: dropout",
    """
    from glasswork.networks.activations import dropout_layer
    layer, units = dropout_layer(0.3), torch.ones(100_000)
    layer.train()(units), layer.eval()(units)
    """,
    """Randomly turns off a share of the neurons, 30 % here, others each time; those left are multiplied by 1 / (1
    - 0.3), so that the mean stays 1. When it answers, nothing is turned off.""",
)
def test_dropout_drops_a_share_and_keeps_the_mean(shown: tuple[Tensor, Tensor], names: dict[str, Any]) -> None:
    training, answering = shown
    assert (training == 0).float().mean().item() == approx(0.3, abs=0.01)
    assert training.mean().item() == approx(1, abs=0.02)
    assert training.max().item() == approx(1 / 0.7)
    assert torch.equal(answering, names["units"])
    assert not torch.equal(names["layer"].train()(names["units"]), training)


@slide(
    "Effect of regularization",
    """
    from glasswork.objectives.penalties import penalty, weights_of
    def squares(strength):
        model = gw.train("mlp", data="digits", hidden=(20,), epochs=5, penalty="l2", strength=strength, threads=1)
        return penalty("l2", weights_of(model.network)).item()
    [squares(strength) for strength in (0.001, 0.01, 0.1)]
    """,
    """20 hidden units each time; the stronger the L2 penalty (lambda = 0.001, 0.01, 0.1), the smaller the weights
    and so the smoother the function: sum w^2 is about 57, 46 and 18.""",
)
def test_stronger_regularization_makes_smaller_weights(shown: list[float]) -> None:
    assert shown == approx([57, 46, 18], rel=0.1)


@slide(
    "Data augmentation",
    PHOTO.format(line='augment(photo, parse(["flip"]), 0, torch.Generator().manual_seed(0))'),
    "Horizontal flip: about half of them are mirrored left and right.",
)
def test_horizontal_flip(shown: Tensor, names: dict[str, Any]) -> None:
    photo = names["photo"][0]
    flipped = [bool(torch.equal(image, photo.flip(2))) for image in shown]
    assert all(torch.equal(image, photo.flip(2) if turn else photo) for image, turn in zip(shown, flipped, strict=True))
    assert 16 < sum(flipped) < 48


@slide(
    "Data augmentation",
    PHOTO.format(line='augment(photo, parse(["crop:2"]), 2, torch.Generator().manual_seed(0))'),
    "Random crop: windows of 8x8 of a photo of 12x12, moved by up to two pixels.",
)
def test_random_crop(shown: Tensor, names: dict[str, Any]) -> None:
    photo = names["photo"][0]
    crops = [photo[:, i : i + 8, j : j + 8] for i in range(5) for j in range(5)]
    places = [next(place for place, crop in enumerate(crops) if torch.equal(image, crop)) for image in shown]
    assert len(set(places)) > 12


@slide(
    "Data augmentation",
    PHOTO.format(line='augment(photo, parse(["color:0.2"]), 0, torch.Generator().manual_seed(0))'),
    "Color casting: each channel is multiplied by its own factor from 0.8 to 1.2, and one brightness is added to all.",
)
def test_color_casting(shown: Tensor, names: dict[str, Any]) -> None:
    photo = names["photo"][0].float()
    for image in shown[:8]:
        gains = []
        for channel, before in zip(image, photo, strict=True):
            inside = (channel > 0) & (channel < 255)
            rows = torch.stack([before[inside], torch.ones(int(inside.sum()))], 1)
            line = torch.linalg.lstsq(rows, channel[inside][:, None]).solution[:, 0]
            torch.testing.assert_close(rows @ line, channel[inside], rtol=0, atol=0.01)
            gains.append(line[0].item())
        assert all(0.79 < gain < 1.21 for gain in gains) and len({round(gain, 3) for gain in gains}) == 3


@slide(
    "Data augmentation",
    PHOTO.format(
        line='augment(photo, parse(["rotation:10", "scale:0.1", "elastic"]), 0, torch.Generator().manual_seed(0))'
    ),
    "Geometric distortion: turned by up to 10 degrees, scaled by up to a tenth, moved along a smooth random field.",
)
def test_geometric_distortion(shown: Tensor, names: dict[str, Any]) -> None:
    assert shown.shape == names["photo"].shape
    assert len({tuple(image.reshape(-1).tolist()) for image in shown}) == 64
    assert float(shown.min()) >= 0 and float(shown.max()) <= 255


@slide(
    "Packages",
    """
    import torchvision
    network = torchvision.models.squeezenet1_1(num_classes=10).eval()
    gw.open_network(network, torch.rand(1, 3, 64, 64), target=3)
    """,
    """PyTorch: any module of its model zoo is opened as our own are; here every operation of SqueezeNet is known,
    and the textbook's gradient of every weight equals autograd's.""",
)
def test_a_network_of_pytorchs_zoo(shown: Any) -> None:
    assert not shown.unknown and not shown.differing
    assert all(weight.gradient is not None for weight in shown.weights)
