"""Opening a network: any `torch.nn.Module` on one input, every operation forward and backward."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.parameter import is_lazy
from torch.utils._pytree import TreeSpec, tree_flatten, tree_unflatten

from glasswork.errors import GlassworkError
from glasswork.glassbox.tensor_summary import Values, values_of
from glasswork.glassbox.trace.explain import explain
from glasswork.glassbox.trace.recorder import Recorder, module_paths
from glasswork.glassbox.trace.state import State
from glasswork.glassbox.trace.trace import Descent, Trace, WeightStep
from glasswork.objectives import losses
from glasswork.textbook.cross_entropy import IGNORED

RECORDED_AS = {
    "cross-entropy": "cross_entropy",
    "squared-error": "squared error",
    "hinge": "hinge loss",
    "binary-cross-entropy": "binary cross-entropy",
    "pinball": "pinball loss",
}
"""Name of a loss -> the name that its one operation is recorded under."""

Loss = Callable[[Any, Tensor], Tensor]
NO_STEP = "the step of gradient descent is left out:"


def open_network(
    network: nn.Module,
    inputs: Any,
    kwargs: Mapping[str, Any] | None = None,
    *,
    output: str | int | Callable[[Any], Any] | None = None,
    target: Any = None,
    loss: str | Loss = "cross-entropy",
    learning_rate: float = 0.01,
    parts: bool = False,
) -> Trace:
    """Opens a network on one input: every operation forward, every error flowing back, in numbers.

    For an operation that the textbook has, the gradient shown is the textbook's own, computed in float64 from the
    recorded inputs and upstream error, and compared with autograd's. The network is left as it was: its weights,
    buffers, attributes, gradients, mode and the state of the random generator.

    Args:
        network: any module, in the mode in which it shall be seen.
        inputs: a tensor such as (batch, channels, height, width), or a tuple of what its `forward` takes.
        kwargs: what its `forward` takes by name.
        output: which part of the answer the loss is of: a key or attribute such as `logits`, a place, or a function of
            the answer. None: the first tensor.
        target: what it should have answered: a class, or a tensor that fits the loss; -100 leaves a place out of
            cross-entropy. None: the class that it answers, if the loss is one of classes and the answer (batch,
            classes); else only the forward pass.
        loss: `cross-entropy`, `squared-error`, `hinge`, `binary-cross-entropy`, `pinball`, or your own
            (output, target) -> (); with `output`, it is given what `output` selects, whole.
        learning_rate: eta of the one step of gradient descent that is tried on a copy of the weights.
        parts: also record the kernels that each operation is made of.

    Raises:
        GlassworkError: if the input does not fit the network (naming the layer), or the target the loss.
    """
    remarks: list[str] = []
    network = _openable(network, remarks)
    given = inputs if type(inputs) is tuple else (inputs,)
    leaves, spec = tree_flatten((given, dict(kwargs or {})))
    if not any(isinstance(leaf, Tensor) for leaf in leaves):
        raise GlassworkError("The inputs contain no tensors")
    if isinstance(loss, str) and loss not in losses.LOSSES:
        raise GlassworkError(f"There is no loss '{loss}'; choose from {', '.join(losses.LOSSES)}")
    state = State(network)
    learns = not any(weight.is_inference() for weight in network.parameters())
    if not learns:
        remarks.append(
            "weights were made in inference mode, which no error flows back to: only the forward pass is shown"
        )
        leaves = [leaf.detach() if isinstance(leaf, Tensor) else leaf for leaf in leaves]
    opening = _Opening(network, leaves, spec, output, loss, learning_rate, parts, remarks)
    try:
        with torch.set_grad_enabled(learns):
            return opening.trace(target, state)
    finally:
        opening.recorder.close()
        state.put_back(opening.recorder.overwritten())


def _openable(network: nn.Module, remarks: list[str]) -> nn.Module:
    """The network whose operations can be seen.

    Raises:
        GlassworkError: if there is none.
    """
    inner = getattr(network, "_orig_mod", None)
    if isinstance(inner, nn.Module):
        remarks.append("the network is compiled: the module that it was compiled from is shown")
        return inner
    if isinstance(network, torch.jit.ScriptModule):
        raise GlassworkError(
            "A scripted or traced module carries out its operations where they cannot be seen: open the module that "
            "it was made of"
        )
    if any(is_lazy(weight) for weight in [*network.parameters(), *network.buffers()]):
        raise GlassworkError(
            "The network has lazy layers, which have no weights before the first call: call it once, then open it"
        )
    return network


class _Opening:
    """One opening under way."""

    def __init__(
        self,
        network: nn.Module,
        leaves: Sequence[Any],
        spec: TreeSpec,
        output: str | int | Callable[[Any], Any] | None,
        loss: str | Loss,
        learning_rate: float,
        parts: bool,
        remarks: list[str],
    ) -> None:
        self.network, self.selected, self.loss, self.learning_rate = network, output, loss, learning_rate
        self.leaves, self.spec = [_leaf(leaf) for leaf in leaves], spec
        self.inputs, self.kwargs = self._entering()
        names = {id(leaf): "input" for leaf in tree_flatten((self.inputs, self.kwargs))[0] if isinstance(leaf, Tensor)}
        self.recorder = Recorder(network, names, parts)
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.remarks = remarks

    def trace(self, asked: Any, state: State) -> Trace:
        """What each operation did forward and, if gradients are enabled, backward."""
        weights = {name: weight for name, weight in self.network.named_parameters() if weight.requires_grad}
        answer, output = self._forward()
        target, words = self._target(asked, output)
        value = None if target is None else self._loss(answer, output, target)
        gradients: dict[str, Tensor] = {}
        if value is not None:
            if not value.requires_grad:
                self.remarks.append("the loss depends on no weight and no input: there are no errors to flow back")
            else:
                self.recorder.listens = True
                gradients = _gradients(value, weights, [leaf for leaf in self.leaves if _needs(leaf)])
                self.recorder.listens = False
        names = frozenset(name for name, _ in self.network.named_parameters())
        with torch.no_grad():
            operations = tuple(explain(entry, names) for entry in self.recorder.operations)
            steps = tuple(self._step(name, weight, gradients.get(name)) for name, weight in weights.items())
        descent = None if value is None else self._descend(value, target, weights, gradients, state)
        first = next(leaf for leaf in self.leaves if isinstance(leaf, Tensor))
        differing = [operation for operation in operations if operation.verdict == "differs"]
        self.remarks += [f"operation {one.number} ({one.call}): {one.remark}" for one in differing]
        return Trace(
            network=type(self.network).__name__,
            mode="training" if self.network.training else "evaluation",
            inputs=values_of(first, picture=True),
            output=_whole(output),
            loss="" if value is None else (self.loss if isinstance(self.loss, str) else "your own"),
            target=words,
            loss_value=None if value is None else value.item(),
            operations=operations,
            weights=steps,
            descent=descent,
            remarks=tuple(self.remarks),
        )

    def _forward(self) -> tuple[Any, Tensor]:
        """What the loss is of, whole, and its first tensor."""
        try:
            with (
                module_paths(self.network, self.recorder.path, self.shapes),
                _each_use_cast(),
                self.recorder,
            ):
                result = self.network(*self.inputs, **self.kwargs)
        except Exception as error:
            raise GlassworkError(self._misfit(error)) from error
        chosen = self._select(result)
        found = _tensors(chosen)
        if not found:
            raise GlassworkError(f"{type(self.network).__name__} answers no tensor, but {type(chosen).__name__}")
        if len(found) > 1 and self.selected is None:
            self.remarks.append(f"the network answers {len(found)} tensors; the loss is of the first")
        return (found[0] if self.selected is None or isinstance(self.loss, str) else chosen), found[0]

    def _select(self, result: Any) -> Any:
        """The part of the answer that was asked for."""
        choice = self.selected
        if choice is None:
            return result
        try:
            if callable(choice):
                with self.recorder:
                    return choice(result)
            if isinstance(choice, str) and hasattr(result, choice) and not isinstance(result, Mapping):
                return getattr(result, choice)
            return result[choice]
        except (AttributeError, KeyError, IndexError, TypeError) as error:
            has = ", ".join(_parts_of(result)) or f"of type {type(result).__name__}"
            raise GlassworkError(f"The answer has no part {choice!r}: it has {has}") from error

    def _misfit(self, error: Exception) -> str:
        """What a layer, or the module itself, said of what it was given."""
        where = self.recorder.path[-1] if self.recorder.path else ""
        layer = f"layer {where}" if where else type(self.network).__name__
        reason = str(error).splitlines()[0] if str(error) else "it gives no reason"
        module = dict(self.network.named_modules()).get(where)
        expected = describe_expected_input(module, self.shapes.get(where))
        kind = "" if isinstance(error, (RuntimeError, ValueError, IndexError)) else f"{type(error).__name__}: "
        return f"{layer} cannot take what it is given: {expected}{kind}{reason}"

    def _target(self, asked: Any, output: Tensor) -> tuple[Tensor | None, str]:
        if asked is None:
            return self._answered(output)
        target = asked if isinstance(asked, Tensor) else torch.tensor(asked)
        if isinstance(asked, (int, float)) and output.dim() == 2:
            target = target.expand(len(output)).clone()
        if isinstance(self.loss, str):
            target = self._fitting(target, output)
        small = ", ".join(f"{number:g}" for number in target.reshape(-1)[:8].tolist())
        return target, small + (", ..." if target.numel() > 8 else "")

    def _answered(self, output: Tensor) -> tuple[Tensor | None, str]:
        """The answer itself as the target, where answers are classes."""
        scores = output.detach()
        if output.is_floating_point() and output.dim() == 2:
            if self.loss in {"cross-entropy", "hinge"}:
                self.remarks.append("no target given: the model's own prediction is used")
                answered = scores.argmax(1)
                return answered, f"class {', '.join(map(str, answered.tolist()))}, the model's own prediction"
            if self.loss == "binary-cross-entropy":
                self.remarks.append("no target given: the model's own predictions are used")
                return (scores > 0).to(scores.dtype), "the answer itself"
        self.remarks.append("no target given: only the forward pass is shown")
        return None, ""

    def _fitting(self, target: Tensor, output: Tensor) -> Tensor:
        output, target = _by_example(output, target)
        classes = target.dim() == output.dim() - 1 and not target.is_floating_point()
        if classes and self.loss in {"squared-error", "binary-cross-entropy"}:
            target = losses.as_outputs(output, target)
        if target.is_floating_point():
            target = target.to(output.dtype)
        same = target.shape == output.shape and target.is_floating_point()
        if self.loss == "cross-entropy" and (classes or same):
            return self._in_range(target, output) if classes else target
        if self.loss == "hinge" and classes:
            return self._in_range(target, output)
        if self.loss in {"squared-error", "binary-cross-entropy"} and target.shape == output.shape:
            return target.to(output.dtype)
        if self.loss == "pinball" and target.shape == output.shape[:-1]:
            return target.to(output.dtype)
        raise GlassworkError(
            f"A target of shape {tuple(target.shape)} does not fit {self.loss} of an output of shape "
            f"{tuple(output.shape)}"
        )

    def _in_range(self, target: Tensor, output: Tensor) -> Tensor:
        classes = output.shape[1]
        counted = target[target != IGNORED] if self.loss == "cross-entropy" else target
        for number in [] if not counted.numel() else [int(counted.min()), int(counted.max())]:
            if not 0 <= number < classes:
                raise GlassworkError(f"The target {number} is not a class: the output has classes 0 to {classes - 1}")
        return target

    def _loss(self, answer: Any, output: Tensor, target: Tensor) -> Tensor:
        """The loss; one of ours counts as one operation."""
        if isinstance(self.loss, str):
            with self.recorder:
                scores, wanted = _by_example(output, target)
            value = self.recorder.call(_function_of(self.loss, wanted), RECORDED_AS[self.loss], (scores, wanted), {})
        else:
            with self.recorder:
                value = self.loss(answer, target)
        if not isinstance(value, Tensor) or value.numel() != 1:
            raise GlassworkError("The loss has to be one number for the whole batch: a tensor of shape ()")
        return value

    def _step(self, name: str, weight: Tensor, gradient: Tensor | None) -> WeightStep:
        shown: Values | None = None if gradient is None else values_of(gradient)
        number = float(weight.reshape(-1)[0]) if weight.numel() else 0.0
        slope = 0.0 if gradient is None or not gradient.numel() else float(gradient.reshape(-1)[0])
        return WeightStep(name, values_of(weight), shown, (number, slope, number - self.learning_rate * slope))

    def _descend(
        self,
        value: Tensor,
        target: Tensor | None,
        weights: Mapping[str, Tensor],
        gradients: Mapping[str, Tensor],
        state: State,
    ) -> Descent | None:
        """The loss after w <- w - eta dE/dw, on copies; None, with a remark, if it cannot be found out."""
        if not gradients:
            return None
        moved = {name: weights[name].detach() - self.learning_rate * slope for name, slope in gradients.items()}
        before = value.item()
        try:
            again = self._again({}, target, state)
            after = self._again(moved, target, state)
        except Exception as error:  # whatever a foreign module raises when it is called by itself
            words = str(error).splitlines()[0] if str(error) else type(error).__name__
            self.remarks.append(
                f"the step of gradient descent is left out, as the network cannot be called on moved weights: {words}"
            )
            return None
        if not (math.isclose(before, again, rel_tol=1e-4, abs_tol=1e-7) or (math.isnan(before) and math.isnan(again))):
            self.remarks.append(f"{NO_STEP} a second pass gives another E: {before:.6g}, then {again:.6g}")
            return None
        slope = sum(float(gradient.double().square().sum()) for gradient in gradients.values())
        return Descent(self.learning_rate, before, after, -self.learning_rate * slope)

    def _again(self, moved: Mapping[str, Tensor], target: Tensor | None, state: State) -> float:
        """The loss of another pass from the state that the first one found, with some weights moved."""
        assert target is not None
        state.put_back(self.recorder.overwritten())
        inputs, kwargs = self._entering()
        buffers = {name: buffer.clone() for name, buffer in self.network.named_buffers()}
        result = torch.func.functional_call(self.network, {**moved, **buffers}, inputs, kwargs)
        chosen = self._select(result)
        output = _tensors(chosen)[0]
        if isinstance(self.loss, str):
            scores, wanted = _by_example(output, target)
            return float(_function_of(self.loss, wanted)(scores, wanted).item())
        return float(self.loss(output if self.selected is None else chosen, target).item())

    def _entering(self) -> tuple[Any, dict[str, Any]]:
        """The inputs in memory of their own, as a network may write over what it is given; strides are kept."""
        entering = [leaf.clone() if isinstance(leaf, Tensor) else leaf for leaf in self.leaves]
        inputs, kwargs = tree_unflatten(entering, self.spec)
        return inputs, kwargs


@contextmanager
def _each_use_cast() -> Iterator[None]:
    """Under autocast, every use of a weight casts it for itself, so that the errors of the uses can be told apart."""
    before = torch.is_autocast_cache_enabled()
    torch.set_autocast_cache_enabled(False)
    try:
        yield
    finally:
        torch.set_autocast_cache_enabled(before)


def _tensors(answer: Any) -> list[Tensor]:
    """All tensors of what a network answers, in dictionaries, lists and dataclasses."""
    if isinstance(answer, Mapping):
        answer = list(answer.values())
    elif is_dataclass(answer) and not isinstance(answer, type):
        answer = [getattr(answer, each.name) for each in fields(answer)]
    if isinstance(answer, (list, tuple)):
        return [tensor for part in answer for tensor in _tensors(part)]
    return [leaf for leaf in tree_flatten(answer)[0] if isinstance(leaf, Tensor)]


def _parts_of(answer: Any) -> list[str]:
    if isinstance(answer, Mapping):
        return [str(key) for key in answer]
    if is_dataclass(answer):
        return [each.name for each in fields(answer)]
    if isinstance(answer, (list, tuple)):
        return list(getattr(answer, "_fields", map(str, range(len(answer)))))
    return []


def _function_of(loss: str, target: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
    """One of our losses; torch's own cross-entropy if some places do not count, which ours does not know."""
    ignores = loss == "cross-entropy" and not target.is_floating_point() and bool((target == IGNORED).any())
    return F.cross_entropy if ignores else losses.LOSSES[loss]


