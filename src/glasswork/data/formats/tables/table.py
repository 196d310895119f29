"""Tables: CSV, TSV and Parquet files, of numbers, categories and dates, or of paths of images and their labels."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
from glasswork.data.formats.picture_lists import PictureFinder, names_pictures
from glasswork.data.formats.tables.cells import Table, head, is_parquet, rows
from glasswork.data.formats.tables.encode import encode
from glasswork.data.formats.tables.infer import TRUTH, describe
from glasswork.data.formats.tables.load import is_table, load_tables, written
from glasswork.data.formats.tables.parts import USUAL_TARGETS, answered, declared_target, divided_tables, rows_by_split
from glasswork.data.formats.tables.placeholders import find_placeholders, say_placeholders
from glasswork.data.formats.tables.typed import Kind, Numbers, column_kinds, missing_words, numbers_in
from glasswork.data.kinds.columns import Column
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.kind import Inputs, Target
from glasswork.data.kinds.labels import Labels
from glasswork.data.kinds.numbers import Numbers as Quantities
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.table import Table as TableKind
from glasswork.data.kinds.task import Task
from glasswork.data.listing import is_named_as_picture, natural, visible
from glasswork.errors import GlassworkError, printable

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
    kinds = column_kinds(options.column)
    missing = tuple(dict.fromkeys((*options.missing, *(like.missing if like else ()))))
    known = like.columns if like else ()
    table = load_tables([file for _, file in files], known, kinds, missing=missing_words(missing))
    chosen = chosen_targets(table, asked or parts.target, path)
    every = list(table.columns)
    table, splits, said = rows_by_split(table, parts, chosen, options)
    features = [name for name in table.columns if name not in chosen]
    if not features:
        raise GlassworkError(f"{path} has no column but the target '{chosen[0]}': nothing to predict it from.")
    pictures = pictures_in(table, features)
    targets, target = targets_of(table, chosen, options, bool(pictures))
    split = torch.tensor(splits, dtype=torch.uint8) if splits is not None else None
    if pictures is None:
        said = (*said, *_say_missing_pictures(table, features))
    if pictures is not None:
        found = _images(table, pictures, [name for name in features if name != pictures], options)
    else:
        found = _vectors(table, features, split, row_names(files, table), like, kinds)
    found = replace(found, unused=(*found.unused, *(name for name in every if name not in table.columns)))
    columns = {"inputs": found.inputs, "targets": targets[found.kept], "fingerprints": found.fingerprints}
    if split is not None:
        columns["split"] = split[found.kept]
    inputs = found.kind(tuple(chosen))
    task = Task(replace(inputs, missing=missing) if isinstance(inputs, TableKind) else inputs, target)
    return Dataset(columns, task, str(path), found.names, found.margin, (*said, *found.skipped, *table.said))


def tables_of(folder: Path) -> list[tuple[int | None, Path]]:
    """The tables of a folder with their splits: train.csv and so on, one in each split folder, or a single one."""
    named = divided_tables(folder)
    here = [path for path in visible(folder) if is_table(path)]
    if named or len(here) != 1:
        return named
    # A single table beside folders may be a list of what the folders hold, or the notes of a folder of class folders.
    folders = any(path.is_dir() for path in visible(folder))
    return [(None, here[0])] if not folders or _names_images(here[0]) else []


def pictures_in(table: Table, names: Sequence[str]) -> str | None:
    """The column that names files of pictures; None: there is none."""
    finder = PictureFinder(table.files[0].parent)
    columns = ((name, table.columns[name]) for name in names)
    return next((name for name, cells in columns if isinstance(cells, list) and names_pictures(cells, finder)), None)


def _names_images(path: Path) -> bool:
    if is_parquet(path):
        return False
    try:
        _, separator, skip = head(path)
        first = next(rows(path, separator, skip), None)
    except GlassworkError:  # said when it is read, if it is this file that is wanted
        return False
    finder = PictureFinder(path.parent)
    return first is not None and any(finder.find(cell) is not None for cell in first[1])


def _say_missing_pictures(table: Table, names: Sequence[str]) -> list[str]:
    """A sentence about a column that names pictures of which none is there."""
    for name in names:
        cells = table.columns[name]
        if isinstance(cells, list) and all(is_named_as_picture(cell.replace("\\", "/")) for cell in cells[:20]):
            return [
                f"The column '{name}' names pictures, such as {cells[0]}, but there is no such file: paths count from "
                f"the folder of the table, {table.files[0].parent}. Put the pictures there, or correct the paths."
            ]
    return []


def row_names(files: Sequence[tuple[int | None, Path]], table: Table, most: int = _MOST_NAMES) -> list[str]:
    """The part and the number of each row, such as `test row 12`; empty for more rows than `most`."""
    if sum(table.counts) > most:
        return []
    starts = ["" if split is None else f"{SPLIT_NAMES[split]} " for split, _ in files]
    each = [start for start, count in zip(starts, table.counts, strict=True) for _ in range(count)]
    return [f"{start}row {row}" for start, row in zip(each, table.row_numbers(), strict=True)]


def chosen_targets(table: Table, asked: str | None, path: Path) -> list[str]:
    """The names of the columns to predict.

    Raises:
        GlassworkError: the named target is not a column, or none is named and none or several have a usual name.
    """
    listed = ", ".join(list(table.columns)[:20]) + (", ..." if len(table.columns) > 20 else "")
    if asked is None:
        usual = [name for name in table.columns if name.lower() in USUAL_TARGETS]
        if len(usual) != 1:
            found = f"several could be it ({', '.join(usual)})" if usual else "none has a usual name"
            raise GlassworkError(
                f"Which column of {path} should be predicted? Add --target NAME ({found}); the columns are {listed}."
            )
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


def targets_of(table: Table, chosen: Sequence[str], options: ReadingOptions, pictures: bool = False) -> Targets:
    """The column of targets, and its kind.

    Args:
        table: with the cells; a guess about the target is said in it.
        chosen: the columns that hold the target.
        options: how many classes there must be, and what the user or a model says that the target is.
        pictures: whether the inputs are pictures, whose whole numbers that count up are classes.

    Raises:
        GlassworkError: there are too few classes, or so many that they are none.
    """
    said = declared_target(options, chosen[0])
    if len(chosen) == 1:
        column = table.columns[chosen[0]]
        if said == "number":
            quantity = column if not isinstance(column, list) else _parsed(table, chosen[0])
            return _quantities(table, (chosen[0],), quantity[:, None])
        if isinstance(column, list) or said in {"class", "labels"}:
            return _text_target(table, chosen[0], options, said)
        return _number_target(table, column, chosen[0], options.least_classes, pictures)
    values = []
    for name in chosen:
        column = table.columns[name]
        if isinstance(column, list):
            raise GlassworkError(
                f"If you predict several targets, each has to be a number, but '{name}' holds text ('{column[0]}')."
            )
        values.append(column)
    joined = np.stack(values, 1)
    if ((joined == 0) | (joined == 1)).all() and said != "number":
        return torch.from_numpy(joined.astype(np.uint8)), Labels(tuple(chosen))
    if said in {"class", "labels"}:
        raise GlassworkError(f"Several columns are labels if all of them are 0 and 1: {', '.join(chosen)} are not.")
    return _quantities(table, tuple(chosen), joined)


def _quantities(table: Table, names: tuple[str, ...], values: Numbers) -> Targets:
    """Targets that are numbers, (rows, numbers); what looks like a placeholder among them is said."""
    found = {name: find_placeholders(column) for name, column in zip(names, values.T, strict=True)}
    table.said.extend(say_placeholders(found))
    return torch.tensor(values), Quantities(names)


def _parsed(table: Table, name: str) -> Numbers:
    cells = table.columns[name]
    assert isinstance(cells, list)
    numbers = numbers_in(cells, table.commas)
    for row in np.flatnonzero(~np.isfinite(numbers)).tolist():
        raise GlassworkError(f"The target '{name}' is to be numbers, and '{cells[row]}' on {table.place(row)} is none.")
    return numbers


def _number_target(table: Table, column: Numbers, name: str, least: int, pictures: bool) -> Targets:
    values, labels = np.unique(column, return_inverse=True)
    if len(values) < least:
        raise GlassworkError(f"The target '{name}' is {values[0]:.15g} in every row: there is nothing to learn.")
    whole = bool((values == np.rint(values)).all())
    counting = (
        whole and values[0] in {0, 1} and values[-1] - values[0] + 1 == len(values) and len(values) * 2 <= len(column)
    )
    if not whole or (len(values) > _MOST_NUMBER_CLASSES and not (pictures and counting)):
        if whole and len(values) <= _MOST_CLASSES:
            table.said.append(
                f"The target '{name}' holds {len(values)} different whole numbers, read as a quantity: --target-kind "
                "class reads them as classes."
            )
        return _quantities(table, (name,), column[:, None])
    if len(values) > 2:
        table.said.append(
            f"The target '{name}' holds {len(values)} different whole numbers, read as classes: --target-kind number "
            "reads them as a quantity."
        )
    return torch.from_numpy(labels.astype(np.int64)), OneClass(tuple(str(int(value)) for value in values))


def _one_spelling(cells: list[str], options: ReadingOptions) -> list[str]:
    """TRUE, True and true as one word, as a model knows it, else in the spelling that comes most."""
    if not all(cell.lower() in TRUTH for cell in cells):
        return cells
    known = options.like.target.names if options.like is not None else ()
    counts = Counter(cells)
    ranked = sorted(counts, key=lambda cell: (-counts[cell], cell))
    spelled = {cell.lower(): cell for cell in reversed([*known, *ranked])}
    return [spelled[cell.lower()] for cell in cells]


def _text_target(table: Table, name: str, options: ReadingOptions, said: str | None) -> Targets:
    column, least = _one_spelling(list(map(printable, written(table.columns[name]))), options), options.least_classes
    several = said == "labels" or (said is None and any(mark in cell for cell in column for mark in ";|"))
    if several and said is None:
        table.said.append(
            f"The target '{name}' has cells with ; or | in them, read as several classes at once: --target-kind class "
            "reads each cell as one."
        )
    cells = [
        [label.strip() for label in re.split("[;|]", cell) if label.strip()] if several else [cell] for cell in column
    ]
    classes = sorted({label for labels in cells for label in labels}, key=natural)
    if len(classes) < least:
        raise GlassworkError(f"The target '{name}' is '{column[0]}' in every row: there is nothing to learn.")
    if said is None and len(classes) > max(_MOST_CLASSES, len(column) // 2):
        raise GlassworkError(
            f"The target '{name}' holds {len(classes):,} different texts in {len(column):,} rows: these are not "
            "classes (--target-kind class treats them as such)."
        )
    number = {label: index for index, label in enumerate(classes)}
    if not several:
        return torch.tensor([number[cell] for cell in column]), OneClass(tuple(classes))
    marks = np.zeros((len(column), len(classes)), dtype=np.uint8)
    for row, labels in enumerate(cells):
        marks[row, [number[label] for label in labels]] = 1
    return torch.from_numpy(marks), Labels(tuple(classes))


def _vectors(
    table: Table,
    names: Sequence[str],
    split: Tensor | None,
    row_names: Sequence[str],
    like: TableKind | None,
    kinds: Mapping[str, Kind],
) -> _Inputs:
    """Numbers, categories and dates as features, as the model knows them or as the training rows suggest."""
    columns = like.known_columns if like else ()
    if like and columns:
        unused, sentences = like.unused, tuple(like.ignored(names))
    else:
        decide = torch.ones(sum(table.counts), dtype=torch.bool) if split is None else split == TRAINING
        described = describe(table, names, (decide if decide.any() else ~decide).numpy(), kinds)
        dropped = (name for name, kind in kinds.items() if kind == "drop")
        columns, unused = tuple(described.columns), (*described.unused, *dropped)
        sentences = tuple(described.sentences)
        if not columns:
            raise GlassworkError(
                f"{table.files[0]} has no column to predict from: {' '.join((*table.said, *sentences))}"
            )
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
    finders = {file.parent: PictureFinder(file.parent) for file in table.files}
    parents = [file.parent for file, count in zip(table.files, table.counts, strict=True) for _ in range(count)]
    paths = [finders[parent].find(cell) or parent / cell for parent, cell in zip(parents, cells, strict=True)]
    decoded = decode_files(paths, options)
    _, channels, height, width = decoded.inputs.shape
    skipped = [f"Columns other than the images are not used: {', '.join(unused)}."] if unused else []
    return _Inputs(
        inputs=decoded.inputs,
        fingerprints=decoded.fingerprints,
        kept=decoded.kept,
        shape=(channels, height - 2 * decoded.margin, width - 2 * decoded.margin),
        names=[cells[row] for row in decoded.kept.tolist()],
        margin=decoded.margin,
        skipped=(*skipped, *(said for finder in finders.values() for said in finder.said()), *decoded.skipped),
        span=decoded.span,
    )
