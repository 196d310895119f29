"""Windows of series: the seasonal-naive forecast by hand, nothing of the future, and batches of seed, epoch, number."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from glasswork.data.dataset import Dataset, fingerprints
from glasswork.data.formats.series.seasons import find_season
from glasswork.data.kinds.calendar import Timing
from glasswork.data.kinds.quantiles import Quantiles
from glasswork.data.kinds.series import Series
from glasswork.data.kinds.task import Task
from glasswork.data.series_windows import Places, Windows, fill_from_past, seasonal_naive, window_batches
from glasswork.execution import Execution

KIND = Series(Timing("rows"), season=3, window=4)


def series(values: Tensor, kind: Series = KIND) -> Dataset:
    """Series (times, series) as examples."""
    inputs = values[:, :, None].float()
    columns = {"inputs": inputs, "times": torch.arange(len(values)), "fingerprints": fingerprints(inputs)}
    return Dataset(columns, Task(kind, Quantiles(("a", "b"), 5, 3)), "made", ordered=True)


def replace_values(dataset: Dataset, values: Tensor) -> Dataset:
    return replace(dataset, columns={**dataset.columns, "inputs": values[:, :, None]})


def test_seasonal_naive_by_hand() -> None:
    values = torch.tensor([9.0, 8, 7, 1, 2, 3, 50, 60])
    assert seasonal_naive(values, torch.tensor([6]), 3, 7).tolist() == [[1, 2, 3, 1, 2, 3, 1]]
    assert seasonal_naive(values, torch.tensor([6, 2]), 1, 2).tolist() == [[3, 3], [8, 8]]
    both = torch.stack([values, -values], 1)
    assert seasonal_naive(both, torch.tensor([6, 6]), 3, 2).tolist() == [[1, 2], [-1, -2]]


def test_a_window_in_numbers() -> None:
    values = torch.tensor([1.0, 2, 3, 2, 4, 3, 2, 5, 5, 6, 7, 8])
    windows = Windows(series(values[:, None]), Execution())
    batch = windows.batch(Places(torch.tensor([7]), torch.tensor([0])))
    # The window is 2 4 3 2, three steps earlier it was 1 2 3 2: the deviations are 1 2 0 0, and s = 3/4
    assert batch.inputs[0, :, 0].tolist() == pytest.approx([1 / 0.75, 2 / 0.75, 0, 0])
    assert batch.inputs[0, :, 1].tolist() == pytest.approx([0, 2 / 0.75, 1 / 0.75, 0])
    # What comes is 5 5 6 7 8, and 4 3 2 4 3 by the season before
    assert batch.targets[0].tolist() == pytest.approx([value / 0.75 for value in (1, 2, 4, 3, 5)])


def test_answers_are_turned_back() -> None:
    values = torch.randn(40, 2, generator=torch.Generator().manual_seed(0))
    windows = Windows(series(values), Execution())
    places = windows.places(torch.arange(40))
    outputs = windows.batch(places).targets[:, :, None]
    assert torch.allclose(windows.answers(outputs, places)[..., 0], windows.truth(places), atol=1e-5)


def test_nothing_after_an_origin_is_seen() -> None:
    draws = torch.Generator().manual_seed(0)
    values = torch.randn(60, 2, generator=draws)
    changed = values.clone()
    changed[30:] = 100 * torch.randn(30, 2, generator=draws)
    places = Places(torch.tensor([30, 30, 25]), torch.tensor([0, 1, 0]))
    before, after = (Windows(series(one), Execution()) for one in (values, changed))
    assert torch.equal(before.batch(places, known=False).inputs, after.batch(places, known=False).inputs)
    assert torch.equal(before.naive(places), after.naive(places))
    assert torch.equal(before.scales(places), after.scales(places))


def test_forecasts_have_all_of_their_horizon_in_the_rows_and_no_unknown_value() -> None:
    values = torch.randn(40, 2)
    values[:10, 1] = torch.nan  # begins later
    windows = Windows(series(values), Execution())
    places = windows.places(torch.arange(20, 30))
    assert places.origins[places.series == 0].tolist() == list(range(20, 26))
    assert places.origins[places.series == 1].tolist() == list(range(20, 26))
    first = windows.places(torch.arange(0, 20))
    assert first.origins[first.series == 0].tolist() == list(range(7, 16))
    assert first.origins[first.series == 1].tolist() == []
    assert windows.places(torch.arange(20, 30), 3).origins.unique().tolist() == [20, 23]


def test_each_series_goes_on_after_its_own_end() -> None:
    values = torch.randn(40, 3)
    values[31:, 1] = torch.nan
    values[:38, 2] = torch.nan  # too short to be foretold
    latest = Windows(series(values), Execution()).latest()
    assert (latest.origins.tolist(), latest.series.tolist()) == ([40, 31], [0, 1])


def test_what_stands_for_a_missing_value_is_of_the_past() -> None:
    nan = torch.nan
    values = torch.tensor([nan, 1.0, 2, 3, nan, nan, 6, *[nan] * 8, 9])
    daily = [1, 2, 3, 3, 3, 6, *[6] * 6]
    assert fill_from_past(values, 0)[1:13].tolist() == fill_from_past(values, 1)[1:13].tolist() == daily
    assert fill_from_past(values, 3)[1:10].tolist() == [1, 2, 3, 1, 2, 6, 6, 6, 6]
    assert fill_from_past(values, 0)[[0, 13, 14]].isnan().all()
    later = values.clone()
    later[9:] = torch.arange(7.0)
    assert torch.equal(fill_from_past(values, 3)[1:9], fill_from_past(later, 3)[1:9])


def test_a_value_that_nobody_knows_is_no_answer() -> None:
    values = torch.arange(40.0)[:, None]
    values[[25, 26, 30], 0] = torch.nan
    windows = Windows(series(values), Execution())
    places = windows.places(torch.arange(20, 40))
    truth = windows.truth(places)
    assert truth[places.origins == 24][0].isnan().tolist() == [False, True, True, False, False]
    assert torch.equal(windows.batch(places).targets.isnan(), truth.isnan())
    assert windows.batch(places).inputs.isfinite().all()
    assert windows.places(torch.arange(20, 40), whole=True).origins.tolist() == [20, 31, 32, 33, 34, 35]


def test_values_far_from_zero_keep_their_differences() -> None:
    draws = torch.Generator().manual_seed(0)
    values = torch.randn(60, 1, dtype=torch.float64, generator=draws)
    near, far = (Windows(replace_values(series(values), values + level), Execution()) for level in (0.0, 1.7e9))
    places = near.places(torch.arange(60))
    assert torch.allclose(near.batch(places).inputs, far.batch(places).inputs, atol=1e-5)
    assert torch.allclose(near.batch(places).targets, far.batch(places).targets, atol=1e-5)
    answers = far.answers(far.batch(places).targets[:, :, None], places)[:, :, 0]
    assert torch.allclose(answers, far.truth(places), rtol=0, atol=1e-5)


def test_batches_are_a_function_of_seed_epoch_and_number() -> None:
    windows = Windows(series(torch.randn(60, 2, generator=torch.Generator().manual_seed(0))), Execution())
    places = windows.places(torch.arange(60))
    one, other = window_batches(windows, places, 16, 1), window_batches(windows, places, 16, 1)
    one.batch(0, 0)
    assert torch.equal(one.batch(3, 2).inputs, other.batch(3, 2).inputs)
    assert not torch.equal(one.batch(3, 2).inputs, one.batch(4, 2).inputs)
    assert not torch.equal(one.batch(3, 2).inputs, window_batches(windows, places, 16, 2).batch(3, 2).inputs)
    seen = torch.cat([one.batch(5, k).targets for k in range(len(one))])
    everything = windows.batch(places).targets
    assert torch.equal(seen.sum(1).sort().values, everything.sum(1).sort().values)


def test_a_series_without_change_has_finite_windows() -> None:
    for level in (0.0, 7.0):
        batch = Windows(series(torch.full((40, 1), level)), Execution()).batch(
            Places(torch.tensor([20]), torch.tensor([0]))
        )
        assert batch.inputs.isfinite().all() and not batch.targets.any()


def test_the_season_is_found() -> None:
    times = torch.arange(400)
    noise = 0.2 * torch.randn(400, 1, generator=torch.Generator().manual_seed(2))
    wave = (2 * torch.pi * times / 11).sin()[:, None] + noise
    assert find_season(wave, Timing("rows"), 11) == 11
    assert find_season(noise.cumsum(0), Timing("rows"), 3) == 1
    weekly = torch.tensor([0.0, 0, 0, 0, 0, 5, 5]).repeat(60)[:400, None] + noise
    assert find_season(weekly, Timing("seconds", 86400), None) == 7


def test_kinds_are_read_back() -> None:
    kind = replace(KIND, timing=Timing("months", 3, 31, "date"), covariates=("wind",), cycles=("year",))
    task = Task(kind, Quantiles(("a",)))
    assert Task.from_json(task.to_json()) == task
