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

    def part(self, number: int, share: float, total: int | None) -> "Clock":
        """The clock of one stage of several: its own steps, its share of the time, its part of what was recorded.

        Args:
            number: of the stage, from 0.
            share: of the seconds, where there is a budget.
            total: steps that the stage has at most; None where only the time counts.
        """
        if self.recorded is not None:  # each stage begins at 0 again
            falls = [at for at in range(1, len(self.recorded)) if self.recorded[at] < self.recorded[at - 1]]
            ends = [0, *falls, *[len(self.recorded)] * (number + 1)]
            return Clock(recorded=self.recorded[ends[number] : ends[number + 1]])
        return Clock(total, None if self.seconds is None else share * self.seconds)
