"""Activity of a network's units: dead units and saturated units."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from glasswork.glassbox.inspect import run
from glasswork.record import Record

SATURATED_TANH = 0.99
"""Beyond it the slope 1 - tanh^2 is below 0.02: the error is cut to a fiftieth."""
SATURATED_SIGMOID = 0.01
"""Nearer than this to 0 or 1 the slope y (1 - y) is below 0.01, a twenty-fifth of the steepest, 1/4."""
MOSTLY = 0.5
"""A unit counts as saturated that is so for more than half of what it is given: most errors do not get past it."""

KINDS: dict[str, str] = {
    "relu": "relu",
    "relu_": "relu",
    "relu6": "relu",
    "rnn_relu": "relu",
    "tanh": "tanh",
    "tanh_": "tanh",
    "rnn_tanh": "tanh",
    "sigmoid": "sigmoid",
    "sigmoid_": "sigmoid",
}
CLAMPS = ("clamp", "clamp_", "clip", "clip_", "clamp_min", "clamp_min_")
LAST_AXIS = (nn.Linear, nn.LayerNorm, nn.RNNBase)


@dataclass(frozen=True)
class ActivityOfLayer(Record):
    """What one activation function gave out, over all inputs.

    Attributes:
        layer: its module's name, or of a function `relu after` the layer before it; with the number of the use where it
            is used more than once.
        kind: relu, tanh or sigmoid.
        units: how many there are; a feature map is one unit.
        dead: of a ReLU: units whose output is 0 everywhere for every input.
        saturated: of tanh and sigmoid: units that are at their limits for more than half of what they are given.
        at_limits: the share of all outputs that is there; of a ReLU, the share that is 0.
        is_output: whether this is what the network returns: there, sigmoids at their limits are sure answers, no fault.
    """

    layer: str
    kind: str
    units: int
    dead: int
    saturated: int
    at_limits: float
    is_output: bool


class Watch(TorchFunctionMode):
    """Sees every activation function while it is entered, written as a module, a function or a method."""

    def __init__(self) -> None:
        super().__init__()
        self.path: list[tuple[str, nn.Module]] = []
        self.before: tuple[str, nn.Module] | None = None
        self.order: dict[str, int] = {}
        self._seen: list[ActivityOfLayer] = []
        self._last: Tensor | None = None
        self._uses: dict[str, int] = {}

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Carries the call out; torch calls this for every function."""
        options = kwargs or {}
        kind = _kind(func, args, options)
        result = func(*args, **options)
        outputs = result[0] if isinstance(result, tuple) and result else result
        if kind and isinstance(outputs, Tensor) and outputs.dim() >= 2 and outputs.is_floating_point():
            with torch.no_grad():
                self._note(kind, outputs.detach())
        return result

    def found(self, returned: Any) -> tuple[ActivityOfLayer, ...]:
        """The activations in the order of their use; `returned` is what the network gave."""
        if not (self._seen and self._last is not None and isinstance(returned, Tensor)):
            return tuple(self._seen)
        ends = self._last.data_ptr() == returned.data_ptr()
        return (*self._seen[:-1], replace(self._seen[-1], is_output=ends))

    def _note(self, kind: str, outputs: Tensor) -> None:
        makers = [*self.path[-1:], *([self.before] if self.before else [])]
        last = outputs.dim() >= 3 and any(isinstance(module, LAST_AXIS) for _, module in makers)
        rows = outputs.movedim(-1 if last else 1, 0).flatten(1)  # (units, everything else)
        if kind == "relu":
            limits = rows == 0
        elif kind == "tanh":
            limits = rows.abs() > SATURATED_TANH
        else:
            limits = (rows < SATURATED_SIGMOID) | (rows > 1 - SATURATED_SIGMOID)
        shares = limits.double().mean(1)
        dead = int((shares == 1).sum()) if kind == "relu" else 0
        saturated = 0 if kind == "relu" else int((shares > MOSTLY).sum())
        self._seen.append(
            ActivityOfLayer(self._name(kind), kind, len(rows), dead, saturated, float(shares.mean()), False)
        )
        self._last = outputs  # kept alive, so that its place in memory stays its own

    def _name(self, kind: str) -> str:
        path, module = self.path[-1] if self.path else ("", None)
        if module is not None and path and next(module.children(), None) is None:
            name = path
        else:
            name = f"{kind} after {self.before[0]}" if self.before else f"{kind} on the input"
        self._uses[name] = self._uses.get(name, 0) + 1
        return name if self._uses[name] == 1 else f"{name} (use {self._uses[name]})"


def _kind(func: Callable[..., Any], args: tuple[Any, ...], options: Mapping[str, Any]) -> str | None:
    name = getattr(func, "__name__", "")
    if name in CLAMPS:
        low = args[1] if len(args) > 1 else options.get("min")
        high = args[2] if len(args) > 2 else options.get("max")
        return "relu" if isinstance(low, (int, float)) and low == 0 and high is None else None
    return KINDS.get(name)


def watch_run(network: nn.Module, *inputs: Tensor) -> tuple[Any, Watch]:
    """Runs the network and sees its activations and the order of its layers.

    Args:
        network: any module, in the mode in which it stands.
        inputs: all that it takes.

    Returns:
        What the network returned, and the watch; its `order` numbers the modules by their first use.

    Raises:
        GlassworkError: the inputs do not fit the network.
    """
    watch = Watch()
    with ExitStack() as stack:
        for name, module in network.named_modules():

            def enter(module: nn.Module, arguments: Any, name: str = name) -> None:
                watch.path.append((name, module))
                watch.order.setdefault(name, len(watch.order))

            def leave(module: nn.Module, arguments: Any, output: Any, name: str = name) -> None:
                watch.path.pop()
                if any(True for _ in module.parameters(recurse=False)):
                    watch.before = (name, module)

            stack.callback(module.register_forward_pre_hook(enter).remove)
            stack.callback(module.register_forward_hook(leave).remove)
        with watch:
            returned = run(network, *inputs)
    return returned, watch
