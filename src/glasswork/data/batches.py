"""Which examples form a batch, as a pure function of seed, epoch and batch number."""

import abc
import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch import Tensor
from typing_extensions import override

from glasswork.data import ragged
from glasswork.data.augmentation import Augmentation, augment, centre
from glasswork.data.dataset import Dataset, Schema
from glasswork.data.formats.tables.scaling import TAILS, TableScaling, column_moments
from glasswork.execution import Execution, mixed

RESIDENT_SHARE = 0.25
FLOAT32 = 4  # bytes
SMALL = 1 << 24
"""Bytes of training rows that are scaled once and kept so, rather than batch by batch."""


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
    """

    inputs: Tensor
    targets: Tensor
    lengths: Tensor | None = None
    begins: bool = True
    counted: int | None = None

    def __len__(self) -> int:
        return self.inputs.shape[0] if self.counted is None else self.counted


class BatchSource(abc.ABC):
    """Where the batches of a stage come from. Batch `k` of epoch `e` depends on (seed, e, k) alone."""

    @abc.abstractmethod
    def __len__(self) -> int:
        """Batches of an epoch."""

    @abc.abstractmethod
    def batch(self, epoch: int, index: int) -> Batch:
        """Batch `index` of epoch `epoch`, both from 0."""

    @property
    @abc.abstractmethod
    def size(self) -> int:
        """Rows of the largest batch."""

    @property
    @abc.abstractmethod
    def most(self) -> int:
        """Rows of the largest batch that could be made."""

    @abc.abstractmethod
    def sample(self, size: int, number: int = 0) -> Batch:
        """Some batch of `size` rows (of `most` where it is more), to measure with; another one for another number."""

    @abc.abstractmethod
    def resized(self, size: int) -> "BatchSource":
        """The same examples in batches of up to `size` rows."""


class Batches(BatchSource):
    """The batches of every epoch over some rows of the examples.

    Batches of an epoch differ in size by at most one, so that no step rests on a handful of examples.
    """

    def __init__(
        self,
        dataset: Dataset,
        rows: Tensor,
        batch_size: int,
        seed: int,
        execution: Execution,
        augmentation: Augmentation | None = None,
    ) -> None:
        self.examples = dataset
        self.rows = rows
        self.seed = seed
        self.execution = execution
        self.augmentation = augmentation
        self.margin = dataset.margin
        self.inputs = _resident(dataset.columns["inputs"], execution.device)
        self.targets = _resident(dataset.columns["targets"], execution.device)
        self.scaling = Scaling(dataset.schema, execution)
        self.count = max(1, -(-len(rows) // batch_size))
        schema = dataset.schema
        # Rows taken out of images whose channels are last would have them first.
        kept = schema.inputs == "vector" or (schema.inputs == "image" and execution.memory_format == "contiguous")
        self.small = augmentation is None and kept and len(rows) * math.prod(schema.shape) * FLOAT32 <= SMALL
        self._scaled: Batch | None = None
        self._epoch = -1
        self._rows: Sequence[Tensor] = ()

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
        return self.gather(self.rows[:size], (0, number))

    @override
    def resized(self, size: int) -> "Batches":
        return Batches(self.examples, self.rows, size, self.seed, self.execution, self.augmentation)

    @override
    def batch(self, epoch: int, index: int) -> Batch:
        if self._epoch != epoch:
            self._arrange(epoch)
        rows = self._rows[index]
        if self._scaled is None:
            return self.gather(rows, (epoch, index))
        return Batch(self._scaled.inputs.index_select(0, rows), self._scaled.targets.index_select(0, rows))

    def gather(self, rows: Tensor, place: tuple[int, int]) -> Batch:
        """The examples at `rows`, augmented by draws that depend on (seed, *place)."""
        rows = rows.to(self.inputs.device)
        inputs = self.inputs[rows]
        if inputs.device.type != torch.device(self.execution.device).type:
            inputs = inputs.to(self.execution.device, non_blocking=True)
        if self.augmentation is not None:
            generator = torch.Generator(inputs.device).manual_seed(mixed(self.seed, *place))
            inputs = augment(inputs, self.augmentation, self.margin, generator)
        else:
            inputs = centre(inputs, self.margin)
        targets = self.targets[rows.to(self.targets.device)].to(self.execution.device, non_blocking=True)
        return Batch(self.scaling.inputs(inputs), self.scaling.targets(targets))

    def order(self, epoch: int) -> Tensor:
        """The places in `rows` in the order in which an epoch takes them."""
        return torch.randperm(len(self.rows), generator=torch.Generator().manual_seed(mixed(self.seed, epoch)))

    def reseeded(self, seed: int) -> "Batches":
        """The same rows, in orders and with augmentation drawn from another seed; the columns are shared."""
        other = copy.copy(self)
        other.seed, other._epoch, other._rows = seed, -1, ()
        return other

    def _arrange(self, epoch: int) -> None:
        """Draws the order of an epoch and divides it into batches."""
        order = self.order(epoch)
        if self.small:
            if self._scaled is None:
                self._scaled = self.gather(self.rows, (epoch, 0))
            order = order.to(self._scaled.inputs.device)
        else:
            order = self.rows[order]
        ends = [index * len(self.rows) // self.count for index in range(self.count + 1)]
        self._rows = torch.split(order, [end - start for start, end in pairwise(ends)])
        self._epoch = epoch


class Scaling:
    """Raw columns to what a network works with, and its answers back, by the schema's means and deviations."""

    def __init__(self, schema: Schema, execution: Execution) -> None:
        self.execution = execution
        self.schema = schema
        pictures = len(schema.shape) == 3
        unit = 255.0 if pictures else 1.0
        mean, deviation = torch.tensor(schema.mean or (0.0,)), torch.tensor(schema.deviation or (1.0,))
        shape = (-1, 1, 1) if pictures else (-1,)
        varies = deviation > 0
        self.factor = torch.where(varies, 1 / (unit * deviation), 0.0).view(shape).to(execution.device)
        self.shift = torch.where(varies, -mean / deviation, 0.0).view(shape).to(execution.device)
        rows = schema.inputs == "vector" and len(schema.deviation) > 0
        self.table = TableScaling(schema, execution.device) if rows else None
        self.target_mean = torch.tensor(schema.target_mean or (0.0,)).to(execution.device)
        self.target_deviation = torch.tensor(schema.target_deviation or (1.0,)).to(execution.device)

    def inputs(self, raw: Tensor) -> Tensor:
        """Scaled float32 inputs in the machine's layout, from uint8 images or float vectors; tokens as int64."""
        if self.schema.inputs == "text":
            return raw.to(self.execution.device, torch.int64)
        scaled = torch.addcmul(self.shift, raw.to(torch.float32), self.factor)
        return self.execution.arrange(self.table.settled(raw, scaled) if self.table else scaled)

    def targets(self, raw: Tensor) -> Tensor:
        """Targets as the loss takes them: int64 classes, float32 labels, scaled float32 numbers."""
        if self.schema.target == "class":
            return raw
        if self.schema.target == "classes":
            return raw.to(torch.float32)
        return (raw - self.target_mean) / self.target_deviation

    def answers(self, scores: Tensor) -> Tensor:
        """A network's outputs in the target's own units."""
        return scores * self.target_deviation + self.target_mean if self.schema.target == "number" else scores


