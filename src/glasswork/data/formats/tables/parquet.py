"""Parquet files as tables; pyarrow reads them, and is imported only here."""

import importlib
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from glasswork.data.encodings import normalise
from glasswork.data.formats.tables.cells import Table, first_double, require_finite, require_same_columns
from glasswork.data.formats.tables.typed import Numbers
from glasswork.errors import GlassworkError
from glasswork.files import open_regular
from glasswork.limits import within, within_unpacked

_WHOLE_SECONDS = re.compile(r"\.0+(?=$|[-+Z])")  # fractions that arrow writes and that say nothing


def load_parquet(files: Sequence[Path]) -> Table:
    """Read Parquet files with the same columns.

    Numbers are float64 with NaN for null; truth values become `true` and `false`, dates and times ISO 8601, and null
    in these and in texts an empty cell.

    Raises:
        GlassworkError: pyarrow is not installed, a file is damaged or has no rows, or a column holds lists or records.
    """
    try:
        arrow, reader = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise GlassworkError(f"{files[0]} is a Parquet file, which takes pip install 'glasswork[tables]'.") from None
    read = []
    for file in files:
        try:
            with open_regular(file) as opened:
                _require_within(file, opened, reader)
                part = reader.read_table(opened)
            read.append(part.rename_columns([normalise(name) for name in part.column_names]))
        except (arrow.ArrowException, OSError) as error:
            reason = str(error).strip().splitlines()[0].rstrip(".")
            raise GlassworkError(f"{file} cannot be read as Parquet: {reason}.") from None
        _require_names_and_rows(file, read[-1].column_names, read[-1].num_rows)
    require_same_columns(files, [part.column_names for part in read])
    counts = [part.num_rows for part in read]
    table = Table({}, list(files), counts, [row for count in counts for row in range(1, count + 1)])
    for name in read[0].column_names:
        parts = [_cells(arrow, part.column(name), file, name) for part, file in zip(read, files, strict=True)]
        table.columns[name] = _joined(parts, files, name)
        column = table.columns[name]
        if not isinstance(column, list):
            require_finite(table, name, column)
    return table


def parquet_columns(file: Path) -> list[str]:
    """The names of the columns of a Parquet file."""
    try:
        return [normalise(name) for name in importlib.import_module("pyarrow.parquet").read_schema(file).names]
    except (ImportError, ValueError, OSError):
        return list(load_parquet([file]).columns)  # which says what is wrong


def _require_within(file: Path, opened: IO[bytes], reader: Any) -> None:
    """Refuses a file whose footer declares more than the limits."""
    found = reader.ParquetFile(opened).metadata
    within(file, "COLUMNS", found.num_columns)
    size = sum(found.row_group(place).total_byte_size for place in range(found.num_row_groups))
    cells = max(found.num_rows, 0) * found.num_columns
    within(file, "CELLS", cells)
    within_unpacked(file, os.fstat(opened.fileno()).st_size, max(size, 8 * cells))
    opened.seek(0)


def _require_names_and_rows(file: Path, names: Sequence[str], count: int) -> None:
    twice = first_double(names)
    if twice is not None:
        raise GlassworkError(f"{file} has two columns called '{twice}': rename one of them.")
    if count == 0:
        raise GlassworkError(f"{file} has no rows.")


def _cells(arrow: Any, column: Any, file: Path, name: str) -> Numbers | list[str]:
    types = arrow.types
    if types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind) or types.is_null(kind):
        # Through Python where pyarrow has no cast to float64.
        if types.is_integer(kind) or types.is_floating(kind):
            column = column.cast(arrow.float64(), safe=False)
            return np.asarray(column.to_numpy(), dtype=np.float64)
        return np.array([np.nan if cell is None else float(cell) for cell in column.to_pylist()])
    if types.is_nested(kind) or types.is_binary(kind) or types.is_large_binary(kind):
        raise GlassworkError(f"The column '{name}' of {file} holds {kind}, not one cell per row: remove the column.")
    if types.is_boolean(kind):
        return ["" if cell is None else str(cell).lower() for cell in column.to_pylist()]
    words = ["" if cell is None else normalise(cell.strip()) for cell in column.cast(arrow.string()).to_pylist()]
    if types.is_timestamp(kind) and all(_WHOLE_SECONDS.search(word) or not word for word in words):
        words = [_WHOLE_SECONDS.sub("", word) for word in words]
    return words


def _joined(parts: Sequence[Numbers | list[str]], files: Sequence[Path], name: str) -> Numbers | list[str]:
    """One column of all files; a file in which it is empty throughout does not decide about its kind."""
    numbers = [part for part in parts if not isinstance(part, list)]
    if len(numbers) == len(parts):
        return np.concatenate(numbers) if len(numbers) > 1 else numbers[0]
    joined: list[str] = []
    for part, file in zip(parts, files, strict=True):
        if isinstance(part, list):
            joined += part
        elif np.isnan(part).all():
            joined += [""] * len(part)
        else:
            raise GlassworkError(f"The column '{name}' of {file} holds numbers, and in other parts texts or dates.")
    return joined
