"""Which examples train, which decide when to stop, and which are kept for the final figure; by classes too."""

import difflib
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from glasswork.data.dataset import TEST, TRAINING, VALIDATION, Dataset
from glasswork.data.encodings import normalise
from glasswork.errors import GlassworkError
from glasswork.execution import mixed

LEAST = 2  # classes of a part: with one, every neighbour would be right
LEAST_VALIDATION = 5
UNUSED = 255


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


def hold_classes_out(dataset: Dataset, held_out: tuple[str, ...], validation: float, seed: int) -> Dataset:
    """The examples with a `split` column by classes: some classes are for the test alone, others for validation.

    Where the source has a test set of its own, only its examples of the held-out classes are tested on, and those of
    the others are not used. Where fewer than five classes would validate, examples are left to do so.

    Args:
        dataset: with one class each.
        held_out: names of the classes for the test, or one share of all of them as a word, drawn with the seed; `0`
            holds none out, and the examples stay as they are.
        validation: share of the other classes that validate.
        seed: what the draw depends on.

    Raises:
        GlassworkError: an unknown class, or too few classes to hold any out.
    """
    count = len(dataset.task.target.names)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(mixed(seed, TEST))).tolist()
    test = _named_or_drawn(dataset, held_out, order)
    if not test:
        return dataset
    others = [place for place in order if place not in set(test)]
    held = round(validation * len(others))
    held = held if held >= LEAST_VALIDATION else 0
    if len(test) < LEAST or len(others) - held < LEAST:
        raise GlassworkError(
            f"{dataset.source} has {count} classes, and at least {LEAST} are needed for the test and {LEAST} for "
            "training: hold out examples of all classes instead with --held-out-classes 0"
        )
    roles = torch.full((count,), TRAINING, dtype=torch.uint8)
    roles[torch.tensor(test)] = TEST
    roles[torch.tensor(others[:held], dtype=torch.int64)] = VALIDATION
    return _divide(dataset, roles)


def _named_or_drawn(dataset: Dataset, held_out: tuple[str, ...], order: list[int]) -> list[int]:
    """Places of the classes for the test."""
    classes = dataset.task.target.names
    share = _share(held_out)
    if share is not None:
        return order[: max(LEAST, round(share * len(classes)))] if share > 0 else []
    held_out = tuple(map(normalise, held_out))
    for name in held_out:
        if name not in classes:
            near = difflib.get_close_matches(name, classes, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"its classes are {', '.join(classes[:20])}"
            raise GlassworkError(f"{dataset.source} has no class '{name}' to hold out: {hint}")
    return sorted({classes.index(name) for name in held_out})


def _share(held_out: tuple[str, ...]) -> float | None:
    """The share that a single word below 1 names; None for names of classes."""
    if len(held_out) != 1:
        return None if held_out else 0.0
    try:
        number = float(held_out[0])
    except ValueError:
        return None
    return number if 0 <= number < 1 else None


def _divide(dataset: Dataset, roles: Tensor) -> Dataset:
    given = dataset.columns.get("split")
    split = roles[dataset.columns["targets"]].clone()
    if given is not None and (given == TEST).any():
        unused = (split != TEST) & (given == TEST)
        tested = torch.bincount(dataset.columns["targets"][given == TEST], minlength=len(roles))
        if (tested[roles == TEST] >= LEAST).all():
            unused |= (split == TEST) & (given != TEST)
        split[unused] = UNUSED
    columns = {**dataset.columns, "split": split, "unseen": (split != TRAINING).to(torch.uint8)}
    return replace(dataset, columns=columns)
