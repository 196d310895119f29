"""How far a run has come, from 0 to 1: by steps, by time, or as a former run recorded it."""

import time
from collections.abc import Sequence


class Clock:
    """Tells progress before each step; a run ends where it reaches 1.

    Args:
        total: steps that the run has at most; progress by steps is the same on every machine.
        seconds: time that the run has at most.
        recorded: progress before each step of a former run, to repeat its schedule exactly; the others do not count.
    """

    def __init__(
        self, total: int | None = None, seconds: float | None = None, recorded: Sequence[float] | None = None
    ) -> None:
        self.total = total
        self.seconds = seconds
        self.recorded = recorded
        self._origin = time.monotonic()

    def start(self, elapsed: float) -> None:
        """Begins to count, with `elapsed` seconds already spent by the run before it was stopped."""
        self._origin = time.monotonic() - elapsed

    def elapsed(self) -> float:
        """Seconds spent in training by this run, in all its sittings."""
        return time.monotonic() - self._origin

    def progress(self, number: int) -> float:
        """Progress after `number` steps."""
        if self.recorded is not None:
            return self.recorded[number] if number < len(self.recorded) else 1.0
        by_steps = number / self.total if self.total else 0.0
        by_time = self.elapsed() / self.seconds if self.seconds else 0.0
        return min(1.0, max(by_steps, by_time))
