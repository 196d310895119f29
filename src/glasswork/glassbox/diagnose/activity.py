"""Activity of a network's units: dead units and saturated units."""

import math
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
LIMIT_OF_GATES = math.log(1 / SATURATED_SIGMOID - 1)
"""The same before the sigmoid."""
MOSTLY = 0.5
"""A unit counts as saturated that is so for more than half of what it is given: most errors do not get past it."""

FAR_OFF = 3.0
"""Times what the other units are given: a dead unit nearer to 0 often wakes as the layers below learn."""

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
    "hardtanh": "hardtanh",
    "hardtanh_": "hardtanh",
}
CLAMPS = ("clamp", "clamp_", "clip", "clip_", "clamp_min", "clamp_min_")
LAST_AXIS = (nn.Linear, nn.LayerNorm, nn.RNNBase)


@dataclass(frozen=True)
class ActivityOfLayer(Record):
    """What one activation function gave out, over all inputs.

    Attributes:
        layer: its module's name, or of a function `relu after` the layer before it; with the number of the use where it
            is used more than once.
        kind: relu, tanh, sigmoid or hardtanh; sigmoid for the gates of an LSTM or GRU.
        units: how many there are; a feature map is one unit.
        dead: of a ReLU: units whose output is 0 everywhere for every input.
        saturated: of the others: units that are at their limits for more than half of what they are given.
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
        self.below: dict[str, tuple[str, ...]] = {}
        self.far_off: dict[str, int] = {}

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Carries the call out; torch calls this for every function."""
        options = kwargs or {}
        kind = _kind(func, args, options)
        before = None
        if kind == "relu" and args and isinstance(args[0], Tensor) and args[0].dim() >= 2:
            before = args[0].detach().clone()  # it may be overwritten in place
        result = func(*args, **options)
        outputs = result[0] if isinstance(result, tuple) and result else result
        if kind and isinstance(outputs, Tensor) and outputs.dim() >= 2 and outputs.is_floating_point():
            with torch.no_grad():
                self._note(kind, outputs.detach(), _ends(args, options), before)
        return result

    def found(self, returned: Any) -> tuple[ActivityOfLayer, ...]:
        """The activations in the order of their use; `returned` is what the network gave."""
        if not (self._seen and self._last is not None and isinstance(returned, Tensor)):
            return tuple(self._seen)
        ends = self._last.data_ptr() == returned.data_ptr()
        return (*self._seen[:-1], replace(self._seen[-1], is_output=ends))

    def note_gates(self, name: str, gates: Tensor) -> None:
        """Sees the gates of a recurrent layer: what stands before their sigmoid, (N, T, gates)."""
        rows = gates.movedim(-1, 0).flatten(1)
        self._add(f"{name} (gates)", "sigmoid", rows.abs() > LIMIT_OF_GATES)

    def _note(self, kind: str, outputs: Tensor, ends: tuple[float, float], before: Tensor | None) -> None:
        makers = [*self.path[-1:], *([self.before] if self.before else [])]
        last = outputs.dim() >= 3 and any(isinstance(module, LAST_AXIS) for _, module in makers)
        rows = outputs.movedim(-1 if last else 1, 0).flatten(1)  # (units, everything else)
        if kind == "relu":
            limits = rows == 0
        elif kind == "tanh":
            limits = rows.abs() > SATURATED_TANH
        elif kind == "hardtanh":
            limits = (rows <= ends[0]) | (rows >= ends[1])
        else:
            limits = (rows < SATURATED_SIGMOID) | (rows > 1 - SATURATED_SIGMOID)
        name = self._name(kind)
        self._add(name, kind, limits)
        if before is not None and before.shape == outputs.shape:
            self.far_off[name] = _far_off(before.movedim(-1 if last else 1, 0).flatten(1))
        self._last = outputs  # kept alive, so that its place in memory stays its own

    def _add(self, name: str, kind: str, limits: Tensor) -> None:
        shares = limits.double().mean(1)
        dead = int((shares == 1).sum()) if kind == "relu" else 0
        saturated = 0 if kind == "relu" else int((shares > MOSTLY).sum())
        self._seen.append(ActivityOfLayer(name, kind, len(limits), dead, saturated, float(shares.mean()), False))
        self.below[name] = tuple(self.order)

    def _name(self, kind: str) -> str:
        path, module = self.path[-1] if self.path else ("", None)
        if module is not None and path and next(module.children(), None) is None:
            name = path
        else:
            name = f"{kind} after {self.before[0]}" if self.before else f"{kind} on the input"
        self._uses[name] = self._uses.get(name, 0) + 1
        return name if self._uses[name] == 1 else f"{name} (use {self._uses[name]})"


