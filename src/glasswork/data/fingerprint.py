"""What tells whether data is what it was: digests of inputs, targets and the division into parts."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from glasswork.data.dataset import Dataset
from glasswork.data.splits import Splits
from glasswork.record import Record

NOT_INPUTS = ("inputs", "targets", "split", "unseen")
"""Columns that the digest of the inputs leaves out; the inputs themselves count by their `fingerprints`."""


@dataclass(frozen=True)
class Fingerprint(Record):
    """Digests (SHA-256) of a data set and its division.

    Attributes:
        examples: how many there are.
        inputs: digest of all inputs, in order.
        targets: digest of all targets, in order, and of the names of the classes.
        splits: digest of which rows train, validate and test.
    """

    examples: int
    inputs: str
    targets: str
    splits: str

    @classmethod
    def of(cls, dataset: Dataset, splits: Splits) -> Self:
        """The fingerprint of examples and their division."""
        others = [name for name in sorted(dataset.columns) if name not in NOT_INPUTS]
        targets = _digest(dataset, ["targets"], dataset.task.target.names)
        return cls(len(dataset), _digest(dataset, others), targets, _hash(splits.named().values()))

    def difference(self, dataset: Dataset, splits: Splits) -> str:
        """What is not as it was, in a clause; empty: nothing."""
        now, before = Fingerprint.of(dataset, splits), self.examples
        if now == self:
            return ""
        if now.examples > before and self._begins(dataset, splits):
            added = now.examples - before
            return f"{_examples(added)} {'was' if added == 1 else 'were'} added at its end ({before:,} before)"
        if now.examples != before:
            return f"it has {_examples(now.examples)} and had {before:,}"
        changed = [name for name in ("inputs", "targets") if getattr(now, name) != getattr(self, name)]
        if changed:
            return f"the {' and '.join(changed)} of some of its examples are others"
        return "which of its examples train and which are held out is not as it was"

    def _begins(self, dataset: Dataset, splits: Splits) -> bool:
        """Whether the examples are still the first ones."""
        first = Fingerprint.of(dataset.take(torch.arange(self.examples)), splits)
        return (first.inputs, first.targets) == (self.inputs, self.targets)


def _examples(count: int) -> str:
    return f"{count:,} example{'' if count == 1 else 's'}"


def _digest(dataset: Dataset, names: Iterable[str], words: Iterable[str] = ()) -> str:
    tensors = [tensor for name in names for tensor in (dataset.columns.get(name), dataset.offsets.get(name))]
    return _hash([tensor for tensor in tensors if tensor is not None], words)


def _hash(tensors: Iterable[Tensor], words: Iterable[str] = ()) -> str:
    digest = hashlib.sha256(repr(tuple(words)).encode("utf-8", "backslashreplace"))
    for tensor in tensors:
        digest.update(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
