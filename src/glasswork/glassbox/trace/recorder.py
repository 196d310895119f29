"""Records what a network does: every operation with its inputs, outputs and the errors flowing back.

Operations are recorded by a `TorchFunctionMode`, which sees `lstm`, `conv2d`, `einsum` and in-place calls as the
user's code makes them. Errors are caught at the autograd nodes that were made during a call. Nothing here copies or
restrides a tensor that the network works with: it keeps a reference, or a copy made before something writes
over it.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node, get_gradient_edge
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

from glasswork.glassbox.tensor_summary import Values

Edge = tuple[Node, int]
"""Where the error of a tensor is sent: an autograd node and which of its outputs."""

NEW_TENSORS = frozenset(
    [
        "zeros_like",
        "ones_like",
        "empty_like",
        "full_like",
        "rand_like",
        "randn_like",
        "new_zeros",
        "new_ones",
        "new_empty",
        "new_full",
        "new_tensor",
    ]
)
"""Calls that make a tensor of their own after the pattern of another."""
MAKERS = NEW_TENSORS | {"requires_grad_", "detach", "is_floating_point", "size"}
WRITING_CALLS = frozenset(["__setitem__", "__iadd__", "__isub__", "__imul__", "__itruediv__", "__ipow__"])
WRITING_FLAG_AT = {"relu": 1, "relu6": 1, "hardswish": 1, "hardsigmoid": 1, "silu": 1, "mish": 1, "leaky_relu": 2}
WRITING_FLAG_AT |= {"elu": 2, "celu": 2, "hardtanh": 3, "dropout": 3, "dropout2d": 3, "threshold": 3, "selu": 1}


class Kept:
    """A tensor as it was when it was seen: a reference, or a copy from before it was written over.

    Attributes:
        summary: its numbers in words, once they have been computed.
    """

    def __init__(self, tensor: Tensor) -> None:
        self.summary: Values | None = None
        self._tensor = tensor.detach()
        self._version = tensor._version

    def set_aside(self) -> None:
        """Makes a copy, as the tensor is about to be written over."""
        if self._version == self._tensor._version:
            self._tensor = self._tensor.clone()
            self._version = self._tensor._version

    @property
    def tensor(self) -> Tensor | None:
        """The tensor; None if it was overwritten unseen."""
        return self._tensor if self._version == self._tensor._version else None


@dataclass
class Input:
    """A tensor that went into an operation.

    Attributes:
        kept: its values.
        made_by: number of the operation that it came out of; None for weights, the network's input and constants.
        name: of the weight or buffer; `input` for what the network was given; empty otherwise.
        edge: where its error is sent; None where it needs none.
        errors: what the operation's autograd nodes sent there.
    """

    kept: Kept
    made_by: int | None
    name: str
    edge: Edge | None
    errors: list[Tensor] = field(default_factory=list)


@dataclass
class Output:
    """A tensor that came out of an operation, and the error dE/d(output) that flowed back into it."""

    kept: Kept
    error: Tensor | None = None


@dataclass(frozen=True)
class Part:
    """One of the kernels that an operation is made of: its name and the shapes and strides of what it was given."""

    name: str
    shapes: tuple[tuple[int, ...], ...]
    strides: tuple[tuple[int, ...], ...]


@dataclass
class Recorded:
    """One call.

    Attributes:
        name: of the function, as torch names it.
        module: path of the module that made it, such as `layer1.0.conv1`; empty for the network itself.
        arguments, options: as given, with the tensors replaced by `Input`.
        inputs: all tensors among them, in order.
        outputs: the tensors that came out.
        parts: filled where they were asked for.
        not_compared: why the errors of this call tell nothing, in a sentence; empty where they do.
    """

    number: int
    name: str
    module: str
    arguments: tuple[Any, ...]
    options: Mapping[str, Any]
    inputs: list[Input]
    outputs: list[Output]
    parts: list[Part]
    not_compared: str = ""


class Recorder(TorchFunctionMode):
    """Records every operation that is carried out while it is entered.

    Attributes:
        operations: in the order of the calls.
        path: names of the modules that are being carried out, the innermost last.
    """

    def __init__(self, network: nn.Module, inputs: Mapping[int, str], parts: bool) -> None:
        super().__init__()
        self.operations: list[Recorded] = []
        self.path: list[str] = []
        self._names = {id(tensor): name for name, tensor in [*network.named_parameters(), *network.named_buffers()]}
        self._names |= inputs
        self._made_by: dict[int, int] = {}
        self._alive: list[Tensor] = []  # so that no other tensor takes their id or their place in memory
        self._seen: set[Node] = set()
        self._kept: dict[Any, Kept] = {}
        self._by_storage: dict[int, list[Kept]] = {}
        self._parts = parts

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Carries the call out; torch calls this for every function."""
        return self.call(func, name_of(func), args, kwargs or {})

    def call(self, func: Callable[..., Any], name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Carries `func` out as one operation called `name` and records it if tensors go in and come out."""
        leaves, _ = tree_flatten((args, dict(kwargs)))
        tensors = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
        if not tensors or name in MAKERS:
            return func(*args, **kwargs)
        if writes(name, args, kwargs):
            for tensor in tensors:
                for kept in self._by_storage.get(tensor.untyped_storage().data_ptr(), ()):
                    kept.set_aside()
        inputs = {id(tensor): self._input(tensor) for tensor in tensors}
        if writes(name, args, kwargs):
            for entry in inputs.values():
                entry.kept.set_aside()
        parts: list[Part] = []
        if self._parts:
            with _Parts(parts):
                result = func(*args, **kwargs)
        else:
            result = func(*args, **kwargs)
        made = args[0] if name == "__setitem__" else result
        outputs = [leaf for leaf in tree_flatten(made)[0] if isinstance(leaf, Tensor)]
        if outputs:
            self._record(name, (args, kwargs), inputs, outputs, parts)
        return result

    def _input(self, tensor: Tensor) -> Input:
        edge = None
        name = self._names.get(id(tensor), "")
        made_by = None if name else self._made_by.get(id(tensor))
        if tensor.requires_grad and torch.is_grad_enabled():
            found = get_gradient_edge(tensor)
            edge = (found.node, found.output_nr)
            if found.node not in self._seen and made_by is not None:
                self.operations[
                    made_by - 1
                ].not_compared = (
                    f"part of a torch.autograd.Function whose backward is its own ({found.node.name()}): not compared"
                )
            self._seen.add(found.node)
        return Input(self._keep(tensor), made_by, name, edge)

    def _keep(self, tensor: Tensor) -> Kept:
        storage = tensor.untyped_storage().data_ptr()
        key = (storage, tensor.storage_offset(), tensor.shape, tensor.stride(), tensor.dtype, tensor._version)
        if key not in self._kept:
            self._kept[key] = Kept(tensor)
            self._by_storage.setdefault(storage, []).append(self._kept[key])
            self._alive.append(tensor)
        return self._kept[key]

    def _record(self, name: str, call: Any, inputs: dict[int, Input], outputs: list[Tensor], parts: list[Part]) -> None:
        def as_input(leaf: Any) -> Any:
            return inputs[id(leaf)] if isinstance(leaf, Tensor) else leaf

        number = len(self.operations) + 1
        arguments, options = torch.utils._pytree.tree_map(as_input, (call[0], dict(call[1])))
        module = self.path[-1] if self.path else ""
        entry = Recorded(number, name, module, arguments, options, list(inputs.values()), [], parts)
        if writes(name, *call) and any(tensor._is_view() and id(tensor) in inputs for tensor in outputs):
            entry.not_compared = "it writes into a part of another tensor, whose error does not pass here: not compared"
        for tensor in outputs:
            output = Output(self._keep(tensor))
            entry.outputs.append(output)
            self._made_by[id(tensor)] = number
            self._alive.append(tensor)
            if tensor.requires_grad and tensor.grad_fn is not None and not entry.not_compared:
                self._watch(tensor.grad_fn, tensor.output_nr, output)
        nodes = [tensor.grad_fn for tensor in outputs if tensor.requires_grad and tensor.grad_fn is not None]
        self._watch_inside(entry, nodes)
        self.operations.append(entry)

    def _watch(self, node: Node, place: int, output: Output) -> None:
        def catch(errors: tuple[Tensor | None, ...]) -> None:
            output.error = errors[place]

        node.register_prehook(catch)

    def _watch_inside(self, entry: Recorded, nodes: list[Node]) -> None:
        """Catches what the nodes made during this call send to the edges of its inputs."""
        wanted = {input.edge: input for input in entry.inputs if input.edge is not None}
        waiting, made = list(nodes), set[Node]()
        while waiting:
            node = waiting.pop()
            if node in made or node in self._seen:
                continue
            made.add(node)
            reached: dict[int, Input] = {}
            for place, (following, number) in enumerate(node.next_functions):
                if following is None:
                    continue
                target = wanted.get((following, number))
                if target is not None:
                    reached[place] = target
                else:
                    waiting.append(following)
            if reached and not entry.not_compared:
                node.register_hook(_catcher(reached))
        self._seen |= made


def _catcher(reached: Mapping[int, Input]) -> Callable[[Any, Any], None]:
    def catch(sent: tuple[Tensor | None, ...], received: tuple[Tensor | None, ...]) -> None:
        for place, target in reached.items():
            error = sent[place]
            if error is not None:
                target.errors.append(error)

    return catch


class _Parts(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self, parts: list[Part]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.parts = parts

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        tensors = [leaf for leaf in tree_flatten((args, kwargs or {}))[0] if isinstance(leaf, Tensor)]
        shapes, strides = tuple(tuple(t.shape) for t in tensors), tuple(t.stride() for t in tensors)
        self.parts.append(Part(str(func), shapes, strides))
        return func(*args, **(kwargs or {}))


def name_of(func: Callable[..., Any]) -> str:
    """The name of a function or method of torch; of a property its own name."""
    name = getattr(func, "__name__", type(func).__name__)
    owner = getattr(func, "__self__", None)
    return str(getattr(owner, "__name__", name)) if name == "__get__" else str(name)


def writes(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Whether a call writes over one of the tensors that it is given."""
    if name in WRITING_CALLS or (name.endswith("_") and not name.endswith("__")):
        return True
    if kwargs.get("inplace") or kwargs.get("out") is not None:
        return True
    if name == "batch_norm":  # its running figures
        return bool(kwargs.get("training", True))
    if name == "instance_norm":
        return bool(kwargs.get("use_input_stats", True))
    place = WRITING_FLAG_AT.get(name)
    return place is not None and len(args) > place and args[place] is True


@contextmanager
def module_paths(network: nn.Module, path: list[str]) -> Iterator[None]:
    """Keeps the names of the modules that are being carried out in `path`, the innermost last."""
    handles = []
    for name, module in network.named_modules():

        def enter(_module: nn.Module, _inputs: Any, name: str = name) -> None:
            path.append(name)

        def leave(_module: nn.Module, _inputs: Any, _output: Any) -> None:
            path.pop()

        handles += [module.register_forward_pre_hook(enter), module.register_forward_hook(leave)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
