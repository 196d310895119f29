"""Encodes the cells of a table as features, according to the description of its columns."""

import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from glasswork.data.dataset import fingerprints
from glasswork.data.formats.tables.cells import Table
from glasswork.data.formats.tables.dates import dates_of
from glasswork.data.formats.tables.infer import TRUTH, listed
from glasswork.data.formats.tables.load import written
from glasswork.data.formats.tables.typed import Numbers, is_missing, numbers_in
from glasswork.data.kinds.columns import YEAR, Column, spans
from glasswork.errors import GlassworkError

_BLOCK = (
    256  # rows copied at once: columns of wide tables lie far apart, so a block has to stay in the processor's cache
)

Features = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Encoded:
    """A table as features.

    Attributes:
        inputs: float32 (rows, features); NaN if unknown: an empty number, a text that is no category.
        fingerprints: int64 (rows,), equal for rows with the same cells.
        sentences: what is in these rows that the description does not foresee.
    """

    inputs: Tensor
    fingerprints: Tensor
    sentences: tuple[str, ...]


def encode(table: Table, columns: Sequence[Column], problems: dict[int, str] | None = None) -> Encoded:
    """Turns each column into its features.

    Args:
        table: the cells.
        columns: of the model.
        problems: where it is written down, by row, which cell is no number or no date where it should be one; None:
            such a cell is refused.

    Raises:
        GlassworkError: a column is missing, or a cell is refused.
    """
    rows, bounds = sum(table.counts), spans(columns)
    array = np.empty((rows, bounds[-1][1]), dtype=np.float32)
    single: list[tuple[int, Features]] = []
    texts: list[Tensor] = []
    unforeseen: dict[str, Counter[str]] = {}
    for column, (start, end) in zip(columns, bounds, strict=True):
        if column.name not in table.columns:
            raise GlassworkError(f"{table.files[0]} has no column '{column.name}', which this model was trained on.")
        if column.kind == "category":
            cells = written(table.columns[column.name])
            strange = _fill_category(array[:, start:end], column, cells)
            if strange:
                texts.append(_codes(cells, strange))
                unforeseen |= {} if column.pooled else {column.name: strange}
        else:
            features = _numbers(table, column, problems)
            if column.missing:
                features.append(np.isnan(features[0]).astype(np.float32))
            single += list(enumerate(features, start))
    unknown = np.zeros(array.shape[1], dtype=np.int64)
    for first in range(0, rows, _BLOCK):
        block = array[first : first + _BLOCK]
        for place, feature in single:
            block[:, place] = feature[first : first + _BLOCK]
        unknown += np.isnan(block).sum(0)
    sentences = [_unforeseen(name, strange) for name, strange in unforeseen.items()]
    for column, (start, _) in zip(columns, bounds, strict=True):
        empty = int(unknown[start]) - unforeseen.get(column.name, Counter()).total()
        if empty and not column.missing:
            sentences.append(
                f"The column '{column.name}' had no empty cells in training and has {empty:,} here: "
                "they are replaced by the training mean."
            )
    inputs = torch.from_numpy(array)
    # Texts that share a feature or have none make rows different all the same.
    prints = fingerprints(torch.cat([inputs, *texts], 1) if texts else inputs)
    return Encoded(inputs, prints, tuple(sentences))


def _numbers(table: Table, column: Column, problems: dict[int, str] | None) -> list[Features]:
    """The features of a column that is no category, without the one for empty cells."""
    cells = table.columns[column.name]
    if column.kind == "date":
        return _date(table, column, cells, problems)
    if not isinstance(cells, list) or column.kind == "number":
        numbers = numbers_in(cells, table.commas) if isinstance(cells, list) else cells
        if isinstance(cells, list):
            _require(table, column.name, cells, np.isfinite(numbers), "a number", problems)
        return [numbers - column.origin if column.origin else numbers]
    truths = np.array([TRUTH.get(cell.lower(), np.nan) for cell in cells])
    truths = np.where(np.isnan(truths), numbers_in(cells, table.commas), truths)
    _require(table, column.name, cells, np.isin(truths, (0.0, 1.0)), "true or false", problems)
    return [truths.astype(np.float32)]


def _require(
    table: Table,
    name: str,
    cells: list[str],
    fine: npt.NDArray[np.bool_],
    what: str,
    problems: dict[int, str] | None,
) -> None:
    """Refuses the first cell that is neither empty nor what it should be, or writes all of them down."""
    for row in np.flatnonzero(~fine).tolist():
        if is_missing(cells[row]):
            continue
        where = f"The column '{name}' was {what} in training and is '{cells[row]}' on {table.place(row)}"
        if problems is None:
            raise GlassworkError(f"{where}: correct or empty it.")
        problems.setdefault(row, f"{where}: correct or empty it.")


def _date(table: Table, column: Column, cells: Numbers | list[str], problems: dict[int, str] | None) -> list[Features]:
    texts = written(cells)
    dates = dates_of(texts, column.day_first)
    days = np.full(len(texts), np.nan) if dates is None else dates.days
    _require(table, column.name, texts, ~np.isnan(days), "a date", problems)
    empty = np.isnan(days)
    whole = np.floor(np.where(empty, 0, days))
    calendar = whole.astype(np.int64).astype("datetime64[D]")
    of_year = (calendar - calendar.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64)
    shares = [of_year / YEAR, (whole + 3) % 7 / 7]  # 1970-01-01 was a Thursday
    if column.times:
        shares.append(days - whole)
    waves = [wave(2 * np.pi * share) for share in shares for wave in (np.sin, np.cos)]
    return [days - column.origin, *(np.where(empty, np.nan, values) for values in waves)]


def _fill_category(block: npt.NDArray[np.float32], column: Column, cells: list[str]) -> Counter[str]:
    """Sets the ones of a column's features; the texts that are no category of it, with their counts."""
    another, unknown = len(column.categories), -1
    places = {category: place for place, category in enumerate(column.categories)}
    strange = Counter(cell for cell in cells if cell not in places and not is_missing(cell))
    places |= dict.fromkeys(strange, another if column.pooled else unknown)
    empty = block.shape[1] - 1 if column.missing else unknown
    codes = np.array([places.get(cell, empty) for cell in cells], dtype=np.int64)
    known = np.flatnonzero(codes != unknown)
    block[:] = 0
    block[known, codes[known]] = 1
    block[codes == unknown] = np.nan
    return strange


def _codes(cells: list[str], strange: Counter[str]) -> Tensor:
    numbers = {cell: zlib.crc32(cell.encode()) for cell in strange}
    codes = np.array([numbers.get(cell, 0) for cell in cells], dtype=np.uint32)
    return torch.from_numpy(codes.view(np.float32)[:, None])


def _unforeseen(name: str, strange: Counter[str]) -> str:
    words = listed([f"'{cell}' ({count:,})" for cell, count in strange.most_common()])
    return f"The column '{name}' holds values not seen in training, treated as unknown: {words}."
