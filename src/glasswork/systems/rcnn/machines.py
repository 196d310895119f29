"""Linear support vector machines, one for each class, with mined negatives; and the regression of boxes."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from glasswork.data.batches import Batch, Batches, Draw
from glasswork.data.collate import IGNORED
from glasswork.data.dataset import Dataset
from glasswork.data.kinds.boxes import CLASS
from glasswork.data.kinds.boxes import IGNORED as WHY
from glasswork.data.samplers import Shuffled
from glasswork.execution import Execution, mixed
from glasswork.objectives.detection import encode, overlap
from glasswork.objectives.losses import hinge
from glasswork.systems.rcnn.regions import NOTHING, Describe, label_regions, rows_of
from glasswork.training.fit import fit
from glasswork.training.stage import Carry, Clock, Moment, Stage

CLOSE = 0.6
"""Overlap with a thing from which on the regression learns from a region (R-CNN, appendix C)."""
CLOSE_REGIONS = 8
"""Close regions of a picture."""
RIDGE = 1.0
ROUNDS, PASSES, LEAST_STEPS, BATCH, RATE = 3, 12, 300, 512, 0.01
FIRST_SHARE = 0.1
"""Of the negatives, drawn for the first round; later ones take those that are not well beyond the margin."""


@dataclass(frozen=True)
class Machines:
    """What is learned on fixed features.

    Attributes:
        mean, scale: (units,) and (), which are subtracted from features, and by which they are divided: their mean
            length is 1 then. Each unit by its own deviation would make as much of units that hardly ever respond.
        weight, bias: of the support vector machines, (classes, units) and (classes,).
        box_weight, box_bias: of the regression, (classes x 4, units) and (classes x 4,).
        hard: how many negatives were mined for each class in the last round.
    """

    mean: Tensor
    scale: Tensor
    weight: Tensor
    bias: Tensor
    box_weight: Tensor
    box_bias: Tensor
    hard: Tensor

    def margins(self, features: Tensor) -> Tensor:
        """Of each class its machine's margin, (regions, classes)."""
        return (features - self.mean) / self.scale @ self.weight.T + self.bias


@dataclass(frozen=True)
class _Pool:
    """Regions of training pictures: features, marks (1 the class, 0 not, -1 neither), and how close ones move."""

    features: Tensor
    marks: Tensor
    close: Tensor
    moves: Tensor


def fit_machines(
    describe: Describe, dataset: Dataset, rows: Tensor, negatives: int, strength: float, seed: int
) -> Machines:
    """Support vector machines and regressions on the regions of some pictures.

    Args:
        describe: makes features of regions.
        dataset: pictures with boxes and proposals.
        rows: pictures to learn from, int64.
        negatives: regions without things of a picture that hard ones are mined from.
        strength: of the L2 penalty.
        seed: what the draws depend on.
    """
    pool = _pool(describe, dataset, rows, negatives, seed)
    mean = pool.features.float().mean(0)
    scale = (pool.features.float() - mean).norm(dim=1).mean().clamp(min=1e-3)
    drawn = torch.rand(pool.marks.shape, generator=torch.Generator().manual_seed(mixed(seed, 1)))
    active = (pool.marks == 1) | ((pool.marks == 0) & (drawn < FIRST_SHARE))
    with torch.random.fork_rng():
        machine = nn.Linear(len(mean), pool.marks.shape[1])
        nn.init.zeros_(machine.weight)
        nn.init.zeros_(machine.bias)
        for turn in range(ROUNDS):
            _fit(machine, pool, active, mean, scale, strength, mixed(seed, turn))
            with torch.inference_mode():
                margins = machine((pool.features.float() - mean) / scale)
            active = (pool.marks == 1) | ((pool.marks == 0) & (margins > -1))
    hard = (active & (pool.marks == 0)).sum(0)
    boxes = _regress(pool, mean, scale)
    return Machines(mean, scale, machine.weight.detach(), machine.bias.detach(), *boxes, hard)


