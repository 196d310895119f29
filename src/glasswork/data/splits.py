"""Which examples train, which decide when to stop, and which are kept for the final figure."""

from dataclasses import dataclass

import torch
from torch import Tensor

from glasswork.data.dataset import TEST, TRAINING, VALIDATION, Dataset
from glasswork.errors import GlassworkError
from glasswork.execution import mixed


@dataclass(frozen=True)
class Splits:
    """Row numbers (int64) of the three parts; no row is in two of them."""

    training: Tensor
    validation: Tensor
    test: Tensor

    def named(self) -> dict[str, Tensor]:
        """The parts by the names that people read."""
        return {"train": self.training, "validation": self.validation, "test": self.test}


def split(dataset: Dataset, validation: float, test: float, seed: int) -> Splits:
    """The split that the source gives; what it does not give is held out of its training rows, stratified and seeded.

    Of rows that follow one another in time the end is held out, the test rows after the validation rows.

    Args:
        dataset: all examples, with a `split` column where the source gives one.
        validation: share of the training rows held out where no validation set is given.
        test: share of the training rows held out where no test set is given; taken before `validation`.
        seed: what the draw depends on.

    Raises:
        GlassworkError: where nothing is left to train on, or a class would be left without a training example.
    """
    given = dataset.columns.get("split", torch.full((len(dataset),), TRAINING, dtype=torch.uint8))
    training, held = (given == TRAINING).nonzero()[:, 0], (given == VALIDATION).nonzero()[:, 0]
    final = (given == TEST).nonzero()[:, 0]
    kinds = None if dataset.ordered else dataset.task.target.strata(dataset, torch.arange(len(dataset)))

    def held_out(part: int, share: float) -> tuple[Tensor, Tensor]:
        return _end(training, share) if kinds is None else _hold_out(training, kinds, share, mixed(seed, part))

    if len(final) == 0:
        training, final = held_out(TEST, test)
    if len(held) == 0:
        training, held = held_out(VALIDATION, validation)
    if len(training) == 0:
        raise GlassworkError(f"{dataset.source} leaves no example to train on: {len(dataset)} in all")
    target = dataset.task.target
    counts = target.class_sizes(dataset, training)  # of several labels a rare one may be in the test alone
    if counts is not None:
        if "unseen" in dataset.columns:  # some classes are kept from training on purpose
            counts[dataset.columns["targets"][dataset.columns["unseen"] == 1]] += 1
        if (counts == 0).any():
            name = target.names[int((counts == 0).nonzero()[0])]
            raise GlassworkError(
                f"{dataset.source} leaves class '{name}' without a training example: add examples of it, "
                "or hold out less with --test and --validation"
            )
    return Splits(training, held, final)


def _end(rows: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Splits `rows` into (kept, held out) where they lie: the last ones are held out."""
    count = round(len(rows) * share)
    return rows[: len(rows) - count], rows[len(rows) - count :]


def _hold_out(rows: Tensor, kinds: Tensor, share: float, seed: int) -> tuple[Tensor, Tensor]:
    """Splits `rows` into (kept, held out): every k-th of the shuffled rows in the order of their strata."""
    count = round(len(rows) * share)
    if count == 0:
        return rows, rows[:0]
    shuffled = rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))]
    ordered = shuffled[kinds[shuffled].argsort(stable=True)]
    places = ((torch.arange(count, dtype=torch.float64) + 0.5) * len(rows) / count).long()
    held = torch.zeros(len(rows), dtype=torch.bool)
    held[places] = True
    return ordered[~held].sort().values, ordered[held].sort().values
