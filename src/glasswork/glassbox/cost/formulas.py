"""What one call of a function of torch costs and is called, from its arguments: for `count_network`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor

from glasswork.glassbox.cost.architecture import written

Terms = tuple[tuple[int, ...], ...]
"""A sum of products, each by its factors."""

_CONVOLUTION = "input weight bias stride padding dilation groups"
_TRANSPOSED = "input weight bias stride padding output_padding groups dilation"
_MAXIMUM = "input kernel_size stride padding dilation ceil_mode return_indices"
_AVERAGE = "input kernel_size stride padding ceil_mode count_include_pad divisor_override"
_CELL = "input hx w_ih w_hh b_ih b_hh"
_SIGNATURES = {
    **{f"conv{n}d": _CONVOLUTION for n in (1, 2, 3)},
    **{f"conv_transpose{n}d": _TRANSPOSED for n in (1, 2, 3)},
    **{f"max_pool{n}d{end}": _MAXIMUM for n in (1, 2, 3) for end in ("", "_with_indices")},
    **{f"avg_pool{n}d": _AVERAGE for n in (1, 2, 3)},
    **{f"lp_pool{n}d": "input norm_type kernel_size stride ceil_mode" for n in (1, 2, 3)},
    **dict.fromkeys(("rnn_tanh_cell", "rnn_relu_cell", "gru_cell", "lstm_cell"), _CELL),
    **dict.fromkeys(("mean", "sum", "amax", "amin", "softmax", "log_softmax", "softmin"), "input dim"),
    **dict.fromkeys(("cat", "concat", "concatenate"), "tensors dim"),
    **dict.fromkeys(("chunk", "split", "tensor_split"), "input pieces dim"),
    **dict.fromkeys(("transpose", "swapaxes"), "input dim0 dim1"),
    **dict.fromkeys(("matmul", "mm", "bmm"), "input other"),
    "rmatmul": "other input",
    "linear": "input weight bias",
    "bilinear": "input1 input2 weight bias",
    "layer_norm": "input normalized_shape",
    "rms_norm": "input normalized_shape",
    "getitem": "input index",
    "permute": "input dims",
    "scaled_dot_product_attention": "query key value",
    "multi_head_attention_forward": "query key value",
}
_KINDS = {
    "linear": "fully connected",
    "bilinear": "bilinear form",
    "batch_norm": "batch normalisation",
    "layer_norm": "layer normalisation",
    "group_norm": "group normalisation",
    "local_response_norm": "local response normalisation",
    "multi_head_attention_forward": "multi-head attention",
    "scaled_dot_product_attention": "attention",
    "rnn_tanh": "vanilla RNN",
    "rnn_relu": "vanilla RNN, relu",
    "gru": "GRU",
    "lstm": "LSTM",
    "rnn_tanh_cell": "vanilla RNN, one step",
    "rnn_relu_cell": "vanilla RNN, one step, relu",
    "gru_cell": "GRU, one step",
    "lstm_cell": "LSTM, one step",
    **dict.fromkeys(("matmul", "rmatmul", "mm", "bmm", "addmm", "baddbmm"), "matrix product"),
    **dict.fromkeys(("cat", "concat", "concatenate"), "concatenation"),
    **{f"adaptive_avg_pool{n}d": "average pooling to a given size" for n in (1, 2, 3)},
    **{f"adaptive_max_pool{n}d": "maximum pooling to a given size" for n in (1, 2, 3)},
}
_RECURRENT = frozenset(
    ["rnn_tanh", "rnn_relu", "gru", "lstm", "rnn_tanh_cell", "rnn_relu_cell", "gru_cell", "lstm_cell"]
)
_IN_PLACE = {"iadd": "add", "isub": "sub", "imul": "mul", "itruediv": "div", "truediv": "div", "ipow": "pow"}


def plain(name: str) -> str:
    """`add` for `__add__`, `add_` and `__iadd__`: what is counted is the same."""
    bare = name.strip("_")
    return _IN_PLACE.get(bare, bare)


def by_name(function: str, args: tuple[Any, ...], options: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call by name, as far as they are of use here."""
    if function == "permute" and len(args) > 2:
        args = (args[0], args[1:])
    names = _SIGNATURES.get(function, "").split()
    # Functions and methods of the same name call their tensor `input` and `self`, their pieces what they are.
    renamed = {"split_size_or_sections": "pieces", "chunks": "pieces", "axis": "dim"}
    return dict(zip(names, args, strict=False)) | {renamed.get(name, name): value for name, value in options.items()}


