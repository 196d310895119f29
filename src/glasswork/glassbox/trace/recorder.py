"""Records what a network does: every operation with its inputs, outputs and the errors flowing back.

Operations are recorded by a `TorchFunctionMode`, which sees `lstm`, `conv2d`, `einsum` and in-place calls as the
user's code makes them. Errors are caught at the autograd nodes that were made during a call. Nothing here copies or
restrides a tensor that the network works with: it keeps a reference, or a copy made before something writes
over it.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node, get_gradient_edge
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten
from torch.utils.hooks import RemovableHandle

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
MAKERS = NEW_TENSORS | {"requires_grad_", "is_floating_point", "size"}
WRITING_CALLS = frozenset(["__setitem__", "__iadd__", "__isub__", "__imul__", "__itruediv__", "__ipow__"])
WRITING_FLAG_AT = {"relu": 1, "relu6": 1, "hardswish": 1, "hardsigmoid": 1, "silu": 1, "mish": 1, "leaky_relu": 2}
WRITING_FLAG_AT |= {"elu": 2, "celu": 2, "hardtanh": 3, "dropout": 3, "dropout2d": 3, "threshold": 3, "selu": 1}


class Kept:
    """A tensor as it was when it was seen: a reference, or a copy from before it was written over.

    Attributes:
        summary: its numbers in words, once they have been computed.
        unreadable: why its numbers cannot be read, in words; empty if they can.
    """

    def __init__(self, tensor: Tensor) -> None:
        self.summary: Values | None = None
        self.unreadable = "the network carries it out inside vmap, one example at a time" if _is_mapped(tensor) else ""
        self._tensor = torch.empty(0) if self.unreadable else _dense(tensor.detach())
        self._version = _version(self._tensor)

    def set_aside(self) -> None:
        """Makes a copy, as the tensor is about to be written over."""
        if self._version == _version(self._tensor):
            self._tensor = self._tensor.clone()
            self._version = _version(self._tensor)

    @property
    def tensor(self) -> Tensor | None:
        """The tensor; None if it cannot be read, or was overwritten unseen."""
        return None if self.unreadable or self._version != _version(self._tensor) else self._tensor


def _is_mapped(tensor: Tensor) -> bool:
    """Whether it is a stand-in of torch.func, whose numbers only exist while the function is mapped."""
    return bool(torch._C._functorch.is_functorch_wrapped_tensor(tensor))


def _dense(tensor: Tensor) -> Tensor:
    return tensor if tensor.layout == torch.strided else tensor.to_dense()


def _version(tensor: Tensor) -> int:
    """How often it was written to; of a tensor made in inference mode, 0, as torch does not count it."""
    return 0 if tensor.is_inference() else tensor._version


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
    """A tensor that came out of an operation.

    Attributes:
        kept: its values.
        received: all of the error that flowed back into it.
        inside: what of it came from the same operation, another output of which was made from this one.
    """

    kept: Kept
    received: Tensor | None = None
    inside: list[Tensor] = field(default_factory=list)

    @property
    def error(self) -> Tensor | None:
        """The error dE/d(output) that came from outside of the operation; None if none did."""
        if self.received is None or not self.inside:
            return self.received
        return self.received - torch.stack(self.inside).sum(0)


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
        listens: whether errors are caught; those of backward passes that the network makes itself are its own affair.
    """

    def __init__(self, network: nn.Module, inputs: Mapping[int, str], parts: bool) -> None:
        super().__init__()
        self.operations: list[Recorded] = []
        self.path: list[str] = []
        self.listens = False
        named = [*network.named_parameters(), *network.named_buffers()]
        self._names = {id(tensor): name for name, tensor in named} | dict(inputs)
        self._made_by: dict[int, int] = {}
        self._alive = [tensor for _, tensor in named]  # so that no other takes their id or their place in memory
        self._seen: set[Node] = set()
        self._owners: dict[Node, tuple[Recorded, Collection[Edge]]] = {}
        self._handles: list[RemovableHandle] = []
        self._kept: dict[Any, Kept] = {}
        self._weights = {id(weight): weight for weight in network.parameters()}
        self._first: dict[int, Kept] = {}
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
                for kept in self._sharing(tensor):
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
        kept = self._keep(tensor)
        if id(tensor) in self._weights:
            self._first.setdefault(id(tensor), kept)
        return Input(kept, made_by, name, edge)

    def close(self) -> None:
        """Stops to catch errors: autograd's nodes would keep what catches them, and that the nodes, for ever."""
        for handle in self._handles:
            handle.remove()

    def overwritten(self) -> list[tuple[Tensor, Tensor]]:
        """The weights that were written over, with what they were."""
        found = list[tuple[Tensor, Tensor]]()
        for place, kept in self._first.items():
            weight, before = self._weights[place], kept.tensor
            if before is not None and before.data_ptr() != weight.data_ptr():
                found.append((weight, before))
        return found

    def _sharing(self, tensor: Tensor) -> Sequence[Kept]:
        """What was kept of tensors that lie in the same place of memory."""
        if _is_mapped(tensor) or tensor.layout != torch.strided:
            return ()
        return self._by_storage.get(tensor.untyped_storage().data_ptr(), ())

    def _keep(self, tensor: Tensor) -> Kept:
        if _is_mapped(tensor) or tensor.layout != torch.strided:
            return Kept(tensor)
        storage = tensor.untyped_storage().data_ptr()
        key = (storage, tensor.storage_offset(), tensor.shape, tensor.stride(), tensor.dtype, _version(tensor))
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
        made = {
            (tensor.grad_fn, tensor.output_nr): output
            for tensor, output in zip(outputs, entry.outputs, strict=True)
            if tensor.requires_grad and tensor.grad_fn is not None
        }
        self._watch_inside(entry, made)
        self.operations.append(entry)

    def _watch(self, node: Node, place: int, output: Output) -> None:
        def catch(errors: tuple[Tensor | None, ...]) -> None:
            if self.listens:
                error = errors[place]
                output.received = None if error is None else _dense(error)

        self._handles.append(node.register_prehook(catch))

    def _watch_inside(self, entry: Recorded, outputs: Mapping[Edge, Output]) -> None:
        """Catches what the nodes made during this call send to the edges of its inputs, and of its outputs."""
        wanted = {input.edge: input.errors for input in entry.inputs if input.edge is not None}
        waiting, made = [node for node, _ in outputs], set[Node]()
        while waiting:
            node = waiting.pop()
            if node in made or node in self._seen:
                continue
            made.add(node)
            reached: dict[int, list[Tensor]] = {}
            for place, (following, number) in enumerate(node.next_functions):
                if following is None:
                    continue
                target = wanted.get((following, number))
                if target is None:
                    waiting.append(following)
                    self._enter(following, number)
                    output = outputs.get((following, number))
                    target = None if output is None else output.inside
                if target is not None:
                    reached[place] = target
            if reached and not entry.not_compared:
                self._handles.append(node.register_hook(self._catcher(entry, reached)))
        self._seen |= made
        self._owners |= dict.fromkeys(made, (entry, outputs))

    def _enter(self, node: Node, place: int) -> None:
        """Notes an error that will come to the inside of an earlier operation, past its outputs."""
        owner, outputs = self._owners.get(node, (None, ()))
        if owner is not None and (node, place) not in outputs:
            owner.not_compared = (
                "the network itself takes a gradient through it, whose errors mix with these: not compared"
            )

    def _catcher(self, entry: Recorded, reached: Mapping[int, list[Tensor]]) -> Callable[[Any, Any], None]:
        def catch(sent: tuple[Tensor | None, ...], received: tuple[Tensor | None, ...]) -> None:
            for place, errors in reached.items():
                error = sent[place] if self.listens and not entry.not_compared else None
                if error is not None:
                    errors.append(_dense(error))

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
    if name == "embedding":  # rows that are too long
        return (args[3] if len(args) > 3 else kwargs.get("max_norm")) is not None
    if name == "batch_norm":  # its running figures
        return bool(kwargs.get("training", True))
    if name == "instance_norm":
        return bool(kwargs.get("use_input_stats", True))
    place = WRITING_FLAG_AT.get(name)
    return place is not None and len(args) > place and args[place] is True


@contextmanager
def module_paths(
    network: nn.Module, path: list[str], shapes: dict[str, tuple[int, ...]] | None = None
) -> Iterator[None]:
    """Keeps the names of the modules that are being carried out in `path`, the innermost last.

    Args:
        network: whose modules they are.
        path: changes with every call.
        shapes: also keeps the shape of the first tensor that each module was given last.
    """
    handles = []
    for name, module in network.named_modules():

        def enter(_module: nn.Module, inputs: Any, name: str = name) -> None:
            path.append(name)
            if shapes is not None and inputs and isinstance(inputs[0], Tensor):
                shapes[name] = tuple(inputs[0].shape)

        def leave(_module: nn.Module, _inputs: Any, _output: Any) -> None:
            path.pop()

        handles += [module.register_forward_pre_hook(enter), module.register_forward_hook(leave)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
