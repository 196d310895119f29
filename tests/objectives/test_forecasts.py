"""The pinball loss, errors of forecasts, and intervals that hold what they promise."""

import numpy as np
import pytest
import torch
from sklearn.metrics import mean_pinball_loss

from glasswork.errors import GlassworkError
from glasswork.objectives.forecasts import conformal_margins, coverage, forecast_errors
from glasswork.objectives.losses import pinball, quantile_levels


def test_pinball_is_scikit_learn_s() -> None:
    draws = np.random.default_rng(0)
    truth, quantiles = draws.normal(size=(7, 5)), draws.normal(size=(7, 5, 9))
    expected = np.mean([mean_pinball_loss(truth, quantiles[..., k], alpha=(k + 1) / 10) for k in range(9)])
    assert pinball(torch.tensor(quantiles), torch.tensor(truth)).item() == pytest.approx(expected)


def test_pinball_by_hand() -> None:
    quantiles = torch.tensor([[[1.0, 2.0, 4.0]]])  # at 1/4, 1/2, 3/4
    # t = 3: 1/4 (3 - 1) + 1/2 (3 - 2) + (1 - 3/4) (4 - 3) = 1.25, over three quantiles
    assert pinball(quantiles, torch.tensor([[3.0]])).item() == pytest.approx(1.25 / 3)


def test_pinball_is_least_at_the_quantile() -> None:
    values = torch.randn(20_001, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    q = values.quantile(quantile_levels(3).double())
    best = pinball(q.expand(len(values), 1, 3), values[:, None])
    for k in range(3):
        for aside in (-0.05, 0.05):
            moved = q.clone()
            moved[k] += aside
            assert pinball(moved.expand(len(values), 1, 3), values[:, None]) > best


def test_pinball_has_no_smoothing() -> None:
    with pytest.raises(GlassworkError, match="pinball has no label smoothing"):
        pinball(torch.zeros(1, 1, 3), torch.zeros(1, 1), smoothing=0.1)


def test_errors_by_hand() -> None:
    found = forecast_errors(torch.tensor([[1.0, 4.0]]), torch.tensor([[2.0, 2.0]]), torch.tensor([0.5]))
    assert found == pytest.approx({"mae": 1.5, "mase": 3.0, "smape": 100 * (2 / 3 + 4 / 6) / 2, "mape": 75.0})


def test_there_is_no_mape_of_values_that_are_0() -> None:
    found = forecast_errors(torch.tensor([[1.0, 0.0]]), torch.tensor([[2.0, 0.0]]), torch.tensor([1.0]))
    assert "mape" not in found and found["smape"] == pytest.approx(100 / 3)


def test_coverage_counts_the_ends() -> None:
    truth = torch.tensor([0.0, 1.0, 2.0, 3.0])
    assert coverage(torch.tensor(1.0), torch.tensor(2.0), truth) == 0.5


@pytest.mark.parametrize("spread", [0.2, 1.0, 5.0])
def test_calibrated_intervals_hold_as_often_as_they_say_whatever_the_quantiles(spread: float) -> None:
    draws = torch.Generator().manual_seed(3)
    truth = torch.randn(8000, 1, generator=draws).exp()  # skewed, and nothing like the quantiles below
    said = (spread * torch.linspace(-1, 1, 9)).expand(8000, 1, 9)
    margins = conformal_margins(said[:4000], truth[:4000])
    assert margins[4] == 0
    for low in range(4):
        high = 8 - low
        ends = (said[4000:] + margins)[..., [low, high]]
        assert coverage(ends[..., 0], ends[..., 1], truth[4000:]) == pytest.approx((high - low) / 10, abs=0.03)


def test_with_few_values_the_widest_error_counts() -> None:
    margins = conformal_margins(torch.zeros(3, 1, 19), torch.tensor([[1.0], [-2.0], [0.5]]))
    assert (margins[0].item(), margins[-1].item()) == (-2.0, 2.0)


def test_without_values_nothing_is_added() -> None:
    assert not conformal_margins(torch.zeros(0, 4, 9), torch.zeros(0, 4)).any()
