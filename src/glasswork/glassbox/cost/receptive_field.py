"""How much of the input one number in a network can see: its receptive field, followed from operation to operation.

Sizes follow from left to right (Araujo, Norris and Sim, "Computing receptive fields of convolutional neural networks",
Distill 2019): a window of side k makes the field (k - 1) jumps greater, its stride s makes the jump s times greater.
Where paths meet, the greatest counts. What lies in the zero-padding counts as seen, so a field may exceed the input.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Reach:
    """What one number of a tensor sees of the input.

    Attributes:
        size: side of the field in pixels of the input, in each direction (height, width); empty for inputs without.
        jump: pixels of the input from the field of one number to that of its neighbour, in each direction.
        axes: which dimensions of the tensor run in these directions; empty once it is flattened.
        whole: it depends on all of the input; the other fields are empty then.
    """

    size: tuple[int, ...] = ()
    jump: tuple[int, ...] = ()
    axes: tuple[int, ...] = ()
    whole: bool = False


WHOLE = Reach(whole=True)


@dataclass(frozen=True)
class Step:
    """One operation on the way of the data.

    Attributes:
        function: its plain name, such as `conv2d` or `add`.
        given: its arguments by name, as far as a rule needs them.
        inputs: shape and reach of each tensor that depends on the network's input; no reach where it is unknown.
        output: shape of what came out.
    """

    function: str
    given: Mapping[str, Any]
    inputs: tuple[tuple[Shape, Reach | None], ...]
    output: Shape


def at_input(rank: int) -> Reach:
    """Each pixel of a tensor (batch, channels, ...) sees itself; a tensor of `rank` 2 or less has no pixels."""
    directions = max(rank - 2, 0)
    return Reach((1,) * directions, (1,) * directions, tuple(range(2, rank)))


def through_window(reach: Reach, sides: Sequence[int], strides: Sequence[int], dilations: Sequence[int]) -> Reach:
    """The reach after a convolution or pooling whose windows have these sides."""
    if reach.whole:
        return WHOLE
    grown = zip(reach.size, reach.jump, sides, dilations, strict=True)
    size = tuple(size + (side - 1) * dilation * jump for size, jump, side, dilation in grown)
    return Reach(size, tuple(jump * stride for jump, stride in zip(reach.jump, strides, strict=True)), reach.axes)


def after(step: Step) -> Reach | None:
    """What one number of the output sees; None where that is not known."""
    reaches = [reach for _, reach in step.inputs]
    if any(reach is not None and reach.whole for reach in reaches):
        return WHOLE
    rule = RULES.get(step.function)
    if rule is None or not reaches or any(reach is None for reach in reaches):
        return None
    return rule(step)


def _first(step: Step) -> tuple[Shape, Reach]:
    shape, reach = step.inputs[0]
    assert reach is not None
    return shape, reach


def _joined(step: Step) -> Reach | None:
    """Where tensors of one layout meet number by number: the greatest field."""
    reaches = [reach for _, reach in step.inputs if reach is not None]
    if len({(reach.axes, reach.jump) for reach in reaches}) > 1:
        return None
    sizes = zip(*(reach.size for reach in reaches), strict=True)
    return Reach(tuple(max(size) for size in sizes), reaches[0].jump, reaches[0].axes)


def _pointwise(step: Step) -> Reach | None:
    same_rank = all(len(shape) == len(step.output) for shape, _ in step.inputs)
    return _joined(step) if same_rank else None


def _window(step: Step) -> Reach | None:
    _, reach = _first(step)
    directions = int(step.function.removesuffix("_with_indices")[-2])
    if len(reach.axes) != directions:
        return None
    if step.function.startswith("conv"):
        sides: Sequence[int] = step.given["weight"].shape[2:]
        strides = _each(step.given.get("stride", 1), directions)
    else:
        sides = _each(step.given["kernel_size"], directions)
        strides = _each(step.given.get("stride") or sides, directions)
    return through_window(reach, sides, strides, _each(step.given.get("dilation", 1), directions))


def _each(value: Any, directions: int) -> tuple[int, ...]:
    """One number for every direction."""
    if isinstance(value, int):
        return (value,) * directions
    return tuple(value) * directions if len(value) == 1 else tuple(value)


def _adaptive(step: Step) -> Reach | None:
    shape, reach = _first(step)
    if not reach.axes or len(step.output) != len(shape):
        return None
    before, now = [shape[axis] for axis in reach.axes], [step.output[axis] for axis in reach.axes]
    if before == now:
        return reach
    if set(now) == {1}:
        return WHOLE
    if any(many % few for many, few in zip(before, now, strict=True)):
        return None
    sides = [many // few for many, few in zip(before, now, strict=True)]
    return through_window(reach, sides, sides, [1] * len(sides))


def _scores(step: Step) -> Reach | None:
    """A fully connected layer sees all of a flattened tensor, and one pixel where it runs over channels, the last."""
    shape, reach = _first(step)
    if not reach.axes:
        return WHOLE
    return None if len(shape) - 1 in reach.axes else reach


def _over_one_dimension(step: Step) -> Reach | None:
    """Softmax and the like."""
    shape, reach = _first(step)
    dimension = step.given.get("dim")
    if not reach.axes:
        return WHOLE
    return None if dimension is None or dimension % len(shape) in reach.axes else reach


def _over_last_dimensions(step: Step) -> Reach | None:
    """Layer normalisation."""
    shape, reach = _first(step)
    taken = len(shape) - len(step.given["normalized_shape"])
    inside = [axis >= taken for axis in reach.axes]
    if all(inside):
        return WHOLE
    return None if any(inside) else reach


def _over_maps(step: Step) -> Reach | None:
    """Group and instance normalisation: the mean and the variance are those of whole maps."""
    return WHOLE


def _reduced(step: Step) -> Reach | None:
    shape, reach = _first(step)
    dimensions = step.given.get("dim")
    if dimensions is None or not reach.axes:
        return WHOLE
    taken = {one % len(shape) for one in ([dimensions] if isinstance(dimensions, int) else dimensions)}
    if taken >= set(reach.axes):
        return WHOLE
    return reach if not taken & set(reach.axes) and len(step.output) == len(shape) else None


def _concatenated(step: Step) -> Reach | None:
    found = _joined(step)
    dimension = step.given.get("dim", 0) % len(step.output)
    return None if found is None or dimension in found.axes else found


def _piece(step: Step) -> Reach | None:
    shape, reach = _first(step)
    return None if step.given.get("dim", 0) % len(shape) in reach.axes else reach


def _indexed(step: Step) -> Reach | None:
    """Slices of other dimensions than those of the pixels."""
    _, reach = _first(step)
    index = step.given["index"]
    parts = index if isinstance(index, tuple) else (index,)
    if not all(isinstance(part, slice) for part in parts):
        return None
    return None if any(axis < len(parts) and parts[axis] != slice(None) for axis in reach.axes) else reach


def _permuted(step: Step) -> Reach | None:
    shape, reach = _first(step)
    order = [dimension % len(shape) for dimension in step.given["dims"]]
    return Reach(reach.size, reach.jump, tuple(order.index(axis) for axis in reach.axes))


def _transposed(step: Step) -> Reach | None:
    shape, reach = _first(step)
    one, other = step.given["dim0"] % len(shape), step.given["dim1"] % len(shape)
    turned = {one: other, other: one}
    return Reach(reach.size, reach.jump, tuple(turned.get(axis, axis) for axis in reach.axes))


def _reshaped(step: Step) -> Reach | None:
    """Kept where the dimensions of the pixels stay the last ones; flattened where one row an example is left."""
    shape, reach = _first(step)
    if shape == step.output:
        return reach
    count = len(reach.axes)
    last = tuple(range(len(shape) - count, len(shape)))
    if count and reach.axes == last and step.output[len(step.output) - count :] == shape[len(shape) - count :]:
        return Reach(reach.size, reach.jump, tuple(range(len(step.output) - count, len(step.output))))
    if len(step.output) == 2 and step.output[0] == shape[0] and math.prod(step.output) == math.prod(shape):
        return Reach(reach.size, reach.jump)
    return None


_BY_NUMBER = (
    "relu relu6 elu selu celu leaky_relu prelu rrelu gelu silu mish hardswish hardsigmoid hardtanh softplus softsign "
    "sigmoid logsigmoid tanh threshold dropout dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout "
    "batch_norm local_response_norm clone contiguous to float double half bfloat16 type detach data positive pad "
    "abs neg exp log sqrt rsqrt square pow clamp sign add sub mul div radd rsub rmul maximum minimum where"
)
_WINDOWS = "conv max_pool avg_pool lp_pool"
_GROUPS: tuple[tuple[str, Callable[[Step], Reach | None]], ...] = (
    (_BY_NUMBER, _pointwise),
    (" ".join(f"{name}{n}d" for name in _WINDOWS.split() for n in (1, 2, 3)), _window),
    (" ".join(f"max_pool{n}d_with_indices" for n in (1, 2, 3)), _window),
    (" ".join(f"adaptive_{kind}_pool{n}d" for kind in ("avg", "max") for n in (1, 2, 3)), _adaptive),
    ("linear", _scores),
    ("softmax log_softmax softmin", _over_one_dimension),
    ("layer_norm rms_norm", _over_last_dimensions),
    ("group_norm instance_norm", _over_maps),
    ("mean sum amax amin", _reduced),
    ("cat concat concatenate", _concatenated),
    ("chunk split tensor_split", _piece),
    ("getitem", _indexed),
    ("permute", _permuted),
    ("transpose swapaxes", _transposed),
    ("view reshape flatten unflatten squeeze unsqueeze", _reshaped),
)
RULES: dict[str, Callable[[Step], Reach | None]] = {name: rule for names, rule in _GROUPS for name in names.split()}
"""How the field grows, by the plain name of torch's function; of any other function nothing is known."""
