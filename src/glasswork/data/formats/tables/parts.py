"""Which rows of tables train, validate and test: by the names of their files, or by a column."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from glasswork.data.dataset import SPLIT_NAMES, TRAINING, ReadingOptions
from glasswork.data.encodings import say_encodings
from glasswork.data.formats.splits import (
    say_aside,
    say_column,
    say_splits,
    split_column,
    split_folders,
    split_parts,
)
from glasswork.data.formats.tables.cells import Table, agree_encodings, encoding_of, head, is_parquet
from glasswork.data.formats.tables.load import is_table
from glasswork.data.formats.tables.parquet import parquet_columns
from glasswork.data.formats.tables.typed import column_kinds, is_missing
from glasswork.data.listing import visible
from glasswork.errors import GlassworkError

Rows = npt.NDArray[np.bool_]
_TARGET_KINDS = {"number": "number", "category": "class", "text": "class", "identifier": "class"}
USUAL_TARGETS = ("target", "label", "class", "y", "species")


@dataclass(frozen=True)
class Parts:
    """The tables of a source.

    Attributes:
        files: those with answers, each with its split; None: its name says none.
        said: sentences for the summary, also about tables without answers.
        target: the one column that tables without answers lack; None: there is no such column.
    """

    files: list[tuple[int | None, Path]]
    said: tuple[str, ...] = ()
    target: str | None = None


def divided_tables(folder: Path) -> list[tuple[int | None, Path]]:
    """The tables of a folder that are named after their splits: train.csv and so on, or one in each split folder."""
    here = [path for path in visible(folder) if is_table(path)]
    named: list[tuple[int | None, Path]] = list(split_parts(here).items())
    if not named:
        below = {
            split: [path for path in visible(part) if is_table(path)] for split, part in split_folders(folder).items()
        }
        named = [(split, paths[0]) for split, paths in below.items() if len(paths) == 1]
    return named


def answered(files: list[tuple[int | None, Path]], asked: str | None, options: ReadingOptions) -> Parts:
    """The tables with answers; one without, such as Kaggle's test.csv, is left aside, and said.

    Args:
        files: the tables with their splits.
        asked: the column to predict, or several with commas between; None: not known.
        options: whether the names of the files are ignored.
    """
    training = next((file for split, file in files if split == TRAINING), None)
    said = [*say_splits(files, options)]
    texts = [file for _, file in files if not is_parquet(file)]
    said += agree_encodings(texts)
    said += say_encodings((file.name, encoding_of(file)) for file in texts)
    if training is None or len(files) == 1:
        return Parts(files, tuple(said))
    known = _columns(training)
    wanted = [name.strip() for name in asked.split(",")] if asked and asked not in known else [asked] if asked else []
    wanted = wanted or [name for name in known if name.lower() in USUAL_TARGETS]
    target, kept = None, []
    for split, file in files:
        lacking = [name for name in known if name not in _columns(file)]
        answers = [name for name in lacking if name in wanted] if wanted else lacking if len(lacking) == 1 else []
        if split == TRAINING or not answers:
            kept.append((split, file))
            continue
        said.append(say_aside(file, "rows", f"no column '{answers[0]}'"))
        if not wanted:
            target = answers[0]
            said.append(f"'{target}' is predicted, the only column that {file.name} lacks: --target names another.")
    return Parts(kept, tuple(said), target)


def rows_by_split(
    table: Table, parts: Parts, chosen: Sequence[str], options: ReadingOptions
) -> tuple[Table, list[int] | None, tuple[str, ...]]:
    """The rows with answers, the split of each (None: the source does not say), and sentences for the summary.

    Args:
        table: the cells.
        parts: what they were read from.
        chosen: the columns that hold the target.
        options: whether names of files and columns are ignored, and what the target is.

    Raises:
        GlassworkError: if no row has an answer.
    """
    said = list(parts.said)
    lacking = _lacking(table, chosen, literal=declared_target(options, chosen[0]) == "class")
    splits = [split for (split, _), count in zip(parts.files, table.counts, strict=True) for _ in range(count)]
    found = [split for split in splits if split is not None]
    if not found:
        others = {name: cells for name, cells in table.columns.items() if name not in chosen}
        column = split_column(others) if options.splits != "ignore" else None
        if column is None:
            kept = _answered(table, lacking, np.ones(len(lacking), dtype=bool), chosen, said)
            return table.take(kept) if not kept.all() else table, None, tuple(said)
        name, found = column
        said.append(say_column(name))
        table = replace(table, columns={key: cells for key, cells in table.columns.items() if key != name})
    numbers = np.array(found)
    kept = np.ones(len(numbers), dtype=bool)
    empty: Rows = np.all(lacking, axis=1)
    for split in sorted(set(found) - {TRAINING}):
        rows = numbers == split
        if empty[rows].all():
            kept &= ~rows
            word = SPLIT_NAMES[split]
            said.append(f"The {rows.sum():,} {word} rows have no '{chosen[0]}': they are left aside for predict.")
    kept = _answered(table, lacking, kept, chosen, said)
    return table.take(kept) if not kept.all() else table, numbers[kept].tolist(), tuple(said)


def _columns(file: Path) -> list[str]:
    return parquet_columns(file) if is_parquet(file) else head(file)[0]


def declared_target(options: ReadingOptions, name: str) -> str | None:
    """What the user says that the target is: by itself, or as a column of this name."""
    return options.target_kind or _TARGET_KINDS.get(column_kinds(options.column).get(name, ""))


def _lacking(table: Table, chosen: Sequence[str], literal: bool) -> Rows:
    """Which targets are missing, (rows, targets).

    Args:
        table: the cells.
        chosen: the columns that hold the target.
        literal: whether a word such as None is a class.
    """
    found = []
    for name in chosen:
        cells = table.columns[name]
        words = {cell for cell in set(cells) if is_missing(cell)} if isinstance(cells, list) and not literal else ()
        found.append(np.array([cell in words for cell in cells], dtype=bool) if words else table.empty(name))
    stacked: Rows = np.stack(found, 1)
    return stacked


def _answered(table: Table, lacking: Rows, kept: Rows, chosen: Sequence[str], said: list[str]) -> Rows:
    """Those of the kept rows that have all their targets; what is left out is said.

    Raises:
        GlassworkError: if none has.
    """
    without = kept & lacking.any(1)
    if not without.any():
        return kept
    first, count = int(np.flatnonzero(without)[0]), int(without.sum())
    name = chosen[int(np.flatnonzero(lacking[first])[0])]
    if count == int(kept.sum()):
        raise GlassworkError(
            f"The target '{name}' is missing in every row, as on {table.place(first)}: there is nothing to learn. "
            "(If a word such as None is a class: --target-kind class.)"
        )
    cells = table.columns[name]
    word = cells[first] if isinstance(cells, list) else ""
    hint = f"; if '{word}' is a class, add --target-kind class" if word else ""
    rows = "1 row has" if count == 1 else f"{count:,} rows have"
    left = "it was" if count == 1 else "they were"
    said.append(
        f"{rows} no '{name}', {'' if count == 1 else 'such as '}{table.place(first)}: {left} left out, for predict "
        f"to answer{hint}."
    )
    return kept & ~without
