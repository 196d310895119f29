"""The cells of tables, of whichever format they are."""

from collections.abc import Sequence
from pathlib import Path

from glasswork.data.formats.tables import cells
from glasswork.data.formats.tables.cells import Table, is_parquet
from glasswork.data.formats.tables.parquet import load_parquet
from glasswork.data.kinds.columns import Column
from glasswork.errors import GlassworkError

_SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")


def is_table(path: Path) -> bool:
    """Whether a file is named as tables are."""
    return (path.name.lower().endswith(_SUFFIXES) or is_parquet(path)) and path.is_file()


def load_tables(files: Sequence[Path], columns: Sequence[Column] = ()) -> Table:
    """The cells of tables of one format.

    Args:
        files: the tables.
        columns: of the model that they are read for, which knows those that are no numbers; empty: of none.

    Raises:
        GlassworkError: a file cannot be read, or they do not fit together.
    """
    packed = [is_parquet(file) for file in files]
    if all(packed):
        return load_parquet(files)
    if any(packed):
        first, other = files[packed.index(True)], files[packed.index(False)]
        raise GlassworkError(f"{first} and {other} are parts of one data set: give all of them in one format.")
    return cells.load(files, [column.name for column in columns if column.kind != "number"])
