"""Convolution as a matrix product, its transpose as the flipped filter, and correlation against convolution."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from glasswork.textbook.convolution import Convolution
from glasswork.textbook.convolution_matrix import correlation, flip, matrix, transpose_product, true_convolution

CLOSE = {"rtol": 1e-10, "atol": 1e-10}
W = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
Z = torch.tensor([4.0, -1.0, 0.5, 2.0, 7.0, -3.0], dtype=torch.float64)
G = torch.tensor([1.0, -2.0, 0.25, 5.0], dtype=torch.float64)


def test_the_matrix_of_the_slide() -> None:
    rows = [[1, 2, 3, 0, 0, 0], [0, 1, 2, 3, 0, 0], [0, 0, 1, 2, 3, 0], [0, 0, 0, 1, 2, 3]]
    made = matrix(W, (6,))
    assert made.tolist() == rows
    assert (made @ Z).tolist() == correlation(Z, W).tolist() == [3.5, 6.0, 25.5, 7.0]


def test_its_transpose_is_the_zero_padded_convolution_with_the_flipped_filter() -> None:
    by_matrix = matrix(W, (6,)).T @ G
    assert by_matrix.tolist() == [1.0, 0.0, -0.75, -0.5, 10.75, 15.0]
    zeros = torch.zeros(2, dtype=torch.float64)
    assert correlation(torch.cat([zeros, G, zeros]), W.flip(0)).tolist() == by_matrix.tolist()
    assert transpose_product(G, W, (6,)).tolist() == by_matrix.tolist()


@settings(max_examples=30)
@given(data=st.data())
def test_matrix_and_transpose_are_the_convolution_and_its_backward_pass(data: st.DataObject) -> None:
    dimensions, channelled = data.draw(st.integers(1, 2)), data.draw(st.booleans())

    def each(low: int, high: int) -> tuple[int, ...]:
        return tuple(data.draw(st.integers(low, high)) for _ in range(dimensions))

    kernel, stride, padding, dilation = each(1, 3), each(1, 3), each(0, 3), each(1, 2)
    least = [max(1, d * (k - 1) + 1 - 2 * p) for k, d, p in zip(kernel, dilation, padding, strict=True)]
    sizes = tuple(n + data.draw(st.integers(0, 3)) for n in least)
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 2**31 - 1)))
    channels, outputs = (data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3))) if channelled else (1, 1)
    x = torch.randn(1, channels, *sizes, generator=generator, dtype=torch.float64, requires_grad=True)
    w = torch.randn(outputs, channels, *kernel, generator=generator, dtype=torch.float64)
    options: dict[str, Any] = {"stride": stride, "padding": padding, "dilation": dilation}
    y = (F.conv1d, F.conv2d)[dimensions - 1](x, w, **options)
    g = torch.randn(y.shape, generator=generator, dtype=torch.float64)
    (error,) = torch.autograd.grad(y, x, g)

    bare, shape = (w, (channels, *sizes)) if channelled else (w[0, 0], sizes)
    made = matrix(bare, shape, **options)
    assert made.shape == (y.numel(), x.numel())
    torch.testing.assert_close(made @ x.detach().flatten(), y.detach().flatten(), **CLOSE)
    torch.testing.assert_close(made.T @ g.flatten(), error.flatten(), **CLOSE)
    torch.testing.assert_close(transpose_product(g[0], bare, shape, **options), error.reshape(shape), **CLOSE)
    ours = Convolution(**options).backward(g, x.detach(), w)[0]
    torch.testing.assert_close(transpose_product(g.flatten(), bare, shape, **options), ours.reshape(shape), **CLOSE)


def by_hand(x: Tensor, w: Tensor) -> list[list[float]]:
    """sum_ab w_ab x_(i+k-1-a, j+k-1-b), the definition of signal processing."""
    high, wide = w.shape
    return [
        [
            sum(float(w[a, b] * x[i + high - 1 - a, j + wide - 1 - b]) for a in range(high) for b in range(wide))
            for j in range(x.shape[1] - wide + 1)
        ]
        for i in range(x.shape[0] - high + 1)
    ]


def test_correlation_against_convolution() -> None:
    np.testing.assert_allclose(true_convolution(Z, W).numpy(), np.convolve(Z.numpy(), W.numpy(), "valid"), rtol=1e-12)
    np.testing.assert_allclose(correlation(Z, W).numpy(), np.correlate(Z.numpy(), W.numpy(), "valid"), rtol=1e-12)
    assert correlation(Z, W).tolist() == true_convolution(Z, flip(W, 1)).tolist()
    assert correlation(Z, W).tolist() != true_convolution(Z, W).tolist()
    x = torch.arange(20.0, dtype=torch.float64).reshape(4, 5).square()
    w = torch.tensor([[1.0, 2.0, 0.0], [-1.0, 4.0, 3.0]], dtype=torch.float64)
    assert true_convolution(x, w).tolist() == by_hand(x, w)
    assert correlation(x, w).tolist() == by_hand(x, flip(w, 2))
    filters, image = torch.stack([w, w + 1])[:, None].expand(2, 3, 2, 3), torch.stack([x, x + 1, -x])
    torch.testing.assert_close(correlation(image, filters), F.conv2d(image, filters), **CLOSE)
    assert true_convolution(image, flip(filters, 2)).tolist() == correlation(image, filters).tolist()


def test_a_filter_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"filter of shape \(3, 3\) does not fit an image of shape \(6,\)"):
        matrix(torch.ones(3, 3), (6,))
    with pytest.raises(ValueError, match=r"filter of shape \(1, 2, 3, 3\) does not fit an image of shape \(3, 6, 6\)"):
        correlation(torch.ones(3, 6, 6), torch.ones(1, 2, 3, 3))
    with pytest.raises(ValueError, match="window of 7 cells is larger than the padded input of 6"):
        matrix(torch.ones(4), (6,), dilation=2)
