"""Readers of layers: scores, convolution, pooling, normalisation, dropout."""

from collections.abc import Callable, Sequence
from typing import Any

from glasswork.glassbox.trace.recorder import Input, Recorded
from glasswork.glassbox.trace.torch_calls.known import Known, Operand, Reading, constant, plain, tensor_of
from glasswork.textbook.activations import Dropout, Identity
from glasswork.textbook.convolution import Convolution, TransposedConvolution
from glasswork.textbook.normalization import (
    BatchNormalization,
    GroupNormalization,
    LayerNormalization,
    LocalResponseNormalization,
)
from glasswork.textbook.pooling import AdaptivePooling, AveragePooling, MaxPooling
from glasswork.textbook.scores import Linear


def linear(entry: Recorded, input: Input, weight: Input, bias: Operand = None) -> Reading:
    """`F.linear`."""
    return Known(Linear(), (input, weight, bias))


def convolution(
    entry: Recorded,
    input: Input,
    weight: Input,
    bias: Operand = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Reading:
    """`F.conv1d`, `F.conv2d`, `F.conv3d`."""
    operation = Convolution(plain(stride), plain(padding), plain(dilation), groups)
    return Known(operation, (input, weight, bias))


def transposed(
    entry: Recorded,
    input: Input,
    weight: Input,
    bias: Operand = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Reading:
    """`F.conv_transpose1d`, `F.conv_transpose2d`."""
    more = plain(output_padding)
    operation = TransposedConvolution(plain(stride), plain(padding), more, dilation=plain(dilation), groups=groups)
    return Known(operation, (input, weight, bias))


def max_pool(
    entry: Recorded,
    input: Input,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Reading:
    """`F.max_pool1d`, `F.max_pool2d` without indices."""
    if return_indices:
        return None
    regions = plain(kernel_size), plain(stride) or None, plain(padding)
    return Known(MaxPooling(*regions, dilation=plain(dilation), ceil_mode=ceil_mode), (input,))


def average_pool(
    entry: Recorded,
    input: Input,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Reading:
    """`F.avg_pool1d`, `F.avg_pool2d`."""
    regions = plain(kernel_size), plain(stride) or None, plain(padding)
    return Known(AveragePooling(*regions, ceil_mode, count_include_pad, divisor_override), (input,))


def adaptive(operation: type[AdaptivePooling]) -> Callable[..., Reading]:
    """`F.adaptive_avg_pool2d` and its like."""

    def read(entry: Recorded, input: Input, output_size: Any, return_indices: bool = False) -> Reading:
        return None if return_indices else Known(operation(plain(output_size)), (input,))

    return read


def batch_norm(
    entry: Recorded,
    input: Input,
    running_mean: Operand,
    running_var: Operand,
    weight: Operand = None,
    bias: Operand = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Reading:
    """`F.batch_norm`."""
    figures = (None, None) if training else (running_mean, running_var)
    return Known(BatchNormalization(training, eps), (input, *figures, weight, bias))


def layer_norm(
    entry: Recorded,
    input: Input,
    normalized_shape: Sequence[int],
    weight: Operand = None,
    bias: Operand = None,
    eps: float = 1e-5,
) -> Reading:
    """`F.layer_norm`."""
    return Known(LayerNormalization(plain(normalized_shape), eps), (input, weight, bias))


def group_norm(
    entry: Recorded,
    input: Input,
    num_groups: int,
    weight: Operand = None,
    bias: Operand = None,
    eps: float = 1e-5,
) -> Reading:
    """`F.group_norm`."""
    return Known(GroupNormalization(num_groups, eps), (input, weight, bias))


def local_response(
    entry: Recorded, input: Input, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Reading:
    """`F.local_response_norm`."""
    return Known(LocalResponseNormalization(size, alpha, beta, k), (input,))


def dropout(entry: Recorded, input: Input, p: float = 0.5, training: bool = True, inplace: bool = False) -> Reading:
    """`F.dropout`; without effect outside of training."""
    if not training or p == 0:
        return Known(Identity(), (input,))
    # Which units were turned off can be read off the output, but for those that were 0 before and are so either way:
    # there only the error that torch sent on can tell.
    before, after = tensor_of(input), tensor_of(entry.outputs[0])
    mask = after != 0
    if input.errors:
        mask |= (before == 0) & (input.errors[0] != 0)
    return Known(Dropout(p), (input, constant(mask.to(before.dtype))))
