"""When the values of a series were taken: the step from one to the next, times in words, and the calendar."""

import calendar
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import torch
from torch import Tensor

from glasswork.record import Record

Unit = Literal["seconds", "months", "numbers", "rows"]

DAY = 86_400
CYCLES = {"day": DAY, "week": 7 * DAY, "year": 365.2425 * DAY}
"""What repeats in a calendar, in seconds."""

_MONTH = CYCLES["year"] / 12
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FOUR_DAYS = 4 * DAY  # from Thursday, 1 January 1970, to a Monday
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
    """

    unit: Unit
    step: int | float = 1.0
    offset: int | float = 0.0
    name: str = ""
    clock: bool = False

    @property
    def increment(self) -> int:
        """The difference of two times that follow one another."""
        return int(self.step) if self.unit in {"seconds", "months"} else 1

    @property
    def seconds(self) -> float | None:
        """The step in seconds; None where there is no calendar."""
        return {"seconds": self.step, "months": self.step * _MONTH}.get(self.unit)

    def after(self, last: int, count: int) -> Tensor:
        """The `count` times that follow `last`, int64 (count,)."""
        return last + self.increment * torch.arange(1, count + 1)

    def word(self, time: int) -> str:
        """A time as people write it: 2000-08-28 00:30, 2009, row 310."""
        if self.unit == "seconds":
            moment = _EPOCH + timedelta(seconds=time)
            form = "%Y-%m-%d" if not self.clock else "%Y-%m-%d %H:%M" if moment.second == 0 else "%Y-%m-%d %H:%M:%S"
            return moment.strftime(form)
        if self.unit == "months":
            year, month = divmod(time, 12)
            return f"{year:04}-{month + 1:02}-{min(int(self.offset), calendar.monthrange(year, month + 1)[1]):02}"
        return f"{self.offset + self.step * time:.10g}" if self.unit == "numbers" else f"row {time + 1:,}"

    def steps_in_words(self, count: int) -> str:
        """So many steps in words: 48 half hours, 1 month, 11 steps of year."""
        name = _NAMES.get(round(self.step)) if self.unit == "seconds" else None
        if self.unit == "months":
            name = {1: "month", 3: "quarter", 12: "year"}.get(round(self.step), f"{self.step:g} month")
        if name is None and self.unit == "seconds":
            name = f"{self.step / 60:g} minute" if self.step < DAY else f"{self.step / DAY:g} day"
        if name is None:
            return f"{count:,} step{'s' if count > 1 else ''}" + (f" of {self.name}" if self.name else "")
        plain = name[0].isalpha()
        return f"{count:,} {name}{'s' if count > 1 else ''}" if plain else f"{count:,} steps of {name}s"

    def cycles(self, count: int) -> tuple[str, ...]:
        """The cycles of the calendar that `count` values go through at least twice, with two values or more in each."""
        step = self.seconds
        if step is None:
            return ()
        return tuple(
            name for name, length in CYCLES.items() if 2 * step <= length and count * step >= _LEAST_TURNS * length
        )

    def periods(self) -> dict[str, int]:
        """The cycles of the calendar that are a whole number of steps, and how many, the shortest first."""
        step = self.seconds
        if step is None:
            return {}
        found = {name: length / step for name, length in CYCLES.items()}
        return {name: round(steps) for name, steps in found.items() if steps > 1.5 and _whole(steps, name)}

    def phases(self, times: Tensor, cycles: tuple[str, ...]) -> Tensor:
        """Sine and cosine of where in each cycle some times are.

        Args:
            times: int64, any shape.
            cycles: names out of `CYCLES`.

        Returns:
            float32 (*times.shape, 2 x cycles).
        """
        seconds = times.to(torch.float64) * (_MONTH if self.unit == "months" else 1.0) - _FOUR_DAYS
        turns = [2 * math.pi * (seconds / CYCLES[name]).remainder(1.0) for name in cycles]
        parts = [part for turn in turns for part in (turn.sin(), turn.cos())]
        return torch.stack(parts, -1).float() if parts else torch.zeros(*times.shape, 0)


def _whole(steps: float, name: str) -> bool:
    """Whether so many steps are a whole number; a year is one up to its leap days."""
    return abs(steps - round(steps)) < (0.01 if name != "year" else 0.3)
