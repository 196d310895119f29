"""The column of a table that says when: its times as evenly spaced whole numbers."""

import re
from calendar import monthrange
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt

from glasswork.data.formats.tables.cells import Numbers, Table
from glasswork.data.formats.tables.dates import dates_of
from glasswork.data.kinds.calendar import DAY, Timing
from glasswork.errors import GlassworkError

Wholes = npt.NDArray[np.int64]

_USUAL = ("time", "date", "datetime", "timestamp", "ds", "year", "month", "day", "week", "quarter", "period", "t")
_MONTH_ONLY = re.compile(r"\d{4}-\d{2}")
_SHORTEST_MONTH = 28 * DAY
_TOLERANCE = 1e-4  # of a step
_MOST_TIMES = 50_000_000


@dataclass(frozen=True)
class Timed:
    """When the lines of a table are.

    Attributes:
        times: of each line, as `timing` counts them.
        timing: the step from one to the next.
        said: sentences about what was done.
    """

    times: Wholes
    timing: Timing
    said: list[str] = field(default_factory=list)

    def grid(self) -> tuple[Wholes, Wholes]:
        """The place of each line among all times from the first to the last, and these times."""
        first, step = int(self.times.min()), self.timing.increment
        return (self.times - first) // step, np.arange(first, int(self.times.max()) + 1, step)


def time_column(table: Table, asked: str | None, file: Path) -> str:
    """The column that says when: the asked one, or the first that is named so or holds dates; empty: none does.

    Raises:
        GlassworkError: there is no column of that name.
    """
    if asked is not None:
        if asked not in table.columns:
            raise GlassworkError(f"{file} has no column '{asked}': its columns are {', '.join(table.columns)}.")
        return asked
    named = [name for name in table.columns if name.lower() in _USUAL]
    dated = [name for name, cells in table.columns.items() if isinstance(cells, list) and _are_dates(cells)]
    return next(iter([*(name for name in named if name in dated), *dated, *named]), "")


def timed(table: Table, name: str, identifier: str) -> Timed:
    """The times of a table's lines.

    Args:
        table: the table.
        name: the column that says when; empty: the lines follow one another.
        identifier: the column that names the series of each line; empty: each line is of all series.

    Raises:
        GlassworkError: for a cell that is no time, or times that are not evenly spaced, with the line.
    """
    count = sum(table.counts)
    if not name:
        if identifier:
            raise GlassworkError(
                f"{table.files[0]} has no column of times, and several series one below the other need one: name it "
                "with --time."
            )
        said = ["There is no column of times: the lines are taken to follow one another evenly."]
        return Timed(np.arange(count), Timing("rows"), said)
    cells = table.columns[name]
    found = _dated(table, name, cells) if isinstance(cells, list) else _numbered(table, name, cells)
    backwards = not identifier and bool((np.diff(found.times) < 0).any())
    said = ["The lines are not in the order of time: they were sorted."] if backwards else []
    return Timed(found.times, found.timing, said)


def _are_dates(cells: list[str]) -> bool:
    found = dates_of([_whole(cell) for cell in cells[:50]])
    return found is not None and not found.unreadable


def _whole(cell: str) -> str:
    """A month without a day as its first day."""
    return f"{cell}-01" if _MONTH_ONLY.fullmatch(cell) else cell


def _dated(table: Table, name: str, cells: list[str]) -> Timed:
    found = dates_of([_whole(cell) for cell in cells])
    if found is None:
        raise GlassworkError(f"The column '{name}' of {table.files[0]} holds no times: '{cells[0]}' is no date.")
    unknown = np.flatnonzero(np.isnan(found.days))
    if len(unknown):
        row = int(unknown[0])
        words = f"'{cells[row]}', which is no time" if cells[row] else "nothing"
        raise GlassworkError(f"The column '{name}' has {words}, on {table.place(row)}.")
    seconds: Wholes = np.rint(found.days * DAY).astype(np.int64)
    steps = _steps(seconds)
    if len(steps) and steps.min() >= _SHORTEST_MONTH:
        monthly = _monthly(seconds, name)
        if monthly is not None:
            return _require_even(table, monthly, monthly.times)
    step = _usual(steps)
    return _require_even(table, Timed(seconds, Timing("seconds", step, 0.0, name, found.times)), seconds)


def _numbered(table: Table, name: str, numbers: Numbers) -> Timed:
    unknown = np.flatnonzero(np.isnan(numbers))
    if len(unknown):
        raise GlassworkError(f"The column '{name}' has no time on {table.place(int(unknown[0]))}.")
    ordered = np.unique(numbers)
    steps = np.diff(ordered)
    step = float(np.median(steps)) if len(steps) else 1.0
    step = round(step) if abs(step - round(step)) < _TOLERANCE * step else step
    offset = float(ordered[0]) - round(float(ordered[0]) / step) * step
    places = (numbers - offset) / step
    times = np.rint(places).astype(np.int64)
    wrong = np.flatnonzero(np.abs(places - times) > 0.01)
    if len(wrong):
        row = int(wrong[0])
        raise GlassworkError(
            f"The times in column '{name}' are not evenly spaced: {numbers[row]:g} on {table.place(row)} is no whole "
            f"number of steps of {step:g} from the first one: bring the values to one step."
        )
    return _require_even(table, Timed(times, Timing("numbers", step, offset, name)), times)


def _steps(times: Wholes) -> Wholes:
    ordered = np.unique(times)
    return ordered[1:] - ordered[:-1]


def _usual(steps: Wholes) -> int:
    """The step that most values are apart."""
    if not len(steps):
        return DAY
    found, counts = np.unique(steps, return_counts=True)
    return int(found[counts.argmax()])


def _monthly(seconds: Wholes, name: str) -> Timed | None:
    """The times in months, where all are on one day of the month, or on the last one."""
    days = [date(1970, 1, 1) + timedelta(days=int(second // DAY)) for second in seconds]
    numbers = {day.day for day in days}
    last = all(day.day == monthrange(day.year, day.month)[1] for day in days)
    if (len(numbers) > 1 and not last) or (seconds % DAY).any():
        return None
    months: Wholes = np.array([12 * day.year + day.month - 1 for day in days])
    return Timed(months, Timing("months", _usual(_steps(months)), 31 if last else numbers.pop(), name))


def _require_even(table: Table, found: Timed, times: Wholes) -> Timed:
    """Refuses times that are not a whole number of steps apart.

    Raises:
        GlassworkError: naming the first line that is not.
    """
    order = np.argsort(times, kind="stable")
    steps, step = np.diff(times[order]), found.timing.increment
    wrong = np.flatnonzero(steps % step)
    timing = found.timing
    if len(wrong):
        row, before = int(order[wrong[0] + 1]), int(order[wrong[0]])
        raise GlassworkError(
            f"The times in column '{timing.name}' are not evenly spaced: {timing.word(int(times[row]))} on "
            f"{table.place(row)} follows {timing.word(int(times[before]))}, where most are {timing.steps_in_words(1)} "
            "apart: bring the values to one step."
        )
    if len(times) and (int(times.max()) - int(times.min())) // step > _MOST_TIMES:
        raise GlassworkError(f"The times in column '{timing.name}' reach too far apart for steps of {step}.")
    return found
