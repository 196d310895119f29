"""The cells of tables, of whichever format they are."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from glasswork.data.formats.tables import cells
from glasswork.data.formats.tables.cells import Table, is_parquet
from glasswork.data.formats.tables.infer import listed
from glasswork.data.formats.tables.parquet import load_parquet
from glasswork.data.formats.tables.typed import Kind, MissingWords, Numbers, is_missing, numbers_in
from glasswork.data.kinds.columns import Column
from glasswork.errors import GlassworkError

_SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")


def is_table(path: Path) -> bool:
    """Whether a file is named as tables are."""
    return (path.name.lower().endswith(_SUFFIXES) or is_parquet(path)) and path.is_file()


def load_tables(
    files: Sequence[Path],
    columns: Sequence[Column] = (),
    kinds: Mapping[str, Kind] | None = None,
    lenient: bool = False,
    missing: MissingWords | None = None,
) -> Table:
    """The cells of tables of one format.

    Args:
        files: the tables.
        columns: of the model that they are read for, which knows those that are no numbers; empty: of none.
        kinds: what the user says that columns hold.
        lenient: whether a row that is none is a problem of its own, and one without any cell is kept.
        missing: what the user says that stands for missing values.

    Raises:
        GlassworkError: a file cannot be read, they do not fit together, or a column is not what the user says.
    """
    kinds, missing = kinds or {}, missing or MissingWords()
    packed = [is_parquet(file) for file in files]
    if all(packed):
        table = load_parquet(files)
        table.clear(missing, lenient)
    elif any(packed):
        first, other = files[packed.index(True)], files[packed.index(False)]
        raise GlassworkError(f"{first} and {other} are parts of one data set: use one format for all of them.")
    else:
        texts = [column.name for column in columns if column.kind != "number"]
        table = cells.load(
            files, [*texts, *(name for name, said in kinds.items() if said != "number")], lenient, missing
        )
    if missing and not lenient:
        table.said.append(_say_declared(table))
    for name, said in kinds.items():
        if name not in table.columns and said == "drop":  # new rows may lack what training did not use
            continue
        if name not in table.columns:
            near = get_close_matches(name, table.columns, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"its columns: {', '.join(list(table.columns)[:20])}."
            raise GlassworkError(f"{files[0]} has no column '{name}' to read as {said}: {hint}")
        if said == "drop":
            del table.columns[name]
        else:
            table.columns[name] = _numbers(table, name) if said == "number" else written(table.columns[name])
    return table if lenient else _without_empty_rows(table)


def _say_declared(table: Table) -> str:
    """How many cells the user declared missing."""
    counts = {name: int(table.empty(name).sum()) for name in table.declared}
    for name, before in table.declared.items():
        empty = [not cell for cell in before] if isinstance(before, list) else np.isnan(before)
        counts[name] -= int(np.sum(empty))
    if not counts:
        return "No cell holds a value that is declared missing."
    words = listed([f"'{name}' ({count:,})" for name, count in counts.items()])
    return f"Cells declared missing: {words}."


def written(column: Numbers | list[str]) -> list[str]:
    """The cells of a column as they would be written."""
    if isinstance(column, list):
        return column
    known = np.unique(column[~np.isnan(column)]).tolist()
    words = {number: f"{number:.0f}" if number == round(number) else f"{number:.15g}" for number in known}
    return [words.get(number, "") for number in column.tolist()]


def _numbers(table: Table, name: str) -> Numbers:
    """A column that the user says holds numbers.

    Raises:
        GlassworkError: for a cell that is none.
    """
    column = table.columns[name]
    if not isinstance(column, list):
        return column
    numbers = numbers_in(column, table.commas)
    for row, cell in enumerate(column):
        if np.isnan(numbers[row]) and not is_missing(cell):
            raise GlassworkError(f"The column '{name}' is to be numbers, and '{cell}' on {table.place(row)} is none.")
    cells.require_finite(table, name, numbers)
    return numbers


def _without_empty_rows(table: Table) -> Table:
    """The rows with a value in any cell; what was passed over is said."""
    empty = np.ones(sum(table.counts), dtype=bool)
    for name in table.columns:
        empty &= table.empty(name)
        if not empty.any():
            return table
    if len(table.columns) == 1:  # an unknown value, at its place
        return table
    table.said.append(f"Rows without a single value ({int(empty.sum()):,}) were left out.")
    return table.take(~empty)
