"""Dates and times of day in the forms that tables write them in."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from glasswork.data.formats.tables.cells import EMPTY, Numbers

_EPOCH = date(1970, 1, 1).toordinal()
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONG_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
_LAST_OF_THIS_CENTURY = 68  # of two digits, as POSIX has it: 68 is 2068, 69 is 1969

_TIME = (
    r"(?:[T ,]\s*(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d(?:[.,]\d+)?))?"
    r"\s*(?P<half>[ap]\.?m\.?)?\s*(?P<zone>Z|UTC|GMT|[-+]\d\d:?\d\d)?)?"
)
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+)?"
# Year first; two numbers and the year; the month by name, after or before the day.
_FORMS = tuple(
    re.compile(form + _TIME, re.IGNORECASE)
    for form in (
        r"(?P<year>\d{4})(?P<mark>[-/.])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})",
        r"(?P<first>\d{1,2})(?P<mark>[-/.])(?P<other>\d{1,2})(?P=mark)(?P<year>\d{4})",
        r"(?P<first>\d\d?)(?P<mark>[-/])(?P<other>\d\d?)(?P=mark)(?P<year>\d\d)",
        r"(?P<first>\d\d)(?P<mark>\.)(?P<other>\d\d)\.(?P<year>\d\d)",
        _WEEKDAY + r"(?P<day>\d{1,2})(?:st|nd|rd|th)?[-./ ]\s*(?P<name>[a-z]{3,9})[-./ ,]\s*(?P<year>\d{4}|\d\d)",
        _WEEKDAY + r"(?P<name>[a-z]{3,9})[-./ ]\s*(?P<day>\d{1,2})(?:st|nd|rd|th)?[-/ ,]\s*(?P<year>\d{4})",
    )
)


@dataclass(frozen=True)
class Dates:
    """A column of dates.

    Attributes:
        days: since 1970-01-01, with the time of day as a fraction, in UTC where a zone is given; NaN for empty and for
            unreadable cells.
        times: whether any cell has a time of day.
        day_first: whether the first of two numbers is the day.
        ambiguous: whether no cell of the column tells day and month apart.
        unreadable: rows whose cell is neither empty nor a date.
    """

    days: Numbers
    times: bool
    day_first: bool
    ambiguous: bool
    unreadable: tuple[int, ...]


def dates_of(cells: Sequence[str], day_first: bool | None = None) -> Dates | None:
    """Read a column of dates; none where no cell is one.

    03/04/2020 is read as the rest of the column demands: where any cell has a number above 12 in the place of the month
    in one of both ways, in the other. Where none has, with points the day stands first, otherwise the month.

    Args:
        cells: the column.
        day_first: whether the day stands first; absent: found out.
    """
    found = {cell: _match(cell) for cell in dict.fromkeys(cells)}
    matches = {cell: match for cell, match in found.items() if match is not None}
    if not matches:
        return None
    numbers = [(int(m["first"]), int(m["other"]), m["mark"]) for m in matches.values() if "first" in m.groupdict()]
    ambiguous = False
    if day_first is None:
        as_day, as_month = sum(other <= 12 for _, other, _ in numbers), sum(first <= 12 for first, _, _ in numbers)
        undecided = as_day == as_month
        day_first = all(mark == "." for _, _, mark in numbers) if undecided else as_day > as_month
        ambiguous = undecided and any(first != other for first, other, _ in numbers)
    known = {cell: _days(match, day_first) for cell, match in matches.items()}
    days = np.array([known.get(cell, math.nan) for cell in cells])
    unreadable = tuple(row for row in np.flatnonzero(np.isnan(days)).tolist() if cells[row].lower() not in EMPTY)
    times = any(match["hour"] is not None for match in matches.values())
    return Dates(days, times and bool((days % 1 > 0).any()), day_first, ambiguous, unreadable)


def _match(cell: str) -> re.Match[str] | None:
    if len(cell) < 6 or not any(character.isdigit() for character in cell):
        return None
    return next((match for form in _FORMS if (match := form.fullmatch(cell))), None)


def _days(match: re.Match[str], day_first: bool) -> float:
    """Days since 1970-01-01; NaN for a date that no calendar has."""
    parts = match.groupdict()
    year, day = int(parts["year"]), int(parts.get("day") or 0)
    if len(parts["year"]) == 2:
        year += 2000 if year <= _LAST_OF_THIS_CENTURY else 1900
    if "name" in parts:
        name = parts["name"].lower()
        names = _LONG_MONTHS if name in _LONG_MONTHS else _MONTHS
        month = names.index(name) + 1 if name in names else 9 * (name == "sept")
    elif "first" in parts:
        day, month = (int(parts["first" if day_first else "other"]), int(parts["other" if day_first else "first"]))
    else:
        month = int(parts["month"])
    try:
        whole = date(year, month, day).toordinal() - _EPOCH
    except ValueError:
        return math.nan
    return whole + _share_of_day(parts)


def _share_of_day(parts: dict[str, str | None]) -> float:
    if parts["hour"] is None:
        return 0.0
    hour, minute = int(parts["hour"]), int(parts["minute"] or 0)
    second = float((parts["second"] or "0").replace(",", "."))
    if parts["half"]:
        if not 1 <= hour <= 12:
            return math.nan
        hour = hour % 12 + 12 * (parts["half"][0] in "pP")
    if hour > 23 or minute > 59 or second >= 61:
        return math.nan
    zone = parts["zone"] or "Z"
    ahead = 0
    if zone[0] in "-+":
        ahead = (int(zone[1:3]) * 60 + int(zone[-2:])) * (-1 if zone[0] == "-" else 1)
    return (hour * 3600 + minute * 60 + second) / 86400 - ahead / 1440
