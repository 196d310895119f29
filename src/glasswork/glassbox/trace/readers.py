"""Readers of the calls whose operation does not follow from their signature alone."""

import inspect
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch.nn import functional

from glasswork.glassbox.trace.calls import (
    Known,
    Operand,
    Reader,
    Reading,
    constant,
    output_shape,
    plain,
    shape_of,
    sizes,
    tensor_of,
)
from glasswork.glassbox.trace.recorder import Input, Kept, Recorded
from glasswork.textbook.activations import Dropout, Identity
from glasswork.textbook.arithmetic import Comparison, Maximum, Minimum, Where
from glasswork.textbook.attention import MultiHeadAttention
from glasswork.textbook.losses import AbsoluteError, Huber, SquaredError
from glasswork.textbook.normalization import BatchNormalization, GroupNormalization, Normalize
from glasswork.textbook.operation import Operation
from glasswork.textbook.recurrent import Recurrence, RecurrentStep
from glasswork.textbook.reductions import Argmax, Argmin, Largest, Norm, Smallest, StandardDeviation, Variance
from glasswork.textbook.scores import Einsum
from glasswork.textbook.shapes import (
    Assign,
    Concatenate,
    Expand,
    Flip,
    OneHot,
    Pad,
    Permute,
    Repeat,
    Reshape,
    Roll,
    Select,
    Stack,
)


def same(entry: Recorded, input: Input, *words: Any, **options: Any) -> Reading:
    """Calls that hand on the same numbers: `clone`, `contiguous`, `to`."""
    made, given = tensor_of(entry.outputs[0]), tensor_of(input)
    keeps = made.is_floating_point() or made.is_complex() or not (given.is_floating_point() or given.is_complex())
    return Known(Identity(), (input,)) if keeps and made.shape == given.shape else None


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


