"""Readers of what is said of many numbers at once: extremes, spread, running sums, and what is scaled by them."""

from collections.abc import Callable
from typing import Any

from glasswork.glassbox.trace.recorder import Input, Recorded
from glasswork.glassbox.trace.torch_calls.known import Known, Operand, Reading, plain, shape_of
from glasswork.textbook.arithmetic import Maximum, Minimum
from glasswork.textbook.normalization import BatchNormalization, GroupNormalization, Normalize
from glasswork.textbook.reductions import (
    Argmax,
    Argmin,
    CumulativeSum,
    Largest,
    LogSumExp,
    Smallest,
    StandardDeviation,
    Variance,
)


def extreme(
    pair: Maximum | Minimum, along: type[Largest | Smallest], place: type[Argmax | Argmin]
) -> Callable[..., Reading]:
    """`torch.max` and `torch.min`: of two tensors, of all numbers, or along an axis, where the places come too."""

    def read(entry: Recorded, input: Input, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Reading:
        second = dim if isinstance(dim, Input) else other
        if second is not None:
            return Known(pair, (input, second))
        if dim is None:
            return Known(along(), (input,), without=("dim", "keepdim", "ties"))
        return [Known(along(dim, keepdim, "first"), (input,)), Known(place(dim, keepdim), (input,))]

    return read


def extreme_value(operation: type[Largest | Smallest]) -> Callable[..., Reading]:
    """`torch.amax` and `torch.amin`, where equal numbers share the error."""

    def read(entry: Recorded, input: Input, dim: Any = (), keepdim: bool = False) -> Reading:
        return Known(operation(plain(dim), keepdim), (input,), without=("ties",))

    return read


def extreme_place(operation: type[Argmax | Argmin]) -> Callable[..., Reading]:
    """`torch.argmax` and `torch.argmin`."""

    def read(entry: Recorded, input: Input, dim: int | None = None, keepdim: bool = False) -> Reading:
        return Known(operation(dim, keepdim), (input,))

    return read


def spread(operation: type[Variance | StandardDeviation]) -> Callable[..., Reading]:
    """`torch.var` and `torch.std`, in the older words (`unbiased`) and the newer (`correction`)."""

    def read(
        entry: Recorded,
        input: Input,
        dim: Any = None,
        unbiased: bool = True,
        keepdim: bool = False,
        *,
        correction: float | None = None,
    ) -> Reading:
        if isinstance(dim, bool):  # var(False)
            dim, unbiased = None, dim
        divided = int(unbiased) if correction is None else correction
        return Known(operation(plain(dim), keepdim, divided), (input,))

    return read


def cumulative_sum(entry: Recorded, input: Input, dim: int, *, dtype: Any = None) -> Reading:
    """`torch.cumsum`."""
    return Known(CumulativeSum(dim), (input,))


def logsumexp(entry: Recorded, input: Input, dim: Any, keepdim: bool = False) -> Reading:
    """`torch.logsumexp`."""
    return Known(LogSumExp(plain(dim), keepdim), (input,))


def normalize(
    entry: Recorded, input: Input, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Any = None
) -> Reading:
    """`F.normalize`, by the Euclidean length."""
    return Known(Normalize(plain(dim), eps), (input,)) if p == 2 else None


def instance_norm(
    entry: Recorded,
    input: Input,
    running_mean: Operand = None,
    running_var: Operand = None,
    weight: Operand = None,
    bias: Operand = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Reading:
    """`F.instance_norm`: a group for each channel, or batch normalization by running figures."""
    if use_input_stats:
        return Known(GroupNormalization(shape_of(input)[1], eps), (input, weight, bias))
    return Known(BatchNormalization(False, eps), (input, running_mean, running_var, weight, bias))
