"""Inputs that are rows of numbers: the features of a table, or of a plain array."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn
from typing_extensions import override

from glasswork.data.dataset import Dataset
from glasswork.data.formats.raw_arrays import vectors_of
from glasswork.data.formats.tables.encode import encode
from glasswork.data.formats.tables.infer import quoted
from glasswork.data.formats.tables.load import is_table, load_tables
from glasswork.data.formats.tables.typed import missing_words
from glasswork.data.kinds.columns import Column, spans
from glasswork.data.kinds.kind import Affine, Inputs, Port, Reading, as_numbers, moments, new_inputs
from glasswork.data.suspicions import suspicions
from glasswork.errors import GlassworkError

if TYPE_CHECKING:
    from glasswork.data.kinds.task import Task

_PLURALS = {"number": "numbers", "boolean": "booleans", "category": "categories", "date": "dates"}
MARK_DEVIATION = 0.5
TAILS = 5.0  # deviations; one slip of the point in a thousand rows would otherwise decide about a whole test set


@dataclass(frozen=True)
class Table(Inputs):
    """Rows of numbers, float32 (rows, features); NaN for what is unknown, such as an empty cell.

    Attributes:
        shape: (features,).
        features: their names; empty if they have none.
        mean: what is subtracted, per feature; also what stands for an unknown one.
        deviation: what features are divided by after that; 0 for a feature of a table that is the same in every
            training row, which becomes 0 everywhere.
        tails: how many deviations from the mean the features reach; farther ones are drawn nearer by a logarithm;
            None: they stay where they are.
        columns: how the columns of a table become the features, in their order; empty for a plain array.
        target_columns: the columns of the table that hold the target.
        unused: the columns of the table that are neither.
        missing: what stands for missing cells, as the user declared it: `VALUES` or `NAME=VALUES` each.
        origins: what is subtracted from the columns of a plain array as it is read, so that float32 keeps what far
            numbers differ by; empty: nothing.
    """

    tag: ClassVar[str] = "vector"
    word: ClassVar[str] = "vector"
    words: ClassVar[str] = "rows of numbers"
    trained: ClassVar[str] = "rows of a table"
    preset: ClassVar[str] = "mlp"
    file: ClassVar[str] = "FILE.csv"
    asked: ClassVar[str] = "the rows of a table"
    several: ClassVar[bool] = True
    kept_in: ClassVar[tuple[str, ...]] = ("arrays", "tables")

    shape: tuple[int]
    features: tuple[str, ...] = ()
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()
    tails: float | None = None
    columns: tuple[Column, ...] = ()
    target_columns: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    origins: tuple[float, ...] = ()
    missing: tuple[str, ...] = ()

    @classmethod
    @override
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        return super().from_json({"missing": (), **value})  # earlier versions did not write it

    @override
    def zeros(self, count: int) -> Tensor:
        return torch.zeros(count, *self.shape)

    @property
    @override
    def unit_names(self) -> tuple[str, ...]:
        return self.features

    @property
    @override
    def fitted(self) -> bool:
        return bool(self.mean)

    @override
    def fit(self, dataset: Dataset, rows: Tensor) -> Self:
        numbers = dataset.columns["inputs"][rows].to(torch.float64)
        mean, deviation = column_moments(numbers, self.columns) if self.columns else moments(numbers)
        tails = TAILS if self.columns else None
        return replace(self, mean=as_numbers(mean), deviation=as_numbers(deviation), tails=tails)

    @override
    def scaler(self) -> nn.Module:
        affine = Affine(self.mean, self.deviation)
        return TableScaler(affine, self.deviation, self.columns, self.tails) if self.deviation else affine

    @override
    def raw(self, dataset: Dataset, rows: Tensor) -> Tensor:
        return dataset.columns["inputs"][rows]

    @property
    def known_columns(self) -> tuple[Column, ...]:
        """The columns that a model was trained on; all are numbers if it was trained on no table."""
        origins = self.origins or (0,) * len(self.features)
        named = zip(self.features, origins, strict=True)
        return self.columns or tuple(Column(feature, "number", origin=origin) for feature, origin in named)

    @override
    def read(self, paths: Sequence[Path], task: "Task") -> Iterator[Reading]:
        """The rows of tables; of several files one that cannot be read is a problem of its own."""
        for path in paths:
            if not path.is_file():
                raise GlassworkError(
                    f"There is no file {path}: this model predicts for the rows of a .csv, .parquet or .npz file"
                )
            try:
                rows, _, problems = self._read_rows(path)
            except GlassworkError as error:
                if len(paths) == 1:
                    raise
                yield Reading([path.name], new_inputs(torch.zeros(0, *self.shape), task, []), {0: str(error)})
                continue
            names = [f"{path.name} row {row}" for row in range(1, len(rows) + 1)]
            fine = [row for row in range(len(rows)) if row not in problems]
            answered = new_inputs(rows[torch.tensor(fine, dtype=torch.int64)], task, [names[row] for row in fine])
            yield Reading(names, answered, problems)

    def _read_rows(self, path: Path) -> tuple[Tensor, tuple[str, ...], dict[int, str]]:
        """What `read_table` gives, and for each row that cannot be read as one of this model, by its place, why."""
        table = load_tables([path], self.columns, lenient=True, missing=missing_words(self.missing))
        problems = dict(table.problems)
        encoded = encode(table, self.known_columns, problems)
        return encoded.inputs, (*encoded.sentences, *self.ignored(list(table.columns))), problems

    def read_table(self, path: Path) -> tuple[Tensor, tuple[str, ...]]:
        """The model's features out of a table, in any format that tables are trained on.

        Returns:
            float32 (rows, features), NaN for what is unknown, such as an empty cell or a category that training did not
            have; and a sentence for each matter in which the table is not as in training.

        Raises:
            GlassworkError: for a missing column, or a row that is none of this model.
        """
        rows, said, problems = self._read_rows(path)
        if problems:
            raise GlassworkError(problems[min(problems)])
        return rows, said

    @override
    def unlike(self, paths: Sequence[Path]) -> tuple[str, ...]:
        """Unknown categories, empty cells and unused columns of those paths that are tables."""
        found: list[str] = []
        for path in paths:
            try:
                found += self._read_rows(path)[1] if is_table(path) else ()
            except GlassworkError:
                if len(paths) == 1:  # of several, it is the answer to that one that says so
                    raise
        return tuple(found)

    def ignored(self, names: Sequence[str]) -> list[str]:
        """A sentence about columns that training did not have."""
        known = {column.name for column in self.known_columns} | {*self.target_columns, *self.unused}
        more = [name for name in names if name not in known]
        return [f"Training had no column {quoted(more)}: not used."] if more else []

    @override
    def arrays(self, numbers: Any) -> Tensor:
        """Rows of features in their order."""
        array = numbers.detach().cpu().numpy() if isinstance(numbers, Tensor) else np.asarray(numbers)
        if array.ndim != 2 or array.shape[1:] != self.shape:
            raise GlassworkError(
                f"The inputs have the shape {array.shape}: this model takes rows of {self.shape[0]} numbers, "
                f"{', '.join(self.features[:6])}{' ...' if len(self.features) > 6 else ''}"
            )
        if any(column.kind != "number" or column.missing for column in self.columns):
            return vectors_of(array, "the inputs")
        return vectors_of(array, "the inputs", self.origins or tuple(column.origin for column in self.columns))

    @override
    def align(self, dataset: Dataset) -> Tensor | None:
        """Features of plain arrays are found by name."""
        found, inputs = dataset.task.inputs, dataset.columns["inputs"]
        if not isinstance(found, Table) or (found.features == self.features and found.shape != self.shape):
            return None
        if found.origins != self.origins:
            zeros = (0.0,) * self.shape[0]
            own, other = (torch.tensor(each or zeros, dtype=torch.float64) for each in (self.origins, found.origins))
            inputs = (inputs.double() + other - own).float() if len(own) == len(other) else inputs
        if (found.columns, found.features) == (self.columns, self.features):
            return inputs
        if found.columns and self.columns:  # a table that was not read for this model
            raise GlassworkError(
                f"{dataset.source} has changed since this model was trained, and its columns now read differently: "
                "name it with --data, or train again"
            )
        places = {name: place for place, name in enumerate(found.features)}
        missing = [name for name in self.features if name not in places]
        if missing:
            raise GlassworkError(f"{dataset.source} has no column '{missing[0]}', which this model was trained on")
        return inputs[:, [places[name] for name in self.features]] if self.features else None

    @override
    def require_features(self) -> None:
        """Rows of numbers have features."""

    @override
    def describe(self, dataset: Dataset) -> str:
        (features,), columns = self.shape, self.columns
        if (len(columns) == features and all(column.kind == "number" for column in columns)) or not columns:
            return f"rows of {features} number{'s' if features > 1 else ''}"
        counts = Counter(column.kind for column in columns)
        words = [f"{count} {_PLURALS[kind] if count > 1 else kind}" for kind, count in counts.items()]
        return f"rows of {', '.join(words)}, as {features} numbers"

    @override
    def suspicions(self, dataset: Dataset, training: Tensor) -> list[str]:
        return suspicions(dataset, self.columns, self.target_columns, training)

    @override
    def port(self) -> Port:
        less = {
            column.features[0]: f"{column.features[0]} less {column.origin:.15g}"
            for column in self.known_columns
            if column.origin
        }
        named = ", ".join(less.get(feature, feature) for feature in self.features)
        meaning = f"raw values of {named}" if self.features else "raw values"
        return Port("features", "float32", ("batch", *self.shape), f"{meaning}; NaN where unknown")


def column_moments(inputs: Tensor, columns: Sequence[Column]) -> tuple[Tensor, Tensor]:
    """Mean and deviation per feature of a table over its training rows; NaN counts nowhere.

    Numbers come to deviation 1. Features of 0 and 1 are divided by 1/2, so that those of a rare category do not become
    huge (Gelman 2008, Scaling regression inputs by dividing by two standard deviations). A feature that is the same in
    every row gets deviation 0, as nothing was learned about it.

    Args:
        inputs: float64 (rows, features) of the training rows.
        columns: whose features they are.

    Returns:
        Two tensors of shape (features,).
    """
    known = ~inputs.isnan()
    count = known.sum(0).clamp_min(1)
    mean = inputs.nan_to_num(0.0).sum(0) / count
    deviation = (inputs - mean).nan_to_num(0.0).square().sum(0).div(count).sqrt()
    varies = deviation > 1e-12 * mean.abs().clamp_min(1e-12)
    for column, (start, _) in zip(columns, spans(columns), strict=True):
        deviation[[start + place for place in column.marks]] = MARK_DEVIATION
    return mean, torch.where(varies, deviation, 0.0)


class TableScaler(nn.Module):
    """Scales features, and settles those that are unknown or far from all others.

    What is unknown becomes the training mean, which is 0 after scaling. Unknown are NaN, and every feature of a row's
    column if the row has a category, or an empty cell, that no training row has: the other features of that column
    would say `none of these`, which was never seen either.

    A value z beyond `tails` deviations becomes tails + log(1 + |z| - tails), with the sign of z.

    Args:
        affine: scales by mean and deviation.
        deviation: of each feature.
        columns: whose features they are; empty for a plain array, of which only a table is read later.
        tails: see above; None: values stay as they are.
    """

    def __init__(
        self, affine: nn.Module, deviation: Sequence[float], columns: Sequence[Column], tails: float | None
    ) -> None:
        super().__init__()
        self.affine = affine
        self._tails = tails
        self._unseen: list[tuple[str, int, int]] = []
        for column, (start, end) in zip(columns, spans(columns), strict=True):
            places = [start + place for place in column.marks if deviation[start + place] == 0]
            if places and column.kind != "boolean":
                name = f"unseen_{len(self._unseen)}"
                self.register_buffer(name, torch.tensor(places))
                self._unseen.append((name, start, end))

    def forward(self, raw: Tensor) -> Tensor:
        """Scaled float32 inputs (rows, features), without NaN and without far values."""
        scaled: Tensor = self.affine(raw)
        scaled.nan_to_num_(nan=0.0, posinf=torch.inf, neginf=-torch.inf)
        for name, start, end in self._unseen:
            rows = (raw[:, self.get_buffer(name)] == 1).any(1)
            scaled[:, start:end].masked_fill_(rows[:, None], 0.0)
        if self._tails is None:
            return scaled
        beyond = scaled.abs() - self._tails
        far = scaled.sign() * (self._tails + beyond.clamp_min(0.0).log1p())
        return torch.where(beyond > 0, far, scaled)
