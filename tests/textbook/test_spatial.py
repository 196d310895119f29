"""What the operation contract does not reach: large images, images alone, equal numbers, memory that lies otherwise."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from glasswork.textbook import (
    adaptive_max_pooling,
    average_pooling,
    batch_normalization,
    convolution,
    max_pooling,
    pad,
    sliding,
    transposed_convolution,
)

CLOSE = {"rtol": 1e-10, "atol": 1e-10}


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(("examples", "size", "groups", "stride"), [(1, 200, 1, 1), (4, 128, 1, 2), (12, 40, 8, 1)])
def test_large_convolutions_are_done_in_parts(examples: int, size: int, groups: int, stride: int) -> None:
    x, w = drawn(examples, 8, size, size).requires_grad_(), drawn(16, 8 // groups, 3, 3, seed=1).requires_grad_()
    assert x.numel() * 9 // stride**2 > sliding.PART
    y = F.conv2d(x, w, None, stride, 1, 1, groups)
    g = drawn(*y.shape, seed=2)
    errors = torch.autograd.grad(y, [x, w], g)
    options = {"stride": stride, "padding": 1, "groups": groups}
    torch.testing.assert_close(convolution.forward(x.detach(), w.detach(), **options), y.detach(), **CLOSE)
    for ours, theirs in zip(convolution.backward(g, x.detach(), w.detach(), **options), errors, strict=False):
        torch.testing.assert_close(ours, theirs, **CLOSE)


@pytest.mark.parametrize("filters", [1, 4])
def test_parts_of_any_size_give_the_same(filters: int, monkeypatch: pytest.MonkeyPatch) -> None:
    x, w, g = drawn(2, 3, 9, 8), drawn(filters, 3, 3, 2, seed=1), drawn(2, filters, 7, 7, seed=2)
    whole = convolution.forward(x, w), *convolution.backward(g, x, w)[:2]
    for part in (1, 3 * 6 * 7 * 2, 3 * 6 * 7 * 7, 2 * 3 * 6 * 7 * 7):
        monkeypatch.setattr(sliding, "PART", part)
        for one, other in zip((convolution.forward(x, w), *convolution.backward(g, x, w)[:2]), whole, strict=True):
            torch.testing.assert_close(one, other, **CLOSE)


@pytest.mark.parametrize("module", [convolution, transposed_convolution])
def test_one_image_alone(module: Any) -> None:
    x, w, b = drawn(2, 5, 6), drawn(2, 2, 3, 3, seed=1), drawn(2, seed=2)
    y = module.forward(x, w, b, stride=2)
    assert torch.equal(y, module.forward(x[None], w, b, stride=2)[0])
    alone, together = module.backward(y, x, w, b, stride=2), module.backward(y[None], x[None], w, b, stride=2)
    assert torch.equal(alone[0], together[0][0])
    assert torch.equal(alone[1], together[1])
    assert module.put_in(str, (1, 0, 1), x, w, b, stride=2) == module.put_in(str, (0, 1, 0, 1), x[None], w, b, stride=2)


def test_of_equal_maxima_the_first_gets_the_error_as_in_torch() -> None:
    x = torch.zeros(1, 2, 7, 7, dtype=torch.float64, requires_grad=True)
    y = F.max_pool2d(x, 3, 2, 1)
    g = drawn(*y.shape)
    (error,) = torch.autograd.grad(y, x, g)
    torch.testing.assert_close(max_pooling.backward(g, x.detach(), kernel=3, stride=2, padding=1)[0], error, **CLOSE)
    y = F.adaptive_max_pool2d(x, 3)
    g = drawn(*y.shape)
    (error,) = torch.autograd.grad(y, x, g)
    torch.testing.assert_close(adaptive_max_pooling.backward(g, x.detach(), size=3)[0], error, **CLOSE)


def test_batch_normalization_is_right_where_torch_is_wrong() -> None:
    """torch 2.14.1 on the CPU: one example and an upstream error with channels-last strides."""
    x, weight, ones = drawn(1, 3, 4, 4), torch.tensor([1.0, 2.0, 3.0]).double(), torch.ones(3).double()
    g = drawn(1, 3, 4, 4, seed=1)
    strided = g.permute(2, 3, 0, 1).contiguous().permute(2, 3, 0, 1)
    assert torch.equal(g, strided)
    leaf = x.clone().requires_grad_()
    (right,) = torch.autograd.grad(F.batch_norm(leaf, 0 * ones, ones, weight, ones), leaf, g)
    for upstream in (g, strided):
        error = batch_normalization.backward(upstream, x, 0 * ones, ones, weight, ones, training=False)[0]
        torch.testing.assert_close(error, right, **CLOSE)


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_any_layout_in_memory_gives_the_same(layout: torch.memory_format) -> None:
    x, w, g = drawn(2, 4, 6, 6), drawn(4, 2, 3, 3, seed=1), drawn(2, 4, 3, 3, seed=2)
    options = {"stride": 2, "padding": 1, "groups": 2}
    moved = [t.contiguous(memory_format=layout) for t in (x, w, g)]
    made = convolution.forward(*moved[:2], **options), *convolution.backward(moved[2], *moved[:2], **options)[:2]
    right = convolution.forward(x, w, **options), *convolution.backward(g, x, w, **options)[:2]
    for ours, wanted in zip(made, right, strict=True):
        torch.testing.assert_close(ours, wanted, **CLOSE)
    pooled = max_pooling.backward(moved[2], moved[0], kernel=2)[0]
    torch.testing.assert_close(pooled, max_pooling.backward(g, x, kernel=2)[0], **CLOSE)


def test_long_sums_are_shortened() -> None:
    x, w, b = torch.arange(18.0).reshape(1, 2, 3, 3), torch.ones(1, 2, 3, 3), torch.tensor([7.0])
    written = convolution.put_in(lambda value: f"{float(value):g}", (0, 0, 0, 0), x, w, b)
    assert written == "1 * 0 + 1 * 1 + 1 * 2 + ... 14 more ... + 1 * 17 + 7"
    inside = convolution.put_in(lambda value: f"{float(value):g}", (0, 0, 0, 0), x[:, :1], w[:, :1], padding=1)
    assert inside == "1 * 0 + 1 * 1 + 1 * 3 + 1 * 4"
    assert average_pooling.put_in(lambda value: f"{float(value):g}", (0, 1, 0, 0), x, kernel=2) == (
        "(9 + 10 + 12 + 13) / 4"
    )


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="window of 3 cells is larger than the padded input of 2"):
        convolution.forward(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 3, 3))
    with pytest.raises(ValueError, match="has 3 numbers for 2 dimensions"):
        max_pooling.forward(torch.ones(1, 1, 4, 4), kernel=(2, 2), stride=(1, 1, 1))
    with pytest.raises(ValueError, match="'mirror' is no way to pad"):
        pad.forward(torch.ones(2, 2), padding=(1, 1), mode="mirror")
    with pytest.raises(ValueError, match="needs a running mean and variance"):
        batch_normalization.forward(torch.ones(2, 2), training=False)
