"""Batches of P classes with K examples each, as comparing examples with each other needs them."""

import torch
from torch import Tensor
from typing_extensions import override

from glasswork.data.augmentation import Augmentation
from glasswork.data.batches import Batch, Batches
from glasswork.data.dataset import Dataset
from glasswork.execution import Execution, mixed


def by_class(rows: Tensor, classes: Tensor) -> list[Tensor]:
    """The rows of each class that has any, in the order of the classes.

    Args:
        rows: int64 (N,).
        classes: of each, int64 (N,).
    """
    ordered = rows[classes.argsort(stable=True)]
    return [part for part in torch.split(ordered, torch.bincount(classes).tolist()) if len(part)]


def balanced_rows(members: list[Tensor], classes: int, examples: int, seed: int, epoch: int, index: int) -> Tensor:
    """The rows of batch `index` of epoch `epoch`: a pure function of its arguments.

    The classes stand in an order drawn for the epoch, and each batch takes the next ones, around and around: all
    classes come equally often, however many examples they have. Of each class different examples are drawn, fewer than
    asked for where it has no more.

    Args:
        members: the rows of each class, int64.
        classes: P, how many different classes; at most all.
        examples: K, how many examples of each.
        seed: of the run.
        epoch: from 0.
        index: of the batch in its epoch, from 0.

    Returns:
        int64 (at most P x K,), class by class.
    """
    order = torch.randperm(len(members), generator=torch.Generator().manual_seed(mixed(seed, epoch)))
    classes = min(classes, len(members))
    generator = torch.Generator().manual_seed(mixed(seed, epoch, index))
    chosen = order[(index * classes + torch.arange(classes)) % len(members)].tolist()
    return torch.cat([_drawn(members[place], examples, generator) for place in chosen])


def _drawn(rows: Tensor, count: int, generator: torch.Generator) -> Tensor:
    if len(rows) > 4 * count:  # a permutation of thousands for a few of them would take longer than the batch
        while True:
            places = torch.randint(len(rows), (2 * count,), generator=generator).tolist()
            different = list(dict.fromkeys(places))
            if len(different) >= count:
                return rows[different[:count]]
    return rows[torch.randperm(len(rows), generator=generator)[:count]]


class BalancedBatches(Batches):
    """Batches of P classes with K examples each; an epoch has as many as see every example about once.

    Args:
        dataset: all examples, with one class each.
        rows: those to draw from.
        classes: P.
        each: K.
        seed: what draws depend on, with epoch and batch.
        execution: where and how the arithmetic is carried out.
        augmentation: what is done to the images.
    """

    def __init__(
        self,
        dataset: Dataset,
        rows: Tensor,
        classes: int,
        each: int,
        seed: int,
        execution: Execution,
        augmentation: Augmentation | None = None,
    ) -> None:
        super().__init__(dataset, rows, classes * each, seed, execution, augmentation)
        self.members = by_class(rows, dataset.columns["targets"][rows])
        self.classes = min(classes, len(self.members))
        self.each = each
        usual = sum(min(each, len(part)) for part in self.members) / len(self.members) * self.classes
        self.count = max(1, round(len(rows) / usual))

    @override
    def batch(self, epoch: int, index: int) -> Batch:
        rows = balanced_rows(self.members, self.classes, self.each, self.seed, epoch, index)
        return self.gather(rows, (epoch, index))
