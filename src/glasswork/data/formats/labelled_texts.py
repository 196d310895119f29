"""Texts with answers: the column of a table, or the files in class folders; read as tokens out of a vocabulary."""

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from glasswork.data import ragged
from glasswork.data.dataset import TRAINING, Dataset, ReadingOptions
from glasswork.data.encodings import Encoding, find_encodings, lines_of, normalise, read_text, say_encodings
from glasswork.data.formats.class_folders import find_class_folders, has_classes
from glasswork.data.formats.splits import split_folders
from glasswork.data.formats.tables import table as tables
from glasswork.data.formats.tables.cells import Table
from glasswork.data.formats.tables.infer import quoted
from glasswork.data.formats.tables.load import load_tables
from glasswork.data.formats.tables.parts import answered, rows_by_split
from glasswork.data.formats.tables.typed import column_kinds, missing_words
from glasswork.data.kinds.kind import Target
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.task import Task
from glasswork.data.kinds.text import Texts
from glasswork.data.listing import files_below, natural, visible
from glasswork.data.scripts import example_of_unspaced
from glasswork.data.tokenize import encode, find_vocabulary
from glasswork.errors import GlassworkError, printable

FORMAT = "texts with answers (a .csv, .tsv or .parquet table, or a folder with one folder of .txt files per class)"

_SUFFIXES = (".txt", ".text")
_EXCERPT = 60
_NAMED = 5
_WORDS, _LOOKED_AT = 4, 1000
"""Words of a cell, on average over the first rows, from which on a column is texts and not names."""


@dataclass
class _Texts:
    """The texts of a source, row by row, and what is known about each."""

    texts: list[str]
    names: list[str]
    splits: list[int] | None = None
    target: Target = field(default_factory=lambda: OneClass(()))
    target_columns: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    targets: Tensor | None = None
    skipped: list[str] = field(default_factory=list)


def claims(path: Path) -> bool:
    """Whether `path` is a table (or a folder of tables), or a folder of class folders of text files."""
    return tables.claims(path) or holds_class_folders(path)


def holds_class_folders(path: Path) -> bool:
    """Whether `path` is a folder of class folders of text files."""
    return path.is_dir() and any(has_classes(part, _files) for part in (path, *split_folders(path).values()))


def recognizes(table: Table, options: ReadingOptions, path: Path) -> bool:
    """Whether the longest column of a table, other than the one that is predicted, is sentences."""
    try:
        taken = set(tables.chosen_targets(table, options.target, path))
        cells = _cells(table, _text_column(table, options.text, taken, path))
    except GlassworkError:
        return False
    some = cells[:_LOOKED_AT]
    return len(set(some)) > len(some) / 2 and sum(len(cell.split()) for cell in some) > _WORDS * len(some)


def sources(path: Path) -> list[Path]:
    """The file or the folder."""
    return [path]


def read(path: Path, options: ReadingOptions) -> Dataset:
    """Reads texts and their answers.

    Tokens that come fewer than `options.least` times in the rows that are given for training (in all rows, where the
    source does not divide them) become the unknown one. Rows without a token are left out.

    Raises:
        GlassworkError: for a source without texts or without answers, or with a single class.
    """
    found = _of_tables(path, options) if tables.claims(path) else _of_folders(path, options)
    return _examples(found, path, options)


def read_questions(path: Path, task: Task, options: ReadingOptions) -> tuple[Dataset, dict[int, str]]:
    """Reads texts without their answers, for a model that was trained as `task` says; and why a row cannot be read.

    Of a table the rows; of a text file, where the model was trained on a table, the lines that are not blank; else the
    whole file; of a folder all text files in it.

    Raises:
        GlassworkError: for what holds no text.
    """
    kind, problems = Texts.of(task), dict[int, str]()
    if tables.claims(path):
        table, names = _loaded(path)
        column = _text_column(table, options.text, {*kind.target_columns, *kind.unused}, path)
        found = _Texts(_cells(table, column), names)
    else:
        files = [path] if path.is_file() else [Path(name) for name in _files(path)]
        if not files:
            raise GlassworkError(f"{path} holds no text: name a .txt file, a table, or a folder of .txt files")
        found = _Texts([], [])
        known, _ = find_encodings(files)
        for file in files:
            try:
                encoding = known[file]
                if isinstance(encoding, GlassworkError):
                    raise encoding
                whole = read_text(file, encoding)[0].strip()
            except GlassworkError as error:
                if len(files) == 1:
                    raise
                problems[len(found.texts)] = str(error)
                found.texts.append("")
                found.names.append(str(file))
                continue
            if kind.target_columns:
                lines = [(number, line) for number, line in enumerate(lines_of(whole), 1) if line.strip()]
                found.texts += [line.strip() for _, line in lines]
                found.names += [f"{file.name} line {number}" for number, _ in lines]
            else:
                found.texts.append(whole)
                found.names.append(str(file))
    return examples_of(found.texts, found.names, task, options.longest), problems


