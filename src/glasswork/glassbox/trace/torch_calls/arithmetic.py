"""Readers of activations and arithmetic; their parameters are those of torch's functions."""

from collections.abc import Callable
from typing import Any

from glasswork.glassbox.trace.recorder import Input, Recorded
from glasswork.glassbox.trace.torch_calls.known import Known, Operand, Reading, output_shape, plain, shape_of
from glasswork.textbook.activations import ELU, GELU, Identity, LeakyReLU, Softplus
from glasswork.textbook.arithmetic import Add, Divide, Subtract
from glasswork.textbook.cross_entropy import BinaryCrossEntropy, CrossEntropy, NegativeLogLikelihood
from glasswork.textbook.functions import Clamp, Power
from glasswork.textbook.losses import SquaredError
from glasswork.textbook.operation import Operation, Pointwise
from glasswork.textbook.reductions import Norm, Reduction
from glasswork.textbook.scores import Einsum, LogSoftmax, Softmax


def pointwise(operation: Pointwise) -> Callable[..., Reading]:
    """A function of one tensor, number by number."""

    def read(entry: Recorded, input: Input, inplace: bool = False, out: Any = None) -> Reading:
        return Known(operation, (input,))

    return read


def same(entry: Recorded, input: Input, *words: Any, **options: Any) -> Reading:
    """Calls that hand on the same numbers: `clone`, `contiguous`, `to`."""
    return Known(Identity(), (input,)) if output_shape(entry) == shape_of(input) else None


def two(operation: Operation, swapped: bool = False) -> Callable[..., Reading]:
    """A function of two tensors or numbers; `swapped` for `__rmul__` and its like."""

    def read(entry: Recorded, input: Operand, other: Operand, *, alpha: float = 1, out: Any = None) -> Reading:
        return Known(operation, (other, input) if swapped else (input, other))

    return read


def scaled(operation: type[Add | Subtract], swapped: bool = False) -> Callable[..., Reading]:
    """`torch.add` and `torch.sub` with their factor; `swapped` for `__radd__` and `__rsub__`, which have none."""

    def read(entry: Recorded, input: Operand, other: Operand, *, alpha: float = 1, out: Any = None) -> Reading:
        if swapped:
            return Known(operation(), (other, input), without=("alpha",))
        return Known(operation(alpha), (input, other))

    return read


def divide(entry: Recorded, input: Operand, other: Operand, *, rounding_mode: str | None = None) -> Reading:
    """`torch.div`, but not with rounding."""
    return Known(Divide(), (input, other)) if rounding_mode is None else None


def power(entry: Recorded, input: Operand, exponent: Operand) -> Reading:
    """`torch.pow` with a number as exponent."""
    return Known(Power(exponent), (input,)) if isinstance(exponent, (int, float)) else None


def square(entry: Recorded, input: Input) -> Reading:
    """`torch.square`."""
    return Known(Power(2), (input,))


def reciprocal_root(entry: Recorded, input: Input) -> Reading:
    """`torch.rsqrt`."""
    return Known(Power(-0.5), (input,))


def leaky_relu(entry: Recorded, input: Input, negative_slope: float = 0.01, inplace: bool = False) -> Reading:
    """`F.leaky_relu`."""
    return Known(LeakyReLU(negative_slope), (input,))


def elu(entry: Recorded, input: Input, alpha: float = 1.0, inplace: bool = False) -> Reading:
    """`F.elu`."""
    return Known(ELU(alpha), (input,))


def gelu(entry: Recorded, input: Input, approximate: str = "none") -> Reading:
    """`F.gelu`."""
    return Known(GELU(approximate), (input,))


def softplus(entry: Recorded, input: Input, beta: float = 1.0, threshold: float = 20.0) -> Reading:
    """`F.softplus`."""
    return Known(Softplus(beta, threshold), (input,))


def hardtanh(
    entry: Recorded, input: Input, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Reading:
    """`F.hardtanh`, which is a clamp."""
    return Known(Clamp(min_val, max_val), (input,))


def clamp(entry: Recorded, input: Input, min: Any = None, max: Any = None) -> Reading:
    """`torch.clamp` with numbers as bounds."""
    if isinstance(min, Input) or isinstance(max, Input):
        return None
    return Known(Clamp(min, max), (input,))


def softmax(operation: type[Softmax | LogSoftmax]) -> Callable[..., Reading]:
    """`F.softmax` and `F.log_softmax` with the axis given."""

    def read(entry: Recorded, input: Input, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Reading:
        return None if dim is None else Known(operation(dim), (input,))

    return read


def reduced(operation: type[Reduction]) -> Callable[..., Reading]:
    """`torch.sum` and `torch.mean`, over all axes or some."""

    def read(entry: Recorded, input: Input, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Reading:
        axes = (tuple(dim) or None) if isinstance(dim, (list, tuple)) else dim
        return Known(operation(axes, keepdim), (input,))

    return read


def norm(
    entry: Recorded, input: Input, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> Reading:
    """`torch.norm`, the Euclidean one."""
    return Known(Norm(plain(dim), keepdim), (input,)) if p in ("fro", 2, None) else None


def einsum(entry: Recorded, equation: Any, *operands: Any) -> Reading:
    """`torch.einsum` with an equation in letters, none of them twice in one operand."""
    tensors = tuple(operands[0]) if len(operands) == 1 and isinstance(operands[0], (list, tuple)) else operands
    if not isinstance(equation, str) or "." in equation:
        return None
    words = equation.replace(" ", "").partition("->")[0].split(",")
    if any(len(set(word)) < len(word) for word in words):
        return None
    return Known(Einsum(equation), tensors)


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
    return Known(CrossEntropy(reduction, label_smoothing, ignore_index), (input, target, weight))


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
    return Known(NegativeLogLikelihood(reduction, ignore_index), (input, target, weight))


def mean_squared_error(
    entry: Recorded, input: Input, target: Input, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Reading:
    """`F.mse_loss`."""
    return Known(SquaredError(reduction), (input, target))


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
    return None if pos_weight is not None else Known(BinaryCrossEntropy(reduction), (input, target, weight))


def own_loss(operation: Operation) -> Callable[..., Reading]:
    """A loss of the glass box, recorded as one operation; without weights, if it could have some."""

    def read(entry: Recorded, scores: Input, targets: Input) -> Reading:
        return Known(operation, (scores, targets, *[None] * (len(operation.inputs) - 2)))

    return read
