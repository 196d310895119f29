"""What the operation contract does not reach: large images, images alone, equal numbers, memory that lies otherwise."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from glasswork.textbook import windows
from glasswork.textbook.convolution import Convolution, TransposedConvolution
from glasswork.textbook.normalization import BatchNormalization
from glasswork.textbook.pooling import AdaptiveMaxPooling, AveragePooling, MaxPooling
from glasswork.textbook.shapes import Pad

CLOSE = {"rtol": 1e-10, "atol": 1e-10}


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(("examples", "size", "groups", "stride"), [(1, 200, 1, 1), (4, 128, 1, 2), (12, 40, 8, 1)])
def test_large_convolutions_are_done_in_parts(examples: int, size: int, groups: int, stride: int) -> None:
    x, w = drawn(examples, 8, size, size).requires_grad_(), drawn(16, 8 // groups, 3, 3, seed=1).requires_grad_()
    assert x.numel() * 9 // stride**2 > windows.PART
    y = F.conv2d(x, w, None, stride, 1, 1, groups)
    g = drawn(*y.shape, seed=2)
    errors = torch.autograd.grad(y, [x, w], g)
    convolution = Convolution(stride=stride, padding=1, groups=groups)
    torch.testing.assert_close(convolution.forward(x.detach(), w.detach()), y.detach(), **CLOSE)
    for ours, theirs in zip(convolution.backward(g, x.detach(), w.detach()), errors, strict=False):
        torch.testing.assert_close(ours, theirs, **CLOSE)


@pytest.mark.parametrize("filters", [1, 4])
def test_parts_of_any_size_give_the_same(filters: int, monkeypatch: pytest.MonkeyPatch) -> None:
    x, w, g = drawn(2, 3, 9, 8), drawn(filters, 3, 3, 2, seed=1), drawn(2, filters, 7, 7, seed=2)
    convolution = Convolution()
    whole = convolution.forward(x, w), *convolution.backward(g, x, w)[:2]
    for part in (1, 3 * 6 * 7 * 2, 3 * 6 * 7 * 7, 2 * 3 * 6 * 7 * 7):
        monkeypatch.setattr(windows, "PART", part)
        for one, other in zip((convolution.forward(x, w), *convolution.backward(g, x, w)[:2]), whole, strict=True):
            torch.testing.assert_close(one, other, **CLOSE)


@pytest.mark.parametrize("layer", [Convolution(stride=2), TransposedConvolution(stride=2)])
def test_one_image_alone(layer: Convolution | TransposedConvolution) -> None:
    x, w, b = drawn(2, 5, 6), drawn(2, 2, 3, 3, seed=1), drawn(2, seed=2)
    y = layer.forward(x, w, b)
    assert torch.equal(y, layer.forward(x[None], w, b)[0])
    alone, together = layer.backward(y, x, w, b), layer.backward(y[None], x[None], w, b)
    assert torch.equal(alone[0], together[0][0])
    assert torch.equal(alone[1], together[1])
    assert layer.worked(str, (1, 0, 1), x, w, b) == layer.worked(str, (0, 1, 0, 1), x[None], w, b)


def test_of_equal_maxima_the_first_gets_the_error_as_in_torch() -> None:
    x = torch.zeros(1, 2, 7, 7, dtype=torch.float64, requires_grad=True)
    y = F.max_pool2d(x, 3, 2, 1)
    g = drawn(*y.shape)
    (error,) = torch.autograd.grad(y, x, g)
    torch.testing.assert_close(MaxPooling(3, 2, 1).backward(g, x.detach())[0], error, **CLOSE)
    y = F.adaptive_max_pool2d(x, 3)
    g = drawn(*y.shape)
    (error,) = torch.autograd.grad(y, x, g)
    torch.testing.assert_close(AdaptiveMaxPooling(3).backward(g, x.detach())[0], error, **CLOSE)


def test_batch_normalization_is_right_where_torch_is_wrong() -> None:
    """torch 2.14.1 on the CPU: one example and an upstream error with channels-last strides."""
    x, weight, ones = drawn(1, 3, 4, 4), torch.tensor([1.0, 2.0, 3.0]).double(), torch.ones(3).double()
    g = drawn(1, 3, 4, 4, seed=1)
    strided = g.permute(2, 3, 0, 1).contiguous().permute(2, 3, 0, 1)
    assert torch.equal(g, strided)
    leaf = x.clone().requires_grad_()
    (right,) = torch.autograd.grad(F.batch_norm(leaf, 0 * ones, ones, weight, ones), leaf, g)
    for upstream in (g, strided):
        error = BatchNormalization(training=False).backward(upstream, x, 0 * ones, ones, weight, ones)[0]
        torch.testing.assert_close(error, right, **CLOSE)


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_any_layout_in_memory_gives_the_same(layout: torch.memory_format) -> None:
    x, w, g = drawn(2, 4, 6, 6), drawn(4, 2, 3, 3, seed=1), drawn(2, 4, 3, 3, seed=2)
    convolution = Convolution(stride=2, padding=1, groups=2)
    moved = [t.contiguous(memory_format=layout) for t in (x, w, g)]
    made = convolution.forward(*moved[:2]), *convolution.backward(moved[2], *moved[:2])[:2]
    right = convolution.forward(x, w), *convolution.backward(g, x, w)[:2]
    for ours, wanted in zip(made, right, strict=True):
        torch.testing.assert_close(ours, wanted, **CLOSE)
    pooled = MaxPooling(2).backward(moved[2], moved[0])[0]
    torch.testing.assert_close(pooled, MaxPooling(2).backward(g, x)[0], **CLOSE)


def test_long_sums_are_shortened() -> None:
    x, w, b = torch.arange(18.0).reshape(1, 2, 3, 3), torch.ones(1, 2, 3, 3), torch.tensor([7.0])
    written = Convolution().worked(lambda value: f"{float(value):g}", (0, 0, 0, 0), x, w, b)
    assert written == "1 * 0 + 1 * 1 + 1 * 2 + ... 14 more ... + 1 * 17 + 7"
    inside = Convolution(padding=1).worked(lambda value: f"{float(value):g}", (0, 0, 0, 0), x[:, :1], w[:, :1])
    assert inside == "1 * 0 + 1 * 1 + 1 * 3 + 1 * 4"
    assert AveragePooling(2).worked(lambda value: f"{float(value):g}", (0, 1, 0, 0), x) == "(9 + 10 + 12 + 13) / 4"


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="window of 3 cells is larger than the padded input of 2"):
        Convolution().forward(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 3, 3))
    with pytest.raises(ValueError, match="has 3 numbers for 2 dimensions"):
        MaxPooling((2, 2), stride=(1, 1, 1)).forward(torch.ones(1, 1, 4, 4))
    with pytest.raises(ValueError, match="'mirror' is not a padding mode"):
        Pad((1, 1), mode="mirror").forward(torch.ones(2, 2))
    with pytest.raises(ValueError, match="needs a running mean and variance"):
        BatchNormalization(training=False).forward(torch.ones(2, 2))