def examples_of(texts: Sequence[str], names: Sequence[str], task: Task, longest: int | None = None) -> Dataset:
    """Texts without labels, as a model under `task` takes them; a text may be empty."""
    texts = [normalise(text) for text in texts]
    tokens, offsets = encode(texts, Texts.of(task).vocabulary, longest)
    written, ends = joined_bytes(texts)
    columns = {"inputs": tokens, "texts": written, "targets": torch.zeros(len(texts), dtype=torch.int64)}
    return Dataset(columns, task, "predict", tuple(names), offsets={"inputs": offsets, "texts": ends})


def text_of(dataset: Dataset, row: int) -> str:
    """A text as it was written."""
    begin, end = dataset.offsets["texts"][row : row + 2].tolist()
    return dataset.columns["texts"][begin:end].numpy().tobytes().decode(errors="surrogateescape")


def _examples(found: _Texts, path: Path, options: ReadingOptions) -> Dataset:
    """Tokens, answers and splits as columns."""
    assert found.targets is not None
    found.texts = [normalise(text) for text in found.texts]
    splits = found.splits or [TRAINING] * len(found.texts)
    if options.like is not None:
        vocabulary = Texts.of(options.like).vocabulary
    else:
        trained = [text for text, split in zip(found.texts, splits, strict=True) if split == TRAINING]
        vocabulary = find_vocabulary(trained or found.texts, options.pieces, options.vocabulary, options.least)
    example = example_of_unspaced(vocabulary.tokens) if vocabulary.pieces == "word" and options.like is None else ""
    if example:
        found.skipped.append(
            f"Text without spaces between words, with characters such as {example}, is cut into characters: for "
            "groups of them, use --pieces bpe."
        )
    tokens, offsets = encode(found.texts, vocabulary, options.longest)
    written, ends = joined_bytes(found.texts)
    task = Task(Texts(vocabulary, 0, found.target_columns, found.unused), found.target)
    columns = {"inputs": tokens, "targets": found.targets, "texts": written}
    columns["fingerprints"] = ragged.fingerprints(written, ends)
    if found.splits is not None:
        columns["split"] = torch.tensor(splits, dtype=torch.uint8)
    names = [f"{name}: {_excerpt(text)}" for name, text in zip(found.names, found.texts, strict=True)]
    dataset = Dataset(columns, task, str(path), names, offsets={"inputs": offsets, "texts": ends})
    return _without_empty(dataset, found, path)


def _without_empty(dataset: Dataset, found: _Texts, path: Path) -> Dataset:
    """The examples that have a token, with a sentence about the others."""
    lengths = ragged.lengths(dataset.offsets["inputs"])
    empty = (lengths == 0).nonzero()[:, 0]
    if len(empty) == len(lengths):
        raise GlassworkError(f"{path} holds no text: all {len(lengths):,} texts are empty")
    skipped = list(found.skipped)
    if len(empty):
        named = ", ".join(found.names[row] for row in empty[:_NAMED].tolist())
        more = f" and {len(empty) - _NAMED:,} more" if len(empty) > _NAMED else ""
        words = "text is empty and was" if len(empty) == 1 else "texts are empty and were"
        skipped.append(f"{len(empty):,} {words} left out: {named}{more}.")
        dataset = dataset.take(lengths.nonzero()[:, 0])
    return replace(dataset, skipped=tuple(skipped))


def _of_tables(path: Path, options: ReadingOptions) -> _Texts:
    like = Texts.of(options.like) if options.like else None
    asked = options.target or (",".join(like.target_columns) if like else None)
    parts = answered(_parts(path), asked or None, options)
    files = [file for _, file in parts.files]
    table = load_tables(files, kinds=column_kinds(options.column), missing=missing_words(options.missing))
    chosen = tables.chosen_targets(table, asked or parts.target, path)
    table, splits, said = rows_by_split(table, parts, chosen, options)
    names = tables.row_names(parts.files, table, sys.maxsize)
    column = _text_column(table, options.text, set(chosen), path)
    targets, target = tables.targets_of(table, chosen, options)
    unused = tuple(name for name in table.columns if name not in {column, *chosen})
    found = _Texts(_cells(table, column), names, splits, target, tuple(chosen), unused, targets, [*said, *table.said])
    if unused:
        found.skipped.append(f"Columns other than the texts in '{column}' are not used: {quoted(unused)}.")
    return found


