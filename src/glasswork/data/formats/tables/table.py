"""Tables: CSV, TSV and Parquet files, of numbers, categories and dates, or of paths of images and their labels."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from glasswork.data.dataset import (
    SPLIT_NAMES,
    TRAINING,
    Dataset,
    ReadingOptions,
)
from glasswork.data.formats.decoding import decode_files
from glasswork.data.formats.tables.cells import Numbers, Table, head, is_parquet, rows
from glasswork.data.formats.tables.encode import encode
from glasswork.data.formats.tables.infer import describe
from glasswork.data.formats.tables.load import is_table, load_tables
from glasswork.data.formats.tables.parts import USUAL_TARGETS, answered, divided_tables, rows_by_split
from glasswork.data.kinds.columns import Column
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.kind import Inputs, Target
from glasswork.data.kinds.labels import Labels
from glasswork.data.kinds.numbers import Numbers as Quantities
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.table import Table as TableKind
from glasswork.data.kinds.task import Task
from glasswork.data.listing import is_named_as_picture, natural, visible
from glasswork.errors import GlassworkError

FORMAT = "tables (.csv or .tsv with a header, gzipped or not, or .parquet)"

_MOST_CLASSES = 50  # of a target of texts in a small table
_MOST_NUMBER_CLASSES = 20  # of a target of whole numbers; beyond, it is a quantity
_MOST_NAMES = 100_000  # rows; beyond, a list of names would be larger than what it helps to find

Targets = tuple[Tensor, Target]


@dataclass(frozen=True)
class _Inputs:
    """The inputs of a table: its rows, or the images that they name."""

    inputs: Tensor
    fingerprints: Tensor
    kept: Tensor | slice  # the rows of the table that could be read
    shape: tuple[int, ...]
    names: Sequence[str]
    margin: int = 0
    skipped: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    unused: tuple[str, ...] = ()
    span: tuple[float, ...] = ()

    def kind(self, targets: tuple[str, ...]) -> Inputs:
        """What the inputs mean, beside columns that hold the targets."""
        if not self.columns:
            channels, height, width = self.shape
            return Images((channels, height, width), span=self.span)
        features = tuple(feature for column in self.columns for feature in column.features)
        return TableKind((len(features),), features, columns=self.columns, target_columns=targets, unused=self.unused)


def claims(path: Path) -> bool:
    """Whether `path` is a table, or a folder with one, or with train/val/test ones."""
    return is_table(path) if path.is_file() else bool(tables_of(path))


def sources(path: Path) -> list[Path]:
    """The table or the folder; with a table of images, the folder that it lies in as well."""
    return [path, path.parent] if path.is_file() and _names_images(path) else [path]


def read(path: Path, options: ReadingOptions) -> Dataset:
    """Read one table, or a folder with a table per split.

    Raises:
        GlassworkError: a table is damaged or ragged, the target is missing, unclear or empty somewhere, or a column of
            numbers or dates holds something else.
    """
    like = TableKind.of(options.like) if options.like else None
    asked = options.target or (",".join(like.target_columns) if like else None)
    parts = answered([(None, path)] if path.is_file() else tables_of(path), asked or None, options)
    files = parts.files
    table = load_tables([file for _, file in files], like.columns if like else ())
    chosen = chosen_targets(table, asked or parts.target, path)
    table, splits, said = rows_by_split(table, parts, chosen, options)
    features = [name for name in table.columns if name not in chosen]
    if not features:
        raise GlassworkError(f"{path} has no column but the target '{chosen[0]}': nothing to predict it from.")
    targets, target = targets_of(table, chosen, options.least_classes)
    split = torch.tensor(splits, dtype=torch.uint8) if splits is not None else None
    pictures = next((name for name in features if _holds_images(table.columns[name], table.files[0])), None)
    if pictures is not None:
        found = _images(table, pictures, [name for name in features if name != pictures], options)
    else:
        found = _vectors(table, features, split, row_names(files, table.counts), like)
    columns = {"inputs": found.inputs, "targets": targets[found.kept], "fingerprints": found.fingerprints}
    if split is not None:
        columns["split"] = split[found.kept]
    task = Task(found.kind(tuple(chosen)), target)
    return Dataset(columns, task, str(path), found.names, found.margin, (*said, *found.skipped))


def tables_of(folder: Path) -> list[tuple[int | None, Path]]:
    """The tables of a folder with their splits: train.csv and so on, one in each split folder, or a single one."""
    named = divided_tables(folder)
    here = [path for path in visible(folder) if is_table(path)]
    if named or len(here) != 1:
        return named
    # A single table beside folders may be a list of what the folders hold, or the notes of a folder of class folders.
    folders = any(path.is_dir() for path in visible(folder))
    return [(None, here[0])] if not folders or _names_images(here[0]) else []


def _names_images(path: Path) -> bool:
    if is_parquet(path):
        return False
    try:
        _, separator, skip = head(path)
        first = next(rows(path, separator, skip), None)
    except GlassworkError:  # said when it is read, if it is this file that is wanted
        return False
    return first is not None and any(is_named_as_picture(cell) and (path.parent / cell).is_file() for cell in first[1])


def _holds_images(column: Numbers | list[str], table: Path) -> bool:
    if not isinstance(column, list):
        return False
    if not all(is_named_as_picture(Path(cell).name) or cell == "" for cell in column):
        return False
    return any((table.parent / cell).is_file() for cell in column[:20])


def row_names(files: Sequence[tuple[int | None, Path]], counts: Sequence[int]) -> list[str]:
    """The part and the number of each row, such as `test row 12`; empty for a very large table."""
    if sum(counts) > _MOST_NAMES:
        return []
    starts = ["" if split is None else f"{SPLIT_NAMES[split]} " for split, _ in files]
    return [f"{start}row {row}" for start, count in zip(starts, counts, strict=True) for row in range(1, count + 1)]


def chosen_targets(table: Table, asked: str | None, path: Path) -> list[str]:
    """The names of the columns to predict.

    Raises:
        GlassworkError: a name that was asked for is no column, or nobody asked and none or several have a usual name.
    """
    listed = ", ".join(list(table.columns)[:20]) + (", ..." if len(table.columns) > 20 else "")
    if asked is None:
        usual = [name for name in table.columns if name.lower() in USUAL_TARGETS]
        if len(usual) != 1:
            found = f"several could be it ({', '.join(usual)})" if usual else "none has a usual name"
            raise GlassworkError(f"Say which column of {path} is the target, for {found}; its columns: {listed}.")
        return usual
    if asked in table.columns:
        return [asked]
    names = [name.strip() for name in asked.split(",") if name.strip()]
    for name in names:
        if name not in table.columns:
            near = get_close_matches(name, table.columns, n=3)
            hint = f"did you mean {' or '.join(near)}?" if near else f"its columns: {listed}."
            raise GlassworkError(f"{path} has no column '{name}' to predict: {hint}")
    if not names:
        raise GlassworkError(f"No target is named; the columns of {path}: {listed}.")
    return list(dict.fromkeys(names))


def targets_of(table: Table, chosen: Sequence[str], least: int) -> Targets:
    """The column of targets, and its kind.

    Args:
        table: with the cells.
        chosen: the columns that hold the target.
        least: how many classes there must be.

    Raises:
        GlassworkError: a cell is empty, there are too few classes, or so many that they are none.
    """
    for name in chosen:
        column = table.columns[name]
        empty = [cell == "" for cell in column] if isinstance(column, list) else np.isnan(column)
        without = np.flatnonzero(empty)
        if len(without):
            place = table.place(int(without[0]))
            raise GlassworkError(f"The target '{name}' is empty on {place}: fill it in or take the line out.")
    if len(chosen) == 1:
        column = table.columns[chosen[0]]
        if isinstance(column, list):
            return _text_target(column, chosen[0], least)
        return _number_target(column, chosen[0], least)
    values = []
    for name in chosen:
        column = table.columns[name]
        if isinstance(column, list):
            raise GlassworkError(
                f"Of several targets each has to be a number, but '{name}' holds text ('{column[0]}')."
            )
        values.append(column)
    joined = np.stack(values, 1)
    if ((joined == 0) | (joined == 1)).all():
        return torch.from_numpy(joined.astype(np.uint8)), Labels(tuple(chosen))
    return torch.from_numpy(joined.astype(np.float64)), Quantities(tuple(chosen))


def _number_target(column: Numbers, name: str, least: int) -> Targets:
    values, labels = np.unique(column, return_inverse=True)
    if len(values) < least:
        raise GlassworkError(f"The target '{name}' is {values[0]:g} in every row: there is nothing to learn.")
    if len(values) > _MOST_NUMBER_CLASSES or (values != np.rint(values)).any():
        return torch.from_numpy(column.astype(np.float64)[:, None]), Quantities((name,))
    return torch.from_numpy(labels.astype(np.int64)), OneClass(tuple(str(int(value)) for value in values))


def _text_target(column: list[str], name: str, least: int) -> Targets:
    several = any(mark in cell for cell in column for mark in ";|")
    cells = [
        [label.strip() for label in re.split("[;|]", cell) if label.strip()] if several else [cell] for cell in column
    ]
    classes = sorted({label for labels in cells for label in labels}, key=natural)
    if len(classes) < least:
        raise GlassworkError(f"The target '{name}' is '{column[0]}' in every row: there is nothing to learn.")
    if len(classes) > max(_MOST_CLASSES, len(column) // 2):
        raise GlassworkError(
            f"The target '{name}' holds {len(classes):,} different texts in {len(column):,} rows: these are no classes."
        )
    number = {label: index for index, label in enumerate(classes)}
    if not several:
        return torch.tensor([number[cell] for cell in column]), OneClass(tuple(classes))
    marks = np.zeros((len(column), len(classes)), dtype=np.uint8)
    for row, labels in enumerate(cells):
        marks[row, [number[label] for label in labels]] = 1
    return torch.from_numpy(marks), Labels(tuple(classes))


def _vectors(
    table: Table, names: Sequence[str], split: Tensor | None, row_names: Sequence[str], like: TableKind | None
) -> _Inputs:
    """Numbers, categories and dates as features, as the model knows them or as the training rows suggest."""
    columns = like.known_columns if like else ()
    if like and columns:
        unused, sentences = like.unused, tuple(like.ignored(names))
    else:
        decide = torch.ones(sum(table.counts), dtype=torch.bool) if split is None else split == TRAINING
        described = describe(table, names, (decide if decide.any() else ~decide).numpy())
        columns, unused = tuple(described.columns), tuple(described.unused)
        sentences = tuple(described.sentences)
        if not columns:
            raise GlassworkError(f"{table.files[0]} has no column to predict from: {' '.join(sentences)}")
    encoded = encode(table, columns)
    return _Inputs(
        inputs=encoded.inputs,
        fingerprints=encoded.fingerprints,
        kept=slice(None),
        shape=(encoded.inputs.shape[1],),
        names=row_names,
        skipped=(*sentences, *encoded.sentences),
        columns=columns,
        unused=unused,
    )


def _images(table: Table, name: str, unused: Sequence[str], options: ReadingOptions) -> _Inputs:
    """The images that the column `name` points to, relative to the table that it stands in."""
    cells = [str(cell) for cell in table.columns[name]]
    parents = [file.parent for file, count in zip(table.files, table.counts, strict=True) for _ in range(count)]
    decoded = decode_files([parent / cell for parent, cell in zip(parents, cells, strict=True)], options)
    _, channels, height, width = decoded.inputs.shape
    skipped = [f"Beside the images these columns are not used: {', '.join(unused)}."] if unused else []
    return _Inputs(
        inputs=decoded.inputs,
        fingerprints=decoded.fingerprints,
        kept=decoded.kept,
        shape=(channels, height - 2 * decoded.margin, width - 2 * decoded.margin),
        names=[cells[row] for row in decoded.kept.tolist()],
        margin=decoded.margin,
        skipped=(*skipped, *decoded.skipped),
        span=decoded.span,
    )
