"""Cells as numbers, in the ways that people write them; and what looks like numbers and is none."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from glasswork.errors import GlassworkError

Numbers = npt.NDArray[np.float64]
Kind = Literal["number", "category", "text", "date", "identifier", "drop"]
"""What a user may say that a column holds."""

EMPTY = frozenset(("", "na", "n/a", "nan", "null", "?", "none", "-", "--", "<na>", "#n/a", "n.a.", "nat"))
"""Cells without a value, in lower case."""

_SPACES = str.maketrans(dict.fromkeys("\u00a0\u202f\u2009\u2007", " ") | {"\u2212": "-", "\u2019": "'"})
_THOUSANDS_BY_COMMA = re.compile(r"[-+]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?")  # 1,234,567.8
_THOUSANDS_BY_POINT = re.compile(r"[-+]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?")  # 1.234.567,8
_THOUSANDS_BY_SPACE = re.compile(r"[-+]?\d{1,3}([ ']\d{3})+([.,]\d+)?")  # 1 234 567.8, 1'234
_LEADING_ZERO = re.compile(r"0\d+")
_CODE = re.compile(r"\d+|\d+[eE]\d+")  # 123, 1e3
_WORD = re.compile(r"[0-9A-Za-z]+")
_MOST_DIGITS = 15  # that float64 keeps of a whole number
_SURELY_SPECIAL = (  # three patterns are quicker than one, and none looks at a place more than a few times
    re.compile(r"[,;\t|\"\n][^\S\n\t]*0\d+\s*(?:[,;\t|\"\n]|$)"),
    re.compile(r"[eE](?<=\d[eE])\d"),
    re.compile(r"\d" * 16),
)


def column_kinds(asked: Sequence[str]) -> dict[str, Kind]:
    """What a user says that columns hold, by name.

    Args:
        asked: `NAME=KIND` each; a name may hold any character.

    Raises:
        GlassworkError: for one without a name or a known kind.
    """
    found: dict[str, Kind] = {}
    for word in asked:
        name, equals, kind = word.rpartition("=")
        if not equals or not name or kind not in get_args(Kind):
            raise GlassworkError(
                f"column = '{word}' does not say what a column holds: write NAME=KIND, of {', '.join(get_args(Kind))}"
            )
        found[name] = kind  # type: ignore[assignment]
    return found


@dataclass(frozen=True)
class MissingWords:
    """What a user says that stands for missing values: words and numbers, of every column or of single ones.

    Attributes:
        everywhere: those of every column.
        of: those of single columns, by name.
    """

    everywhere: frozenset[str] = frozenset()
    of: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.everywhere or self.of)

    def among(self, name: str, cells: Numbers | list[str]) -> npt.NDArray[np.bool_]:
        """Which cells of a column are declared missing: equal as text, or as a number that is no code such as 007."""
        words = self.everywhere | self.of.get(name, frozenset())
        numbers = {number for word in words if (number := number_of(word)) is not None}
        if not isinstance(cells, list):
            return np.isin(cells, list(numbers)) if numbers else np.zeros(len(cells), dtype=bool)
        found = {
            cell
            for cell in (set(cells) if words else ())
            if cell in words or (number_of(cell) in numbers and not _LEADING_ZERO.fullmatch(cell))
        }
        return np.array([cell in found for cell in cells], dtype=bool) if found else np.zeros(len(cells), dtype=bool)


def missing_words(asked: Sequence[str]) -> MissingWords:
    """What a user says that stands for missing values.

    Args:
        asked: `VALUES` or `NAME=VALUES` each, with commas between the values; a name may hold any character.

    Raises:
        GlassworkError: for one without a value.
    """
    everywhere, of = frozenset[str](), dict[str, frozenset[str]]()
    for word in asked:
        name, equals, values = word.rpartition("=")
        found = frozenset(value.strip() for value in values.split(",") if value.strip())
        if not found or (equals and not name):
            raise GlassworkError(
                f"missing = '{word}' does not say what stands for missing values: write VALUES such as -999,9999, or "
                "NAME=VALUES for one column"
            )
        if name:
            of[name] = of.get(name, frozenset()) | found
        else:
            everywhere |= found
    return MissingWords(everywhere, of)


def is_missing(cell: str) -> bool:
    """Whether a cell has no value: empty, or a word for it such as NA."""
    return cell.lower() in EMPTY


def number_of(cell: str) -> float | None:
    """A cell as a number, if it is one; 1_000 is none, though Python takes it for one."""
    if "_" in cell:
        return None
    try:
        return float(cell)
    except ValueError:
        return None


def has_codes(text: str) -> bool:
    """Whether some text of a table may hold codes or identifiers that numbers would not keep: 00123, 1e3, 16 digits."""
    text = "\n" + text
    return any(pattern.search(text) for pattern in _SURELY_SPECIAL)


def codes_in_words(cells: Sequence[str]) -> str:
    """Why cells that may be numbers are codes, in words; empty: they are none."""
    known = {cell for cell in cells if not is_missing(cell)}
    if not known or not all(_CODE.fullmatch(cell) for cell in known):
        return ""
    zero = next((cell for cell in sorted(known) if _LEADING_ZERO.fullmatch(cell)), None)
    if zero is not None:
        return f"codes, as '{zero}' begins with a zero"
    long = next((cell for cell in sorted(known) if len(cell) > _MOST_DIGITS), None)
    if long is not None:
        return f"identifiers of {len(long)} digits"
    letter = next((cell for cell in sorted(known) if not cell.isdigit()), None)
    if letter is not None and len({len(cell) for cell in known}) == 1:
        return f"codes of {len(letter)} characters, such as '{letter}'"
    return ""


def are_codes(cells: Sequence[str]) -> bool:
    """Whether all cells with a value are of equally many letters and digits, such as 3a7 or 123."""
    known = [cell for cell in cells if not is_missing(cell)]
    return len({len(cell) for cell in known}) == 1 and len(known[0]) > 1 and all(map(_WORD.fullmatch, known))


def numbers_in(cells: Sequence[str], commas: bool) -> Numbers:
    """Cells as numbers, read the one way that fits most of them; NaN for those that are missing or no number.

    Args:
        cells: of a column.
        commas: whether a comma may stand for the point, as it separates no cells.
    """
    known = list(dict.fromkeys(cell for cell in cells if not is_missing(cell)))
    best: dict[str, float] = {}
    for way in _ways(commas):
        found = {cell: number for cell in known if (number := number_of(way(cell.translate(_SPACES)))) is not None}
        if len(found) > len(best) or not best:
            best = found
        if len(best) == len(known):
            break
    return np.array([best.get(cell, np.nan) for cell in cells], dtype=np.float64)


def _ways(commas: bool) -> list[Callable[[str], str]]:
    ways: list[Callable[[str], str]] = [_as_written]
    ways += [_with_decimal_comma] if commas else []
    ways += [_with_thousands_by_comma]
    ways += [_with_thousands_by_point] if commas else []
    return ways


def _as_written(cell: str) -> str:
    return _without_spaces(cell)


def _with_decimal_comma(cell: str) -> str:
    return _without_spaces(cell).replace(",", ".")


def _with_thousands_by_comma(cell: str) -> str:
    return cell.replace(",", "") if _THOUSANDS_BY_COMMA.fullmatch(cell) else _without_spaces(cell)


def _with_thousands_by_point(cell: str) -> str:
    return cell.replace(".", "").replace(",", ".") if _THOUSANDS_BY_POINT.fullmatch(cell) else _without_spaces(cell)


def _without_spaces(cell: str) -> str:
    """1 234 567.8 and 1'234 without what sets their thousands apart."""
    return re.sub("[ ']", "", cell) if _THOUSANDS_BY_SPACE.fullmatch(cell) else cell
