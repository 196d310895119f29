"""What the data is, said before training: counts, classes, sizes, imbalance, duplicates across splits."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from glasswork.data import ragged
from glasswork.data.dataset import Dataset, InputKind
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
    schema, class_counts = dataset.schema, _class_counts(dataset, splits.training)
    present = [count for count in class_counts.values() if count]
    imbalance = max(present) / min(present) if schema.target == "class" and present else 1.0
    duplicates, warnings = _duplicates(dataset, splits)
    if imbalance > IMBALANCE and not schema.each:
        most, least = max(class_counts, key=lambda c: class_counts[c]), min(class_counts, key=lambda c: class_counts[c])
        warnings.append(
            f"class '{most}' has {imbalance:.1f} times as many training examples as '{least}': "
            "--class-weights balanced makes them count alike"
        )
    warnings += [sentence.removesuffix(".") for sentence in suspicions(dataset, splits.training)]
    if schema.inputs != "image":
        warnings += [sentence.removesuffix(".") for sentence in dataset.skipped]
    elif dataset.skipped:
        warnings.append(_skipped(dataset.skipped))
    return Summary(
        source=dataset.source,
        counts={name: dataset.count(rows) for name, rows in splits.named().items()},
        inputs=INPUTS[schema.inputs](dataset),
        target=_target(dataset),
        class_counts=class_counts,
        imbalance=imbalance,
        duplicates=duplicates,
        warnings=tuple(warnings),
        unit=schema.unit,
    )


def _class_counts(dataset: Dataset, rows: Tensor) -> dict[str, int]:
    """Rows of each class, or times of each where every time has one."""
    schema, targets = dataset.schema, dataset.columns.get("targets")
    if targets is None or schema.target not in {"class", "classes"}:
        return {}
    places = ragged.places(dataset.offsets["targets"], rows) if "targets" in dataset.offsets else rows
    if schema.target == "class":
        counts = torch.bincount(targets[places], minlength=len(schema.classes))
    else:
        counts = targets[places].sum(0, dtype=torch.int64)
    return dict(zip(schema.classes, counts.tolist(), strict=True))


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
        warnings.append(f"{len(copies):,} {name} {what}, which flatters its figure: {pairs}{more}")
    return total, warnings


def _pair(dataset: Dataset, row: int, training: Tensor, known: Tensor) -> str:
    twin = int(training[(known == dataset.columns["fingerprints"][row]).nonzero()[0, 0]])
    return f"{dataset.name(row)} = {dataset.name(twin)}"


def _skipped(skipped: tuple[str, ...]) -> str:
    more = f"; and {len(skipped) - NAMED:,} more" if len(skipped) > NAMED else ""
    return "; ".join(skipped[:NAMED]) + more


def _images(dataset: Dataset) -> str:
    channels, height, width = dataset.schema.shape
    return f"{height} x {width} {'grey' if channels == 1 else 'colour'} images{_originals(dataset)}"


def _rows(dataset: Dataset) -> str:
    (features,), columns = dataset.schema.shape, dataset.schema.columns
    if (len(columns) == features and all(column.kind == "number" for column in columns)) or not columns:
        return f"rows of {features} number{'s' if features > 1 else ''}"
    counts = Counter(column.kind for column in columns)
    words = [f"{count} {_PLURALS[kind] if count > 1 else kind}" for kind, count in counts.items()]
    return f"rows of {', '.join(words)}, as {features} numbers"


def _text(dataset: Dataset) -> str:
    vocabulary = dataset.schema.vocabulary
    assert vocabulary is not None
    if dataset.schema.target == "next":
        return f"a text of {len(vocabulary) - 1:,} different characters"
    if vocabulary.pieces == "features":
        return f"sentences of {_lengths(dataset)} words, with {len(vocabulary):,} different features"
    return f"texts of {_lengths(dataset)} tokens, out of {len(vocabulary):,}"


def _sequences(dataset: Dataset) -> str:
    if len(dataset.schema.shape) == 3:
        _, height, width = dataset.schema.shape
        return f"clips of {_lengths(dataset)} frames, brought to {height} x {width}"
    shape = " x ".join(map(str, dataset.schema.shape))
    return f"sequences of {_lengths(dataset)} times with {shape} numbers each"


def _lengths(dataset: Dataset) -> str:
    ordered = ragged.lengths(dataset.offsets["inputs"]).sort().values
    least, middle, most = ordered[[0, len(ordered) // 2, -1]].tolist()
    return f"{least:,}" if least == most else f"{least:,} to {most:,} (median {middle:,})"


def _series(dataset: Dataset) -> str:
    kind, names = dataset.schema.series, dataset.schema.classes
    assert kind is not None
    many = "one series" if len(names) == 1 else f"{len(names):,} series"
    beside = f" with {len(kind.covariates)} covariates" if len(kind.covariates) > 1 else ""
    beside = f" with the covariate {kind.covariates[0]}" if len(kind.covariates) == 1 else beside
    span = f" from {dataset.names[0]} to {dataset.names[-1]}" if dataset.names else ""
    season = f"a season of {kind.timing.steps_in_words(kind.season)}" if kind.season > 1 else "no season"
    return f"{many}{beside}, a value every {kind.timing.steps_in_words(1).removeprefix('1 ')}{span}, {season}"


INPUTS: dict[InputKind, Callable[[Dataset], str]] = {
    "image": _images,
    "vector": _rows,
    "text": _text,
    "sequence": _sequences,
    "series": _series,
}
"""One input in words, for each kind."""


def _originals(dataset: Dataset) -> str:
    """The sizes that images were brought from, height x width, by area; empty where they were not resized."""
    sizes = dataset.columns.get("sizes")
    if sizes is None or (sizes == torch.tensor(dataset.schema.shape[1:])).all():
        return ""
    ordered = sizes[sizes.prod(1).argsort()]
    least, middle, most = (f"{height} x {width}" for height, width in ordered[[0, len(ordered) // 2, -1]].tolist())
    return f", all from {least}" if least == most else f", from originals of {least} to {most}, median {middle}"


def _target(dataset: Dataset) -> str:
    names = dataset.schema.classes
    listed = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
    kind = dataset.schema.target
    if kind == "next":
        return "the next character"
    if dataset.schema.series is not None:
        ahead = dataset.schema.series
        return f"{ahead.quantiles} quantiles of {listed}, {ahead.timing.steps_in_words(ahead.horizon)} ahead"
    if kind == "number":
        return f"the number {listed}" if len(names) == 1 else f"{len(names)} numbers: {listed}"
    each = {"text": "word", "sequence": "frame"}.get(dataset.schema.inputs)
    where = f" for each {each}" if dataset.schema.each else ""
    return f"{'one' if kind == 'class' else 'any'} of {len(names)} classes{where}: {listed}"
