"""A forecasting network measured by rolling origin, beside the seasonal-naive forecast and exponential smoothing."""

import importlib.util
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from glasswork.data.dataset import Dataset
from glasswork.data.series_windows import Places, Windows
from glasswork.execution import Execution
from glasswork.objectives.forecasts import conformal_margins, coverage, forecast_errors
from glasswork.objectives.losses import pinball
from glasswork.systems.forecast.network import Forecasters

CHUNK = 500
CALIBRATED = 2000
"""Forecasts that the intervals are calibrated on, at most."""
FEWEST = 10
"""Forecasts of a backtest, if there is room for them."""
MISSING = "the exponential-smoothing baseline (ETS) needs statsmodels: pip install 'glasswork[series]' installs it"
MOST_SERIES = 30
"""That are smoothed: each takes seconds, where a network takes none more."""
_LEAST_SEASONS = 2
_LEAST_VALUES = 11  # beside a season, which the first level, trend and season are read from
_LONGEST_FIT = 4000

Numbers = npt.NDArray[np.float64]


def has_statsmodels() -> bool:
    """Whether the extra `series` is installed."""
    return importlib.util.find_spec("statsmodels") is not None


def ets_forecasts(windows: Windows, places: Places) -> Tensor:
    """Forecasts of additive exponential smoothing, with and without a damped trend, whichever AIC prefers.

    Parameters are fitted once for each series, to the values before its first forecast; later values move only level,
    trend and season, as they come. So no forecast knows of a value after its origin.

    Args:
        windows: the series.
        places: of the forecasts.

    Returns:
        (forecasts, horizon); NaN where a series is not among the first 30, or has less than two seasons, or one and
        eleven values, to be fitted to.
    """
    kind, horizon = windows.kind, windows.ahead.horizon
    found = torch.full((len(places), horizon), torch.nan, dtype=torch.float64)
    for series in sorted(set(places.series.tolist()))[:MOST_SERIES]:
        mine = (places.series == series).nonzero()[:, 0]
        values = windows.values[:, series].numpy()
        begin = int(np.flatnonzero(np.isfinite(values))[0])
        origins = places.origins[mine].numpy() - begin
        whole = _without_gaps(values[begin : begin + int(origins.max())])
        fitted = whole[: int(origins.min())]
        if len(fitted) >= max(_LEAST_SEASONS * kind.season, kind.season + _LEAST_VALUES):
            found[mine] = torch.from_numpy(_smooth(fitted, whole, origins, kind.season, horizon))
    return found


def _without_gaps(values: Numbers) -> Numbers:
    """The values with the last one in open gaps: smoothing has no notion of a value that is missing."""
    last = np.maximum.accumulate(np.where(np.isfinite(values), np.arange(len(values)), 0))
    result: Numbers = values[last]
    return result


def _smooth(fitted: Numbers, whole: Numbers, origins: npt.NDArray[np.int64], season: int, horizon: int) -> Numbers:
    """Forecasts at each origin of one series."""
    fitted = fitted[-_LONGEST_FIT:] if len(fitted) > _LONGEST_FIT >= _LEAST_SEASONS * season else fitted
    skipped = int(origins.min()) - len(fitted)
    whole = whole[skipped:]
    scale = float(np.abs(fitted).mean()) or 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        models = [_model(fitted / scale, trend, season) for trend in (None, "add")]
        best = min((model.fit(disp=False, maxiter=200) for model in models), key=lambda result: float(result.aic))
        trend = best.model.trend
        states = _model(whole / scale, trend, season, best).smooth(best.params)
    ahead = np.arange(horizon)
    after = origins - skipped - 1  # the last value that is known at each origin
    level = np.asarray(states.level)[after][:, None]
    forecasts = np.broadcast_to(level, (len(after), horizon)).copy()
    if trend is not None:
        damping = float(states.params[list(states.model.param_names).index("damping_trend")])
        forecasts += np.asarray(states.slope)[after][:, None] * np.cumsum(damping ** (ahead + 1))
    if season > 1:
        forecasts += np.asarray(states.season)[after[:, None] - (season - 1) + ahead % season]
    result: Numbers = forecasts * scale
    return result


