"""Predictions of a network over the plane of two inputs, and the output of each hidden unit.

The pictures of the TensorFlow playground and of ConvNetJS's classify2d (Kovashka, "Effect of number of neurons" and
"Effect of regularization") in numbers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from glasswork.data.batches import Scaling
from glasswork.data.dataset import Dataset
from glasswork.data.kinds.numbers import Numbers
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.require import suits
from glasswork.data.kinds.table import Table
from glasswork.data.kinds.task import Task
from glasswork.execution import Execution
from glasswork.glassbox.inspect import undisturbed
from glasswork.record import Record

CELLS, TERMINAL_CELLS = 120, 44
"""Cells along each side of a region, where nothing else is said."""
MARGIN = 0.15
"""Room around the points, as a share of how far they reach."""
MOST_CLASSES = 10
"""More could not be told apart by their hues."""
MOST_UNITS = 24
"""Units of a layer whose regions are worked out."""
MOST_POINTS = 1000
"""Points that are handed out with a region."""
CHUNK = 4096

Grid = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Plane:
    """The part of the plane that is looked at, and what is needed to ask a network about it.

    Attributes:
        task: of the examples: two numbers in; one class or one number out.
        low, high: where the part begins and ends along each input, in the inputs' own units.
        points: training inputs that lie on it, (points, 2).
        targets: their classes, int64 (points,), or numbers, float32 (points,).
        loss: what the network is trained with, a key of `objectives.losses.LOSSES`; says how its outputs read.
        execution: how the arithmetic is carried out.
    """

    task: Task
    low: tuple[float, float]
    high: tuple[float, float]
    points: Tensor
    targets: Tensor
    loss: str
    execution: Execution


@dataclass(frozen=True)
class Region(Record):
    """What a network answers over a part of the plane.

    Attributes:
        inputs: names of the inputs, the one from left to right first.
        classes: names of the classes; of one number its name alone.
        low, high: where the part begins and ends along each input.
        values: for every class, its probability (of one number: the number) in rows of cells, the row of the lowest
            second input first; each is the answer at the middle of its cell.
        number: whether it is one number.
        line: of one number, the value on which a line is drawn; None: on none. Numbers that are only ever one of two
            have their middle there.
        points: training examples on it: both inputs, and class (its place in `classes`) or number.
    """

    inputs: tuple[str, str]
    classes: tuple[str, ...]
    low: tuple[float, float]
    high: tuple[float, float]
    values: tuple[Grid, ...]
    number: bool
    line: float | None
    points: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class LayerUnits(Record):
    """What the units of a hidden layer give out over a part of the plane.

    Attributes:
        layer: which hidden layer, from 1.
        count: how many units it has; regions are those of the first ones.
        limit: the greatest distance from 0 of any value; 1 where all are 0.
        units: for each unit its output, in rows of cells as in a `Region`.
    """

    layer: int
    count: int
    limit: float
    units: tuple[Grid, ...]


def plane_of(dataset: Dataset, training: Tensor, loss: str, execution: Execution) -> Plane | None:
    """The part of the plane that the training examples lie on; None where inputs or target are no such thing.

    Args:
        dataset: all examples.
        training: rows that are trained on.
        loss: what is minimised.
        execution: how the arithmetic is carried out.
    """
    task = dataset.task
    most = MOST_CLASSES if task.target.classes else 1
    if not suits(task, (Table,), (OneClass, Numbers)) or task.inputs.shape != (2,) or len(task.target.names) > most:
        return None
    rows = training[dataset.columns["inputs"][training].isfinite().all(1)]
    if len(rows) == 0:
        return None
    inputs, targets = dataset.columns["inputs"][rows], dataset.columns["targets"][rows]
    low, high = inputs.amin(0).double(), inputs.amax(0).double()
    room = MARGIN * torch.where(high > low, high - low, 1.0)
    low, high = low - room, high + room
    return Plane(
        task,
        (float(low[0]), float(low[1])),
        (float(high[0]), float(high[1])),
        inputs,
        targets if task.target.classes else targets[:, 0],
        loss,
        execution,
    )


def answers_over(network: nn.Module, plane: Plane, cells: int = CELLS) -> Tensor:
    """Probabilities of the classes, or the number, at the middle of each cell; the network is left as it was.

    Returns:
        float32 on the CPU, (cells, cells, outputs); the first row is that of the lowest second input.
    """
    outputs = plane.task.target.readout(_outputs(network, plane, cells), plane.loss)
    return outputs.reshape(cells, cells, -1)


def region(network: nn.Module, plane: Plane, cells: int = CELLS) -> Region:
    """What a network answers over the plane, with training examples on it."""
    return as_region(answers_over(network, plane, cells), plane)


def as_region(answers: Tensor, plane: Plane) -> Region:
    """Answers that were worked out before, (cells, cells, outputs), as a region."""
    task, number = plane.task, not plane.task.target.classes
    distinct = torch.unique(plane.targets)
    every = -(-len(plane.points) // MOST_POINTS)
    shown = torch.cat([plane.points.double(), plane.targets.double()[:, None]], 1)[::every]
    return Region(
        _names(task),
        task.target.names,
        plane.low,
        plane.high,
        tuple(_grid(answers[:, :, k]) for k in range(answers.shape[2])),
        number,
        float(distinct.double().mean()) if number and len(distinct) == 2 else None,
        tuple((a, b, t) for a, b, t in shown.tolist()),
    )


def units_over(network: nn.Module, plane: Plane, cells: int = CELLS // 2) -> tuple[LayerUnits, ...]:
    """What each hidden unit gives out over the plane, layer by layer.

    The units of a hidden layer are what the next `nn.Linear` reads, so activations that are written as functions count
    as well; the network is left as it was.
    """
    read: list[list[Tensor]] = []
    with _reading(network, read):
        _outputs(network, plane, cells)
    layers = []
    for number, parts in enumerate(read[1:], 1):  # the first one reads the inputs themselves
        values = torch.cat(parts).reshape(cells, cells, -1)
        shown = [_grid(values[:, :, k]) for k in range(min(values.shape[2], MOST_UNITS))]
        limit = float(values[values.isfinite()].abs().max()) if values.isfinite().any() else 0.0
        layers.append(LayerUnits(number, values.shape[2], limit or 1.0, tuple(shown)))
    return tuple(layers)


@contextmanager
def _reading(network: nn.Module, read: list[list[Tensor]]) -> Iterator[None]:
    """Inside, what every `nn.Linear` of the network is given is kept in `read`, in the order of their use."""
    order: dict[nn.Module, int] = {}

    def keep(module: nn.Module, arguments: tuple[Any, ...]) -> None:
        if arguments[0].dim() != 2:
            return
        place = order.setdefault(module, len(order))
        if place == len(read):
            read.append([])
        read[place].append(arguments[0].detach().float().cpu())

    linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
    handles = [module.register_forward_pre_hook(keep) for module in linear]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _outputs(network: nn.Module, plane: Plane, cells: int) -> Tensor:
    """The network's own outputs at the middles of the cells, row by row, float32 on the CPU."""
    middles = (torch.arange(cells, dtype=torch.float64) + 0.5) / cells
    across, up = (plane.low[k] + middles * (plane.high[k] - plane.low[k]) for k in range(2))
    places = torch.cartesian_prod(up, across).flip(1).to(torch.float32)
    scaling, device = Scaling(plane.task, plane.execution), plane.execution.device
    with undisturbed(network, evaluate=True), torch.no_grad(), plane.execution.arithmetic():
        parts = [network(scaling.inputs(part.to(device))).float().cpu() for part in torch.split(places, CHUNK)]
    return torch.cat(parts)


def _grid(values: Tensor) -> Grid:
    return tuple(tuple(row) for row in values.tolist())


def _names(task: Task) -> tuple[str, str]:
    first, second = Table.of(task).features or ("x1", "x2")
    return first, second
