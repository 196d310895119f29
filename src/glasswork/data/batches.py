"""What one step sees, and where it comes from: batches are a sampler and what is made of its items."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from glasswork.data import ragged
from glasswork.data.dataset import Dataset, Schema
from glasswork.data.kinds.table_scaling import TAILS, TableScaling, column_moments
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
    """

    inputs: Tensor
    targets: Tensor
    lengths: Tensor | None = None
    begins: bool = True
    counted: int | None = None

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
