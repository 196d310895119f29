"""Opening a network: any `torch.nn.Module` on one input, every operation forward and backward."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_unflatten

from glasswork.errors import GlassworkError
from glasswork.glassbox.tensor_summary import Values, values_of
from glasswork.glassbox.trace.explain import explain
from glasswork.glassbox.trace.recorder import Recorder, module_paths
from glasswork.glassbox.trace.trace import Descent, Trace, WeightStep
from glasswork.objectives import losses

RECORDED_AS = {
    "cross-entropy": "cross_entropy",
    "squared-error": "squared error",
    "hinge": "hinge loss",
    "binary-cross-entropy": "binary cross-entropy",
    "pinball": "pinball loss",
}
"""Name of a loss -> the name that its one operation is recorded under."""

Loss = Callable[[Tensor, Tensor], Tensor]


def open_network(
    network: nn.Module,
    inputs: Any,
    *,
    target: Any = None,
    loss: str | Loss = "cross-entropy",
    learning_rate: float = 0.01,
    parts: bool = False,
) -> Trace:
    """Opens a network on one input: every operation forward, every error flowing back, in numbers.

    For an operation that the textbook has, the gradient shown is the textbook's own, computed in float64 from the
    recorded inputs and upstream error, and compared with autograd's. The network is left as it was: its weights,
    buffers, gradients, mode and the state of the random generator.

    Args:
        network: any module, in the mode in which it shall be seen.
        inputs: a tensor such as (batch, channels, height, width), or a tuple of what its `forward` takes.
        target: what it should have answered: a class, or a tensor that fits the loss. Absent: the class that it
            answers, where the loss is one of classes and the answer (batch, classes); else only the forward pass.
        loss: `cross-entropy`, `squared-error`, `hinge`, `binary-cross-entropy`, `pinball`, or your own
            (output, target) -> ().
        learning_rate: eta of the one step of gradient descent that is tried on a copy of the weights.
        parts: also record the kernels that each operation is made of.

    Raises:
        GlassworkError: where the input does not fit the network (naming the layer), or the target the loss.
    """
    given = inputs if isinstance(inputs, tuple) else (inputs,)
    tensors = [leaf for leaf in tree_flatten(given)[0] if isinstance(leaf, Tensor)]
    if not tensors:
        raise GlassworkError("The inputs contain no tensors")
    buffers = {name: buffer.clone() for name, buffer in network.named_buffers()}
    opening = _Opening(network, given, loss, learning_rate, parts)
    try:
        with torch.enable_grad():
            return opening.trace(target)
    finally:
        torch.set_rng_state(opening.random)
        with torch.no_grad():
            for name, buffer in network.named_buffers():
                if name in buffers and not torch.equal(buffer, buffers[name]):
                    buffer.copy_(buffers[name])


class _Opening:
    """One opening under way."""

    def __init__(
        self, network: nn.Module, inputs: tuple[Any, ...], loss: str | Loss, learning_rate: float, parts: bool
    ) -> None:
        if isinstance(loss, str) and loss not in losses.LOSSES:
            raise GlassworkError(f"There is no loss '{loss}'; choose from {', '.join(losses.LOSSES)}")
        self.network, self.loss, self.learning_rate = network, loss, learning_rate
        self.random = torch.get_rng_state()
        leaves, self.spec = tree_flatten(inputs)
        self.leaves = [_leaf(leaf) for leaf in leaves]
        self.inputs = self._entering()
        names = {id(leaf): "input" for leaf in tree_flatten(self.inputs)[0] if isinstance(leaf, Tensor)}
        self.recorder = Recorder(network, names, parts)
        self.remarks: list[str] = []

    def trace(self, asked: Any) -> Trace:
        weights = {name: weight for name, weight in self.network.named_parameters() if weight.requires_grad}
        output = self._forward()
        target, words = self._target(asked, output)
        value = None if target is None else self._loss(output, target)
        gradients: dict[str, Tensor] = {}
        if value is not None:
            if not value.requires_grad:
                self.remarks.append("the loss depends on no weight and no input: there are no errors to flow back")
            else:
                gradients = _gradients(value, weights, [leaf for leaf in self.leaves if _needs(leaf)])
        names = frozenset(name for name, _ in self.network.named_parameters())
        with torch.no_grad():
            operations = tuple(explain(entry, names) for entry in self.recorder.operations)
            steps = tuple(self._step(name, weight, gradients.get(name)) for name, weight in weights.items())
            descent = None if value is None or not gradients else self._descend(value, target, weights, gradients)
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

    def _forward(self) -> Tensor:
        try:
            with module_paths(self.network, self.recorder.path), self.recorder:
                result = self.network(*self.inputs)
        except (RuntimeError, ValueError, IndexError) as error:
            raise GlassworkError(self._misfit(error)) from error
        found = [leaf for leaf in tree_flatten(result)[0] if isinstance(leaf, Tensor)]
        if not found:
            raise GlassworkError(f"{type(self.network).__name__} answers no tensor, but {type(result).__name__}")
        if len(found) > 1:
            self.remarks.append(f"the network answers {len(found)} tensors; the loss is of the first")
        return found[0]

    def _misfit(self, error: Exception) -> str:
        """Which layer expected what."""
        where = self.recorder.path[-1] if self.recorder.path else ""
        layer = f"layer {where}" if where else type(self.network).__name__
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        module = dict(self.network.named_modules()).get(where)
        return f"{layer} cannot take what it is given: {describe_expected_input(module)}{reason}"

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
        if int(target.min()) < 0 or int(target.max()) >= classes:
            raise GlassworkError(
                f"The target {int(target.max())} is not a class: the output has classes 0 to {classes - 1}"
            )
        return target

    def _loss(self, output: Tensor, target: Tensor) -> Tensor:
        """The loss; one of ours counts as one operation."""
        if isinstance(self.loss, str):
            function = losses.LOSSES[self.loss]
            value = self.recorder.call(function, RECORDED_AS[self.loss], (output, target), {})
        else:
            with self.recorder:
                value = self.loss(output, target)
        if not isinstance(value, Tensor) or value.numel() != 1:
            raise GlassworkError("The loss has to be one number for the whole batch: a tensor of shape ()")
        return value

    def _step(self, name: str, weight: Tensor, gradient: Tensor | None) -> WeightStep:
        shown: Values | None = None if gradient is None else values_of(gradient)
        number = float(weight.reshape(-1)[0]) if weight.numel() else 0.0
        slope = 0.0 if gradient is None or not gradient.numel() else float(gradient.reshape(-1)[0])
        return WeightStep(name, values_of(weight), shown, (number, slope, number - self.learning_rate * slope))

    def _descend(
        self, value: Tensor, target: Tensor | None, weights: Mapping[str, Tensor], gradients: Mapping[str, Tensor]
    ) -> Descent:
        """The loss after w <- w - eta dE/dw, on copies."""
        assert target is not None
        moved = {name: weights[name] - self.learning_rate * gradient for name, gradient in gradients.items()}
        state = {name: buffer.clone() for name, buffer in self.network.named_buffers()}
        torch.set_rng_state(self.random)  # the same units are dropped as before
        result = torch.func.functional_call(self.network, {**moved, **state}, self._entering())
        output = next(leaf for leaf in tree_flatten(result)[0] if isinstance(leaf, Tensor))
        function = losses.LOSSES[self.loss] if isinstance(self.loss, str) else self.loss
        after = function(output, target).item()
        slope = sum(float(gradient.double().square().sum()) for gradient in gradients.values())
        return Descent(self.learning_rate, value.item(), after, -self.learning_rate * slope)

    def _entering(self) -> tuple[Any, ...]:
        """The inputs in memory of their own, as a network may write over what it is given; strides are kept."""
        entering = [leaf.clone() if isinstance(leaf, Tensor) else leaf for leaf in self.leaves]
        return tuple(tree_unflatten(entering, self.spec))


def _leaf(given: Any) -> Any:
    """A tensor of the user's as one that an error can flow back to."""
    floating = isinstance(given, Tensor) and given.is_floating_point()
    return given.detach().requires_grad_() if floating else given


def _needs(leaf: Any) -> bool:
    return isinstance(leaf, Tensor) and leaf.requires_grad


def _gradients(value: Tensor, weights: Mapping[str, Tensor], inputs: Sequence[Tensor]) -> dict[str, Tensor]:
    found = torch.autograd.grad(value, [*weights.values(), *inputs], allow_unused=True)
    return {name: g for name, g in zip(weights, found[: len(weights)], strict=True) if g is not None}


def _whole(output: Tensor) -> Values:
    return values_of(output, all_numbers=output.numel() <= 1000, picture=True)


def describe_expected_input(module: nn.Module | None) -> str:
    """What a layer expects, in words; empty where it is not known."""
    if isinstance(module, nn.Linear):
        return f"it expects {module.in_features} numbers per example; "
    if isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Conv3d)):
        return f"it expects {module.in_channels} channels; "
    if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)):
        return f"it expects {module.num_features} channels; "
    if isinstance(module, (nn.LSTM, nn.GRU, nn.RNN)):
        return f"it expects {module.input_size} numbers per step; "
    if isinstance(module, nn.Embedding):
        return f"it expects whole numbers from 0 to {module.num_embeddings - 1}; "
    return ""
