"""Readers of activations and arithmetic; their parameters are those of torch's functions."""

from collections.abc import Callable
from typing import Any

from glasswork.glassbox.trace.recorder import Input, Recorded
from glasswork.glassbox.trace.torch_calls.known import Known, Operand, Reading, output_shape, plain, shape_of


def pointwise(name: str) -> Callable[..., Reading]:
    """A function of one tensor, number by number, without settings."""

    def read(entry: Recorded, input: Input, inplace: bool = False, out: Any = None) -> Reading:
        return Known(name, (input,))

    return read


def same(entry: Recorded, input: Input, *words: Any, **options: Any) -> Reading:
    """Calls that hand on the same numbers: `clone`, `contiguous`, `to`."""
    return Known("identity", (input,)) if output_shape(entry) == shape_of(input) else None


def two(name: str, swapped: bool = False, scaled: bool = False) -> Callable[..., Reading]:
    """A function of two tensors or numbers that broadcast; `swapped` for `__rsub__` and its like."""

    def read(entry: Recorded, input: Operand, other: Operand, *, alpha: float = 1, out: Any = None) -> Reading:
        pair = (other, input) if swapped else (input, other)
        return Known(name, pair, {"alpha": alpha} if scaled else {})

    return read


def divide(entry: Recorded, input: Operand, other: Operand, *, rounding_mode: str | None = None) -> Reading:
    """`torch.div`, but not with rounding."""
    return Known("divide", (input, other)) if rounding_mode is None else None


def power(entry: Recorded, input: Operand, exponent: Operand) -> Reading:
    """`torch.pow` with a number as exponent."""
    return Known("power", (input,), {"exponent": exponent}) if isinstance(exponent, (int, float)) else None


def square(entry: Recorded, input: Input) -> Reading:
    """`torch.square`."""
    return Known("power", (input,), {"exponent": 2})


def reciprocal_root(entry: Recorded, input: Input) -> Reading:
    """`torch.rsqrt`."""
    return Known("power", (input,), {"exponent": -0.5})


def leaky_relu(entry: Recorded, input: Input, negative_slope: float = 0.01, inplace: bool = False) -> Reading:
    """`F.leaky_relu`."""
    return Known("leaky_relu", (input,), {"slope": negative_slope})


def elu(entry: Recorded, input: Input, alpha: float = 1.0, inplace: bool = False) -> Reading:
    """`F.elu`."""
    return Known("elu", (input,), {"alpha": alpha})


def gelu(entry: Recorded, input: Input, approximate: str = "none") -> Reading:
    """`F.gelu`."""
    return Known("gelu", (input,), {"approximate": approximate})


def softplus(entry: Recorded, input: Input, beta: float = 1.0, threshold: float = 20.0) -> Reading:
    """`F.softplus`."""
    return Known("softplus", (input,), {"beta": beta, "threshold": threshold})


def relu6(entry: Recorded, input: Input, inplace: bool = False) -> Reading:
    """`F.relu6`, which is a clamp to [0, 6]."""
    return Known("clamp", (input,), {"minimum": 0.0, "maximum": 6.0})


def hardtanh(
    entry: Recorded, input: Input, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Reading:
    """`F.hardtanh`, which is a clamp."""
    return Known("clamp", (input,), {"minimum": min_val, "maximum": max_val})


def clamp(entry: Recorded, input: Input, min: Any = None, max: Any = None) -> Reading:
    """`torch.clamp` with numbers as bounds."""
    if isinstance(min, Input) or isinstance(max, Input):
        return None
    return Known("clamp", (input,), {"minimum": min, "maximum": max})


def softmax(name: str) -> Callable[..., Reading]:
    """`F.softmax` and `F.log_softmax` with the axis given."""

    def read(entry: Recorded, input: Input, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Reading:
        return None if dim is None else Known(name, (input,), {"dim": dim})

    return read


def reduced(name: str) -> Callable[..., Reading]:
    """`torch.sum` and `torch.mean`, over all axes or some."""

    def read(entry: Recorded, input: Input, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Reading:
        axes = tuple(dim) if isinstance(dim, (list, tuple)) else dim
        return Known(name, (input,), {"dim": axes or None if isinstance(axes, tuple) else axes, "keepdim": keepdim})

    return read


def norm(
    entry: Recorded, input: Input, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> Reading:
    """`torch.norm`, the Euclidean one."""
    euclidean = p in ("fro", 2, None)
    return Known("norm", (input,), {"dim": plain(dim), "keepdim": keepdim}) if euclidean else None


def einsum(entry: Recorded, equation: Any, *operands: Any) -> Reading:
    """`torch.einsum` with an equation in letters, none of them twice in one operand."""
    tensors = tuple(operands[0]) if len(operands) == 1 and isinstance(operands[0], (list, tuple)) else operands
    if not isinstance(equation, str) or "." in equation:
        return None
    words = equation.replace(" ", "").partition("->")[0].split(",")
    if any(len(set(word)) < len(word) for word in words):
        return None
    return Known("einsum", tensors, {"equation": equation})


def cross_entropy(
    entry: Recorded,
    input: Input,
    target: Input,
    weight: Operand = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Reading:
    """`F.cross_entropy`."""
    settings = {"reduction": reduction, "label_smoothing": label_smoothing, "ignore_index": ignore_index}
    return Known("cross_entropy", (input, target, weight), settings)


def negative_log_likelihood(
    entry: Recorded,
    input: Input,
    target: Input,
    weight: Operand = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
) -> Reading:
    """`F.nll_loss`."""
    settings = {"reduction": reduction, "ignore_index": ignore_index}
    return Known("negative_log_likelihood", (input, target, weight), settings)


def mean_squared_error(
    entry: Recorded, input: Input, target: Input, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Reading:
    """`F.mse_loss`."""
    return Known("squared_error", (input, target), {"reduction": reduction})


def binary_cross_entropy(
    entry: Recorded,
    input: Input,
    target: Input,
    weight: Operand = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    pos_weight: Operand = None,
) -> Reading:
    """`F.binary_cross_entropy_with_logits`."""
    settings = {"reduction": reduction}
    return None if pos_weight is not None else Known("binary_cross_entropy", (input, target, weight), settings)


def own_loss(name: str, reduction: str | None) -> Callable[..., Reading]:
    """A loss of the glass box, recorded as one operation; None: it has but one reduction."""

    def read(entry: Recorded, scores: Input, targets: Input) -> Reading:
        rest = (None,) if name == "binary_cross_entropy" else ()
        return Known(name, (scores, targets, *rest), {} if reduction is None else {"reduction": reduction})

    return read
