"""The column of a table that says when: its times as evenly spaced whole numbers, or those of a calendar."""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt

from glasswork.data.formats.tables.cells import Table
from glasswork.data.formats.tables.dates import dates_of
from glasswork.data.formats.tables.typed import Numbers
from glasswork.data.kinds.calendar import DAY, WEEK, Timing, place_in_cycle
from glasswork.errors import GlassworkError

Wholes = npt.NDArray[np.int64]

_USUAL = (
    "time",
    "date",
    "datetime",
    "timestamp",
    "ts",
    "ds",
    "epoch",
    "year",
    "month",
    "day",
    "week",
    "quarter",
    "period",
    "t",
)
# Columns that say when together; the years come first.
_PARTS = {"month": "{:02.0f}", "quarter": "Q{:.0f}", "week": "W{:02.0f}"}
_DAY_PARTS = ("day", "hour", "minute")
_SHORTEST_MONTH = 28 * DAY
_TOLERANCE = 1e-4  # of a step
_MOST_TIMES = 50_000_000
_YEARS = (1500, 2999)
_TURNS = 2  # of a cycle before a time that never comes in it can be told from a gap
_PRESENT = 0.8  # of the times of a calendar
_BY_CHANCE = 0.01  # expected number of times of a cycle that are taken for closed, and are gaps


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
        every = self.timing.between(int(self.times.min()), int(self.times.max()))
        return np.searchsorted(every, self.times), every


def time_columns(table: Table, asked: str | None, file: Path) -> tuple[str, ...]:
    """The columns that say when: the asked ones, or those that are named so or hold dates; empty: none does.

    Several say it together: the year and the month, quarter or week, with the day, hour and minute.

    Raises:
        GlassworkError: there is no column of that name.
    """
    if asked is not None:
        names = (asked,) if asked in table.columns else tuple(name.strip() for name in asked.split(","))
        missing = [name for name in names if name not in table.columns]
        if missing:
            raise GlassworkError(f"{file} has no column '{missing[0]}': its columns are {', '.join(table.columns)}.")
        return names
    named = [name for name in table.columns if name.lower() in _USUAL]
    dated = [name for name, cells in table.columns.items() if isinstance(cells, list) and _are_dates(cells)]
    whole = [*(name for name in named if name in dated), *dated]
    if whole:
        return whole[0], *_clock_of(table, whole[0])
    return _parts_of_time(table) or tuple(named[:1])


def _clock_of(table: Table, date_column: str) -> list[str]:
    """The columns of hours and minutes beside one of days that come several times."""
    days, found = table.columns[date_column], {name.lower(): name for name in table.columns}
    if not isinstance(days, list) or len(set(days)) == len(days) or any(":" in day for day in days[:50]):
        return []
    return [found[part] for part in ("hour", "minute") if part in found and "hour" in found]


def _parts_of_time(table: Table) -> tuple[str, ...]:
    """The columns of numbers or months that say when together: the year, a part of it, and so on; empty: none do."""
    found = {name.lower(): name for name in table.columns}
    part = next((part for part in _PARTS if part in found), None)
    if "year" not in found or part is None:
        return ()
    names = [found["year"], found[part]]
    for smaller in _DAY_PARTS:
        if smaller not in found or part != "month":
            break
        names.append(found[smaller])
    return tuple(names)


def timed(table: Table, names: Sequence[str], identifier: str, like: Timing | None = None) -> Timed:
    """The times of a table's lines.

    Args:
        table: the table.
        names: the columns that say when; empty: the lines follow one another.
        identifier: the column that names the series of each line; empty: each line is of all series.
        like: the timing of a model, whose calendar these times have to follow; None: it is found.

    Raises:
        GlassworkError: for a cell that is no time, or times that are not evenly spaced, with the line.
    """
    count = sum(table.counts)
    if not names:
        if identifier:
            raise GlassworkError(
                f"{table.files[0]} has no column of times, and several series in one table need one: name it with "
                "--time."
            )
        said = ["There is no column of times: the rows are assumed to be evenly spaced."]
        return Timed(np.arange(count), Timing("rows"), said)
    name = ",".join(names)
    cells = table.columns[names[0]] if len(names) == 1 else _together(table, names)
    digits, form = ([], "") if isinstance(cells, list) else _written_dates(cells)
    if isinstance(cells, list) or digits:
        found = _dated(table, name, digits or cells, like)  # type: ignore[arg-type]
        found = replace(found, timing=replace(found.timing, form=form or found.timing.form))
    else:
        found = _numbered(table, name, cells)
    backwards = not identifier and bool((np.diff(found.times) < 0).any())
    said = ["The rows are not in order of time: they were sorted."] if backwards else []
    if found.timing.taken and like is None:
        said.append(
            f"There are values {found.timing.taken_in_words()} only: the times in between are not gaps, and are not "
            "forecast."
        )
    return Timed(found.times, found.timing, said)


