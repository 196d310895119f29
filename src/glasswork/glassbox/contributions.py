"""What each unit contributes to a number that a network answers over one input: y(x) = c + sum_j w_j z_j(x).

With z_j = tanh(a_j) this is how few units come near any continuous function (Cybenko 1989; Hornik 1991).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from glasswork.data.batches import Scaling
from glasswork.data.kinds.numbers import Numbers
from glasswork.data.kinds.table import Table
from glasswork.data.kinds.task import Task
from glasswork.execution import Execution
from glasswork.glassbox.inspect import undisturbed
from glasswork.record import Record

PLACES = 401
CLOSE = 1e-3
ROUNDINGS = 8
"""Of float32, that the sum of a few units may be off by where their answers hardly differ."""
"""How far sum and output may differ, as a share of the output's range, before they count as two things."""


@dataclass(frozen=True)
class Shares(Record):
    """A number over one input, and what it is the sum of.

    Attributes:
        input, output: their names.
        x: places along the input, evenly spaced.
        y: the network's answer there.
        constant: what is added to all shares: the output's bias, in the units of the output.
        shares: for each unit of the last hidden layer its output times the weight on it, in the units of the output;
            empty where the network does not end with a linear layer.
        target: what the answer should be at those places; empty if unknown.
        points: training examples: input and number.
    """

    input: str
    output: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    constant: float
    shares: tuple[tuple[float, ...], ...]
    target: tuple[float, ...] = ()
    points: tuple[tuple[float, float], ...] = ()


def places_between(low: float, high: float, count: int = PLACES) -> list[float]:
    """Evenly spaced places, both ends among them."""
    return [low + (high - low) * (place / (count - 1)) for place in range(count)]


def shares_over(
    network: nn.Module,
    task: Task,
    x: Sequence[float],
    execution: Execution,
    target: Sequence[float] = (),
    points: Sequence[tuple[float, float]] = (),
) -> Shares:
    """Takes the answers of a network of one input and one number apart; the network is left as it was.

    Args:
        network: with one number in and one out, scaled as `task` says.
        task: what these numbers mean.
        x: places along the input, in its own units.
        execution: how the arithmetic is carried out.
        target: what the answers should be, handed on.
        points: training examples, handed on.
    """
    read: list[tuple[nn.Linear, Tensor, Tensor]] = []

    def keep(module: nn.Module, arguments: tuple[Any, ...], output: Any) -> None:
        assert isinstance(module, nn.Linear)
        read.append((module, arguments[0].detach(), output.detach()))

    scaling = Scaling(task, execution)
    inputs = scaling.inputs(torch.tensor(x, dtype=torch.float32)[:, None].to(execution.device))
    handles = [module.register_forward_hook(keep) for module in network.modules() if isinstance(module, nn.Linear)]
    try:
        with undisturbed(network, evaluate=True), torch.no_grad():
            outputs = network(inputs)
    finally:
        for handle in handles:
            handle.remove()
    y = scaling.answers(outputs.float())[:, 0].cpu().double()
    constant, each = 0.0, torch.zeros(0, len(x), dtype=torch.float64)
    if len(read) > 1 and read[-1][2].shape == outputs.shape:
        constant, each = _apart(*read[-1][:2], task)
        rounding = ROUNDINGS * torch.finfo(torch.float32).eps * float(y.abs().max())
        if float((constant + each.sum(0) - y).abs().max()) > CLOSE * float(y.max() - y.min()) + rounding:
            constant, each = 0.0, each[:0]  # what comes after the last linear layer changes its sum
    return Shares(
        Table.of(task).features[0] if Table.of(task).features else "x",
        task.target.names[0],
        tuple(x),
        tuple(y.tolist()),
        constant,
        tuple(tuple(row) for row in each.tolist()),
        tuple(target),
        tuple(points),
    )


def _apart(layer: nn.Linear, units: Tensor, task: Task) -> tuple[float, Tensor]:
    """The constant and each unit's share, (units, places), of what a linear layer of one output makes of its inputs."""
    numbers = Numbers.of(task)
    mean, deviation = (numbers.mean or (0.0,))[0], (numbers.deviation or (1.0,))[0]
    bias = 0.0 if layer.bias is None else float(layer.bias.detach()[0])
    weights = layer.weight.detach()[0].cpu().double()
    return mean + deviation * bias, deviation * (weights * units.cpu().double()).T
