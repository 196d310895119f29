import pytest
import torch
import torch.nn.functional as F
from torch import nn

from closeness import assert_same_numbers
from glasswork.errors import GlassworkError
from glasswork.networks.activations import ACTIVATIONS
from glasswork.networks.lenet import LEAST_SIDE, LeNet

TRAINABLE = [name for name in ACTIVATIONS if name != "threshold"]


def test_the_parameters_of_the_classic():
    network = LeNet((1, 28, 28), 10)
    counts = [sum(p.numel() for p in layer.parameters()) for layer in network.children()]
    assert [count for count in counts if count] == [156, 2416, 48120, 10164, 850]
    assert sum(counts) == 61_706


def test_it_is_convolve_rectify_pool_as_on_the_slide():
    network = LeNet((1, 28, 28), 10)
    slide = nn.Sequential(
        network.convolution_1, nn.ReLU(), nn.MaxPool2d(2), network.convolution_2, nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), network.dense_1, nn.ReLU(), network.dense_2, nn.ReLU(), network.output,
    )  # fmt: skip
    images = torch.randn(3, 1, 28, 28)
    ours, theirs = network(images), slide(images)
    assert_same_numbers(ours, theirs)
    labels = torch.tensor([1, 2, 3])
    weights = list(network.parameters())
    gradients = [torch.autograd.grad(F.cross_entropy(scores, labels), weights) for scores in (ours, theirs)]
    for our, their in zip(*gradients, strict=True):
        assert_same_numbers(our, their)


@pytest.mark.parametrize("activation", TRAINABLE)
@pytest.mark.parametrize("shape", [(3, 32, 32), (1, LEAST_SIDE, 17), (2, 41, 13)])
def test_other_sizes_and_activations_adapt(shape, activation):
    network = LeNet(shape, 7, activation, dropout=0.2)
    scores = network(torch.randn(2, *shape))
    assert scores.shape == (2, 7)
    scores.square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for name, p in network.named_parameters() if "weight" in name)


@pytest.mark.parametrize("activation", ["relu", "maxout"])
def test_channels_last_changes_nothing_but_memory(activation):
    network = LeNet((3, 20, 24), 5, activation).double()
    images = torch.randn(4, 3, 20, 24, dtype=torch.float64)
    expected = network(images)
    network.to(memory_format=torch.channels_last)
    torch.testing.assert_close(network(images.to(memory_format=torch.channels_last)), expected)


@pytest.mark.parametrize("size", [(LEAST_SIDE - 1, 28), (28, LEAST_SIDE - 1), (1, 1)])
def test_a_too_small_image_is_told_the_least_size(size):
    with pytest.raises(GlassworkError, match=f"at least {LEAST_SIDE} by {LEAST_SIDE}"):
        LeNet((1, *size), 10)


def test_pooled_convolutions_start_smaller_and_the_loss_near_indifference():
    torch.manual_seed(0)
    network = LeNet((1, 28, 28), 10)
    assert network.convolution_1.weight.std().item() == pytest.approx((2 / 3 / 25) ** 0.5, rel=0.2)
    assert network.convolution_2.weight.std().item() == pytest.approx((2 / 3 / 150) ** 0.5, rel=0.1)
    assert F.cross_entropy(network(torch.randn(64, 1, 28, 28)), torch.arange(64) % 10) < 3.5  # ln 10 = 2.3
