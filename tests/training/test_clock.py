import time

import pytest
from hypothesis import given
from hypothesis import strategies as some

from glasswork.training.stage import Clock


@given(total=some.integers(1, 10**6), number=some.integers(0, 2 * 10**6))
def test_progress_by_steps_needs_no_clock(total: int, number: int) -> None:
    clock = Clock(total)
    assert clock.progress(number) == min(1.0, number / total)
    assert (clock.progress(number) == 1) == (number >= total)


def test_progress_by_time_counts_earlier_sittings() -> None:
    clock = Clock(seconds=1000.0)
    clock.start(400.0)
    first = clock.progress(7)
    assert 0.4 <= first < 0.5
    assert clock.progress(10**9) >= first
    assert clock.elapsed() >= 400.0
    clock.start(1000.0)
    assert clock.progress(0) == 1


def test_the_sooner_of_time_and_steps_ends_a_run() -> None:
    clock = Clock(10, 1000.0)
    clock.start(0.0)
    assert clock.progress(10) == 1
    assert clock.progress(5) == 0.5
    clock.start(700.0)
    assert clock.progress(5) >= 0.7


@given(recorded=some.lists(some.floats(0, 1, exclude_max=True), max_size=20))
def test_a_recorded_run_is_repeated_and_then_over(recorded: list[float]) -> None:
    clock = Clock(recorded=recorded)
    assert [clock.progress(number) for number in range(len(recorded))] == recorded
    assert clock.progress(len(recorded)) == 1


def test_elapsed_time_runs() -> None:
    clock = Clock(1)
    clock.start(5.0)
    first = clock.elapsed()
    time.sleep(0.002)
    assert clock.elapsed() > first >= 5.0
    assert clock.elapsed() == pytest.approx(5.0, abs=60)
