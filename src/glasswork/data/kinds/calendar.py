"""The calendar of a series: its step, its times in words, and the position in day, week and year."""

import calendar
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from glasswork.record import Record

Unit = Literal["seconds", "months", "numbers", "rows"]
Wholes = npt.NDArray[np.int64]

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
LONG_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

DAY = 86_400
WEEK = 7 * DAY
CYCLES = {"day": DAY, "week": 7 * DAY, "year": 365.2425 * DAY}
"""What repeats in a calendar, in seconds."""

_MONTH = CYCLES["year"] / 12
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FOUR_DAYS = 4 * DAY
"""From Thursday, 1 January 1970, to a Monday."""
_WORKING_DAYS = tuple(range(0, 5 * DAY, DAY))
_LEAST_TURNS = 2  # of a cycle before anything can be said about it
_NAMES = {1: "second", 60: "minute", 1800: "half hour", 3600: "hour", DAY: "day", 7 * DAY: "week"}


@dataclass(frozen=True)
class Timing(Record):
    """The times of evenly spaced values, each a whole number: seconds or months of the calendar, steps, or rows.

    Attributes:
        unit: `seconds` since 1970; `months` since the year 0, where the step is a number of months; `numbers` of an
            index such as years, in steps; `rows` where the source says nothing about time.
        step: from one value to the next: seconds, months, or the index's own unit.
        offset: for `months` the day of the month (31: the last one); for `numbers` what is added to step x time.
        name: the column that the times stand in; empty for rows.
        clock: whether the times are written with the time of day.
        form: how the source writes its times, as `write` takes it; empty: as 2000-08-28 00:30.
        ahead: by how many minutes the clock that times are written in is ahead of the one they are counted in.
        cycle: of a calendar with regular times without values, such as weekends, its length: seconds of a week or a
            day, or 12 months; 0 if there is a value at every step.
        taken: the times in the cycle at which there are values: seconds since Monday or midnight, or months.
    """

    unit: Unit
    step: int | float = 1.0
    offset: int | float = 0.0
    name: str = ""
    clock: bool = False
    form: str = ""
    ahead: int = 0
    cycle: int = 0
    taken: tuple[int, ...] = ()

    @property
    def increment(self) -> int:
        """The difference of two times that follow one another."""
        return int(self.step) if self.unit in {"seconds", "months"} else 1

    @property
    def seconds(self) -> float | None:
        """The step in seconds; None if there is no calendar."""
        return {"seconds": self.step, "months": self.step * _MONTH}.get(self.unit)

    @property
    def mean_seconds(self) -> float | None:
        """The mean time from one value to the next in seconds: longer than the step if a calendar leaves times out."""
        if self.seconds is None or not self.taken:
            return self.seconds
        return self.cycle / len(self.taken) * (_MONTH if self.unit == "months" else 1)

    def between(self, first: int, last: int) -> Wholes:
        """The times from `first`, which is one, to `last`."""
        times: Wholes = np.arange(first, last + 1, self.increment)
        return times[np.isin(place_in_cycle(times, self.cycle), self.taken)] if self.taken else times

    def after(self, last: int, count: int) -> Tensor:
        """The `count` times that follow `last`, int64 (count,)."""
        reach = count
        if self.taken:
            reach = (count // len(self.taken) + 2) * (self.cycle // self.increment)
        return torch.from_numpy(self.between(last, last + self.increment * reach)[1 : count + 1])

    def word(self, time: int) -> str:
        """A time as people write it: 2000-08-28 00:30, 2009, row 310."""
        if self.form and self.unit == "seconds":
            return write(_EPOCH + timedelta(seconds=time + 60 * self.ahead), self.form)
        if self.form and self.unit == "months":
            day = min(int(self.offset), calendar.monthrange(time // 12, time % 12 + 1)[1])
            return write(datetime(time // 12, time % 12 + 1, day, tzinfo=UTC), self.form)
        if self.unit == "seconds":
            moment = _EPOCH + timedelta(seconds=time)
            form = "%Y-%m-%d" if not self.clock else "%Y-%m-%d %H:%M" if moment.second == 0 else "%Y-%m-%d %H:%M:%S"
            return moment.strftime(form)
        if self.unit == "months":
            year, month = divmod(time, 12)
            return f"{year:04}-{month + 1:02}-{min(int(self.offset), calendar.monthrange(year, month + 1)[1]):02}"
        return f"{self.offset + self.step * time:.15g}" if self.unit == "numbers" else f"row {time + 1:,}"

    def steps_in_words(self, count: int) -> str:
        """So many steps in words: 48 half hours, 1 month, 11 steps of year."""
        name = _NAMES.get(round(self.step)) if self.unit == "seconds" else None
        if self.cycle == WEEK and self.taken == _WORKING_DAYS:
            name = "business day"
        if self.unit == "months":
            name = {1: "month", 3: "quarter", 12: "year"}.get(round(self.step), f"{self.step:g} month")
        if name is None and self.unit == "seconds":
            name = f"{self.step / 60:g} minute" if self.step < DAY else f"{self.step / DAY:g} day"
        if name is None:
            return f"{count:,} step{'s' if count > 1 else ''}" + (f" of {self.name}" if self.name else "")
        plain = name[0].isalpha()
        return f"{count:,} {name}{'s' if count > 1 else ''}" if plain else f"{count:,} steps of {name}s"

    def taken_in_words(self) -> str:
        """When there are values, if not at every step: on Monday to Friday; at 7 of 24 hours of the day."""
        if self.cycle == WEEK and self.increment == DAY:
            places = [time // DAY for time in self.taken]
            whole = len(places) > 2 and places == list(range(places[0], places[-1] + 1))
            listed = [DAYS[place] for place in ((places[0], places[-1]) if whole else places)]
            return f"on {(' to ' if whole else ', ').join(listed)}"
        cycle = {WEEK: "week", DAY: "day"}.get(self.cycle, "year")
        return f"at {len(self.taken):,} of the {self.cycle // self.increment:,} steps of a {cycle}"

    def cycles(self, count: int) -> tuple[str, ...]:
        """The cycles of the calendar that `count` values go through at least twice, with two values or more in each."""
        step, mean = self.seconds, self.mean_seconds
        if step is None or mean is None:
            return ()
        return tuple(
            name for name, length in CYCLES.items() if 2 * step <= length and count * mean >= _LEAST_TURNS * length
        )

    def periods(self) -> dict[str, int]:
        """The cycles of the calendar that are a whole number of steps, and how many, the shortest first."""
        step = self.mean_seconds
        if step is None:
            return {}
        found = {name: length / step for name, length in CYCLES.items()}
        if self.cycle == WEEK:  # as many in each day that has any, or there is no such number
            per_day = np.unique(np.array(self.taken) // DAY, return_counts=True)[1]
            found["day"] = float(per_day[0]) if len(set(per_day.tolist())) == 1 else 0.0
        return {name: round(steps) for name, steps in found.items() if steps > 1.5 and _whole(steps, name)}

    def phases(self, times: Tensor, cycles: tuple[str, ...]) -> Tensor:
        """Sine and cosine of where in each cycle some times are.

        Args:
            times: int64, any shape.
            cycles: names out of `CYCLES`.

        Returns:
            float32 (*times.shape, 2 x cycles).
        """
        seconds = times.to(torch.float64) * (_MONTH if self.unit == "months" else 1.0) - FOUR_DAYS
        turns = [2 * math.pi * (seconds / CYCLES[name]).remainder(1.0) for name in cycles]
        parts = [part for turn in turns for part in (turn.sin(), turn.cos())]
        return torch.stack(parts, -1).float() if parts else torch.zeros(*times.shape, 0)


def place_in_cycle(times: Wholes, cycle: int) -> Wholes:
    """Where in a cycle times are: seconds since Monday, seconds since midnight, or months since January."""
    return (times - (FOUR_DAYS if cycle == WEEK else 0)) % cycle


def write(moment: datetime, form: str) -> str:
    """A moment as a form has it: `{day:02}.{month:02}.{year:04}`, or `{year:04}Q{quarter}`."""
    return form.format_map(dict(_parts(moment)))


def _parts(moment: datetime) -> Iterator[tuple[str, int | float | str]]:
    iso, day = moment.isocalendar(), moment.day
    yield from (("year", moment.year), ("short_year", moment.year % 100), ("month", moment.month), ("day", day))
    yield from (("hour", moment.hour), ("half_hour", (moment.hour - 1) % 12 + 1), ("minute", moment.minute))
    yield from (("second", float(moment.second)), ("quarter", (moment.month + 2) // 3))
    yield from (("iso_year", iso.year), ("week", iso.week), ("weekday", iso.weekday))
    yield "ordinal", "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    half = "pm" if moment.hour > 11 else "am"
    words = {"month_name": MONTHS[moment.month - 1], "long_month": LONG_MONTHS[moment.month - 1], "half": half}
    words |= {"half_dots": f"{half[0]}.m.", "day_name": DAYS[iso.weekday - 1][:3]}
    for name, word in words.items():
        yield from ((f"{name}_lower", word.lower()), (f"{name}_upper", word.upper()), (f"{name}_title", word.title()))


def _whole(steps: float, name: str) -> bool:
    """Whether so many steps are a whole number; a year is one up to its leap days."""
    return abs(steps - round(steps)) < (0.01 if name != "year" else 0.3)