def _resident(column: Tensor, device: str) -> Tensor:
    """The column on the device where it takes at most a quarter of its memory; else where it is."""
    if torch.device(device).type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        if column.nbytes < RESIDENT_SHARE * free:
            return column.to(device)
    return column


def fit_scaling(dataset: Dataset, rows: Tensor) -> Schema:
    """The schema with mean and deviation of the inputs (and of targets that are numbers) over the training `rows`.

    Images have one mean and deviation per channel, vectors one per feature, sequences of them over all times; tokens
    have none. A constant feature keeps deviation 1, but for those of tables see `column_moments`.
    """
    schema, columns = dataset.schema, dataset.columns
    if schema.inputs != "text":
        places = ragged.places(dataset.offsets["inputs"], rows) if "inputs" in dataset.offsets else rows
        mean, deviation, tails = _input_moments(columns["inputs"], places, schema)
        schema = replace(schema, mean=_numbers(mean), deviation=_numbers(deviation), tails=tails)
    if schema.target == "number":
        mean, deviation = _moments(columns["targets"][rows].to(torch.float64))
        schema = replace(schema, target_mean=_numbers(mean), target_deviation=_numbers(deviation))
    return schema


def _input_moments(inputs: Tensor, places: Tensor, schema: Schema) -> tuple[Tensor, Tensor, float | None]:
    """Mean, deviation and reach of the inputs at some places of their column."""
    if len(schema.shape) == 3:
        return *_image_moments(inputs, places), None
    numbers = inputs[places].to(torch.float64)
    return (*column_moments(numbers, schema.columns), TAILS) if schema.columns else (*_moments(numbers), None)


def _image_moments(images: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Per-channel mean and deviation of uint8 images / 255, from how often each of the 256 values occurs."""
    values = torch.arange(256, dtype=torch.float64) / 255
    sample = rows if len(rows) <= 20_000 else rows[:: len(rows) // 20_000 + 1]
    counts = torch.stack(
        [torch.bincount(images[sample, c].flatten(), minlength=256) for c in range(images.shape[1])]
    ).to(torch.float64)
    share = counts / counts.sum(1, keepdim=True)
    mean = share @ values
    deviation = (share @ values.square() - mean.square()).clamp_min(0).sqrt()
    return mean, torch.where(deviation > 1e-6, deviation, 1.0)


def _moments(numbers: Tensor) -> tuple[Tensor, Tensor]:
    mean, deviation = numbers.mean(0), numbers.std(0, correction=0)
    return mean, torch.where(deviation > 1e-12, deviation, 1.0)


def _numbers(tensor: Tensor) -> tuple[float, ...]:
    return tuple(float(value) for value in tensor)