def _pool(describe: Describe, dataset: Dataset, rows: Tensor, negatives: int, seed: int) -> _Pool:
    classes = len(dataset.task.target.names)
    features, marks, close, moves = [], [], [], []
    for row in rows.tolist():
        found, boxes = label_regions(dataset, row), rows_of(dataset, "targets", row)
        things = int((boxes[:, WHY] == 0).sum())
        order = torch.randperm(len(found.labels), generator=torch.Generator().manual_seed(mixed(seed, row)))
        order = order[order >= things]
        near = order[(found.overlaps[order] >= CLOSE) & (found.labels[order] != IGNORED)][:CLOSE_REGIONS]
        far = order[found.overlaps[order] < NOTHING][:negatives]
        chosen = torch.cat([torch.arange(things), near, far])
        if not len(chosen):
            continue
        regions, wanted = found.regions[chosen], found.wanted[chosen]
        own = torch.zeros(len(chosen), classes)  # the greatest overlap with a thing of each class
        for number in range(classes):
            mine = boxes[boxes[:, CLASS] == number, :4]
            own[:, number] = overlap(regions, mine).max(1).values if len(mine) else 0
        true = torch.arange(len(chosen)) < things
        mark = torch.where(own < NOTHING, 0, -1)
        mark[true, found.labels[chosen[:things]]] = 1
        features.append(describe(row, regions).half())
        marks.append(mark)
        is_close = true | (torch.arange(len(chosen)) < things + len(near))
        close.append(torch.where(is_close, found.labels[chosen], -1))
        moves.append(encode(regions, wanted))
    return _Pool(torch.cat(features), torch.cat(marks), torch.cat(close), torch.cat(moves))


def _fit(
    machine: nn.Linear, pool: _Pool, active: Tensor, mean: Tensor, scale: Tensor, strength: float, seed: int
) -> None:
    """Minimises the hinge loss of all machines over their active regions, with the L2 penalty."""

    def collate(rows: Tensor, draw: Draw | None) -> Batch:
        return Batch((pool.features[rows].float() - mean) / scale, torch.where(active, pool.marks, -1)[rows])

    def loss(network: nn.Module, batch: Batch, carry: Carry, moment: Moment) -> tuple[Tensor, Carry]:
        taken = batch.targets >= 0
        scores = network(batch.inputs)[taken]
        either = torch.stack([-scores / 2, scores / 2], 1)  # whose hinge loss is that of one score and two signs
        return hinge(either, batch.targets[taken]), carry

    rows = active.any(1).nonzero()[:, 0]
    batches = Batches(Shuffled(rows, BATCH, seed), collate)
    stage = Stage(
        "machines",
        machine,
        list(machine.parameters()),
        batches,
        loss,
        None,
        Clock(max(LEAST_STEPS, PASSES * len(batches))),
        Execution(),
        seed,
        RATE,
        penalty="l2",
        strength=strength,
    )
    for _ in fit(stage):
        pass


def _regress(pool: _Pool, mean: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    """Ridge regression of the moves of close regions, for each class: weights and biases."""
    units, classes = pool.features.shape[1], pool.marks.shape[1]
    weight, bias = torch.zeros(classes, 4, units), torch.zeros(classes, 4)
    for number in range(classes):
        mine = pool.close == number
        if int(mine.sum()) < 2:
            continue
        inputs = ((pool.features[mine].float() - mean) / scale).double()
        moves = pool.moves[mine].double()
        middle, centre = moves.mean(0), inputs.mean(0)
        inputs = inputs - centre
        # By the smaller of the two forms: of as many unknowns as units, or as regions.
        if len(inputs) < units:
            found = inputs.T @ torch.linalg.solve(
                inputs @ inputs.T + RIDGE * torch.eye(len(inputs), dtype=torch.float64), moves - middle
            )
        else:
            found = torch.linalg.solve(
                inputs.T @ inputs + RIDGE * torch.eye(units, dtype=torch.float64), inputs.T @ (moves - middle)
            )
        weight[number], bias[number] = found.T.float(), (middle - centre @ found).float()
    return weight.flatten(0, 1), bias.flatten()
