"""The rules that turn gradients into updates: torch's own, fused into one kernel where the device has it."""

from collections.abc import Sequence

import torch
from torch import nn

from glasswork.errors import GlassworkError


def make_optimizer(
    name: str, parameters: Sequence[nn.Parameter], learning_rate: float, momentum: float, weight_decay: float
) -> torch.optim.Optimizer:
    """The optimizer called `name` (`sgd`, `momentum`, `adam`, `adamw`) over `parameters`.

    Weight decay is AdamW's decoupled one (Loshchilov and Hutter, 2019), on weights and not on biases.

    Raises:
        GlassworkError: for a weight decay with another optimizer than `adamw`.
    """
    refuse_weight_decay(name, weight_decay)
    weights = [parameter for parameter in parameters if parameter.dim() >= 2]
    biases = [parameter for parameter in parameters if parameter.dim() < 2]
    groups = [
        {"params": weights, "weight_decay": weight_decay},
        {"params": biases, "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    fused = all(parameter.device.type in {"cpu", "cuda"} for parameter in parameters)
    if name in {"sgd", "momentum"}:
        share = momentum if name == "momentum" else 0.0
        return torch.optim.SGD(groups, learning_rate, momentum=share, fused=fused)
    optimizer = torch.optim.Adam if name == "adam" else torch.optim.AdamW
    return optimizer(groups, learning_rate, betas=(momentum, 0.999), fused=fused)


def refuse_weight_decay(name: str, weight_decay: float) -> None:
    """Refuses a weight decay with another optimizer than `adamw`.

    Raises:
        GlassworkError: saying what the lecture's L2 is called here.
    """
    if weight_decay and name != "adamw":
        raise GlassworkError(
            f"weight_decay belongs to the optimizer adamw, not {name}: for the lecture's L2 use --penalty l2 --strength"
        )


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Sets the size of the next step."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
