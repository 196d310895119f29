"""Batches: a sampler chooses the items, and a collate function makes tensors of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from glasswork.data.kinds.task import Task
from glasswork.data.samplers import Sampler
from glasswork.execution import Execution, mixed


@dataclass(frozen=True)
class Batch:
    """What one step sees.

    Attributes:
        inputs: float32, scaled, of shape (examples, ...); of texts int64 (examples, times).
        targets: of shape (examples, ...).
        lengths: int64 (examples,), how many times of each example are real where shorter ones were padded; else None.
        begins: whether the rows are the beginning of something; only where the state of one batch is carried into the
            next does it matter.
        counted: how many examples these are, where an example is not a row of the inputs.
        further: what else the network takes, such as the tokens of the answer so far.
    """

    inputs: Tensor
    targets: Tensor
    lengths: Tensor | None = None
    begins: bool = True
    counted: int | None = None
    further: tuple[Tensor, ...] = ()

    def __len__(self) -> int:
        return self.inputs.shape[0] if self.counted is None else self.counted


class Draw(NamedTuple):
    """Which batch random numbers are drawn for; they depend on nothing else.

    Attributes:
        seed: of the run.
        epoch: from 0.
        batch: its number in the epoch, from 0.
    """

    seed: int
    epoch: int
    batch: int

    def generator(self, device: torch.device) -> torch.Generator:
        """A fresh generator of the batch's random numbers."""
        return torch.Generator(device).manual_seed(mixed(*self))


Collate = Callable[[Tensor, Draw | None], Batch]
"""Makes a batch of what a sampler yields; augmented by a draw, and as it is without one. Bound once per run."""


class Batches:
    """The batches of every epoch: a sampler says which items, `collate` makes a batch of them.

    Batch `k` of epoch `e` depends on (seed, e, k) alone.

    Args:
        sampler: which items form a batch.
        collate: what is made of them.
    """

    def __init__(self, sampler: Sampler, collate: Collate) -> None:
        self.sampler = sampler
        self.collate = collate

    def __len__(self) -> int:
        return self.sampler.count

    @property
    def size(self) -> int:
        """Items of the largest batch."""
        return self.sampler.size

    @property
    def most(self) -> int:
        """Items of the largest batch that could be made."""
        return self.sampler.most

    def batch(self, epoch: int, index: int) -> Batch:
        """Batch `index` of epoch `epoch`, both from 0."""
        return self.collate(self.sampler.index(epoch, index), Draw(self.sampler.seed, epoch, index))

    def sample(self, size: int, number: int = 0) -> Batch:
        """Some batch of `size` items (`most` if it is more), to measure with; another one for another number."""
        return self.collate(self.sampler.sample(size), Draw(self.sampler.seed, number, 0))

    def resized(self, size: int) -> "Batches":
        """The same items in batches of up to `size`."""
        return Batches(self.sampler.resized(size), self.collate)

    def reseeded(self, seed: int) -> "Batches":
        """The same items, in orders and with augmentation drawn from another seed."""
        return Batches(self.sampler.reseeded(seed), self.collate)


class Scaling:
    """Raw columns to what a network works with, and its answers back, on the device of the arithmetic."""

    def __init__(self, task: Task, execution: Execution) -> None:
        self.execution = execution
        self.task = task
        self.scaler = task.inputs.scaler().to(execution.device).eval()
        self.target = task.target.scaler().eval()

    def inputs(self, raw: Tensor) -> Tensor:
        """Scaled float32 inputs in the machine's layout, from uint8 images or float vectors; tokens as int64."""
        return self.execution.arrange(self.scaler(raw.to(self.execution.device)))

    def targets(self, raw: Tensor) -> Tensor:
        """Targets as the loss takes them: int64 classes, float32 labels, scaled float32 numbers.

        They are scaled where they are, as not every device has the float64 of numbers.
        """
        scaled: Tensor = self.target(raw)
        return scaled.to(self.execution.device, non_blocking=True)

    def answers(self, scores: Tensor) -> Tensor:
        """A network's outputs in the target's own units."""
        return self.target.inverse(scores)
