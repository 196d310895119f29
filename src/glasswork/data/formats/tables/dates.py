"""Dates and times of day in the forms that tables write them in."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from glasswork.data.formats.tables.typed import EMPTY, Numbers
from glasswork.data.kinds.calendar import LONG_MONTHS, MONTHS

_EPOCH = date(1970, 1, 1).toordinal()
_LAST_OF_THIS_CENTURY = 68  # of two digits, as POSIX has it: 68 is 2068, 69 is 1969

_TIME = (
    r"(?:[T ,]\s*(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d(?:[.,]\d+)?))?"
    r"\s*(?P<half>[ap]\.?m\.?)?\s*(?P<zone>Z|UTC|GMT|[-+]\d\d:?\d\d)?)?"
)
_DAY_NAME = r"(?:(?P<day_name>mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+)?"
_ORDINAL = r"(?P<ordinal>st|nd|rd|th)?"
_YEAR = r"(?P<year>1[5-9]\d\d|2\d{3})"
_WITH_DAY = (
    r"(?P<year>\d{4})(?P<mark>[-/.])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})",
    r"(?P<first>\d{1,2})(?P<mark>[-/.])(?P<other>\d{1,2})(?P=mark)(?P<year>\d{4})",
    r"(?P<first>\d\d?)(?P<mark>[-/])(?P<other>\d\d?)(?P=mark)(?P<year>\d\d)",
    r"(?P<first>\d\d)(?P<mark>\.)(?P<other>\d\d)\.(?P<year>\d\d)",
    _DAY_NAME + rf"(?P<day>\d{{1,2}}){_ORDINAL}[-./ ]\s*(?P<name>[a-z]{{3,9}})[-./ ,]\s*(?P<year>\d{{4}}|\d\d)",
    _DAY_NAME + rf"(?P<name>[a-z]{{3,9}})[-./ ]\s*(?P<day>\d{{1,2}}){_ORDINAL}[-/ ,]\s*(?P<year>\d{{4}})",
)
_PERIODS = (
    _YEAR + r"[-/](?P<month>\d{1,2})",
    r"(?P<month>\d{1,2})/" + _YEAR,
    r"(?P<name>[a-z]{3,9})[-./ ,]\s*" + _YEAR,
    _YEAR + r"[-./ ](?P<name>[a-z]{3,9})",
    _YEAR + r"[-/ ]?Q(?P<quarter>[1-4])",
    r"Q(?P<quarter>[1-4])[-/ ]?" + _YEAR,
    r"(?P<quarter>[1-4])Q[-/ ]?" + _YEAR,
    _YEAR + r"[- ]?W(?P<week>\d\d?)(?:-?(?P<weekday>[1-7]))?",
)
# Year first; two numbers and the year; the month by name; then months, quarters and ISO weeks, which begin on a day.
_FORMS = tuple(re.compile(form, re.IGNORECASE) for form in (*(each + _TIME for each in _WITH_DAY), *_PERIODS))
_LOOSE = ("first", "other", "day", "month", "hour", "week")  # parts of one or two digits
_LEAST_CHARACTERS = 6  # 2024Q1


@dataclass(frozen=True)
class Dates:
    """A column of dates.

    Attributes:
        days: since 1970-01-01, with the time of day as a fraction, in UTC where a zone is given; of a month, a quarter
            or a week its first day; NaN for empty and for unreadable cells.
        times: whether any cell has a time of day.
        day_first: whether the first of two numbers is the day.
        ambiguous: whether no cell of the column tells day and month apart.
        unreadable: rows whose cell is neither empty nor a date.
        ahead: by how many minutes the clock of each cell's zone is ahead of UTC; 0 without a zone.
        matches: the cells that are dates, without those written the same.
    """

    days: Numbers
    times: bool
    day_first: bool
    ambiguous: bool
    unreadable: tuple[int, ...]
    ahead: Numbers
    matches: tuple[re.Match[str], ...]

    @property
    def form(self) -> str:
        """How the last cell writes its date, as `calendar.write` takes it."""
        return _form(self.matches, self.day_first)


def dates_of(cells: Sequence[str], day_first: bool | None = None) -> Dates | None:
    """Read a column of dates; none where no cell is one.

    03/04/2020 is read as the rest of the column demands: where any cell has a number above 12 in the place of the month
    in one of both ways, in the other. Where none has, with points the day stands first, otherwise the month.

    Args:
        cells: the column.
        day_first: whether the day stands first; None: found out from the data.
    """
    found = {cell: _match(cell) for cell in dict.fromkeys(cells)}
    matches = {cell: match for cell, match in found.items() if match is not None}
    if not matches:
        return None
    numbers = [(int(m["first"]), int(m["other"]), m["mark"]) for m in matches.values() if "first" in m.re.groupindex]
    ambiguous = False
    if day_first is None:
        as_day, as_month = sum(other <= 12 for _, other, _ in numbers), sum(first <= 12 for first, _, _ in numbers)
        undecided = as_day == as_month
        day_first = all(mark == "." for _, _, mark in numbers) if undecided else as_day > as_month
        ambiguous = undecided and any(first != other for first, other, _ in numbers)
    known = {cell: _days(match, day_first) for cell, match in matches.items()}
    days = np.array([known.get(cell, math.nan) for cell in cells])
    zones = {cell: _minutes_ahead(match.groupdict()) for cell, match in matches.items()}
    ahead = np.array([zones.get(cell, 0.0) for cell in cells])
    unreadable = tuple(row for row in np.flatnonzero(np.isnan(days)).tolist() if cells[row].lower() not in EMPTY)
    times = any("hour" in match.re.groupindex and match["hour"] is not None for match in matches.values())
    clock = times and bool((days % 1 > 0).any())
    return Dates(days, clock, day_first, ambiguous, unreadable, ahead, tuple(matches.values()))


def _match(cell: str) -> re.Match[str] | None:
    if len(cell) < _LEAST_CHARACTERS or not any(character.isdigit() for character in cell):
        return None
    return next((match for form in _FORMS if (match := form.fullmatch(cell))), None)


def _days(match: re.Match[str], day_first: bool) -> float:
    """Days since 1970-01-01; NaN for a date that no calendar has."""
    parts = match.groupdict()
    year, day = int(parts["year"]), int(parts.get("day") or 1)
    if len(parts["year"]) == 2:
        year += 2000 if year <= _LAST_OF_THIS_CENTURY else 1900
    try:
        if parts.get("week"):
            return date.fromisocalendar(year, int(parts["week"]), int(parts["weekday"] or 1)).toordinal() - _EPOCH
        if parts.get("quarter"):
            month = 3 * int(parts["quarter"]) - 2
        elif "name" in parts:
            month = _month_of(parts["name"].lower())
        elif "first" in parts:
            day, month = (int(parts["first" if day_first else "other"]), int(parts["other" if day_first else "first"]))
        else:
            month = int(parts["month"])
        whole = date(year, month, day).toordinal() - _EPOCH
    except ValueError:
        return math.nan
    return whole + _share_of_day(parts) - _minutes_ahead(parts) / 1440


def _month_of(name: str) -> int:
    """The number of a month's name; 0 for another word."""
    names = LONG_MONTHS if name in LONG_MONTHS else MONTHS
    return names.index(name) + 1 if name in names else 9 * (name == "sept")


