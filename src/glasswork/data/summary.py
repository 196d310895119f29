"""The summary printed before training: counts, classes, sizes, imbalance, duplicates across splits."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from glasswork.data.dataset import Dataset
from glasswork.data.splits import Splits

NAMED = 5
IMBALANCE = 3.0


@dataclass(frozen=True)
class Summary:
    """Facts about the data of a run.

    Attributes:
        source: path or name.
        counts: examples per split, in `unit`.
        inputs: one input in words, such as `28 x 28 grey images`.
        target: what is predicted, in words.
        class_counts: training examples per class; empty for numbers.
        imbalance: most frequent class over rarest; 1 where that means nothing.
        duplicates: how many validation and test examples are exact copies of a training example.
        warnings: sentences for what a reader should know before believing a result.
        unit: what `counts` counts, in the plural.
    """

    source: str
    counts: Mapping[str, int]
    inputs: str
    target: str
    class_counts: Mapping[str, int]
    imbalance: float
    duplicates: int
    warnings: tuple[str, ...]
    unit: str = "examples"

    def to_json(self) -> dict[str, Any]:
        """The summary as plain JSON types."""
        return asdict(self)


def summarise(dataset: Dataset, splits: Splits) -> Summary:
    """Looks over the examples of a run."""
    task = dataset.task
    counts = task.target.counts(dataset, splits.training)
    class_counts = {} if counts is None else dict(zip(task.target.names, counts.tolist(), strict=True))
    imbalance = 1.0 if counts is None else task.target.imbalance(counts)
    duplicates, warnings = _duplicates(dataset, splits)
    if imbalance > IMBALANCE and task.target.class_sizes(dataset, splits.training) is not None:
        most, least = max(class_counts, key=lambda c: class_counts[c]), min(class_counts, key=lambda c: class_counts[c])
        warnings.append(
            f"class '{most}' has {imbalance:.1f} times as many training examples as '{least}': "
            "--class-weights balanced gives them equal weight"
        )
    warnings += [sentence.removesuffix(".") for sentence in task.inputs.suspicions(dataset, splits.training)]
    warnings += task.inputs.remarks(dataset)
    return Summary(
        source=dataset.source,
        counts={name: dataset.count(rows) for name, rows in splits.named().items()},
        inputs=task.inputs.describe(dataset),
        target=task.target.describe(task),
        class_counts=class_counts,
        imbalance=imbalance,
        duplicates=duplicates,
        warnings=tuple(warnings),
        unit=task.target.unit,
    )


def _duplicates(dataset: Dataset, splits: Splits) -> tuple[int, list[str]]:
    """Rows of validation and test whose input is also a training input."""
    prints = dataset.columns["fingerprints"]
    known = prints[splits.training]
    total, warnings = 0, []
    for name, rows in (("validation", splits.validation), ("test", splits.test)):
        copies = rows[torch.isin(prints[rows], known)]
        if len(copies) == 0:
            continue
        total += len(copies)
        pairs = "; ".join(_pair(dataset, int(row), splits.training, known) for row in copies[:NAMED])
        more = f"; and {len(copies) - NAMED:,} more" if len(copies) > NAMED else ""
        what = (
            "example is an exact copy of a training example"
            if len(copies) == 1
            else ("examples are exact copies of training examples")
        )
        warnings.append(f"{len(copies):,} {name} {what}, so its score is slightly too good: {pairs}{more}")
    return total, warnings


def _pair(dataset: Dataset, row: int, training: Tensor, known: Tensor) -> str:
    twin = int(training[(known == dataset.columns["fingerprints"][row]).nonzero()[0, 0]])
    return f"{dataset.name(row)} = {dataset.name(twin)}"
