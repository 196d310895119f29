"""Makes batches of rows: of examples of one shape, and of examples that differ in length."""

import math

import torch
from torch import Tensor

from glasswork.data import ragged
from glasswork.data.augmentation import Augmentation, augment, centre
from glasswork.data.batches import Batch, Batches, Draw, Scaling
from glasswork.data.dataset import Dataset
from glasswork.data.samplers import ByLength, Shuffled
from glasswork.execution import Execution

RESIDENT_SHARE = 0.25
FLOAT32 = 4  # bytes
SMALL = 1 << 25
"""Bytes of scaled examples that are made once and kept, rather than batch by batch."""

IGNORED = -100
"""The target of a padded time, if there is one target per time; torch's cross-entropy leaves it out."""


class Rows:
    """Makes batches of rows of one shape: scaled, and augmented by a draw.

    Args:
        dataset: the examples.
        execution: how the arithmetic is carried out.
        augmentation: what a draw does to images; None: nothing.
        keep: whether to scale all examples once and keep them, if nothing is augmented and they take little memory.
    """

    def __init__(
        self,
        dataset: Dataset,
        execution: Execution,
        augmentation: Augmentation | None = None,
        keep: bool = False,
    ) -> None:
        task, count = dataset.task, len(dataset)
        self.execution = execution
        self.augmentation = augmentation
        self.margin = dataset.margin
        self.inputs = _resident(dataset.columns["inputs"], execution.device)
        self.targets = _resident(dataset.columns["targets"], execution.device)
        self.scaling = Scaling(task, execution)
        # Rows taken out of images whose channels are last would have them first.
        fits = len(task.inputs.shape) != 3 or execution.memory_format == "contiguous"
        small = count * math.prod(task.inputs.shape) * FLOAT32 <= SMALL
        self._keep = keep and augmentation is None and fits and small
        self.device = torch.device(execution.device) if self._keep else self.inputs.device  # of the row numbers
        self._scaled: tuple[Tensor, Tensor] | None = None

    def __call__(self, rows: Tensor, draw: Draw | None = None) -> Batch:
        """The examples at `rows` (int64) as one batch."""
        rows = rows.to(self.device)
        if not self._keep:
            return self._gather(rows, draw)
        if self._scaled is None:
            whole = self._gather(torch.arange(len(self.inputs), device=self.inputs.device), None)
            self._scaled = whole.inputs, whole.targets
        inputs, targets = self._scaled
        return Batch(inputs.index_select(0, rows), targets.index_select(0, rows))

    def _gather(self, rows: Tensor, draw: Draw | None) -> Batch:
        inputs = self.inputs[rows]
        if inputs.device.type != torch.device(self.execution.device).type:
            inputs = inputs.to(self.execution.device, non_blocking=True)
        if draw is not None and self.augmentation is not None:
            inputs = augment(inputs, self.augmentation, self.margin, draw.generator(inputs.device))
        else:
            inputs = centre(inputs, self.margin)
        targets = self.targets[rows.to(self.targets.device)]
        return Batch(self.scaling.inputs(inputs), self.scaling.targets(targets))


class Padded:
    """Makes batches of rows that differ in length: texts padded with `PADDING`, sequences with zeros.

    Args:
        dataset: with inputs that differ in length, and one target per row or one per time.
        execution: how the arithmetic is carried out.
    """

    def __init__(self, dataset: Dataset, execution: Execution) -> None:
        self.dataset, self.execution = dataset, execution
        self.scaling = Scaling(dataset.task, execution)

    def __call__(self, rows: Tensor, draw: Draw | None = None) -> Batch:
        """The examples at `rows` (int64), padded to the length of the longest."""
        columns, offsets = self.dataset.columns, self.dataset.offsets
        values, ends = ragged.take(columns["inputs"], offsets["inputs"], rows)
        fill = self.dataset.task.inputs.fill
        inputs, lengths = ragged.pad(self.scaling.inputs(values), ends, torch.arange(len(rows)), fill)
        if "targets" in offsets:
            targets, _ = ragged.pad(columns["targets"], offsets["targets"], rows, IGNORED)
        else:
            targets = columns["targets"][rows]
        return Batch(inputs, self.scaling.targets(targets), lengths)


def collate_of(dataset: Dataset, execution: Execution) -> Rows | Padded:
    """Makes batches of rows as they are, padded if they differ in length."""
    return (Padded if "inputs" in dataset.offsets else Rows)(dataset, execution)


def shuffled_batches(
    dataset: Dataset,
    rows: Tensor,
    batch_size: int,
    seed: int,
    execution: Execution,
    augmentation: Augmentation | None = None,
) -> Batches:
    """Batches of rows of one shape, in random order; they differ in size by at most one."""
    collate = Rows(dataset, execution, augmentation, keep=True)
    return Batches(Shuffled(rows, batch_size, seed, collate.device), collate)


def padded_batches(dataset: Dataset, rows: Tensor, batch_size: int, seed: int, execution: Execution) -> Batches:
    """Batches of rows of nearly equal length, the shorter ones padded; they differ in size by at most one."""
    lengths = ragged.lengths(dataset.offsets["inputs"])[rows]
    return Batches(ByLength(rows, lengths, batch_size, seed), Padded(dataset, execution))


def rows_of(batches: Batches) -> Rows:
    """What makes the batches of rows of one shape."""
    assert isinstance(batches.collate, Rows)
    return batches.collate


def _resident(column: Tensor, device: str) -> Tensor:
    """The column on the device if it takes at most a quarter of its memory; else as it is."""
    if torch.device(device).type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        if column.nbytes < RESIDENT_SHARE * free:
            return column.to(device)
    return column