def _parts(path: Path) -> list[tuple[int | None, Path]]:
    return [(None, path)] if path.is_file() else tables.tables_of(path)


def _loaded(path: Path) -> tuple[Table, list[str]]:
    """The cells of a table or of a folder of tables, and the name of each row."""
    files = _parts(path)
    table = load_tables([file for _, file in files])
    return table, tables.row_names(files, table, sys.maxsize)


def _text_column(table: Table, asked: str | None, taken: set[str], path: Path) -> str:
    """The column that was asked for, else the one with the longest texts."""
    texts = {name: cells for name, cells in table.columns.items() if isinstance(cells, list) and name not in taken}
    if asked is not None:
        if asked not in table.columns or asked in taken:
            raise GlassworkError(f"{path} has no column '{asked}' of texts: its columns are {quoted([*table.columns])}")
        return asked
    if not texts:
        raise GlassworkError(f"{path} has no column of texts other than {quoted(sorted(taken))}: use mlp for numbers")
    return max(texts, key=lambda name: sum(map(len, texts[name])))


def _cells(table: Table, column: str) -> list[str]:
    cells = table.columns[column]
    return cells if isinstance(cells, list) else ["" if number != number else f"{number:g}" for number in cells]


def _of_folders(path: Path, options: ReadingOptions) -> _Texts:
    if not holds_class_folders(path):
        raise GlassworkError(_nothing(path))
    folders = find_class_folders(path, _files, "texts", options.splits == "ignore")
    roots: list[tuple[int, Path]] = list(folders.divided.items())
    roots = roots or [(TRAINING, part) for part in folders.pooled or (path,)]
    found, labels, splits = _Texts([], [], skipped=list(folders.said)), [], []
    encodings: list[tuple[str, Encoding]] = []
    unread: list[str] = []
    listed = [
        (split, place, Path(name))
        for split, root in roots
        for place in visible(root)
        if place.is_dir() and place not in folders.aside
        for name in _files(place)
    ]
    known, said = find_encodings([file for _, _, file in listed])
    for split, place, file in listed:
        relative, encoding = os.path.relpath(file, path), known[file]
        try:
            if isinstance(encoding, GlassworkError):
                raise encoding
            text, _ = read_text(file, encoding)
        except GlassworkError as error:
            if options.strict:
                raise
            unread.append(str(error))
            continue
        encodings.append((relative, encoding))
        found.texts.append(text.strip())
        found.names.append(relative)
        labels.append(printable(normalise(place.name)))
        splits.append(split)
    if unread and not labels:
        raise GlassworkError(unread[0])
    found.skipped += say_encodings(encodings) + said + [f"Left out: {sentence}" for sentence in unread]
    classes = sorted(set(labels), key=natural)
    if len(classes) < options.least_classes:
        raise GlassworkError(f"{path} has texts of only one class ('{classes[0]}'): there is nothing to learn.")
    found.targets = torch.tensor([classes.index(label) for label in labels])
    found.target = OneClass(tuple(classes))
    found.splits = splits if folders.divided else None
    return found


def _nothing(path: Path) -> str:
    """Why a path cannot be read, with the folders below it that can."""
    below = [part for part in visible(path) if part.is_dir() and claims(part)] if path.is_dir() else []
    hint = f": name one of its folders, such as {below[0]}" if below else f": expected {FORMAT}"
    return f"{path} holds no texts with answers{hint}"


def _files(folder: Path) -> list[str]:
    """The text files in a folder and those below it, in the order of their names."""
    return sorted((name for name in files_below(folder) if name.lower().endswith(_SUFFIXES)), key=natural)


def joined_bytes(texts: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Texts in UTF-8, one after the other, uint8 (bytes,), and where each begins."""
    encoded = [text.encode(errors="surrogateescape") for text in texts]
    joined = bytearray(b"".join(encoded))
    values = torch.frombuffer(joined, dtype=torch.uint8) if joined else torch.empty(0, dtype=torch.uint8)
    return values, ragged.offsets_of(torch.tensor([len(each) for each in encoded], dtype=torch.int64))


def _excerpt(text: str) -> str:
    """The beginning of a text on one line."""
    line = re.sub(r"\s+", " ", text[: 2 * _EXCERPT])
    return line if len(line) <= _EXCERPT else f"{line[:_EXCERPT].rstrip()} ..."