def _are_dates(cells: list[str]) -> bool:
    found = dates_of(cells[:50])
    return found is not None and not found.unreadable


def _together(table: Table, names: Sequence[str]) -> list[str]:
    """What several columns say together, as dates: the year, then the month, quarter or week, then day and time.

    Raises:
        GlassworkError: for a cell that is no whole number.
    """
    columns: list[list[str]] = []
    for name in names:
        cells = table.columns[name]
        for row, cell in enumerate(cells):
            if not isinstance(cell, str) and (not np.isfinite(cell) or cell != round(cell)):
                raise GlassworkError(f"The column '{name}' has no whole number on {table.place(row)}, and says when.")
        form = _PARTS.get(name.lower(), "{:04.0f}" if name == names[0] else "{:02.0f}")
        columns.append([cell if isinstance(cell, str) else form.format(cell) for cell in cells])
    days = 1 if names[1].lower() == "hour" else 3  # columns that say the day
    dates = ["-".join(parts) for parts in zip(*columns[:days], strict=True)]
    if len(columns) == 3 and days == 3 and names[2].lower() == "hour":
        raise GlassworkError(f"The columns {', '.join(names)} of {table.files[0]} do not say the day.")
    clocks = columns[days:]
    if not clocks:
        return dates
    minutes = clocks[1] if len(clocks) > 1 else ["00"] * len(dates)
    return [f"{day} {hour}:{minute}" for day, hour, minute in zip(dates, clocks[0], minutes, strict=True)]


def _written_dates(numbers: Numbers) -> tuple[list[str], str]:
    """Dates that are written without marks, such as 20240131, or months, such as 202401, and their form; else empty."""
    if not len(numbers) or not np.isfinite(numbers).all() or (numbers != np.rint(numbers)).any():
        return [], ""
    for digits, form in ((8, "{year:04}{month:02}{day:02}"), (6, "{year:04}{month:02}")):
        years, rest = np.divmod(numbers, 10 ** (digits - 4))
        months, days = np.divmod(rest, 100) if digits == 8 else (rest, np.ones(len(rest)))
        fits = (years >= _YEARS[0]) & (years <= _YEARS[1]) & (months >= 1) & (months <= 12) & (days >= 1) & (days <= 31)
        if fits.all():
            words = [f"{number:.0f}" for number in numbers]
            return ["-".join((word[:4], word[4:6], *([word[6:]] if digits == 8 else []))) for word in words], form
    return [], ""


def _dated(table: Table, name: str, cells: list[str], like: Timing | None) -> Timed:
    found = dates_of(cells)
    if found is None:
        raise GlassworkError(f"The column '{name}' of {table.files[0]} holds no times: '{cells[0]}' is not a date.")
    unknown = np.flatnonzero(np.isnan(found.days))
    if len(unknown):
        row = int(unknown[0])
        words = f"'{cells[row]}', which is not a time" if cells[row] else "nothing"
        raise GlassworkError(f"The column '{name}' has {words}, on {table.place(row)}.")
    seconds: Wholes = np.rint(found.days * DAY).astype(np.int64)
    if (np.abs(found.days * DAY - seconds) > _TOLERANCE).any() and len(np.unique(seconds)) < len(np.unique(found.days)):
        raise GlassworkError(
            f"The times in column '{name}' of {table.files[0]} are less than a second apart: give a column of numbers, "
            "such as seconds since the first one, and name it with --time."
        )
    clock: Wholes = seconds + np.rint(60 * found.ahead).astype(np.int64)
    # Midnights of a place with summer time are even by its own clock alone, and its hours by all others.
    own = len(set(found.ahead.tolist())) == 1 or (
        len(np.unique(_steps(seconds))) > 1 and len(np.unique(clock)) == len(np.unique(seconds))
    )
    seconds, ahead = (clock, 0) if own else (seconds, int(found.ahead[-1]))
    steps = _steps(seconds)
    form = found.form if len(name.split(",")) == 1 or not found.times else ""
    timing = Timing("seconds", DAY, 0.0, name, found.times, form, ahead)
    if len(steps) and steps.min() >= _SHORTEST_MONTH:
        monthly = _monthly(seconds, timing)
        if monthly is not None:
            return _require_even(table, _with_calendar(monthly, like))
    return _require_even(table, _with_calendar(Timed(seconds, replace(timing, step=_usual(steps))), like))


