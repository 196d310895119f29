"""What any network of torch costs, counted while one input passes through it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode
from torch.utils.weak import WeakTensorKeyDictionary

from glasswork.errors import GlassworkError
from glasswork.glassbox.cost import receptive_field
from glasswork.glassbox.cost.count import BYTES, Count, Layer, describe_reach, formula, sum_layers, write_shape
from glasswork.glassbox.trace.recorder import NEW_TENSORS, module_paths, name_of

_MAKERS = NEW_TENSORS | {"randint_like"}
_ALWAYS_LISTED = frozenset(["flatten", "dropout", "dropout1d", "dropout2d", "dropout3d", "relu", "add", "mul"])
_WITHOUT_PRODUCTS = frozenset(
    ["embedding", "embedding_bag", "stack", "setitem", "expand", "index_select", "gather", "lerp", "copy"]
)
_MEETING = (
    "If paths of the network join, the receptive field is that of the path with the largest; a dash means that it "
    "is unknown, as after attention, recurrence or upsampling."
)

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


def count_network(network: nn.Module, inputs: Tensor | tuple[Tensor, ...], what: str = "") -> Count:
    """Counts a network by passing an input through it, as it would be used for prediction.

    Layers are the calls of torch's functions, in modules and between them; calls that only look at the same numbers in
    another shape are left out. Everything may be on the meta device, where it takes no memory and no arithmetic: build
    the network under `with torch.device("meta")`. The network is left as it was.

    Args:
        network: any module.
        inputs: what its `forward` takes: a batch of one, (1, channels, height, width) for images, of any values.
        what: a name for it; its class's by default.

    Raises:
        GlassworkError: where the network cannot take such an input; the sentence says which layer refused it. Also
            for one compiled to TorchScript, whose calls cannot be seen.
    """
    given = inputs if isinstance(inputs, tuple) else (inputs,)
    if any(isinstance(module, torch.jit.ScriptModule) for module in network.modules()):
        raise GlassworkError(
            "A network compiled to TorchScript cannot be inspected: count the module it was compiled from."
        )
    watch = _Watch(network, given)
    training = {module: module.training for module in network.modules()}
    network.eval()
    try:
        with ExitStack() as stack:
            stack.enter_context(torch.no_grad())
            stack.enter_context(torch.random.fork_rng(devices=[]))
            stack.enter_context(module_paths(network, watch.path))
            stack.enter_context(watch.products)
            stack.enter_context(watch)
            network(*watch.given)
    except (RuntimeError, ValueError, IndexError, TypeError, AssertionError) as error:
        raise _refusal(watch, error) from error
    finally:
        for module, was in training.items():
            module.training = was
    shape = tuple(given[0].shape)
    single = watch.single
    notes = [] if single else [f"Counted for the whole input of shape {write_shape(shape)}, not for one example of it."]
    notes += watch.notes
    layers = [*watch.layers, *watch.unused()]
    if not all(layer.sees_all or layer.receptive_field for layer in watch.layers):
        notes.append(_MEETING)
    if len(layers) > len(watch.layers):
        notes.append("Parameters that this input does not reach are listed last; they count among the parameters.")
    order = {2: "numbers", 3: "rows x columns", 4: "channels x height x width"}.get(len(shape), "as in the network")
    name = what or type(network).__name__
    return sum_layers(name, shape[1:] if single else shape, order if single else "as in the network", layers, notes)


def _refusal(watch: "_Watch", error: Exception) -> GlassworkError:
    shapes = " and ".join(write_shape(tensor.shape) for tensor in watch.given)
    path = f"layer {watch.path[-1]}" if watch.path and watch.path[-1] else "the network itself"
    reason = " ".join(str(error).splitlines()[:1]).strip().rstrip(".") or type(error).__name__
    return GlassworkError(f"The network cannot take an input of shape {shapes}: {path} says '{reason}'.")


class _Watch(TorchFunctionMode):
    """Turns calls into layers while it is entered.

    Attributes:
        given: the network's inputs, cut off from autograd.
        products: torch's own counter, for functions without a formula here.
        layers: so far.
        notes: sentences on what could not be counted.
        path: names of the modules that are being carried out.
        single: the inputs are a batch of one.
    """

    def __init__(self, network: nn.Module, given: tuple[Tensor, ...]) -> None:
        super().__init__()
        self.given = tuple(tensor.detach() for tensor in given)
        self.products = FlopCounterMode(display=False)
        self.layers: list[Layer] = []
        self.notes: list[str] = []
        self.path: list[str] = []
        self._network = network
        self.single = all(tensor.dim() > 1 and len(tensor) == 1 for tensor in given)
        self._modules = dict(network.named_modules())
        self._reach: Any = WeakTensorKeyDictionary()  # of tensors that depend on the inputs
        self._learned: Any = WeakTensorKeyDictionary()  # names of the parameters in tensors that depend on them alone
        self._counted: dict[str, str] = {}  # name of a parameter: the layer that it was counted in
        self._calls: Counter[str] = Counter()
        for name, parameter in network.named_parameters():
            self._learned[parameter] = (name,)
        for tensor in self.given:
            self._reach[tensor] = receptive_field.at_input(tensor.dim())

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Carries the call out; torch calls this for every function."""
        options = kwargs or {}
        before = self.products.get_total_flops()
        result = func(*args, **options)
        function = _plain_name(name_of(func))
        outputs = list(tensors_in(args[:1] if function == "setitem" else result))
        if outputs and function not in _MAKERS:
            self._note(function, args, options, outputs, (self.products.get_total_flops() - before) // 2)
        return result

    def _note(
        self, function: str, args: tuple[Any, ...], options: Mapping[str, Any], outputs: list[Tensor], products: int
    ) -> None:
        tensors = list(tensors_in((args, options)))
        sources = [tensor for tensor in tensors if tensor in self._reach]
        learned = [tensor for tensor in tensors if tensor in self._learned]
        names = tuple(dict.fromkeys(name for tensor in learned for name in self._learned[tensor]))
        if not sources:
            for output in outputs if names else ():
                self._learned[output] = names
            return
        given = _arguments_by_name(function, args, options)
        inputs = tuple((tuple(tensor.shape), self._reach[tensor]) for tensor in sources)
        held = {_storage(tensor) for tensor in tensors}
        new = {_storage(output): output.numel() for output in outputs if _storage(output) not in held}
        for output in outputs:
            self._reach[output] = receptive_field.after(
                receptive_field.Step(function, given, inputs, tuple(output.shape))
            )
            if not isinstance(output, nn.Parameter):
                self._learned.pop(output, None)
        if new or names or products or function in _ALWAYS_LISTED or self._writes_over(function, tensors, outputs):
            terms = _multiply_adds(function, given, tensors[0], learned, outputs[0])
            inside = f"{products:,} inside of {function}" if products else ""
            made, how = formula(terms) if terms else (products, inside)
            kind = _kind(function, given)
            if not made and function not in _WITHOUT_PRODUCTS | receptive_field.RULES.keys():
                self._admit(function, learned)
            self._add(function, kind, names, (made, how), outputs[0], BYTES * sum(new.values()))

    def _add(
        self, function: str, kind: str, names: tuple[str, ...], made: tuple[int, str], output: Tensor, memory: int
    ) -> None:
        name = self._name(function)
        parameters, how = self._parameters(names, name)
        shape = tuple(output.shape)
        shape = shape[1:] if self.single and shape[:1] == (1,) and len(shape) > 1 else shape
        field, jump, sees_all = describe_reach(self._reach[output])
        self.layers.append(Layer(name, kind, shape, parameters, how, *made, memory, field, jump, sees_all))

    def _writes_over(self, function: str, tensors: list[Tensor], outputs: list[Tensor]) -> bool:
        """Whether the call is that of a layer of torch that writes over its input: nn.Hardswish(inplace=True)."""
        return outputs[0] is tensors[0] and function not in ("contiguous", "to") and self._is_layer()

    def _admit(self, function: str, learned: list[Tensor]) -> None:
        """Says that multiply-adds may be missing."""
        note = f"'{function}' has weights, but no formula here: if it multiplies with them, that is not counted."
        if any(tensor.dim() > 1 for tensor in learned) and note not in self.notes:
            self.notes.append(note)

    def _is_layer(self) -> bool:
        """Whether the call is that of a layer of torch, such as nn.Conv2d, which has the name of its module."""
        module = self._modules[self.path[-1]] if self.path else self._network
        ready = type(module).__module__.startswith("torch.nn.modules")
        return ready and (isinstance(module, nn.MultiheadAttention) or next(module.children(), None) is None)

    def _name(self, function: str) -> str:
        path = self.path[-1] if self.path else ""
        name = path if self._is_layer() and path else f"{path} {function}".strip()
        self._calls[name] += 1
        return name if self._calls[name] == 1 else f"{name} ({self._calls[name]})"

    def _parameters(self, names: tuple[str, ...], layer: str) -> tuple[int, str]:
        """How many parameters a layer adds to those counted so far, and the formula."""
        fresh = [name for name in names if name not in self._counted]
        shared = dict.fromkeys(self._counted[name] for name in names if name in self._counted)
        for name in fresh:
            self._counted[name] = layer
        number, words = formula(_weight_terms([self._network.get_parameter(name) for name in fresh]))
        return number, "; ".join([*([words] if words else []), *(f"shared with {other}" for other in shared)])

    def unused(self) -> Iterator[Layer]:
        """The modules with parameters that no call worked with."""
        left: dict[str, list[Tensor]] = {}
        for name, parameter in self._network.named_parameters():
            if name not in self._counted:
                left.setdefault(name.rpartition(".")[0] or name, []).append(parameter)
        for name, parameters in left.items():
            number, words = formula(_weight_terms(parameters))
            yield Layer(name, "not reached by this input", (), number, words, 0, "", 0, None, None, False)


def _storage(tensor: Tensor) -> int:
    """What tells tensors apart that hold numbers of their own; views share it."""
    return tensor.untyped_storage()._cdata if tensor.layout == torch.strided else id(tensor)


def _plain_name(name: str) -> str:
    """`add` for `__add__`, `add_` and `__iadd__`: what is counted is the same."""
    bare = name.strip("_")
    return _IN_PLACE.get(bare, bare)


def _arguments_by_name(function: str, args: tuple[Any, ...], options: Mapping[str, Any]) -> dict[str, Any]:
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


def _kind(function: str, given: Mapping[str, Any]) -> str:
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
    words = [f"{'transposed ' if 'transpose' in function else ''}convolution {write_shape(sides)}"]
    for name, usual in (("stride", 1), ("padding", 0), ("dilation", 1)):
        value = given.get(name, usual)
        if _one_or_all(value) != str(usual):
            words.append(f"{name} {_one_or_all(value)}")
    groups = given.get("groups", 1)
    return ", ".join([*words, f"{groups} groups"] if groups > 1 else words)


def _one_or_all(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return str(value[0]) if len(set(value)) == 1 else write_shape(value)
    return str(value)


def _window(side: Any, directions: int) -> str:
    return write_shape(side) if isinstance(side, (tuple, list)) else write_shape((side,) * directions)


def _multiply_adds(
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


def _weight_terms(parameters: Sequence[Tensor]) -> Terms:
    """The factors of each parameter as the lecture writes them: sides of the filter, inputs, outputs."""
    terms = []
    for parameter in parameters:
        shape = tuple(parameter.shape)
        turned = (*shape[2:], shape[1], shape[0]) if len(shape) >= 2 else shape
        terms.append(tuple(size for size in turned if size != 1) or (1,) if shape[:1] in ((), (1,)) else turned)
    return tuple(terms)