def _model(values: Numbers, trend: str | None, season: int, fitted: Any = None) -> Any:
    """The model of some values; begun as `fitted` was, where it is given."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    options: dict[str, Any] = {"trend": trend, "damped_trend": trend is not None}
    if season > 1:
        options |= {"seasonal": "add", "seasonal_periods": season}
    if fitted is None:
        return ETSModel(values, error="add", initialization_method="heuristic", **options)
    begun: dict[str, Any] = {"initial_level": fitted.initial_level}
    begun |= {"initial_trend": fitted.initial_trend} if trend is not None else {}
    begun |= {"initial_seasonal": fitted.initial_seasonal} if season > 1 else {}
    return ETSModel(values, error="add", initialization_method="known", **begun, **options)


@dataclass(frozen=True)
class Backtest:
    """Forecasts from several origins, and what came.

    Attributes:
        places: of the forecasts.
        truth: (forecasts, horizon), NaN if unknown.
        quantiles: the network's, (forecasts, horizon, quantiles).
        naive: the seasonal-naive forecasts, (forecasts, horizon).
        ets: those of exponential smoothing, NaN where it has none; None where statsmodels is missing.
        loss: the mean pinball loss, in the scales of the windows.
        scales: the mean seasonal difference of the series of each forecast before all of them, (forecasts,).
    """

    places: Places
    truth: Tensor
    quantiles: Tensor
    naive: Tensor
    ets: Tensor | None
    loss: float
    scales: Tensor

    @property
    def median(self) -> Tensor:
        """The network's point forecasts, (forecasts, horizon)."""
        return self.quantiles[:, :, self.quantiles.shape[2] // 2]

    def metrics(self) -> dict[str, float]:
        """Named figures of the network, and the mean absolute errors of the baselines."""
        network, naive = (forecast_errors(one, self.truth, self.scales) for one in (self.median, self.naive))
        found = {
            "loss": self.loss,
            **network,
            "coverage": coverage(self.quantiles[..., 0], self.quantiles[..., -1], self.truth),
            "seasonal_naive_mae": naive["mae"],
        }
        if "mape" in naive:
            found["seasonal_naive_mape"] = naive["mape"]
        if self.ets is not None and bool(self.ets.isfinite().all()):
            smoothed = forecast_errors(self.ets, self.truth, self.scales)
            found["ets_mae"] = smoothed["mae"]
            if "mape" in smoothed:
                found["ets_mape"] = smoothed["mape"]
        return found


def stride_of(kind_horizon: int, rows: int, asked: int | None) -> int:
    """Steps between the origins of a backtest: the horizon, or less where that makes fewer than ten of them."""
    return asked or max(1, min(kind_horizon, (rows - kind_horizon + 1) // FEWEST))


def outputs_of(network: nn.Module, windows: Windows, places: Places, execution: Execution) -> Tensor:
    """The network's outputs, (forecasts, horizon, quantiles), float32 on the CPU, in the scales of the windows."""
    network.eval()
    parts = []
    with torch.inference_mode(), execution.arithmetic():
        for start in range(0, len(places), CHUNK):
            chosen = places.at(torch.arange(start, min(start + CHUNK, len(places))))
            parts.append(network(windows.batch(chosen, known=False).inputs).float().cpu())
    shape = (0, windows.ahead.horizon, windows.ahead.quantiles)
    return torch.cat(parts) if parts else torch.zeros(shape)


def backtest(
    network: nn.Module,
    dataset: Dataset,
    rows: Tensor,
    execution: Execution,
    stride: int | None,
    baselines: bool = True,
    most: int | None = None,
) -> Backtest | None:
    """Forecasts from origins that roll over some rows, each from what was known then; None if there is no room.

    Args:
        network: a forecasting network.
        dataset: of series.
        rows: what is predicted; they contain all of a horizon.
        execution: how the arithmetic is carried out.
        stride: steps from one origin to the next; None: `stride_of`.
        baselines: whether exponential smoothing takes part.
        most: how many forecasts at most, evenly chosen; None: all.
    """
    windows = Windows(dataset, execution)
    places = windows.places(rows, stride_of(windows.ahead.horizon, len(rows), stride))
    if most is not None:
        places = spread(places, most)
    if not len(places):
        return None
    outputs = outputs_of(network, windows, places, execution)
    targets = windows.batch(places).targets.cpu()
    known = targets.isfinite()
    return Backtest(
        places,
        windows.truth(places),
        windows.answers(outputs, places),
        windows.naive(places),
        ets_forecasts(windows, places) if baselines and has_statsmodels() else None,
        float(pinball(outputs.sort(2).values[known], targets[known])),
        _seasonal_differences(windows, int(places.origins.min()))[places.series],
    )


def spread(places: Places, most: int) -> Places:
    """At most so many of the places, evenly chosen."""
    if len(places) <= most:
        return places
    return places.at(torch.linspace(0, len(places) - 1, most).long())


def _seasonal_differences(windows: Windows, before: int) -> Tensor:
    """mean |y_t - y_(t-m)| of each series up to a row, (series,): what the MASE divides by."""
    season = windows.kind.season
    values = windows.read[:before]
    return (values[season:] - values[:-season]).abs().nanmean(0)


def calibrate(network: nn.Module, dataset: Dataset, rows: Tensor, execution: Execution) -> None:
    """Sets the network's margins so that its intervals hold on some rows.

    Args:
        network: `Forecasters`, whose margins are replaced.
        dataset: of series.
        rows: which were not trained on.
        execution: how the arithmetic is carried out.
    """
    assert isinstance(network, Forecasters)
    network.margins.zero_()
    windows = Windows(dataset, execution)
    places = _calibration_places(windows, rows)
    outputs = outputs_of(network, windows, places, execution).sort(2).values
    targets = windows.batch(places).targets.cpu()
    network.margins.copy_(conformal_margins(outputs, targets))


def calibrated_values(dataset: Dataset, rows: Tensor) -> int:
    """On how many values of some rows `calibrate` rests."""
    windows = Windows(dataset, Execution())
    return int(windows.truth(_calibration_places(windows, rows)).isfinite().sum())


def _calibration_places(windows: Windows, rows: Tensor) -> Places:
    return spread(windows.places(rows), CALIBRATED)


def by_step(found: Backtest) -> Mapping[str, list[float]]:
    """The mean absolute error by steps ahead, of each forecasting method; NaN if unknown."""
    ways = {"network": found.median, "seasonal naive": found.naive}
    if found.ets is not None and bool(found.ets.isfinite().all()):
        ways["ETS"] = found.ets
    return {name: (way - found.truth).abs().nanmean(0).tolist() for name, way in ways.items()}