def _share_of_day(parts: dict[str, str | None]) -> float:
    if parts.get("hour") is None:
        return 0.0
    hour, minute = int(parts["hour"] or 0), int(parts["minute"] or 0)
    second = float((parts["second"] or "0").replace(",", "."))
    if parts["half"]:
        if not 1 <= hour <= 12:
            return math.nan
        hour = hour % 12 + 12 * (parts["half"][0] in "pP")
    if hour > 23 or minute > 59 or second >= 61:
        return math.nan
    return (hour * 3600 + minute * 60 + second) / 86400


def _minutes_ahead(parts: dict[str, str | None]) -> float:
    zone = parts.get("zone") or "Z"
    if zone[0] not in "-+":
        return 0.0
    return (int(zone[1:3]) * 60 + int(zone[-2:])) * (-1 if zone[0] == "-" else 1)


def _form(matches: Sequence[re.Match[str]], day_first: bool) -> str:
    """How the last of the cells with most parts writes its date: `{day:02}.{month:02}.{year:04}`."""
    counts = [match.re.groups - match.groups().count(None) for match in matches]
    last = matches[max(range(len(matches)), key=lambda place: (counts[place], place))]
    alike = [match for match in matches if match.re is last.re]
    form, end = "", 0
    for name in sorted((name for name, part in last.groupdict().items() if part), key=last.start):
        if name in {"mark", "zone"}:  # stand there as they are
            continue
        form += _literal(last.string[end : last.start(name)]) + _field(name, last, alike, day_first)
        end = last.end(name)
    return form + _literal(last.string[end:])


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _field(name: str, match: re.Match[str], alike: Sequence[re.Match[str]], day_first: bool) -> str:
    """The placeholder for one part of a date."""
    if name in {"first", "other"}:
        return _padded("day" if (name == "first") == day_first else "month", name, alike)
    text = match[name]
    if name == "year":
        base = "iso_year" if match.groupdict().get("week") else "year"
        return f"{{{base}:04}}" if len(text) == 4 else "{short_year:02}"
    if name in {"name", "day_name", "half"}:
        style = "lower" if text.islower() else "upper" if text.isupper() else "title"
        long = name == "name" and any(one["name"].lower() in set(LONG_MONTHS) - {"may"} for one in alike)
        kinds = {"name": "long_month" if long else "month_name", "half": "half_dots" if "." in text else "half"}
        return f"{{{kinds.get(name, name)}_{style}}}"
    if name == "second":
        digits = max(len(part) for one in alike if (part := re.split("[.,]", one["second"] or "0", maxsplit=1)[-1]))
        fractions = [re.split("[.,]", one["second"] or "0") for one in alike]
        exact = any(len(each) > 1 and each[1].strip("0") for each in fractions)
        return f"{{second:0{digits + 3}.{digits}f}}" if exact else "{second:02.0f}"
    if name in {"ordinal", "quarter", "weekday"}:
        return f"{{{name}}}"
    return _padded("half_hour" if name == "hour" and match["half"] else name, name, alike)


def _padded(field: str, name: str, alike: Sequence[re.Match[str]]) -> str:
    """A number of two digits, with a 0 before it where the column writes so; of all 10 and more, as its other parts."""
    parts = [one[name] or "" for one in alike]
    others = [other for other in _LOOSE if other in alike[0].re.groupindex]
    loose = any(len(one[other] or "") == 1 for one in alike for other in others)
    bare = any(len(part) == 1 for part in parts) or (loose and not any(part[:1] == "0" for part in parts))
    return f"{{{field}}}" if bare else f"{{{field}:02}}"