def extreme(pair: Maximum | Minimum, along: type[Largest | Smallest], place: type[Argmax | Argmin]) -> Reader:
    """`torch.max` and `torch.min`: of two tensors, of all numbers, or along an axis, where the places come too."""

    def read(entry: Recorded, input: Input, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Reading:
        second = dim if isinstance(dim, Input) else other
        if second is not None:
            return Known(pair, (input, second))
        if dim is None:
            return Known(along(), (input,), without=("dim", "keepdim", "ties"))
        return [Known(along(dim, keepdim, "first"), (input,)), Known(place(dim, keepdim), (input,))]

    return read


def spread(operation: type[Variance | StandardDeviation]) -> Reader:
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


def error(operation: type[SquaredError | AbsoluteError]) -> Reader:
    """`F.mse_loss` and `F.l1_loss` without weights, and without the words that are no longer used."""

    def read(
        entry: Recorded,
        input: Input,
        target: Input,
        size_average: Any = None,
        reduce: Any = None,
        reduction: str = "mean",
        weight: Any = None,
    ) -> Reading:
        if any(word is not None for word in (size_average, reduce, weight)):
            return None
        return Known(operation(reduction), (input, target))

    return read


def smooth_l1(
    entry: Recorded,
    input: Input,
    target: Input,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Reading:
    """`F.smooth_l1_loss`: the Huber loss over beta."""
    if size_average is not None or reduce is not None or beta == 0:
        return None
    return Known(Huber(reduction, beta, divided=True), (input, target))


def huber(
    entry: Recorded, input: Input, target: Input, reduction: str = "mean", delta: float = 1.0, weight: Any = None
) -> Reading:
    """`F.huber_loss` without weights."""
    return Known(Huber(reduction, delta), (input, target)) if weight is None else None


def comparison(relation: str) -> Reader:
    """`torch.gt` and its like."""

    def read(entry: Recorded, input: Input, other: Operand) -> Reading:
        if isinstance(other, (int, float)) and tensor_of(input).is_floating_point():
            other = float(torch.tensor(other, dtype=tensor_of(input).dtype))  # torch rounds it to the tensor's type
        return Known(Comparison(relation), (input, other))

    return read


def where(entry: Recorded, *words: Any, condition: Any = None, input: Any = None, other: Any = None) -> Reading:
    """`torch.where(condition, x, y)` and `x.where(condition, y)`."""
    given = [*words, *(word for word in (condition, input, other) if word is not None)]
    if len(given) != 3:
        return None
    conditions = [place for place in (0, 1) if isinstance(given[place], Input) and _is_bool(given[place])]
    if len(conditions) != 1:  # of truth values: which of them is the condition cannot be told
        return None
    chosen = given.pop(conditions[0])
    return Known(Where(), (chosen, *given))


def triangle(lower: bool) -> Reader:
    """`torch.tril` and `torch.triu`: zero on one side of a diagonal."""

    def read(entry: Recorded, input: Input, diagonal: int = 0) -> Reading:
        ones = torch.ones(output_shape(entry)[-2:], dtype=torch.bool)
        kept = ones.tril(diagonal) if lower else ones.triu(diagonal)
        return Known(Where(), (constant(kept), input, 0.0))

    return read


def invert(entry: Recorded, input: Input) -> Reading:
    """`~mask`: whether a truth value is 0."""
    return Known(Comparison("=="), (_numbers(input), 0.0)) if _is_bool(input) else None


def both(operation: Operation) -> Reader:
    """`a & b` as the product and `a | b` as the maximum of truth values."""

    def read(entry: Recorded, input: Input, other: Input) -> Reading:
        return Known(operation, (_numbers(input), _numbers(other))) if _is_bool(input) and _is_bool(other) else None

    return read


def quantify(operation: type[Largest | Smallest]) -> Reader:
    """`torch.all` and `torch.any` as the smallest and the largest of truth values."""

    def read(entry: Recorded, input: Input, dim: Any = (), keepdim: bool = False) -> Reading:
        if not _is_bool(input):
            return None
        return Known(operation(plain(dim), keepdim), (_numbers(input),), without=("ties",))

    return read


def setitem(entry: Recorded, input: Input, index: Any, value: Operand) -> Reading:
    """`x[index] = value`."""
    # A view gets only that part of the error that flows through it, while the value gets what flows through the tensor
    # behind it too: of a view the value's error is not compared. A view is known by its old node, to which nothing is
    # sent any more; without a node, what came out of an operation may be a view.
    whole = bool(input.errors) if input.edge is not None else input.made_by is None
    if isinstance(value, Input) and not whole:
        value = Input(value.kept, value.made_by, value.name, None)
    return Known(Assign(index_of(index)), (input, value))


def _is_bool(operand: Any) -> bool:
    return isinstance(operand, Input) and tensor_of(operand).dtype == torch.bool


def _numbers(truth: Input) -> Input:
    """Truth values as the numbers 0 and 1, with which the textbook reckons."""
    return Input(Kept(tensor_of(truth).double()), truth.made_by, truth.name, None)


def reshape(entry: Recorded, input: Input, *words: Any, **options: Any) -> Reading:
    """Calls that keep the order of the numbers: `flatten`, `view`, `squeeze`."""
    return Known(Reshape(output_shape(entry)), (input,))


def transpose(entry: Recorded, input: Input, dim0: int, dim1: int) -> Reading:
    """`torch.transpose`."""
    order = list(range(len(shape_of(input))))
    order[dim0], order[dim1] = order[dim1], order[dim0]
    return Known(Permute(tuple(order)), (input,))


def permute(entry: Recorded, input: Input, *words: Any, dims: Any = ()) -> Reading:
    """`torch.permute`."""
    return Known(Permute(sizes(words or (dims,))), (input,))


def reverse_axes(entry: Recorded, input: Input, *words: Any) -> Reading:
    """`Tensor.T`: all axes in reverse."""
    count = len(shape_of(input))
    return Known(Permute(tuple(reversed(range(count)))), (input,))


def last_two(entry: Recorded, input: Input, *words: Any) -> Reading:
    """`Tensor.mT`."""
    return transpose(entry, input, -2, -1)


def getitem(entry: Recorded, input: Input, index: Any) -> Reading:
    """Indexing with whole numbers, slices and tensors."""
    return Known(Select(index_of(index)), (input,))


def index_of(index: Any) -> tuple[Any, ...]:
    """An index as the textbook takes it: a tuple, in which tensors stand for what was recorded of them."""
    places = index if isinstance(index, tuple) else (index,)
    return tuple(tensor_of(place) if isinstance(place, Input) else place for place in places)


def select_along(input: Input, dim: int, place: Any) -> Known:
    """One place or slice along one axis, and everything along the others."""
    count = len(shape_of(input))
    return Known(Select((*[slice(None)] * (dim % count), place)), (input,))


def select(entry: Recorded, input: Input, dim: int, index: int) -> Reading:
    """`torch.select`."""
    return select_along(input, dim, index)


def narrow(entry: Recorded, input: Input, dim: int, start: int, length: int) -> Reading:
    """`torch.narrow`."""
    return select_along(input, dim, slice(start, start + length))


def pieces(entry: Recorded, input: Input, split: Any = None, dim: int = 0, **options: Any) -> Reading:
    """`chunk` and `split`: pieces that follow each other, as long as the outputs are."""
    found, start = [], 0
    for place in range(len(entry.outputs)):
        length = output_shape(entry, place)[dim]
        found.append(select_along(input, dim, slice(start, start + length)))
        start += length
    return found


def unbind(entry: Recorded, input: Input, dim: int = 0) -> Reading:
    """`torch.unbind`."""
    return [select_along(input, dim, place) for place in range(len(entry.outputs))]


def expand(entry: Recorded, input: Input, *words: Any) -> Reading:
    """`Tensor.expand`."""
    return Known(Expand(output_shape(entry)), (input,))


def pad(
    entry: Recorded, input: Input, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Reading:
    """`F.pad`."""
    known = mode in {"constant", "reflect", "replicate"}
    return Known(Pad(tuple(pad), mode, value or 0.0), (input,)) if known else None


def join(operation: type[Concatenate | Stack]) -> Reader:
    """`torch.cat` and `torch.stack`."""

    def read(entry: Recorded, tensors: Sequence[Input], dim: int = 0) -> Reading:
        return Known(operation(dim), tuple(tensors))

    return read


def repeat(entry: Recorded, input: Input, *repeats: Any) -> Reading:
    """`Tensor.repeat`."""
    return Known(Repeat(sizes(repeats)), (input,))


def tile(entry: Recorded, input: Input, *words: Any, dims: Any = ()) -> Reading:
    """`torch.tile`, which repeats along the last axes where it is told less than there are."""
    times = sizes(words or (dims,))
    return Known(Repeat((1,) * (len(shape_of(input)) - len(times)) + times), (input,))


def flip(entry: Recorded, input: Input, *words: Any, dims: Any = ()) -> Reading:
    """`torch.flip`."""
    return Known(Flip(sizes(words or (dims,))), (input,))


def roll(entry: Recorded, input: Input, shifts: Any, dims: Any = ()) -> Reading:
    """`torch.roll`."""
    axes = () if dims is None else sizes((dims,))
    return Known(Roll(sizes((shifts,)), axes), (input,))


def one_hot(entry: Recorded, tensor: Input, num_classes: int = -1) -> Reading:
    """`F.one_hot` with a number of classes."""
    return Known(OneHot(num_classes), (tensor,)) if num_classes > 0 else None


def multi_head(entry: Recorded, *arguments: Any, **options: Any) -> Reading:
    """`F.multi_head_attention_forward` with one projection for query, key and value, and without dropout."""
    bound = inspect.signature(functional.multi_head_attention_forward).bind(*arguments, **options)
    bound.apply_defaults()
    given = bound.arguments
    if given["dropout_p"] and given["training"]:
        return None
    others = ("bias_k", "key_padding_mask", "add_zero_attn", "use_separate_proj_weight", "is_causal")
    if any(given[name] is not None and given[name] is not False for name in others):
        return None
    if given["in_proj_weight"] is None or len(shape_of(given["query"])) != 3 or not given["average_attn_weights"]:
        return None
    names = "query key value in_proj_weight in_proj_bias out_proj_weight out_proj_bias attn_mask"
    operation = MultiHeadAttention(given["num_heads"], bool(given["need_weights"]))
    return Known(operation, tuple(given[name] for name in names.split()))


def recurrent(operation: Recurrence) -> Reader:
    """`torch.lstm`, `torch.gru`, `torch.rnn_tanh`, `torch.rnn_relu` of sequences of one length."""

    def read(
        entry: Recorded,
        input: Input,
        hx: Any,
        flat_weights: Any,
        has_biases: bool,
        num_layers: int,
        dropout: float,
        train: bool,
        bidirectional: bool,
        batch_first: bool,
    ) -> Reading:
        if not isinstance(flat_weights, (list, tuple)) or (dropout and train and num_layers > 1):
            return None  # packed sequences, or masks that cannot be seen
        states = tuple(hx) if isinstance(hx, (list, tuple)) else (hx,)
        own = replace(
            operation,
            num_layers=num_layers,
            bidirectional=bidirectional,
            batch_first=batch_first,
            has_biases=has_biases,
        )
        return Known(own, (input, *states, *flat_weights))

    return read


def cell(operation: RecurrentStep) -> Reader:
    """`torch.lstm_cell` and its like."""

    def read(
        entry: Recorded, input: Input, hx: Any, w_ih: Input, w_hh: Input, b_ih: Any = None, b_hh: Any = None
    ) -> Reading:
        states = tuple(hx) if isinstance(hx, (list, tuple)) else (hx,)
        return Known(operation, (input, *states, w_ih, w_hh, b_ih, b_hh))

    return read
