"""How far a run has come, from 0 to 1: by steps, by time, or as a former run recorded it."""

import abc
import time
from collections.abc import Sequence


class Clock(abc.ABC):
    """Tells progress before each step; a run ends where it reaches 1."""

    @abc.abstractmethod
    def start(self, elapsed: float) -> None:
        """Begins to count, with `elapsed` seconds already spent by the run before it was stopped."""

    @abc.abstractmethod
    def progress(self, number: int) -> float:
        """Progress after `number` steps."""

    @abc.abstractmethod
    def elapsed(self) -> float:
        """Seconds spent in training by this run, in all its sittings."""


class StepClock(Clock):
    """Progress by steps: a run of `total` steps, the same on every machine."""

    def __init__(self, total: int) -> None:
        self.total = total
        self._origin = time.monotonic()

    def start(self, elapsed: float) -> None:
        self._origin = time.monotonic() - elapsed

    def progress(self, number: int) -> float:
        return min(1.0, number / self.total)

    def elapsed(self) -> float:
        return time.monotonic() - self._origin


class TimeClock(Clock):
    """Progress by elapsed time: a run of `seconds`, and of at most `total` steps where that is given."""

    def __init__(self, seconds: float, total: int | None = None) -> None:
        self.seconds = seconds
        self.total = total
        self._origin = time.monotonic()

    def start(self, elapsed: float) -> None:
        self._origin = time.monotonic() - elapsed

    def progress(self, number: int) -> float:
        by_steps = number / self.total if self.total else 0.0
        return min(1.0, max(by_steps, self.elapsed() / self.seconds))

    def elapsed(self) -> float:
        return time.monotonic() - self._origin


class RecordedClock(Clock):
    """Progress as a former run recorded it before each of its steps, so that its schedule repeats exactly."""

    def __init__(self, recorded: Sequence[float]) -> None:
        self.recorded = recorded
        self._origin = time.monotonic()

    def start(self, elapsed: float) -> None:
        self._origin = time.monotonic() - elapsed

    def progress(self, number: int) -> float:
        return self.recorded[number] if number < len(self.recorded) else 1.0

    def elapsed(self) -> float:
        return time.monotonic() - self._origin
