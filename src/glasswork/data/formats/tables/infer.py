"""Infers the type of each column of a table: numbers, categories, dates, or of no use."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from glasswork.data.formats.raw_arrays import origin_of
from glasswork.data.formats.tables.cells import Table
from glasswork.data.formats.tables.dates import Dates, dates_of
from glasswork.data.formats.tables.placeholders import find_placeholders, say_placeholders
from glasswork.data.formats.tables.typed import Kind, Numbers, are_codes, codes_in_words, is_missing
from glasswork.data.kinds.columns import Column
from glasswork.data.listing import natural
from glasswork.errors import GlassworkError

TRUTH = {word: truth for words, truth in (("true yes", 1.0), ("false no", 0.0)) for word in words.split()}

# Columns of these names that count up by one would give away the classes of a sorted table; `column 1` has no name.
_ROW_NUMBERS = ("id", "index", "unnamed: 0", "column 1")
_MOST_CATEGORIES = 100
_ENOUGH_ROWS = 20  # of a category to learn from, however small their share
_RARE = 0.005
_FEW_TEXTS = 20  # never too many to be categories
_MOSTLY = 0.5  # of the different texts, for a column of numbers or dates with a few that are none
_IDENTIFIER = re.compile(r"(?i:(.*[^a-z])?(id|uuid|guid|key|index))|.*[a-z]I[dD]")
_MANY = 50  # rows in which whole numbers that are all different look like identifiers, whatever their name
_GLANCE = 100  # rows that show soon that a column holds no identifiers
_NAMED = 5

Rows = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Described:
    """What was found about the columns that are to predict from.

    Attributes:
        columns: those in use.
        unused: the names of those left out.
        sentences: what a user should know about them.
    """

    columns: list[Column] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)


def describe(table: Table, names: Sequence[str], training: Rows, kinds: Mapping[str, Kind] | None = None) -> Described:
    """Describes columns by their cells in some rows; empty cells count wherever they are.

    A text becomes a category where it is in 0.5 % of the rows or in 20, and at most the 100 most frequent do; the
    others are pooled. A column of more than 20 texts is left out where none is as frequent, or where most rows have one
    of their own.

    Args:
        table: the table.
        names: of the columns.
        training: (rows,) which of the rows decide: those that no figure is measured on, where the source tells them.
        kinds: what the user says that columns hold.

    Raises:
        GlassworkError: a column of numbers or dates holds something else in a few rows.
    """
    found = Described()
    gaps: dict[str, int] = {}
    left_out: dict[str, list[str]] = {}
    placeholders: dict[str, dict[float, int]] = {}
    for name in names:
        cells, said = table.columns[name], (kinds or {}).get(name)
        if isinstance(cells, list):
            column: Column | str = (
                _text_column(table, name, cells, training, found.sentences)
                if said is None
                else _said_column(table, name, cells, training, said, found.sentences)
            )
            empty = sum(is_missing(cell) for cell in cells)
        elif said == "number":
            column, empty = _quantity(name, cells, training)
        else:
            column, empty = _number_column(table, name, cells, training, found.sentences)
        if isinstance(column, str):
            left_out.setdefault(column, []).append(name)
            continue
        found.columns.append(column)
        if not isinstance(cells, list):
            placeholders[name] = find_placeholders(cells)
        if empty:
            gaps[name] = empty
    for reason, those in left_out.items():
        found.unused.extend(those)
        found.sentences.append(_left_out(reason, those))
    found.sentences.extend(say_placeholders(placeholders))
    if gaps:
        words = listed([f"'{name}' ({count:,})" for name, count in gaps.items()])
        found.sentences.append(
            f"Empty cells are replaced by the training mean, with an extra feature that marks them: {words}."
        )
    return found


def quoted(names: Sequence[str]) -> str:
    """The first few names, in quotes."""
    return listed([f"'{name}'" for name in names])


def listed(words: Sequence[str]) -> str:
    """The first few of some words, and how many more there are."""
    return ", ".join(words[:_NAMED]) + (f" and {len(words) - _NAMED:,} more" if len(words) > _NAMED else "")


def _left_out(reason: str, names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"The column '{names[0]}' {reason} and was left out."
    return f"Each of the columns {quoted(names)} {reason}: these {len(names)} were left out."


def _number_column(
    table: Table, name: str, cells: Numbers, training: Rows, sentences: list[str]
) -> tuple[Column | str, int]:
    """The column, or why it is of no use; and how many of its cells are empty."""
    if name.lower() in _ROW_NUMBERS and (np.diff(cells) != 1).sum() < len(table.files):
        return "only numbers the rows", 0
    known = cells if training.all() else cells[training]
    low, high = known.min(), known.max()
    empty = 0
    if math.isnan(low) or not training.all():
        missing = np.isnan(cells)
        empty, known = int(missing.sum()), known[~np.isnan(known)]
        if len(known) == 0:
            return "is empty", empty
        low, high = known.min(), known.max()
    if low == high and not empty:
        return "has the same number in every row", empty
    if not empty and _all_different(cells):
        if _IDENTIFIER.fullmatch(name) and len(cells) > _FEW_TEXTS:
            return f"holds identifiers, a different one in each row{_overrule(name, 'number')},", empty
        if len(cells) >= _MANY:
            sentences.append(
                f"The column '{name}' holds a different whole number in each row, as identifiers and row numbers do: "
                f"--column '{name}=drop' takes it out if it says nothing about new rows."
            )
    return Column(name, "number", missing=empty > 0, origin=origin_of(known)), empty


def _quantity(name: str, cells: Numbers, training: Rows) -> tuple[Column | str, int]:
    """A column that the user says holds numbers, and how many of its cells are empty."""
    missing = np.isnan(cells)
    known = cells[training & ~missing]
    if not len(known):
        return "is empty", int(missing.sum())
    return Column(name, "number", missing=bool(missing.any()), origin=origin_of(known)), int(missing.sum())


def _said_column(
    table: Table, name: str, cells: list[str], training: Rows, said: Kind, sentences: list[str]
) -> Column | str:
    """A column that the user says holds categories, dates, or what a network for numbers does not read."""
    if said in {"text", "identifier"}:
        return f"holds {said}s, as --column says,"
    missing = any(is_missing(cell) for cell in cells)
    if said == "date":
        dates = dates_of(cells)
        if dates is None or dates.unreadable:
            row = dates.unreadable[0] if dates is not None else 0
            raise GlassworkError(
                f"The column '{name}' is to be dates, and '{cells[row]}' on {table.place(row)} is none."
            )
        return _date_column(name, dates, training, missing, sentences)
    counts = Counter(cell for cell, counted in zip(cells, training.tolist(), strict=True) if counted)
    counts = Counter({cell: count for cell, count in counts.items() if not is_missing(cell)})
    if not counts:
        return "is empty"
    kept = sorted(counts, key=lambda cell: (-counts[cell], cell))[:_MOST_CATEGORIES]
    return Column(name, "category", tuple(sorted(kept, key=natural)), pooled=len(kept) < len(counts), missing=missing)


def _overrule(name: str, kind: str) -> str:
    return f" (--column '{name}={kind}' keeps it)"


def _all_different(cells: Numbers) -> bool:
    """Whether a column holds whole numbers, none of them twice."""
    for part in (cells[:_GLANCE], cells):
        if (part != np.rint(part)).any() or len(np.unique(part)) < len(part):
            return False
    return True


def _text_column(table: Table, name: str, cells: list[str], training: Rows, sentences: list[str]) -> Column | str:
    """The column, or why it is of no use."""
    counts = Counter(cell for cell, counted in zip(cells, training.tolist(), strict=True) if counted)
    counts = Counter({cell: count for cell, count in counts.items() if not is_missing(cell)})
    missing = any(is_missing(cell) for cell in cells)
    if not counts:
        return "is empty"
    if len(counts) == 1 and not missing:
        return "has the same text in every row"
    if {cell.lower() for cell in counts} in ({"true", "false"}, {"yes", "no"}):
        return Column(name, "boolean", missing=missing)
    dates = dates_of(cells)
    if dates is not None and not dates.unreadable:
        return _date_column(name, dates, training, missing, sentences)
    if len(counts) <= _FEW_TEXTS:
        return Column(name, "category", tuple(sorted(counts, key=natural)), missing=missing)
    if dates is not None and len({cells[row] for row in dates.unreadable}) < _MOSTLY * len(counts):
        row = dates.unreadable[0]
        raise GlassworkError(
            f"The column '{name}' holds dates, but '{cells[row]}' on {table.place(row)} is not one: correct or empty "
            "it, or "
            f"say what the column holds with --column '{name}=category'."
        )
    if are_codes(cells):
        if not codes_in_words(cells):  # else it is said already
            width = len(next(iter(counts)))
            sentences.append(f"The column '{name}' holds codes of {width} letters and digits: read as text.")
    else:
        _refuse_stray_text(table, name, cells, counts)
    return _category_column(name, counts, missing)


def _category_column(name: str, counts: Counter[str], missing: bool) -> Column | str:
    rows = counts.total()
    if len(counts) > rows / 2:
        return f"holds identifiers or free text, hardly any of them twice{_overrule(name, 'category')},"
    least = min(_RARE * rows, _ENOUGH_ROWS)
    ranked = sorted(counts, key=lambda cell: (-counts[cell], cell))
    kept = [cell for cell in ranked[:_MOST_CATEGORIES] if counts[cell] >= least]
    if not kept:
        return f"holds {len(counts):,} different texts, each too rare to learn from,"
    return Column(name, "category", tuple(sorted(kept, key=natural)), pooled=len(kept) < len(counts), missing=missing)


def _date_column(name: str, dates: Dates, training: Rows, missing: bool, sentences: list[str]) -> Column:
    known = dates.days[training]
    known = known[~np.isnan(known)]
    if dates.ambiguous:
        order = "day first" if dates.day_first else "month first"
        sentences.append(
            f"The dates of the column '{name}' are ambiguous between day and month and are read with the {order}: "
            "write them as 2020-12-31 if that is wrong."
        )
    origin = math.floor(known.min())
    return Column(name, "date", missing=missing, times=dates.times, day_first=dates.day_first, origin=origin)


def _refuse_stray_text(table: Table, name: str, cells: list[str], counts: Counter[str]) -> None:
    """A column of numbers with a few cells that are none is a mistake in the table, not a column of categories."""
    strays = {cell for cell in counts if not _is_number(cell)}
    if len(strays) > (1 - _MOSTLY) * len(counts) or not strays:
        return
    row = next(row for row, cell in enumerate(cells) if cell in strays)
    raise GlassworkError(
        f"The column '{name}' holds numbers, but '{cells[row]}' on {table.place(row)} is not one: correct or empty "
        "it, or "
        f"say what the column holds with --column '{name}=category'."
    )


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"[-+]?[\d.,]+([eE][-+]?\d+)?", cell) is not None
