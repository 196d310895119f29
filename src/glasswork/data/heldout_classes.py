"""Whole classes kept from training, so that the figures are about classes that nobody trained on."""

import difflib
from dataclasses import replace

import torch
from torch import Tensor

from glasswork.data.dataset import TEST, TRAINING, VALIDATION, Dataset
from glasswork.errors import GlassworkError
from glasswork.execution import mixed

LEAST = 2  # classes of a part: with one, every neighbour would be right
LEAST_VALIDATION = 5
UNUSED = 255


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
    return _divided(dataset, roles)


def _named_or_drawn(dataset: Dataset, held_out: tuple[str, ...], order: list[int]) -> list[int]:
    """Places of the classes for the test."""
    classes = dataset.task.target.names
    share = _share(held_out)
    if share is not None:
        return order[: max(LEAST, round(share * len(classes)))] if share > 0 else []
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


def _divided(dataset: Dataset, roles: Tensor) -> Dataset:
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
