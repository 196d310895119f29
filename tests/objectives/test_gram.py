"""Gram matrices and their gradient, which torch 2.14.1 gets wrong behind batch normalisation of one picture."""

import torch
from hypothesis import given
from hypothesis import strategies as some
from torch import Tensor, nn

from glasswork.networks.efficientnet_lite import EfficientNetLite
from glasswork.networks.perception import Perception
from glasswork.objectives.style import gram, match_colors, products, relative_error, total_variation


@given(some.integers(1, 4), some.integers(1, 5), some.integers(1, 5), some.booleans())
def test_products_are_those_of_every_two_maps(maps: int, height: int, width: int, last: bool) -> None:
    torch.manual_seed(maps + 10 * height + 100 * width)
    found = torch.randn(1, maps, height, width)
    found = found.contiguous(memory_format=torch.channels_last) if last else found
    found.requires_grad_()
    wanted = torch.einsum("bchw,bdhw->cd", found.double(), found.double())
    torch.testing.assert_close(products(found).double(), wanted, rtol=1e-5, atol=1e-5)
    slope = torch.randn(maps, maps)  # not symmetric
    (ours,) = torch.autograd.grad((products(found) * slope).sum(), found)
    (theirs,) = torch.autograd.grad((wanted * slope).sum(), found)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_the_gradient_of_style_is_that_of_finite_differences() -> None:
    torch.manual_seed(0)
    network = EfficientNetLite("efficientnet-lite0", (3, 64, 64), 5).eval()
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_var = torch.rand(layer.num_features) + 0.5
    layers, perception = ("stem", "block1.expand", "block2.depthwise"), Perception(network)
    network.double()
    goal = {name: torch.rand(maps.shape[1], maps.shape[1]) for name, maps in _look(perception, layers).items()}

    def loss(picture: Tensor) -> Tensor:
        maps = perception.look(picture, layers)
        return torch.stack([relative_error(gram(maps[name]), goal[name]) for name in layers]).sum()

    picture = torch.rand(1, 3, 64, 64, dtype=torch.float64).contiguous(memory_format=torch.channels_last)
    picture.requires_grad_()
    (slope,) = torch.autograd.grad(loss(picture), picture)
    way = slope / slope.norm()
    with torch.no_grad():
        rise = (loss(picture + 1e-2 * way) - loss(picture - 1e-2 * way)) / 2e-2
    torch.testing.assert_close(rise, (slope * way).sum(), rtol=1e-2, atol=0)


def _look(perception: Perception, layers: tuple[str, ...]) -> dict[str, Tensor]:
    return perception.look(torch.zeros(1, 3, 64, 64, dtype=torch.float64), layers)


def test_losses_by_hand() -> None:
    assert float(relative_error(torch.tensor([2.0, 0.0]), torch.tensor([1.0, 2.0]))) == 1.0
    picture = torch.tensor([[[[0.0, 1.0], [2.0, 5.0]]]])
    assert float(total_variation(picture)) == (4 + 16) / 2 + (1 + 9) / 2
    torch.testing.assert_close(gram(picture), torch.tensor([[30.0 / 4]]))


def test_matched_colours_have_the_mean_and_covariance_of_the_other() -> None:
    torch.manual_seed(0)
    picture, like = torch.rand(1, 3, 9, 8) ** 2, 0.3 * torch.rand(1, 3, 5, 4)
    like[:, 1] += 0.5 * like[:, 0]
    found = match_colors(picture, like).flatten(2)[0]
    wanted = like.flatten(2)[0]
    torch.testing.assert_close(found.mean(1), wanted.mean(1))
    torch.testing.assert_close(found.cov(correction=0), wanted.cov(correction=0), rtol=1e-3, atol=1e-5)
