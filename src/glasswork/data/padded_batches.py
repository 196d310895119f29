"""Batches of rows that differ in length: rows of nearly equal length together, the shorter ones padded."""

import torch
from torch import Tensor
from typing_extensions import override

from glasswork.data import ragged
from glasswork.data.batches import Batch, BatchSource, Scaling
from glasswork.data.dataset import Dataset
from glasswork.execution import Execution

IGNORED = -100
"""The target of a padded time, where there is one target per time; torch's cross-entropy leaves it out."""


PADDING = -1
"""Stands behind the end of a shorter text in a batch, where it is no token's number."""


class PaddedBatches(BatchSource):
    """The batches of every epoch over some rows of texts or sequences, in buckets of nearly equal length.

    Args:
        dataset: with inputs that differ in length, and one target per row or one per time.
        rows: those to draw from.
        batch_size: rows of a batch; batches differ in size by at most one.
        seed: what the batches depend on, with the epoch.
        execution: where the arithmetic is carried out.
    """

    def __init__(self, dataset: Dataset, rows: Tensor, batch_size: int, seed: int, execution: Execution) -> None:
        self.examples, self.rows, self.seed, self.execution = dataset, rows, seed, execution
        self.scaling = Scaling(dataset.schema, execution)
        self.lengths = ragged.lengths(dataset.offsets["inputs"])[rows]
        self.count = max(1, -(-len(rows) // batch_size))
        self._epoch = -1
        self._buckets: list[Tensor] = []

    @override
    def __len__(self) -> int:
        return self.count

    @property
    @override
    def size(self) -> int:
        return -(-len(self.rows) // self.count)

    @property
    @override
    def most(self) -> int:
        return len(self.rows)

    @override
    def sample(self, size: int, number: int = 0) -> Batch:
        """Rows of all lengths, the longest among them."""
        order = self.lengths.argsort(descending=True)
        return self.gather(self.rows[order[:: max(1, len(order) // size)][:size]])

    @override
    def resized(self, size: int) -> "PaddedBatches":
        return PaddedBatches(self.examples, self.rows, size, self.seed, self.execution)

    @override
    def batch(self, epoch: int, index: int) -> Batch:
        if self._epoch != epoch:
            self._buckets = ragged.length_buckets(self.lengths, self.count, self.seed, epoch)
            self._epoch = epoch
        return self.gather(self.rows[self._buckets[index]])

    def gather(self, rows: Tensor) -> Batch:
        """The examples at `rows`, padded to the length of the longest: texts with `PADDING`, sequences with zeros."""
        columns, offsets = self.examples.columns, self.examples.offsets
        values, ends = ragged.take(columns["inputs"], offsets["inputs"], rows)
        fill = PADDING if self.examples.schema.inputs == "text" else 0
        inputs, lengths = ragged.pad(self.scaling.inputs(values), ends, torch.arange(len(rows)), fill)
        if "targets" in offsets:
            targets, _ = ragged.pad(columns["targets"], offsets["targets"], rows, IGNORED)
        else:
            targets = columns["targets"][rows]
        return Batch(inputs, self.scaling.targets(targets.to(self.execution.device)), lengths)
