"""Where a loss stopped being a number: the first layer whose output is not finite."""

from typing import Any

import torch
from torch import Tensor, nn

from glasswork.data.batches import Batch
from glasswork.errors import GlassworkError
from glasswork.training.stage import Stage


def explain_not_finite(stage: Stage, batch: Batch, epoch: int, index: int) -> GlassworkError:
    """The sentence for a loss that is not finite: the step, the layer, what to try."""
    where = first_not_finite(stage.network, batch.inputs)
    return GlassworkError(
        f"The loss is not a finite number at batch {index + 1} of epoch {epoch + 1} (stage {stage.name}): {where}; "
        f"the weights were not updated and the last checkpoint is kept; try a lower learning rate than "
        f"{stage.learning_rate:g} or --gradient-clip 1"
    )


def first_not_finite(network: nn.Module, inputs: Tensor) -> str:
    """In words: the first weight, input or layer output of a forward pass that holds inf or nan."""
    for name, parameter in network.named_parameters():
        if not torch.isfinite(parameter).all():
            return f"the weights '{name}' hold inf or nan"
    if not torch.isfinite(inputs).all():
        return "the inputs hold inf or nan"
    found: list[str] = []

    def watch(name: str) -> Any:
        def look(module: nn.Module, arguments: object, output: object) -> None:
            if isinstance(output, Tensor) and not torch.isfinite(output).all():
                found.append(f"layer '{name}' ({type(module).__name__}) is the first whose output holds inf or nan")

        return look

    handles = [module.register_forward_hook(watch(name)) for name, module in network.named_modules() if name]
    try:
        with torch.no_grad():
            network(inputs)
    finally:
        for handle in handles:
            handle.remove()
    return found[0] if found else "every layer's output is finite, so it is the loss itself that overflows"
