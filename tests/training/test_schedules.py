import pytest
from hypothesis import given
from hypothesis import strategies as some

from glasswork.training.optimizers import PEAK, PEAKS, SCHEDULES

every_schedule = pytest.mark.parametrize("name", SCHEDULES)
progress = some.floats(0, 1)


@every_schedule
@given(at=progress)
def test_factors_lie_between_0_and_1(name: str, at: float) -> None:
    assert 0 <= SCHEDULES[name](at) <= 1


@pytest.mark.parametrize("name", ["one-cycle", "cosine", "constant"])
@given(at=progress, step=some.floats(0, 1e-3))
def test_no_jumps(name: str, at: float, step: float) -> None:
    there = min(1.0, at + step)
    assert abs(SCHEDULES[name](there) - SCHEDULES[name](at)) <= 4 * step + 1e-12


@every_schedule
@given(at=progress, later=progress)
def test_after_its_peak_a_factor_never_grows(name: str, at: float, later: float) -> None:
    first, second = sorted((at, later))
    if first >= PEAKS[name]:
        assert SCHEDULES[name](second) <= SCHEDULES[name](first)


@every_schedule
def test_the_peak_is_the_highest_rate(name: str) -> None:
    assert SCHEDULES[name](PEAKS[name]) == 1


@pytest.mark.parametrize(
    ("name", "factors"),
    [
        ("one-cycle", [0.1, 1 / 1.5 + 0.0, 0.0]),
        ("cosine", [1.0, 0.5, 0.0]),
        ("step", [1.0, 0.1, 0.01]),
        ("constant", [1.0, 1.0, 1.0]),
    ],
)
def test_beginning_middle_and_end(name: str, factors: list[float]) -> None:
    assert [SCHEDULES[name](at) for at in (0.0, 0.5, 1.0)] == pytest.approx(factors)
    assert SCHEDULES["one-cycle"](PEAK / 2) == pytest.approx(0.55)
