"""Text files of rows and cells: separators, headers, and columns of numbers or texts."""

import csv
import gzip
import re
import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from itertools import accumulate, islice
from pathlib import Path
from typing import TextIO

import numpy as np
import numpy.typing as npt

from glasswork.data.encodings import Encoding, Opening, find_encoding, find_encodings, normalise, open_text
from glasswork.data.formats.packed import open_unpacked
from glasswork.data.formats.tables.typed import (
    MissingWords,
    Numbers,
    codes_in_words,
    has_codes,
    is_missing,
    number_of,
    numbers_in,
)
from glasswork.errors import GlassworkError
from glasswork.limits import limit, within

_SEPARATORS = ",;\t|"
_SAMPLE = 20  # rows looked at to find the separator
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)  # what Excel writes above a table
_CHUNK = 1 << 22  # characters looked through at once
_LONGEST = 100_000  # characters of a cell, beyond which a quote is probably not closed if cells are missing
_GLANCE = 8  # rows that show soon that a column holds no numbers
_COUNTED = 4  # names that count 0, 1, 2, ... are names from so many on
_NONE = MissingWords()
csv.field_size_limit(2**31 - 1)


@dataclass(frozen=True)
class Table:
    """Several files with the same columns, one below the other.

    Attributes:
        columns: by name, in the order of the first file: float64 numbers with NaN for empty cells, or texts.
        files: the files.
        counts: how many rows each file has.
        lines: line of each row in its file, counting from 1; of Parquet files, which have none, the row.
        problems: for rows that are no rows of this table, by their place, why, in one sentence; empty where they are
            refused instead.
        said: sentences about what was passed over or read in a way that was not certain.
        commas: whether a comma may stand for the point of a number, as it separates no cells.
        numbers: the number of each row in its file, counting from 1; empty: all of them are there, in their order.
        declared: columns as they were before the values that the user declares missing were taken out of them.
    """

    columns: dict[str, Numbers | list[str]]
    files: list[Path]
    counts: list[int]
    lines: Sequence[int]
    problems: dict[int, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    commas: bool = False
    numbers: Sequence[int] = ()
    declared: dict[str, Numbers | list[str]] = field(default_factory=dict)

    def place(self, row: int) -> str:
        """The line that a row stands on, in words."""
        file = next(file for file, end in zip(self.files, accumulate(self.counts), strict=True) if row < end)
        return f"{'row' if is_parquet(file) else 'line'} {self.lines[row]} of {file}"

    def take(self, kept: npt.NDArray[np.bool_]) -> "Table":
        """The rows that are kept."""
        rows = np.flatnonzero(kept).tolist()
        columns, declared = (
            {
                name: [cells[row] for row in rows] if isinstance(cells, list) else cells[rows]
                for name, cells in every.items()
            }
            for every in (self.columns, self.declared)
        )
        ends = list(accumulate(self.counts))
        counts = [int(kept[end - count : end].sum()) for end, count in zip(ends, self.counts, strict=True)]
        problems = {place: self.problems[row] for place, row in enumerate(rows) if row in self.problems}
        lines, numbers = ([each[row] for row in rows] for each in (self.lines, self.row_numbers()))
        taken = replace(self, columns=columns, counts=counts, lines=lines, problems=problems)
        return replace(taken, numbers=numbers, declared=declared)

    def row_numbers(self) -> Sequence[int]:
        """The number of each row in its file, counting from 1."""
        return self.numbers or [row for count in self.counts for row in range(1, count + 1)]

    def clear(self, missing: MissingWords, lenient: bool = False) -> None:
        """Takes out the values that the user declares missing, and keeps what the columns were.

        Args:
            missing: these values.
            lenient: whether a column that is not there is no mistake.

        Raises:
            GlassworkError: for a column that is not there.
        """
        unknown = next((name for name in missing.of if name not in self.columns), None)
        if not lenient and unknown is not None:
            near = get_close_matches(unknown, self.columns, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"its columns: {', '.join(list(self.columns)[:20])}."
            raise GlassworkError(f"{self.files[0]} has no column '{unknown}' with missing values: {hint}")
        for name, cells in self.columns.items():
            rows = missing.among(name, cells)
            if not rows.any():
                continue
            self.declared[name] = cells
            if isinstance(cells, list):
                self.columns[name] = ["" if gone else cell for gone, cell in zip(rows.tolist(), cells, strict=True)]
            else:
                self.columns[name] = np.where(rows, np.nan, cells)

    def empty(self, name: str) -> npt.NDArray[np.bool_]:
        """Which cells of a column have nothing in them."""
        cells = self.columns[name]
        return np.array([not cell for cell in cells], dtype=bool) if isinstance(cells, list) else np.isnan(cells)


def is_parquet(path: Path) -> bool:
    """Whether a file is named as Parquet files are."""
    return path.name.lower().endswith((".parquet", ".pq"))


def load(
    files: Sequence[Path], texts: Collection[str] = (), lenient: bool = False, missing: MissingWords = _NONE
) -> Table:
    """Read CSV and TSV files with the same columns.

    Args:
        files: the files.
        texts: names of columns whose cells are kept as they are written, although they may all be numbers.
        lenient: whether a row with too many or too few cells is a problem of its own, and no reason to refuse the file.
        missing: what the user says that stands for missing values.

    Raises:
        GlassworkError: a file is damaged, has no rows, a row with too many or too few cells, or other columns.
    """
    headers = [head(file) for file in files]
    require_same_columns(files, [names for names, _, _ in headers])
    names = headers[0][0]
    if any(name in texts for name in names) or len(names) == 1:
        return _texts(files, headers, texts, lenient, missing)
    numbers = [_numbers(file, *header) for file, header in zip(files, headers, strict=True)]
    found = [part for part in numbers if part is not None]
    if len(found) == len(files):
        # A part whose columns stand in this order already is not copied: it may be large.
        ordered = [
            part if own == names else part[:, places_of(names, own)]
            for part, (own, _, _) in zip(found, headers, strict=True)
        ]
        joined = ordered[0] if len(ordered) == 1 else np.concatenate(ordered)
        lines = [row + skip + 1 for part, (_, _, skip) in zip(found, headers, strict=True) for row in range(len(part))]
        columns = dict(zip(names, joined.T, strict=True))
        table = Table(columns, list(files), [len(part) for part in found], lines, said=_said_of(files, headers))
        table.clear(missing, lenient)
        return table
    return _texts(files, headers, (), lenient, missing)


def require_same_columns(files: Sequence[Path], names: Sequence[Sequence[str]]) -> None:
    """Refuses parts of a data set that have different columns.

    Raises:
        GlassworkError: naming the column.
    """
    for file, own in zip(files[1:], names[1:], strict=True):
        missing, more = set(names[0]) - set(own), set(own) - set(names[0])
        if missing or more:
            verb, name = ("lacks", min(missing)) if missing else ("has", min(more))
            other = "which" if missing else "which is missing in"
            raise GlassworkError(
                f"{file} {verb} the column '{name}', {other} {files[0].name}{' has' if missing else ''}: "
                "all parts of a data set need the same columns."
            )


def first_double(names: Sequence[str]) -> str | None:
    """The first name that comes twice."""
    counts = Counter(names)
    return next((name for name in names if counts[name] > 1), None)


def places_of(names: Sequence[str], among: Sequence[str]) -> list[int]:
    """Where each name stands among others, of which no two are equal."""
    places = {name: place for place, name in enumerate(among)}
    return [places[name] for name in names]


def head(path: Path) -> tuple[list[str], str, int]:
    """Names of the columns, separator, and how many lines that are not blank stand above the first row."""
    with opened(path) as file:
        sample = [normalise(line) for line in islice(file, _SAMPLE) if line.strip()]
    if not sample:
        raise GlassworkError(f"{path} is empty: expected a line with the names of the columns, and rows below it.")
    said = _SEPARATOR_LINE.fullmatch(sample[0])
    above = 1 if said else 0
    plain = [line for line in sample[above:] if not line.startswith("#")] or sample[above:]
    if not plain:
        raise GlassworkError(f"{path} has no line with the names of the columns below its first one.")
    separator = said[1] if said else "\t" if ".tsv" in path.suffixes else _separator(plain)
    while sample[above].startswith("#") and above + 1 < len(sample) and _is_comment(sample[above], plain, separator):
        above += 1
    names = [name.strip() for name in next(csv.reader(sample[above:], delimiter=separator))]
    within(path, "COLUMNS", len(names))
    if all(number_of(name) is not None for name in names) and not _count_up(names, sample[above + 1 :], separator):
        return [f"column {number}" for number in range(1, len(names) + 1)], separator, above
    names = [name or f"column {number}" for number, name in enumerate(names, start=1)]
    if sample[above].startswith("#") and len(names[0].strip("# ")):
        names[0] = names[0].lstrip("# ")
    twice = first_double(names)
    if twice is not None:
        raise GlassworkError(f"{path} has two columns called '{twice}': rename one of them.")
    return names, separator, above + 1


def _is_comment(line: str, others: Sequence[str], separator: str) -> bool:
    """Whether a line that begins with # is no row and no header: its cells are others, or the header is below it."""
    if others[0].startswith("#"):
        return False
    below, own = (next(csv.reader([each], delimiter=separator), [""]) for each in (others[0], line))
    if len(below) != len(own):
        return True
    return own[0].strip() != "#" and all(number_of(cell.strip()) is None for cell in below)


def _count_up(names: Sequence[str], below: Sequence[str], separator: str) -> bool:
    """Whether names count 0, 1, 2, ... or 1, 2, 3, ...: few of them only if no number below is a whole one."""
    if list(names) not in ([str(n) for n in range(len(names))], [str(n) for n in range(1, len(names) + 1)]):
        return False
    cells = [cell.strip() for row in csv.reader(below, delimiter=separator) for cell in row]
    return len(names) >= _COUNTED or (len(names) > 1 and bool(cells) and not any(cell.isdigit() for cell in cells))


def rows(path: Path, separator: str, skip: int, width: int = 0) -> Iterator[tuple[int, list[str]]]:
    """Line and cells of each row; blank lines are none, but for those inside a table of one column.

    Args:
        path: the file.
        separator: of the cells.
        skip: how many lines that are not blank stand above the first row.
        width: how many columns there are; 0: not known.
    """
    with opened(path) as file:
        reader = csv.reader(map(normalise, file), delimiter=separator)
        seen, blank = 0, list[int]()
        for cells in reader:
            empty = not cells or (len(cells) == 1 and not cells[0].strip())
            if empty and (width != 1 or seen <= skip - 1):
                continue
            if empty:
                blank.append(reader.line_num)  # a row, if another one follows
                continue
            seen += 1
            if seen > skip:
                yield from ((line, [""]) for line in blank)
                blank.clear()
                yield reader.line_num, [cell.strip() for cell in cells]


@contextmanager
def opened(path: Path) -> Iterator[TextIO]:
    """A text file, gzipped or not, with or without a byte order mark; what is wrong with it is told in one sentence."""
    try:
        with open_text(path, _opening(path)) as file:
            yield file
    except UnicodeError as error:
        raise GlassworkError(
            f"{path} is not text in the encoding that it is read in ({error}): name another with --encoding."
        ) from error
    except csv.Error as error:
        raise GlassworkError(
            f"{path} cannot be read as a table ({error}): look for a missing closing quote."
        ) from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise GlassworkError(f"{path} is a damaged gzip file ({error}): make or download it again.") from error
    except OSError as error:
        raise GlassworkError(f"{path} cannot be read: {error.strerror or error}.") from error


def encoding_of(path: Path) -> Encoding:
    """The encoding of a text file, gzipped or not.

    Raises:
        GlassworkError: it is no text.
    """
    with opened(path):  # which words what is wrong with it
        return find_encoding(path, _opening(path))


def agree_encodings(paths: Sequence[Path]) -> list[str]:
    """Finds the encoding of the tables of one data set together; what is said about it."""
    try:
        return find_encodings(paths, _opening)[1] if len(paths) > 1 else []
    except (OSError, EOFError, zlib.error):  # said of the one file, when it is read
        return []


def _opening(path: Path) -> Opening:
    return lambda: open_unpacked(path)


def _separator(sample: Sequence[str]) -> str:
    """The separator that cuts all lines into the same number of cells, and into the most."""

    def rank(separator: str) -> tuple[bool, int]:
        widths = [len(cells) for cells in csv.reader(sample, delimiter=separator)]
        return min(widths) == max(widths) > 1, widths[0]

    return max(_SEPARATORS, key=rank)


def _numbers(path: Path, names: list[str], separator: str, skip: int) -> Numbers | None:
    """All rows at numpy's speed; none where a cell is not a finite number and has to be looked at one by one."""
    first = next(rows(path, separator, skip), None)
    if first is None:
        raise GlassworkError(f"{path} has no rows below its header.")
    if len(first[1]) != len(names) or any(number_of(cell) is None for cell in first[1]) or _has_codes(path):
        return None
    with opened(path) as file:
        try:
            table = np.loadtxt(file, delimiter=separator, skiprows=skip, comments=None, quotechar='"', ndmin=2)
        except UnicodeDecodeError:
            raise
        except ValueError:
            return None
    within(path, "CELLS", table.size)
    return table if np.isfinite(table).all() else None


def _has_codes(path: Path) -> bool:
    """Whether any cell may be a code that has to be looked at, such as 00123; a chunk at a time."""
    with opened(path) as file:
        last = ""
        while chunk := file.read(_CHUNK):
            if has_codes(last + chunk):
                return True
            last = chunk[-64:]
    return False


def _said_of(files: Sequence[Path], headers: Sequence[tuple[list[str], str, int]]) -> list[str]:
    """What is not certain about the headers of files."""
    said = []
    for path, (names, _, skip) in zip(files, headers, strict=True):
        if names[:2] in (["0", "1"], ["1", "2"]) and skip:
            said.append(f"The first line of {path.name} counts the columns and is read as their names.")
        elif names[0] == "column 1" and not skip:
            said.append(f"{path.name} has no line of names: its first line holds numbers and is read as a row.")
    return said


def _texts(
    files: Sequence[Path],
    headers: Sequence[tuple[list[str], str, int]],
    texts: Collection[str],
    lenient: bool,
    missing: MissingWords,
) -> Table:
    """All rows, cell by cell."""
    names = headers[0][0]
    columns: list[list[str]] = [[] for _ in names]
    lines: list[int] = []
    counts = []
    problems: dict[int, str] = {}
    said, most = _said_of(files, headers), limit("CELLS") // len(names)
    for path, (own, separator, skip) in zip(files, headers, strict=True):
        order = places_of(names, own)
        before, comments = len(lines), 0
        for line, found in rows(path, separator, skip, len(own)):
            cells = found
            if len(cells) != len(own):
                if cells[0].startswith("#"):
                    comments += 1
                    continue
                problem = (
                    f"Line {line} of {path} has {len(cells)} cell{'s' if len(cells) > 1 else ''}, but there are "
                    f"{len(own)} columns: put text that holds a '{separator}' in quotes, or correct the line."
                )
                if max(map(len, cells)) > _LONGEST:
                    raise GlassworkError(
                        f"{path} cannot be read as a table (the text on line {line} has {max(map(len, cells)):,} "
                        "characters): look for a missing closing quote."
                    )
                if not lenient:
                    raise GlassworkError(problem)
                problems[len(lines)] = problem
                cells = [*cells, *[""] * len(own)][: len(own)]
            lines.append(line)
            if len(lines) > most:
                within(path, "CELLS", len(lines) * len(names))
            for column, index in zip(columns, order, strict=True):
                column.append(cells[index])
        counts.append(len(lines) - before)
        if not counts[-1]:
            raise GlassworkError(f"{path} has no rows below its header.")
        if comments:
            said.append(
                f"Lines of {path.name} that begin with # and have other cells than the rows ({comments:,}) "
                "are comments and were passed over."
            )
    table = Table(
        dict(zip(names, columns, strict=True)), list(files), counts, lines, problems, said, commas=headers[0][1] != ","
    )
    table.clear(missing, lenient)
    for name, cells_of in list(table.columns.items()):
        if name not in texts and isinstance(cells_of, list):
            table.columns[name] = _typed(table, name, cells_of)
    for name, cells_of in list(table.declared.items()):
        if name not in texts and isinstance(cells_of, list):
            table.declared[name] = _typed(replace(table, said=[]), name, cells_of)
    return table


def _typed(table: Table, name: str, column: list[str]) -> Numbers | list[str]:
    """A column as numbers where all its cells are, and are no codes."""
    reason = codes_in_words(column)
    if reason:
        table.said.append(f"The column '{name}' holds {reason}: read as text; --column '{name}=number' says otherwise.")
        return column
    if not _are_numbers(column[:_GLANCE], numbers_in(column[:_GLANCE], table.commas)):
        return column
    numbers = numbers_in(column, table.commas)
    if not _are_numbers(column, numbers):
        return column
    require_finite(table, name, numbers)
    return numbers


def _are_numbers(cells: Sequence[str], numbers: Numbers) -> bool:
    return not any(
        np.isnan(number) and not is_missing(cell) for number, cell in zip(numbers.tolist(), cells, strict=True)
    )


def require_finite(table: Table, name: str, numbers: Numbers) -> None:
    """Refuses a column with an infinite number.

    Raises:
        GlassworkError: naming its place.
    """
    infinite = np.flatnonzero(np.isinf(numbers))
    if len(infinite):
        raise GlassworkError(f"The column '{name}' is infinite on {table.place(int(infinite[0]))}.")
