"""Text files of rows and cells: separators, headers, and columns of numbers or texts."""

import csv
import gzip
import io
import re
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate, islice
from pathlib import Path
from typing import TextIO

import numpy as np
import numpy.typing as npt

from glasswork.errors import GlassworkError

Numbers = npt.NDArray[np.float64]

EMPTY = frozenset(("", "na", "n/a", "nan", "null", "?"))  # cells without a number, in lower case

_THOUSANDS_BY_COMMA = re.compile(r"[-+]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?")  # 1,234,567.8
_THOUSANDS_BY_POINT = re.compile(r"[-+]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?")  # 1.234.567,8
_SEPARATORS = ",;\t|"
_SAMPLE = 20  # rows looked at to find the separator


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
    """

    columns: dict[str, Numbers | list[str]]
    files: list[Path]
    counts: list[int]
    lines: Sequence[int]
    problems: dict[int, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def place(self, row: int) -> str:
        """The line that a row stands on, in words."""
        file = next(file for file, end in zip(self.files, accumulate(self.counts), strict=True) if row < end)
        return f"{'row' if is_parquet(file) else 'line'} {self.lines[row]} of {file}"


def is_parquet(path: Path) -> bool:
    """Whether a file is named as Parquet files are."""
    return path.name.lower().endswith((".parquet", ".pq"))


def load(files: Sequence[Path], texts: Collection[str] = ()) -> Table:
    """Read CSV and TSV files with the same columns.

    Args:
        files: the files.
        texts: names of columns whose cells are kept as they are written, although they may all be numbers.

    Raises:
        GlassworkError: a file is damaged, has no rows, a row with too many or too few cells, or other columns.
    """
    headers = [head(file) for file in files]
    require_same_columns(files, [names for names, _, _ in headers])
    if any(name in texts for name in headers[0][0]):
        return _texts(files, headers, texts)
    numbers = [_numbers(file, *header) for file, header in zip(files, headers, strict=True)]
    names = headers[0][0]
    found = [part for part in numbers if part is not None]
    if len(found) == len(files):
        # A part whose columns stand in this order already is not copied: it may be large.
        ordered = [
            part if own == names else part[:, [own.index(name) for name in names]]
            for part, (own, _, _) in zip(found, headers, strict=True)
        ]
        joined = ordered[0] if len(ordered) == 1 else np.concatenate(ordered)
        lines = [row + skip + 1 for part, (_, _, skip) in zip(found, headers, strict=True) for row in range(len(part))]
        return Table(dict(zip(names, joined.T, strict=True)), list(files), [len(part) for part in found], lines)
    return _texts(files, headers, ())


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


def head(path: Path) -> tuple[list[str], str, int]:
    """Names of the columns, separator, and how many lines stand above the first row."""
    with opened(path) as file:
        sample = [line for line in islice(file, _SAMPLE) if line.strip()]
    if not sample:
        raise GlassworkError(f"{path} is empty: expected a line with the names of the columns, and rows below it.")
    separator = "\t" if ".tsv" in path.suffixes else _separator(sample)
    names = [name.strip() for name in next(csv.reader(sample, delimiter=separator))]
    if all(number_of(name) is not None for name in names):
        return [f"column {number}" for number in range(1, len(names) + 1)], separator, 0
    names = [name or f"column {number}" for number, name in enumerate(names, start=1)]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise GlassworkError(f"{path} has two columns called '{twice}': give each a name of its own.")
    return names, separator, 1


def rows(path: Path, separator: str, skip: int) -> Iterator[tuple[int, list[str]]]:
    """Line and cells of each row that is not blank."""
    with opened(path) as file:
        reader = csv.reader(file, delimiter=separator)
        seen = 0
        for cells in reader:
            if any(cell.strip() for cell in cells):
                seen += 1
                if seen > skip:
                    yield reader.line_num, [cell.strip() for cell in cells]


@contextmanager
def opened(path: Path) -> Iterator[TextIO]:
    """A text file, gzipped or not, with or without a byte order mark; what is wrong with it is told in one sentence."""
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        with (
            gzip.open(path) if packed else path.open("rb") as binary,
            io.TextIOWrapper(binary, encoding="utf-8-sig", newline="") as file,
        ):
            yield file
    except UnicodeDecodeError as error:
        raise GlassworkError(
            f"{path} is not UTF-8 text (byte {error.object[error.start]:#x}): save it as UTF-8."
        ) from error
    except csv.Error as error:
        raise GlassworkError(
            f"{path} cannot be read as a table ({error}): look for a quote that is not closed."
        ) from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise GlassworkError(f"{path} is a damaged gzip file ({error}): make or download it again.") from error
    except OSError as error:
        raise GlassworkError(f"{path} cannot be read: {error.strerror or error}.") from error


def number_of(cell: str) -> float | None:
    """A cell as a number, if it is one."""
    try:
        return float(cell)
    except ValueError:
        return None


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
    if len(first[1]) != len(names) or any(number_of(cell) is None for cell in first[1]):
        return None
    with opened(path) as file:
        try:
            table = np.loadtxt(file, delimiter=separator, skiprows=skip, comments=None, quotechar='"', ndmin=2)
        except UnicodeDecodeError:
            raise
        except ValueError:
            return None
    return table if np.isfinite(table).all() else None


def _texts(files: Sequence[Path], headers: Sequence[tuple[list[str], str, int]], texts: Collection[str]) -> Table:
    """All rows, cell by cell."""
    names = headers[0][0]
    columns: list[list[str]] = [[] for _ in names]
    lines: list[int] = []
    counts = []
    for path, (own, separator, skip) in zip(files, headers, strict=True):
        order = [own.index(name) for name in names]
        before = len(lines)
        for line, cells in rows(path, separator, skip):
            if len(cells) != len(own):
                raise GlassworkError(
                    f"Line {line} of {path} has {len(cells)} cell{'s' if len(cells) > 1 else ''}, but there are "
                    f"{len(own)} columns: put text that holds a '{separator}' in quotes, or mend the line."
                )
            lines.append(line)
            for column, index in zip(columns, order, strict=True):
                column.append(cells[index])
        counts.append(len(lines) - before)
    table = Table({}, list(files), counts, lines)
    commas = headers[0][1] != ","
    for name, column in zip(names, columns, strict=True):
        table.columns[name] = column if name in texts else _typed(table, name, column, commas)
    return table


def _typed(table: Table, name: str, column: list[str], commas: bool) -> Numbers | list[str]:
    """A column as numbers where all its cells are.

    A comma may stand for the point where it separates no cells; thousands may be set apart by the other of the two.
    """
    cells = ["nan" if cell.lower() in EMPTY else cell for cell in column]
    ways: list[Callable[[str], str]] = [_as_written]
    ways += [_with_decimal_comma] if commas else []
    ways += [_with_thousands_by_comma]
    ways += [_with_thousands_by_point] if commas else []
    for way in ways:
        try:
            numbers = np.array([float(way(cell)) for cell in cells])
        except ValueError:
            continue
        require_finite(table, name, numbers)
        return numbers
    return column


def require_finite(table: Table, name: str, numbers: Numbers) -> None:
    """Refuses a column with an infinite number.

    Raises:
        GlassworkError: naming its place.
    """
    infinite = np.flatnonzero(np.isinf(numbers))
    if len(infinite):
        raise GlassworkError(f"The column '{name}' is infinite on {table.place(int(infinite[0]))}.")


def _as_written(cell: str) -> str:
    return cell


def _with_decimal_comma(cell: str) -> str:
    return cell.replace(",", ".")


def _with_thousands_by_comma(cell: str) -> str:
    return cell.replace(",", "") if _THOUSANDS_BY_COMMA.fullmatch(cell) else cell


def _with_thousands_by_point(cell: str) -> str:
    return cell.replace(".", "").replace(",", ".") if _THOUSANDS_BY_POINT.fullmatch(cell) else cell