def _far_off(rows: Tensor) -> int:
    """Of what stands before a ReLU, (units, everything else): the dead units that are far from answering."""
    highest = rows.amax(1)
    dead = highest <= 0
    awake = rows[~dead]
    usual = float(awake.double().square().mean().sqrt()) if len(awake) else 0.0
    return int((highest < -FAR_OFF * usual).sum())


def _ends(args: tuple[Any, ...], options: Mapping[str, Any]) -> tuple[float, float]:
    """The limits of a hardtanh or clamp."""
    low = args[1] if len(args) > 1 else options.get("min_val", options.get("min", -1.0))
    high = args[2] if len(args) > 2 else options.get("max_val", options.get("max", 1.0))
    return (low, high) if isinstance(low, (int, float)) and isinstance(high, (int, float)) else (-1.0, 1.0)


def _kind(func: Callable[..., Any], args: tuple[Any, ...], options: Mapping[str, Any]) -> str | None:
    name = getattr(func, "__name__", "")
    if name in CLAMPS:
        low = args[1] if len(args) > 1 else options.get("min")
        high = args[2] if len(args) > 2 else options.get("max")
        return "relu" if isinstance(low, (int, float)) and low == 0 and high is None else None
    return KINDS.get(name)


def _gates(module: nn.Module, arguments: Any, output: Any) -> Tensor | None:
    """What stands before the sigmoids of a single-layer LSTM or GRU, (N, T, gates); None of anything else."""
    if not isinstance(module, (nn.LSTM, nn.GRU)) or module.num_layers > 1 or module.bidirectional or module.proj_size:
        return None
    inputs, outputs = arguments[0], output[0]
    if not (isinstance(inputs, Tensor) and inputs.dim() == 3 and isinstance(outputs, Tensor)):
        return None
    if len(arguments) > 1 and arguments[1] is not None:
        return None
    if not module.batch_first:
        inputs, outputs = inputs.transpose(0, 1), outputs.transpose(0, 1)
    before = torch.cat([torch.zeros_like(outputs[:, :1]), outputs[:, :-1]], 1)
    named = dict(module.named_parameters())
    sums = inputs @ named["weight_ih_l0"].T + before @ named["weight_hh_l0"].T
    if module.bias:
        sums = sums + named["bias_ih_l0"] + named["bias_hh_l0"]
    size = module.hidden_size
    if isinstance(module, nn.GRU):
        return sums[..., : 2 * size]
    return torch.cat([sums[..., : 2 * size], sums[..., 3 * size :]], -1)  # the third part is the new content, a tanh


class Rectified(TorchFunctionMode):
    """Puts ReLU in place of every sigmoid and tanh while it is entered, to measure what that would change."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Carries the call out; torch calls this for every function."""
        if getattr(func, "__name__", "") in ("sigmoid", "tanh"):
            return torch.relu(args[0])
        return func(*args, **(kwargs or {}))


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
                with torch.no_grad():
                    gates = _gates(module, arguments, output)
                    if gates is not None:
                        watch.note_gates(name, gates)
                if any(True for _ in module.parameters(recurse=False)):
                    watch.before = (name, module)

            stack.callback(module.register_forward_pre_hook(enter).remove)
            stack.callback(module.register_forward_hook(leave).remove)
        with watch:
            returned = run(network, *inputs)
    return returned, watch
