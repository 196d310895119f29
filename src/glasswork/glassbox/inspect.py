"""Runs a network for inspection, then restores mode, buffers and random state; failures become clear errors."""

import difflib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import torch
from torch import Tensor, nn

from glasswork.errors import GlassworkError

CHUNK = 256
"""Inputs put through a network at once."""

Hook = Callable[[nn.Module, Any, Any], Any]


@contextmanager
def undisturbed(network: nn.Module, *, evaluate: bool) -> Iterator[None]:
    """Inside, the network may be run; afterwards modes, buffers and the random generators are what they were.

    Gradients can be taken inside, whatever surrounds it (`torch.no_grad`, `torch.inference_mode`).

    Args:
        network: any module.
        evaluate: run it in evaluation mode (no dropout, batch norm by its running statistics); else as it stands.
    """
    modes = [(module, module.training) for module in network.modules()]
    buffers = [
        (module, name, buffer, buffer.detach().clone())
        for module in network.modules()
        for name, buffer in module._buffers.items()
        if buffer is not None
    ]
    devices = {tensor.device for tensor in network.parameters() if tensor.device.type == "cuda"}
    try:
        with torch.random.fork_rng(devices=sorted(devices, key=str)), torch.inference_mode(False), torch.enable_grad():
            if evaluate:
                network.eval()
            yield
    finally:
        for module, training in modes:
            module.training = training
        with torch.no_grad():
            for module, name, buffer, before in buffers:
                module._buffers[name] = buffer
                buffer.copy_(before)


@contextmanager
def hooked(modules: Sequence[nn.Module], hook: Hook) -> Iterator[None]:
    """Inside, `hook(module, arguments, output)` sees every call of the modules; what it returns replaces the output."""
    handles = []
    try:
        for module in modules:
            handles.append(module.register_forward_hook(hook))
        yield
    finally:
        for handle in handles:
            handle.remove()


def run(network: nn.Module, inputs: Tensor, *further: Tensor) -> Any:
    """What the network returns.

    Raises:
        GlassworkError: the inputs do not fit, in which layer and why.
    """
    try:
        return network(inputs, *further)
    except RuntimeError as error:
        reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        where = _refusing_layer(network, inputs, *further)
        raise GlassworkError(
            f"The network cannot take inputs of shape {tuple(inputs.shape)}: {where}{reason}."
        ) from error


def rows_of(outputs: Any, inputs: Tensor) -> Tensor:
    """What a network returned, if that is a tensor with a row for each input.

    Raises:
        GlassworkError: it is something else.
    """
    if not isinstance(outputs, Tensor) or outputs.dim() == 0 or len(outputs) != len(inputs):
        what = f"a tensor of shape {tuple(outputs.shape)}" if isinstance(outputs, Tensor) else type(outputs).__name__
        raise GlassworkError(
            f"The network returns {what} for {len(inputs)} inputs; inspection needs one tensor with a row for each "
            "input, so wrap it in a module that returns that."
        )
    return outputs


def outputs_of(network: nn.Module, inputs: Tensor) -> Tensor:
    """The outputs of the network, a tensor with a row for each input.

    Raises:
        GlassworkError: the inputs do not fit, or the network returns something else.
    """
    return rows_of(run(network, inputs), inputs)


def _refusing_layer(network: nn.Module, *inputs: Tensor) -> str:
    """The innermost layer that was at work when the network failed, as `in layer name (what it is), `."""
    names = {module: name for name, module in network.named_modules()}
    at_work: list[nn.Module] = []
    handles = []

    def begin(module: nn.Module, arguments: Any) -> None:
        at_work.append(module)

    def end(module: nn.Module, arguments: Any, output: Any) -> None:
        at_work.pop()

    try:
        for module in names:
            handles += [module.register_forward_pre_hook(begin), module.register_forward_hook(end)]
        with suppress(RuntimeError):
            network(*inputs)
    finally:
        for handle in handles:
            handle.remove()
    if not at_work or not names[at_work[-1]]:
        return ""
    layer = at_work[-1]
    kind = str(layer) if next(layer.children(), None) is None else type(layer).__name__
    return f"in layer {names[layer]}, {kind}, "


Target = int | Sequence[int] | Tensor | None


def targets_of(target: Target, outputs: Tensor) -> Tensor:
    """The chosen output of each input, int64 (N,).

    Args:
        target: an output for all inputs, or one for each; None if there is only one output.
        outputs: (N, K), or (N,) for a network with a single output.

    Raises:
        GlassworkError: there is no such output.
    """
    rows, count = len(outputs), outputs[0].numel()
    if outputs.dim() > 2:
        raise GlassworkError(
            f"The network returns {tuple(outputs.shape[1:])} for each input; inspection needs one row of scores."
        )
    if target is None:
        if count != 1:
            raise GlassworkError(f"The network has {count} outputs; say which one with a target from 0 to {count - 1}.")
        target = 0
    chosen = torch.as_tensor(target, dtype=torch.int64, device=outputs.device)
    chosen = chosen.expand(rows) if chosen.dim() == 0 else chosen
    if chosen.shape != (rows,):
        raise GlassworkError(f"There are {rows} inputs and {len(chosen)} targets; give one target, or one for each.")
    if chosen.min() < 0 or chosen.max() >= count:
        wrong = int(chosen.min() if chosen.min() < 0 else chosen.max())
        raise GlassworkError(f"There is no output {wrong}: the network has {count}, numbered from 0 to {count - 1}.")
    return chosen


def scores_of(outputs: Tensor, targets: Tensor) -> Tensor:
    """The score of each input's target: (N, K) or (N,) and int64 (N,) to (N,)."""
    return outputs.reshape(len(outputs), -1).gather(1, targets[:, None])[:, 0]


def differentiable(inputs: Tensor) -> Tensor:
    """A copy of the inputs that gradients can be taken by.

    Raises:
        GlassworkError: there are none, or they are whole numbers.
    """
    require_inputs(inputs)
    if not inputs.is_floating_point():
        kind = str(inputs.dtype).removeprefix("torch.")
        raise GlassworkError(
            f"The inputs are whole numbers ({kind}), and have no gradient; give them as the network sees "
            "them, in floating point, or ask for occlusion, which needs no gradient."
        )
    return inputs.detach().clone().requires_grad_()


def require_inputs(inputs: Tensor) -> None:
    """Refuses inputs that are not a batch of at least one.

    Raises:
        GlassworkError: saying what they are.
    """
    if inputs.dim() < 2 or inputs.numel() == 0:
        raise GlassworkError(
            f"The inputs have the shape {tuple(inputs.shape)}; inspection needs a batch of at least one input, "
            "(inputs, ...)."
        )


def find_layer(network: nn.Module, name: str) -> nn.Module:
    """The layer called `name`, as `network.named_modules()` calls it.

    Raises:
        GlassworkError: there is none, with the nearest name.
    """
    layers: dict[str, nn.Module] = {known: module for known, module in network.named_modules() if known}
    if name in layers:
        return layers[name]
    if not layers:
        raise GlassworkError(f"There is no layer {name!r}: this network has no named layers.")
    nearest = difflib.get_close_matches(name, layers, n=1, cutoff=0.5)
    few = ", ".join(list(layers)[:12]) + (", ..." if len(layers) > 12 else "")
    hint = f"did you mean {nearest[0]}?" if nearest else f"its layers are {few}."
    raise GlassworkError(f"There is no layer {name!r} in this network; {hint}")
