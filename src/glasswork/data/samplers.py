"""Samplers choose the items of a batch: pure functions of seed, epoch and batch number."""

import abc
import copy
from collections.abc import Sequence
from itertools import pairwise
from typing import Self

import torch
from torch import Tensor
from typing_extensions import override

from glasswork.data import ragged
from glasswork.execution import mixed


class Sampler(abc.ABC):
    """Divides the items of an epoch into batches; batch `k` of epoch `e` depends on (seed, e, k) alone.

    Args:
        items: what is drawn from along the first dimension: row numbers, places in a text, (origin, series).
        count: batches of an epoch.
        seed: of the run.
    """

    def __init__(self, items: Tensor, count: int, seed: int) -> None:
        self.items = items
        self.count = count
        self.seed = seed

    def __len__(self) -> int:
        return self.count

    @property
    def size(self) -> int:
        """Items of the largest batch."""
        return -(-self.most // self.count)

    @property
    def most(self) -> int:
        """Items of the largest batch that could be made."""
        return len(self.items)

    @abc.abstractmethod
    def index(self, epoch: int, k: int) -> Tensor:
        """The items of batch `k` of epoch `epoch`, both from 0."""

    @abc.abstractmethod
    def resized(self, size: int) -> "Sampler":
        """The same items in batches of up to `size`."""

    def sample(self, size: int) -> Tensor:
        """Some `size` items (`most` if it is more), to measure with."""
        return self.items[:size]

    def reseeded(self, seed: int) -> Self:
        """The same items, drawn from another seed."""
        other = copy.copy(self)
        other.seed = seed
        return other


class Shuffled(Sampler):
    """Every item once an epoch, in random order; batches differ in size by at most one.

    So no step rests on a handful of examples.

    Args:
        items: what is drawn from, along the first dimension.
        batch_size: items of a batch, at most.
        seed: of the run.
        device: where the items of an epoch are put.
    """

    def __init__(self, items: Tensor, batch_size: int, seed: int, device: str | torch.device = "cpu") -> None:
        super().__init__(items, batches_of(len(items), batch_size), seed)
        self._device = device
        self._made: tuple[int, int] | None = None
        self._batches: Sequence[Tensor] = ()

    def order(self, epoch: int) -> Tensor:
        """The places in `items` in the order in which an epoch takes them."""
        return torch.randperm(len(self.items), generator=torch.Generator().manual_seed(mixed(self.seed, epoch)))

    @override
    def index(self, epoch: int, k: int) -> Tensor:
        if self._made != (self.seed, epoch):
            ends = [place * len(self.items) // self.count for place in range(self.count + 1)]
            items = self.items[self.order(epoch)].to(self._device)
            self._batches = torch.split(items, [end - start for start, end in pairwise(ends)])
            self._made = self.seed, epoch
        return self._batches[k]

    @override
    def resized(self, size: int) -> "Shuffled":
        return Shuffled(self.items, size, self.seed, self._device)


class ByLength(Sampler):
    """Every item once an epoch, together with others of nearly equal length; batches differ in size by at most one.

    Args:
        items: what is drawn from.
        lengths: of each item, (items,).
        batch_size: items of a batch, at most.
        seed: of the run.
    """

    def __init__(self, items: Tensor, lengths: Tensor, batch_size: int, seed: int) -> None:
        super().__init__(items, batches_of(len(items), batch_size), seed)
        self.lengths = lengths
        self._made: tuple[int, int] | None = None
        self._batches: Sequence[Tensor] = ()

    @override
    def index(self, epoch: int, k: int) -> Tensor:
        if self._made != (self.seed, epoch):
            self._batches = ragged.length_buckets(self.lengths, self.count, self.seed, epoch)
            self._made = self.seed, epoch
        return self.items[self._batches[k]]

    @override
    def sample(self, size: int) -> Tensor:
        """Items of all lengths, the longest among them."""
        order = self.lengths.argsort(descending=True)
        return self.items[order[:: max(1, len(order) // size)][:size]]

    @override
    def resized(self, size: int) -> "ByLength":
        return ByLength(self.items, self.lengths, size, self.seed)


class Balanced(Sampler):
    """P classes with K examples each; an epoch has as many batches as see every example about once.

    The classes stand in an order drawn for the epoch, and each batch takes the next ones, around and around: all
    classes come equally often, however many examples they have.

    Args:
        rows: int64 (examples,).
        classes: of each row, int64 (examples,).
        count: P, how many different classes; at most all.
        each: K, how many examples of each; fewer of a class that has no more.
        seed: of the run.
    """

    def __init__(self, rows: Tensor, classes: Tensor, count: int, each: int, seed: int) -> None:
        self.members = by_class(rows, classes)
        self.classes = min(count, len(self.members))
        self.each = each
        usual = sum(min(each, len(part)) for part in self.members) / len(self.members) * self.classes
        super().__init__(rows, max(1, round(len(rows) / usual)), seed)

    @override
    def index(self, epoch: int, k: int) -> Tensor:
        return balanced_rows(self.members, self.classes, self.each, self.seed, epoch, k)

    @override
    def resized(self, size: int) -> Shuffled:
        return Shuffled(self.items, size, self.seed)


class Consecutive(Sampler):
    """A long text read in lanes, for truncated back-propagation through time: where the chunks of a batch begin.

    The text is divided into lanes, which are read side by side from their beginnings to their ends. Item i of one batch
    goes on where item i of the batch before ended, so that a network's state can be carried on; in every epoch the
    lanes begin somewhere else.

    Args:
        length: of the text, more than `times`.
        lanes: how many lie side by side; fewer if the text is too short for them.
        times: of one chunk; the target of its last time is one place further.
        seed: of the run.
    """

    def __init__(self, length: int, lanes: int, times: int, seed: int) -> None:
        self.length, self.times = length, times
        most = (length - 1) // times
        self.lanes = min(lanes, most)
        super().__init__(torch.arange(most) * times, (length - 1) // (self.lanes * times), seed)

    @property
    @override
    def size(self) -> int:
        return self.lanes

    @override
    def index(self, epoch: int, k: int) -> Tensor:
        lane = self.count * self.times
        left_over = self.length - 1 - self.lanes * lane
        first = mixed(self.seed, epoch) % (left_over + 1)
        return first + torch.arange(self.lanes) * lane + k * self.times

    @override
    def resized(self, size: int) -> "Consecutive":
        return Consecutive(self.length, size, self.times, self.seed)


def batches_of(items: int, batch_size: int) -> int:
    """How many batches of at most `batch_size` some items make; at least one."""
    return max(1, -(-items // batch_size))


def by_class(rows: Tensor, classes: Tensor) -> list[Tensor]:
    """The rows of each class that has any, in the order of the classes.

    Args:
        rows: int64 (N,).
        classes: of each, int64 (N,).
    """
    ordered = rows[classes.argsort(stable=True)]
    return [part for part in torch.split(ordered, torch.bincount(classes).tolist()) if len(part)]


def balanced_rows(members: list[Tensor], classes: int, examples: int, seed: int, epoch: int, index: int) -> Tensor:
    """The rows of batch `index` of epoch `epoch` of `Balanced`: a pure function of its arguments.

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
    return torch.cat([_draw(members[place], examples, generator) for place in chosen])


def _draw(rows: Tensor, count: int, generator: torch.Generator) -> Tensor:
    if len(rows) > 4 * count:  # a permutation of thousands for a few of them would take longer than the batch
        while True:
            places = torch.randint(len(rows), (2 * count,), generator=generator).tolist()
            different = list(dict.fromkeys(places))
            if len(different) >= count:
                return rows[different[:count]]
    return rows[torch.randperm(len(rows), generator=generator)[:count]]
