"""What any network of torch costs, counted while one input passes through it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode
from torch.utils.weak import WeakTensorKeyDictionary

from glasswork.errors import GlassworkError
from glasswork.glassbox.cost import formulas, receptive_field
from glasswork.glassbox.cost.architecture import written
from glasswork.glassbox.cost.count import BYTES, Count, Layer, formula, seen, summed
from glasswork.glassbox.cost.formulas import tensors_in
from glasswork.glassbox.trace.recorder import module_paths, name_of

_MAKERS = frozenset(
    [
        "zeros_like",
        "ones_like",
        "empty_like",
        "full_like",
        "rand_like",
        "randn_like",
        "randint_like",
        "new_zeros",
        "new_ones",
        "new_empty",
        "new_full",
        "new_tensor",
    ]
)
_ALWAYS_LISTED = frozenset(["flatten", "dropout", "dropout1d", "dropout2d", "dropout3d", "relu", "add", "mul"])
_WITHOUT_PRODUCTS = frozenset(
    ["embedding", "embedding_bag", "stack", "setitem", "expand", "index_select", "gather", "lerp", "copy"]
)
_MEETING = (
    "Where paths of the network meet, the receptive field is that of the path that sees most; a dash where it cannot "
    "be told, as after attention, recurrence or upsampling."
)


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
            "A network compiled to TorchScript cannot be looked into: count the module that it was compiled from."
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
    notes = [] if single else [f"Counted for the whole input of shape {written(shape)}, not for one example of it."]
    notes += watch.notes
    layers = [*watch.layers, *watch.unused()]
    if not all(layer.sees_all or layer.receptive_field for layer in watch.layers):
        notes.append(_MEETING)
    if len(layers) > len(watch.layers):
        notes.append("Parameters that this input does not reach are listed last; they count among the parameters.")
    order = {2: "numbers", 3: "rows x columns", 4: "channels x height x width"}.get(len(shape), "as in the network")
    name = what or type(network).__name__
    return summed(name, shape[1:] if single else shape, order if single else "as in the network", layers, notes)


def _refusal(watch: "_Watch", error: Exception) -> GlassworkError:
    shapes = " and ".join(written(tensor.shape) for tensor in watch.given)
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
        function = formulas.plain(name_of(func))
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
        given = formulas.by_name(function, args, options)
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
            terms = formulas.multiply_adds(function, given, tensors[0], learned, outputs[0])
            inside = f"{products:,} inside of {function}" if products else ""
            made, how = formula(terms) if terms else (products, inside)
            kind = formulas.kind(function, given)
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
        field, jump, sees_all = seen(self._reach[output])
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
        number, words = formula(formulas.weights([self._network.get_parameter(name) for name in fresh]))
        return number, "; ".join([*([words] if words else []), *(f"shared with {other}" for other in shared)])

    def unused(self) -> Iterator[Layer]:
        """The modules with parameters that no call worked with."""
        left: dict[str, list[Tensor]] = {}
        for name, parameter in self._network.named_parameters():
            if name not in self._counted:
                left.setdefault(name.rpartition(".")[0] or name, []).append(parameter)
        for name, parameters in left.items():
            number, words = formula(formulas.weights(parameters))
            yield Layer(name, "not reached by this input", (), number, words, 0, "", 0, None, None, False)


def _storage(tensor: Tensor) -> int:
    """What tells tensors apart that hold numbers of their own; views share it."""
    return tensor.untyped_storage()._cdata if tensor.layout == torch.strided else id(tensor)
