"""Makes batches of inputs and the sequences of tokens that answer them."""

from dataclasses import replace

import torch
from torch import Tensor

from glasswork.data import ragged
from glasswork.data.augmentation import Augmentation
from glasswork.data.batches import Batch, Batches, Draw
from glasswork.data.collate import IGNORED, Padded, Rows
from glasswork.data.dataset import Dataset
from glasswork.data.kinds.token_sequence import sequences_of
from glasswork.data.samplers import ByLength, Shuffled
from glasswork.execution import Execution

BEGIN = -1
"""Stands before the first token of an answer."""


class Answered:
    """Makes batches of inputs, and of one sequence of tokens for each: a random one by a draw, else the first.

    A batch's targets are int64 (batch, times) with the end of each sequence, and `IGNORED` behind it; `further` holds
    the token before each of them.

    Args:
        dataset: with targets that are sequences of tokens.
        execution: how the arithmetic is carried out.
        augmentation: what a draw does to images; None: nothing.
    """

    def __init__(self, dataset: Dataset, execution: Execution, augmentation: Augmentation | None = None) -> None:
        # What makes the inputs needs no targets of any length.
        offsets = {name: each for name, each in dataset.offsets.items() if name != "targets"}
        columns = {**dataset.columns, "targets": torch.zeros(len(dataset), dtype=torch.int64)}
        alone = replace(dataset, columns=columns, offsets=offsets)
        self.inputs = Padded(alone, execution) if "inputs" in offsets else Rows(alone, execution, augmentation)
        self.known = "targets" in dataset.offsets
        if self.known:
            self.values = dataset.columns["targets"]
            self.begins, self.first = sequences_of(dataset)

    def __call__(self, rows: Tensor, draw: Draw | None = None) -> Batch:
        """The examples at `rows` (int64) as one batch; without targets where none are known."""
        batch = self.inputs(rows, draw)
        if not self.known:
            return batch
        chosen, counts = self.first[rows], self.first[rows + 1] - self.first[rows]
        if draw is not None:
            drawn = torch.rand(len(rows), generator=draw.generator(torch.device("cpu")))
            chosen = chosen + (drawn * counts).long()
        targets, _ = ragged.pad(self.values.long(), self.begins, chosen, IGNORED)
        targets = targets.to(batch.inputs.device)
        return replace(batch, targets=targets, further=(before(targets),))


def before(targets: Tensor) -> Tensor:
    """The token before each of some targets (batch, times): `BEGIN` before the first, and behind the end."""
    shifted = torch.nn.functional.pad(targets[:, :-1], (1, 0), value=BEGIN)
    return shifted.masked_fill(shifted == IGNORED, BEGIN)


def answered_batches(
    dataset: Dataset,
    rows: Tensor,
    batch_size: int,
    seed: int,
    execution: Execution,
    augmentation: Augmentation | None = None,
) -> Batches:
    """Batches of inputs with their sequences, inputs of nearly equal length together; in random order."""
    collate = Answered(dataset, execution, augmentation)
    if "inputs" not in dataset.offsets:
        return Batches(Shuffled(rows, batch_size, seed, torch.device("cpu")), collate)
    lengths = ragged.lengths(dataset.offsets["inputs"])[rows]
    return Batches(ByLength(rows, lengths, batch_size, seed), collate)