def tensors_in(value: Any) -> Iterator[Tensor]:
    """Every tensor in nested arguments or results."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from tensors_in(item)
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from tensors_in(item)


def kind(function: str, given: Mapping[str, Any]) -> str:
    """What a call does, in the words of the lectures; the function's own name where they have none."""
    if function.startswith("conv") and "weight" in given:
        return _convolution_kind(function, given)
    if "_pool" in function and "kernel_size" in given:
        sort = {"m": "maximum", "a": "average"}.get(function[0], "power")
        side, stride = given["kernel_size"], given.get("stride")
        step = f", stride {_one_or_all(stride)}" if stride else ""
        return f"{sort} pooling {_window(side, int(function.removesuffix('_with_indices')[-2]))}{step}"
    return _KINDS.get(function, function.replace("_", " "))


def _convolution_kind(function: str, given: Mapping[str, Any]) -> str:
    sides = tuple(given["weight"].shape[2:])
    words = [f"{'transposed ' if 'transpose' in function else ''}convolution {written(sides)}"]
    for name, usual in (("stride", 1), ("padding", 0), ("dilation", 1)):
        value = given.get(name, usual)
        if _one_or_all(value) != str(usual):
            words.append(f"{name} {_one_or_all(value)}")
    groups = given.get("groups", 1)
    return ", ".join([*words, f"{groups} groups"] if groups > 1 else words)


def _one_or_all(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return str(value[0]) if len(set(value)) == 1 else written(value)
    return str(value)


def _window(side: Any, directions: int) -> str:
    return written(side) if isinstance(side, (tuple, list)) else written((side,) * directions)


def multiply_adds(
    function: str, given: Mapping[str, Any], data: Tensor, learned: Sequence[Tensor], output: Tensor
) -> Terms | None:
    """The multiply-adds of a call as a sum of products; None where no formula is written here.

    Args:
        function: its plain name.
        given: its arguments by name.
        data: the first tensor that it is given.
        learned: the weights among its tensors.
        output: the first tensor that comes out.
    """
    if function.startswith("conv_transpose"):
        shape, weight = given["input"].shape, given["weight"].shape
        batch = () if len(shape) < len(weight) else tuple(shape[:1])
        return (_trimmed((*batch, *shape[len(batch) + 1 :], *weight[2:], weight[0], weight[1])),)
    if function.startswith("conv") and "weight" in given:
        return (_trimmed((*output.shape, *given["weight"].shape[2:], given["weight"].shape[1])),)
    if function == "linear":
        return (_trimmed((*output.shape[:-1], given["weight"].shape[-1], output.shape[-1])),)
    if function == "bilinear":
        return (_trimmed((*output.shape, *given["weight"].shape[1:])),)
    if function in ("matmul", "rmatmul", "mm", "bmm"):
        return (_trimmed((*output.shape, given["input"].shape[-1])),)
    if function in _RECURRENT:
        steps = tuple(data.shape[:-1])
        return tuple(_trimmed((*steps, *weight.shape)) for weight in learned if weight.dim() == 2)
    if function in ("scaled_dot_product_attention", "multi_head_attention_forward"):
        return _attention(function, given)
    return None


def _attention(function: str, given: Mapping[str, Any]) -> Terms:
    query, key, value = (given[name].shape for name in ("query", "key", "value"))
    if function == "scaled_dot_product_attention":
        return (_trimmed((*query[:-1], key[-2], query[-1])), _trimmed((*query[:-1], key[-2], value[-1])))
    width = query[-1]
    projections = tuple(_trimmed((*shape, width)) for shape in (query, key, value))
    length = key[0]
    scores = _trimmed((*query[:-1], length, width))
    return (*projections, scores, scores, _trimmed((*query, width)))


def _trimmed(factors: Sequence[int]) -> tuple[int, ...]:
    """Without the ones in front, such as that of a batch of one; one alone stays."""
    first = next((place for place, factor in enumerate(factors) if factor != 1), len(factors) - 1)
    return tuple(map(int, factors[max(first, 0) :])) or (1,)


def weights(parameters: Sequence[Tensor]) -> Terms:
    """The factors of each parameter as the lecture writes them: sides of the filter, inputs, outputs."""
    terms = []
    for parameter in parameters:
        shape = tuple(parameter.shape)
        turned = (*shape[2:], shape[1], shape[0]) if len(shape) >= 2 else shape
        terms.append(tuple(size for size in turned if size != 1) or (1,) if shape[:1] in ((), (1,)) else turned)
    return tuple(terms)