def _with_calendar(found: Timed, like: Timing | None) -> Timed:
    """The times with the calendar that they follow: that of a model, or the one that they show by themselves."""
    if like is not None:
        return replace(found, timing=replace(found.timing, cycle=like.cycle, taken=like.taken))
    timing, steps = found.timing, _steps(found.times)
    candidates = [timing.increment]
    if len(steps) and (steps % timing.increment).any():
        candidates.append(int(np.gcd.reduce(steps)))
    for step in candidates:
        for cycle in (WEEK, DAY) if timing.unit == "seconds" else (12,):
            taken = _taken(found.times, step, cycle)
            if taken:
                return replace(found, timing=replace(timing, step=step, cycle=cycle, taken=taken))
    return found


def _taken(times: Wholes, step: int, cycle: int) -> tuple[int, ...]:
    """The places in a cycle at which there are values; empty if those that lack may as well be gaps, or none lacks."""
    first, last = int(times.min()), int(times.max())
    turns = (last - first + step) / cycle
    if cycle % step or turns < _TURNS or ((times - first) % step).any():
        return ()
    places = np.unique(place_in_cycle(times, cycle))
    if len(places) == cycle // step:
        return ()
    taken = tuple(places.tolist())
    expected = len(Timing("seconds", step, cycle=cycle, taken=taken).between(first, last))
    present = len(np.unique(times)) / expected
    chance = cycle // step * (1 - present) ** turns
    return taken if present >= _PRESENT and chance < _BY_CHANCE else ()


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
            f"The times in column '{name}' are not evenly spaced: {numbers[row]:.15g} on {table.place(row)} is not a "
            f"whole number of steps of {step:g} from the first one: resample the values to one step."
        )
    return _require_even(table, Timed(times, Timing("numbers", step, offset, name)))


def _steps(times: Wholes) -> Wholes:
    ordered = np.unique(times)
    return ordered[1:] - ordered[:-1]


def _usual(steps: Wholes) -> int:
    """The step that most values are apart."""
    if not len(steps):
        return DAY
    found, counts = np.unique(steps, return_counts=True)
    return int(found[counts.argmax()])


def _monthly(seconds: Wholes, timing: Timing) -> Timed | None:
    """The times in months, where all are on one day of the month, or on the last one."""
    days = [date(1970, 1, 1) + timedelta(days=int(second // DAY)) for second in seconds]
    numbers = {day.day for day in days}
    last = all(day.day == monthrange(day.year, day.month)[1] for day in days)
    if (len(numbers) > 1 and not last) or (seconds % DAY).any():
        return None
    months: Wholes = np.array([12 * day.year + day.month - 1 for day in days])
    step, offset = _usual(_steps(months)), 31 if last else numbers.pop()
    return Timed(months, replace(timing, unit="months", step=step, offset=offset, ahead=0))


def _require_even(table: Table, found: Timed) -> Timed:
    """Refuses times that are not a whole number of steps apart, or at which the calendar has no values.

    Raises:
        GlassworkError: naming the first line that is not.
    """
    times, timing = found.times, found.timing
    order = np.argsort(times, kind="stable")
    steps, step = np.diff(times[order]), timing.increment
    wrong = np.flatnonzero(steps % step)
    if len(wrong):
        row, before = int(order[wrong[0] + 1]), int(order[wrong[0]])
        raise GlassworkError(
            f"The times in column '{timing.name}' are not evenly spaced: {timing.word(int(times[row]))} on "
            f"{table.place(row)} follows {timing.word(int(times[before]))}, where most are {timing.steps_in_words(1)} "
            "apart: resample the values to one step."
        )
    if len(times) and (int(times.max()) - int(times.min())) // step > _MOST_TIMES:
        raise GlassworkError(f"The times in column '{timing.name}' span too long a time for steps of {step}.")
    if timing.taken:
        closed = np.flatnonzero(~np.isin(place_in_cycle(times, timing.cycle), timing.taken))
        if len(closed):
            row = int(closed[0])
            raise GlassworkError(
                f"The column '{timing.name}' has {timing.word(int(times[row]))} on {table.place(row)}, and this model "
                f"was trained on values {timing.taken_in_words()}: take the line out, or train a new model."
            )
    return found
