"""How the operations on images are tried."""

import warnings
from typing import Any

import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from torch import Tensor

from textbook.case import Case, Drawn, distinct, numbers

SEED = 8


def one_of(draw: Any, *choices: Any) -> Any:
    return draw(st.sampled_from(choices))


def whole(draw: Any, low: int, high: int) -> int:
    return int(draw(st.integers(low, high)))


def setting(draw: Any, values: tuple[int, ...]) -> Any:
    """One number for each dimension; as a single number where they are equal, at times."""
    return values[0] if len(set(values)) == 1 and draw(st.booleans()) else values


def many(draw: Any, dimensions: int, low: int, high: int) -> tuple[int, ...]:
    return tuple(whole(draw, low, high) for _ in range(dimensions))


def weight_and_bias(draw: Any, shape: tuple[int, ...]) -> tuple[Tensor | None, Tensor | None]:
    return (
        numbers(draw, shape, -3, 3) if draw(st.booleans()) else None,
        numbers(draw, shape, -3, 3) if draw(st.booleans()) else None,
    )


def draw_convolution(draw: Any) -> Drawn:
    dimensions, groups = one_of(draw, 1, 2, 2, 3), whole(draw, 1, 3)
    channels, outputs = groups * whole(draw, 1, 2), groups * whole(draw, 1, 2)
    kernel, dilation = many(draw, dimensions, 1, 3), many(draw, dimensions, 1, 2)
    stride, padding = many(draw, dimensions, 1, 3), many(draw, dimensions, 0, 2)
    if dimensions == 3:
        dilation = padding = (1, 1, 1)
    least = [max(1, d * (k - 1) + 1 - 2 * p) for k, d, p in zip(kernel, dilation, padding, strict=True)]
    sizes = [size + whole(draw, 0, 3) for size in least]
    x = numbers(draw, (whole(draw, 1, 2), channels, *sizes))
    w = numbers(draw, (outputs, channels // groups, *kernel))
    options: dict[str, Any] = {"stride": setting(draw, stride), "padding": setting(draw, padding)}
    if draw(st.integers(0, 4)) == 0:
        options = {"stride": 1, "padding": "same" if any(padding) else one_of(draw, "same", "valid")}
    options |= {"dilation": setting(draw, dilation), "groups": groups}
    return (x, w, numbers(draw, (outputs,)) if draw(st.booleans()) else None), options


def torch_convolution(x: Tensor, w: Tensor, b: Tensor | None, **options: Any) -> Tensor:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Using padding='same' with even kernel lengths")
        return (F.conv1d, F.conv2d, F.conv3d)[x.dim() - 3](x, w, b, **options)


def draw_transposed_convolution(draw: Any) -> Drawn:
    dimensions, groups = one_of(draw, 1, 2), whole(draw, 1, 2)
    channels, outputs = groups * whole(draw, 1, 2), whole(draw, 1, 2)
    kernel, dilation = many(draw, dimensions, 1, 3), many(draw, dimensions, 1, 3)
    stride, sizes = many(draw, dimensions, 1, 3), many(draw, dimensions, 1, 4)
    more = tuple(whole(draw, 0, max(s, d) - 1) for s, d in zip(stride, dilation, strict=True))
    whole_sizes = [
        (n - 1) * s + d * (k - 1) + m for n, s, d, k, m in zip(sizes, stride, dilation, kernel, more, strict=True)
    ]
    padding = tuple(whole(draw, 0, min(2, size // 2)) for size in whole_sizes)
    options = {
        "stride": setting(draw, stride),
        "padding": setting(draw, padding),
        "output_padding": setting(draw, more),
        "groups": groups,
        "dilation": setting(draw, dilation),
    }
    x = numbers(draw, (whole(draw, 1, 2), channels, *sizes))
    w = numbers(draw, (channels, outputs, *kernel))
    return (x, w, numbers(draw, (outputs * groups,)) if draw(st.booleans()) else None), options


def torch_transposed_convolution(x: Tensor, w: Tensor, b: Tensor | None, **options: Any) -> Tensor:
    return (F.conv_transpose1d, F.conv_transpose2d)[x.dim() - 3](x, w, b, **options)


def draw_pooling(draw: Any, dilated: bool) -> tuple[tuple[int, ...], dict[str, Any]]:
    """The shape of an input, and settings: overlapping regions, gaps between them, padding and a cut-off end."""
    dimensions = one_of(draw, 1, 2)
    kernel = many(draw, dimensions, 1, 3)
    dilation = many(draw, dimensions, 1, 2) if dilated else (1,) * dimensions
    padding = tuple(whole(draw, 0, k // 2) for k in kernel)
    sizes = [d * (k - 1) + 1 + whole(draw, 0, 4) for k, d in zip(kernel, dilation, strict=True)]
    options: dict[str, Any] = {"kernel": setting(draw, kernel), "padding": setting(draw, padding)}
    options["stride"] = one_of(draw, None, setting(draw, many(draw, dimensions, 1, 4)))
    options["ceil_mode"] = draw(st.booleans())
    if dilated:
        options["dilation"] = setting(draw, dilation)
    return (whole(draw, 1, 2), whole(draw, 1, 2), *sizes), options


def draw_max_pooling(draw: Any) -> Drawn:
    shape, options = draw_pooling(draw, dilated=True)
    return (distinct(draw, shape),), options


def torch_max_pooling(x: Tensor, kernel: Any, **options: Any) -> Tensor:
    return (F.max_pool1d, F.max_pool2d)[x.dim() - 3](x, kernel, **options)


def draw_average_pooling(draw: Any) -> Drawn:
    shape, options = draw_pooling(draw, dilated=False)
    options["count_include_pad"] = draw(st.booleans())
    if len(shape) == 4:
        options["divisor_override"] = one_of(draw, None, None, 1, 3)
    return (numbers(draw, shape),), options


def torch_average_pooling(x: Tensor, kernel: Any, **options: Any) -> Tensor:
    return (F.avg_pool1d, F.avg_pool2d)[x.dim() - 3](x, kernel, **options)


def draw_sum_pooling(draw: Any) -> Drawn:
    shape, options = draw_pooling(draw, dilated=False)
    return (numbers(draw, shape),), options


def torch_sum_pooling(x: Tensor, kernel: Any, stride: Any, padding: Any, ceil_mode: bool) -> Tensor:
    """Average pooling that divides by 1; only the one for two dimensions can, so a line becomes an image of one row."""
    if x.dim() == 4:
        return F.avg_pool2d(x, kernel, stride, padding, ceil_mode, divisor_override=1)
    long, step, sides = (value[0] if isinstance(value, tuple) else value for value in (kernel, stride, padding))
    row = F.avg_pool2d(x[:, :, None], (1, long), (1, step or long), (0, sides), ceil_mode, divisor_override=1)
    return row[:, :, 0]


def draw_adaptive(draw: Any) -> tuple[tuple[int, ...], dict[str, Any]]:
    dimensions = one_of(draw, 1, 2)
    size = setting(draw, many(draw, dimensions, 1, 5))
    if dimensions == 2 and isinstance(size, tuple) and draw(st.booleans()):
        size = one_of(draw, (None, size[1]), (size[0], None))
    return (whole(draw, 1, 2), whole(draw, 1, 2), *many(draw, dimensions, 1, 6)), {"size": size}


def draw_adaptive_average_pooling(draw: Any) -> Drawn:
    shape, options = draw_adaptive(draw)
    return (numbers(draw, shape),), options


def draw_adaptive_max_pooling(draw: Any) -> Drawn:
    shape, options = draw_adaptive(draw)
    return (distinct(draw, shape),), options


def torch_adaptive_average_pooling(x: Tensor, size: Any) -> Tensor:
    return (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d)[x.dim() - 3](x, size)


def torch_adaptive_max_pooling(x: Tensor, size: Any) -> Tensor:
    return (F.adaptive_max_pool1d, F.adaptive_max_pool2d)[x.dim() - 3](x, size)


def draw_batch_normalization(draw: Any) -> Drawn:
    channels, sizes = whole(draw, 1, 3), many(draw, whole(draw, 0, 2), 1, 4)
    # Without a second number in a channel there is no variance; torch refuses that.
    x = numbers(draw, (whole(draw, 2, 3), channels, *sizes))
    training = draw(st.booleans())
    running: tuple[Tensor | None, Tensor | None] = None, None
    if not training or draw(st.booleans()):
        running = numbers(draw, (channels,)), numbers(draw, (channels,), 0.1, 10)
    options = {"training": training, "eps": one_of(draw, 1e-5, 1e-3)}
    return (x, *running, *weight_and_bias(draw, (channels,))), options


def torch_batch_normalization(x: Tensor, mean: Any, var: Any, weight: Any, bias: Any, **options: Any) -> Tensor:
    running = [None if value is None else value.clone() for value in (mean, var)]  # training changes them
    return F.batch_norm(x, *running, weight, bias, **options)


def draw_layer_normalization(draw: Any) -> Drawn:
    own = many(draw, whole(draw, 1, 2), 1, 4)
    x = numbers(draw, (*many(draw, whole(draw, 0, 2), 1, 3), *own))
    return (x, *weight_and_bias(draw, own)), {"normalized_shape": own, "eps": one_of(draw, 1e-5, 1e-3)}


def torch_layer_normalization(x: Tensor, weight: Any, bias: Any, normalized_shape: Any, eps: float) -> Tensor:
    return F.layer_norm(x, normalized_shape, weight, bias, eps)


def draw_group_normalization(draw: Any) -> Drawn:
    groups, share = whole(draw, 1, 3), whole(draw, 1, 3)
    sizes = (whole(draw, 2, 4), *many(draw, whole(draw, 0, 1), 1, 3))
    x = numbers(draw, (whole(draw, 1, 2), groups * share, *sizes))
    return (x, *weight_and_bias(draw, (groups * share,))), {"groups": groups, "eps": one_of(draw, 1e-5, 1e-3)}


def torch_group_normalization(x: Tensor, weight: Any, bias: Any, groups: int, eps: float) -> Tensor:
    return F.group_norm(x, groups, weight, bias, eps)


def draw_local_response_normalization(draw: Any) -> Drawn:
    x = numbers(draw, (whole(draw, 1, 2), whole(draw, 1, 6), *many(draw, whole(draw, 1, 2), 1, 3)))
    options = {"alpha": one_of(draw, 1e-4, 0.1), "beta": one_of(draw, 0.75, 0.5), "k": one_of(draw, 1.0, 2.0)}
    return (x,), {"size": whole(draw, 1, 5), **options}


def draw_dropout(draw: Any) -> Drawn:
    """The mask that torch's own dropout draws under SEED."""
    x, rate = numbers(draw, many(draw, whole(draw, 1, 3), 1, 4)), one_of(draw, 0.0, 0.1, 0.5, 0.9, 1.0)
    mask = torch_dropout(torch.ones_like(x), x, rate) != 0
    return (x, mask if draw(st.booleans()) else mask.double()), {"rate": rate}


def torch_dropout(x: Tensor, mask: Tensor, rate: float) -> Tensor:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        return F.dropout(x, rate)


CASES = {
    "convolution": Case(draw_convolution, torch_convolution),
    "transposed_convolution": Case(draw_transposed_convolution, torch_transposed_convolution),
    "max_pooling": Case(draw_max_pooling, torch_max_pooling),
    "average_pooling": Case(draw_average_pooling, torch_average_pooling),
    "sum_pooling": Case(draw_sum_pooling, torch_sum_pooling),
    "adaptive_average_pooling": Case(draw_adaptive_average_pooling, torch_adaptive_average_pooling),
    "adaptive_max_pooling": Case(draw_adaptive_max_pooling, torch_adaptive_max_pooling),
    "batch_normalization": Case(draw_batch_normalization, torch_batch_normalization, constant=(1, 2)),
    "layer_normalization": Case(draw_layer_normalization, torch_layer_normalization),
    "group_normalization": Case(draw_group_normalization, torch_group_normalization),
    "local_response_normalization": Case(draw_local_response_normalization, F.local_response_norm),
    "dropout": Case(draw_dropout, torch_dropout, constant=(1,)),
}