def _by_example(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Scores with the classes on the second axis, and targets: of one example without a batch, and per token."""
    classes = not target.is_floating_point()
    if output.dim() == 1 and (target.numel() == 1 if classes else target.shape == output.shape):
        return output.unsqueeze(0), target.reshape(1, *target.shape[1:]) if classes else target.unsqueeze(0)
    per_token = classes and output.dim() >= 3 and target.shape == output.shape[:-1]
    if per_token and target.shape != (output.shape[0], *output.shape[2:]):
        return output.movedim(-1, 1), target
    return output, target


def _leaf(given: Any) -> Any:
    """A tensor of the user's as one that an error can flow back to."""
    floating = isinstance(given, Tensor) and given.is_floating_point()
    return given.detach().requires_grad_() if floating else given


def _needs(leaf: Any) -> bool:
    return isinstance(leaf, Tensor) and leaf.requires_grad


def _gradients(value: Tensor, weights: Mapping[str, Tensor], inputs: Sequence[Tensor]) -> dict[str, Tensor]:
    sources = [*weights.values(), *inputs]
    if _has_checkpoints(value):
        for source in sources:
            source.grad = None
        value.backward()  # type: ignore[no-untyped-call]
        found = tuple(source.grad for source in sources)
    else:
        found = torch.autograd.grad(value, sources, allow_unused=True)
    given = zip(weights, found[: len(weights)], strict=True)
    return {name: g if g.layout == torch.strided else g.to_dense() for name, g in given if g is not None}


def _has_checkpoints(value: Tensor) -> bool:
    """Whether it was made in reentrant checkpoints, which only take part in `backward`."""
    waiting, seen = [value.grad_fn], set[Any]()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        if node.name() == "CheckpointFunctionBackward":
            return True
        seen.add(node)
        waiting += [following for following, _ in node.next_functions]
    return False


def _whole(output: Tensor) -> Values:
    return values_of(output, all_numbers=output.numel() <= 1000, picture=True)


def describe_expected_input(module: nn.Module | None, shape: Sequence[int] | None) -> str:
    """What a layer expects, in words; empty if it is not known, or if it was given that.

    Args:
        module: the layer.
        shape: of what it was given; None if that is not known.
    """
    sizes = tuple(shape or ())
    if isinstance(module, nn.Linear) and sizes[-1:] != (module.in_features,):
        return f"it expects {module.in_features} numbers per example; "
    if isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Conv3d)) and module.in_channels not in sizes[:2]:
        return f"it expects {module.in_channels} channels; "
    if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)) and module.num_features not in sizes[:2]:
        return f"it expects {module.num_features} channels; "
    if isinstance(module, (nn.LSTM, nn.GRU, nn.RNN)) and sizes[-1:] != (module.input_size,):
        return f"it expects {module.input_size} numbers per step; "
    if isinstance(module, nn.Embedding):
        return f"it expects whole numbers from 0 to {module.num_embeddings - 1}; "
    return ""
