"""What the data is, said before training: counts, classes, sizes, imbalance, duplicates across splits."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from glasswork.data.examples import Examples
from glasswork.data.splits import Splits
from glasswork.data.suspicions import suspicions

NAMED = 5
IMBALANCE = 3.0

_PLURALS = {"number": "numbers", "boolean": "booleans", "category": "categories", "date": "dates"}


@dataclass(frozen=True)
class Summary:
    """Facts about the data of a run.

    Attributes:
        source: path or name.
        counts: examples per split.
        inputs: one input in words, such as `28 x 28 grey images`.
        target: what is predicted, in words.
        class_counts: training examples per class; empty for numbers.
        imbalance: most frequent class over rarest; 1 where that means nothing.
        duplicates: how many validation and test examples are exact copies of a training example.
        warnings: sentences for what a reader should know before believing a result.
    """

    source: str
    counts: Mapping[str, int]
    inputs: str
    target: str
    class_counts: Mapping[str, int]
    imbalance: float
    duplicates: int
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The summary as plain JSON types."""
        return asdict(self)


def summarise(examples: Examples, splits: Splits) -> Summary:
    """Looks over the examples of a run."""
    schema, targets = examples.schema, examples.columns["targets"][splits.training]
    class_counts: dict[str, int] = {}
    if schema.target == "class":
        counts = torch.bincount(targets, minlength=len(schema.classes)).tolist()
        class_counts = dict(zip(schema.classes, counts, strict=True))
    elif schema.target == "classes":
        class_counts = dict(zip(schema.classes, targets.sum(0, dtype=torch.int64).tolist(), strict=True))
    present = [count for count in class_counts.values() if count]
    imbalance = max(present) / min(present) if schema.target == "class" and present else 1.0
    duplicates, warnings = _duplicates(examples, splits)
    if imbalance > IMBALANCE:
        most, least = max(class_counts, key=lambda c: class_counts[c]), min(class_counts, key=lambda c: class_counts[c])
        warnings.append(
            f"class '{most}' has {imbalance:.1f} times as many training examples as '{least}': "
            "--class-weights balanced makes them count alike"
        )
    warnings += [sentence.removesuffix(".") for sentence in suspicions(examples, splits.training)]
    if schema.inputs == "vector":
        warnings += [sentence.removesuffix(".") for sentence in examples.skipped]
    elif examples.skipped:
        warnings.append(_skipped(examples.skipped))
    return Summary(
        source=examples.source,
        counts={name: len(rows) for name, rows in splits.named().items()},
        inputs=_inputs(examples),
        target=_target(examples),
        class_counts=class_counts,
        imbalance=imbalance,
        duplicates=duplicates,
        warnings=tuple(warnings),
    )


def _duplicates(examples: Examples, splits: Splits) -> tuple[int, list[str]]:
    """Rows of validation and test whose input is also a training input."""
    prints = examples.columns["fingerprints"]
    known = prints[splits.training]
    total, warnings = 0, []
    for name, rows in (("validation", splits.validation), ("test", splits.test)):
        copies = rows[torch.isin(prints[rows], known)]
        if len(copies) == 0:
            continue
        total += len(copies)
        pairs = "; ".join(_pair(examples, int(row), splits.training, known) for row in copies[:NAMED])
        more = f"; and {len(copies) - NAMED:,} more" if len(copies) > NAMED else ""
        what = (
            "example is an exact copy of a training example"
            if len(copies) == 1
            else ("examples are exact copies of training examples")
        )
        warnings.append(f"{len(copies):,} {name} {what}, which flatters its figure: {pairs}{more}")
    return total, warnings


def _pair(examples: Examples, row: int, training: Tensor, known: Tensor) -> str:
    twin = int(training[(known == examples.columns["fingerprints"][row]).nonzero()[0, 0]])
    return f"{examples.name(row)} = {examples.name(twin)}"


def _skipped(skipped: tuple[str, ...]) -> str:
    more = f"; and {len(skipped) - NAMED:,} more" if len(skipped) > NAMED else ""
    return "; ".join(skipped[:NAMED]) + more


def _inputs(examples: Examples) -> str:
    shape = examples.schema.shape
    if examples.schema.inputs == "image":
        return f"{shape[1]} x {shape[2]} {'grey' if shape[0] == 1 else 'colour'} images{_originals(examples)}"
    columns = examples.schema.columns
    if (len(columns) == shape[0] and all(column.kind == "number" for column in columns)) or not columns:
        return f"rows of {shape[0]} number{'s' if shape[0] > 1 else ''}"
    counts = Counter(column.kind for column in columns)
    words = [f"{count} {_PLURALS[kind] if count > 1 else kind}" for kind, count in counts.items()]
    return f"rows of {', '.join(words)}, as {shape[0]} numbers"


def _originals(examples: Examples) -> str:
    """The sizes that images were brought from, height x width, by area; empty where they were not resized."""
    sizes = examples.columns.get("sizes")
    if sizes is None or (sizes == torch.tensor(examples.schema.shape[1:])).all():
        return ""
    ordered = sizes[sizes.prod(1).argsort()]
    least, middle, most = (f"{height} x {width}" for height, width in ordered[[0, len(ordered) // 2, -1]].tolist())
    return f", all from {least}" if least == most else f", from originals of {least} to {most}, median {middle}"


def _target(examples: Examples) -> str:
    names = examples.schema.classes
    listed = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
    kind = examples.schema.target
    if kind == "number":
        return f"the number {listed}" if len(names) == 1 else f"{len(names)} numbers: {listed}"
    return f"{'one' if kind == 'class' else 'any'} of {len(names)} classes: {listed}"
