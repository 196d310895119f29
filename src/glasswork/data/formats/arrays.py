"""Data sets from plain arrays: what IDX, CIFAR, npz and the bundled digits have in common."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from glasswork.data.dataset import Dataset, ReadingOptions, fingerprints
from glasswork.data.encodings import normalise
from glasswork.data.formats.pixel_range import say_span
from glasswork.data.formats.raw_arrays import (
    Array,
    arranged,
    images_and_span,
    origins_of,
    require_numbers,
    vectors_of,
)
from glasswork.data.formats.tables.placeholders import find_placeholders, say_placeholders
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.kind import Inputs, Target
from glasswork.data.kinds.labels import Labels
from glasswork.data.kinds.numbers import Numbers
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.table import Table
from glasswork.data.kinds.task import Task
from glasswork.errors import GlassworkError


@dataclass(frozen=True)
class Part:
    """One split's inputs and targets as they stood in the file.

    Attributes:
        split: TRAINING, VALIDATION or TEST; none where the source does not say.
        inputs: (rows, features), (rows, height, width), or four dimensions with the channels second or last.
        targets: (rows,) or (rows, columns).
        where: the file or key it came from, for messages.
    """

    split: int | None
    inputs: Array
    targets: Array
    where: str


def examples_of(
    parts: Sequence[Part],
    options: ReadingOptions,
    source: str,
    classes: Sequence[str] = (),
    said: tuple[str, ...] = (),
) -> Dataset:
    """Join parts into Examples.

    Args:
        parts: one or more, with equal shapes.
        options: size and channels to bring images to.
        source: named in messages.
        classes: names of the classes, or of the columns of the targets, where the source gives them.
        said: sentences for the summary.

    Raises:
        GlassworkError: the parts do not fit together, or hold what cannot be inputs or targets.
    """
    for part in parts:
        if len(part.inputs) != len(part.targets):
            raise GlassworkError(
                f"{part.where} has {len(part.inputs):,} inputs but {len(part.targets):,} targets: "
                "each input needs exactly one."
            )
        if part.inputs.shape[1:] != parts[0].inputs.shape[1:] or part.targets.shape[1:] != parts[0].targets.shape[1:]:
            raise GlassworkError(
                f"{part.where} and {parts[0].where} differ in shape (inputs {part.inputs.shape[1:]} and "
                f"{parts[0].inputs.shape[1:]}, targets {part.targets.shape[1:]} and {parts[0].targets.shape[1:]})."
            )
    inputs = _joined([part.inputs for part in parts])
    if len(inputs) == 0:
        raise GlassworkError(f"{source} holds no examples.")
    targets, target = targets_of(_joined([part.targets for part in parts]), classes, source, options.target_kind)
    margin = 0
    kind: Inputs
    if inputs.ndim == 2:
        like = Table.of(options.like) if options.like is not None else None
        origins = like.origins if like is not None else origins_of(inputs)
        columns = vectors_of(inputs, source, origins)
        names = tuple(f"x{number}" for number in range(1, inputs.shape[1] + 1))
        kind = Table((inputs.shape[1],), names, origins=origins)
        if like is None:
            far = {
                name: find_placeholders(column.astype(np.float64)) for name, column in zip(names, inputs.T, strict=True)
            }
            said = (*said, *say_placeholders(far, declare=False))
    else:
        images, span = images_and_span(inputs, source, options.pixel_range, options.span)
        columns, margin = arranged(torch.from_numpy(images), options)
        _, channels, height, width = columns.shape
        kind = Images((channels, height - 2 * margin, width - 2 * margin), span=span)
        said = (*said, *([say_span(span, 0, len(columns))] if span and options.span is None else []))
    table = {"inputs": columns, "targets": targets, "fingerprints": fingerprints(columns)}
    splits = [part.split for part in parts for _ in range(len(part.inputs)) if part.split is not None]
    if splits:
        table["split"] = torch.tensor(splits, dtype=torch.uint8)
    return Dataset(table, Task(kind, target), source, margin=margin, skipped=said)


def _joined(arrays: Sequence[Array]) -> Array:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def targets_of(targets: Array, classes: Sequence[str], source: str, said: str | None = None) -> tuple[Tensor, Target]:
    """Targets as a column, with their kind: what the user says, or what their values show.

    Whole numbers and texts in one dimension are classes, zeros and ones in two are any number of classes, everything
    else is numbers.

    Raises:
        GlassworkError: labels that are negative, beyond `classes`, or no numbers.
    """
    if targets.ndim == 2 and targets.shape[1] == 1:
        targets = targets[:, 0]
    if targets.ndim not in (1, 2) or targets.shape[-1] == 0:
        raise GlassworkError(f"The targets of {source} have the shape {targets.shape}: expected (rows,) or (rows, n).")
    if targets.dtype.kind == "U" and targets.ndim == 1:
        words = np.array([normalise(str(word)) for word in targets])
        known, numbers = np.unique(words, return_inverse=True)
        return torch.from_numpy(numbers.astype(np.int64)), OneClass(tuple(str(name) for name in known))
    require_numbers(targets, source, "targets")
    if said in {"class", "labels"} and targets.dtype.kind == "f" and (targets == np.rint(targets)).all():
        targets = targets.astype(np.int64)
    whole = targets.dtype.kind in "biu" and said != "number"
    if said == "labels" and not (targets.ndim == 2 and ((targets == 0) | (targets == 1)).all()):
        raise GlassworkError(f"The targets of {source} are no zeros and ones in two dimensions, as labels are.")
    if said == "class" and not (whole and targets.ndim == 1):
        raise GlassworkError(f"The targets of {source} are no whole numbers in one dimension, as classes are.")
    if whole and targets.ndim == 1:
        return _labels(targets.astype(np.int64), classes, source)
    columns = targets.shape[1] if targets.ndim == 2 else 1
    names = tuple(classes) if len(classes) == columns else tuple(f"y{number}" for number in range(1, columns + 1))
    if whole and ((targets == 0) | (targets == 1)).all():
        return torch.from_numpy(targets.astype(np.uint8)), Labels(names)
    return torch.from_numpy(targets.astype(np.float64).reshape(-1, columns)), Numbers(names)


def _labels(labels: Array, classes: Sequence[str], source: str) -> tuple[Tensor, Target]:
    low, high = int(labels.min()), int(labels.max())
    # Without names the classes are counted by the largest label, so a stray one would make a huge network.
    limit = len(classes) or max(1000, len(labels))
    if low < 0 or high >= limit:
        stray = low if low < 0 else high
        row = int(np.flatnonzero(labels == stray)[0])
        raise GlassworkError(
            f"The label {stray} of example {row} in {source} is out of range: expected 0 to {limit - 1}, or add "
            "--target-kind number if the targets are a quantity."
        )
    names = tuple(classes) or tuple(str(number) for number in range(max(high + 1, 2)))
    return torch.from_numpy(labels), OneClass(names)
