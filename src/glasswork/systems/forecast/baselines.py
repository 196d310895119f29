"""Exponential smoothing beside the network (Hyndman et al. 2008; statsmodels), on the same forecasts."""

import importlib.util
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from glasswork.data.series_windows import Places, Windows

MISSING = "the exponential-smoothing baseline (ETS) needs statsmodels: pip install 'glasswork[series]' brings it"
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
    found = torch.full((len(places), horizon), torch.nan)
    for series in sorted(set(places.series.tolist()))[:MOST_SERIES]:
        mine = (places.series == series).nonzero()[:, 0]
        values = windows.values[:, series].double().numpy()
        begin = int(np.flatnonzero(np.isfinite(values))[0])
        origins = places.origins[mine].numpy() - begin
        whole = _without_gaps(values[begin : begin + int(origins.max())])
        fitted = whole[: int(origins.min())]
        if len(fitted) >= max(_LEAST_SEASONS * kind.season, kind.season + _LEAST_VALUES):
            found[mine] = torch.from_numpy(_smoothed(fitted, whole, origins, kind.season, horizon)).float()
    return found


def _without_gaps(values: Numbers) -> Numbers:
    """The values with open gaps filled along a straight line: smoothing has no notion of a value that is missing."""
    places, known = np.arange(len(values)), np.isfinite(values)
    result: Numbers = np.interp(places, places[known], values[known])
    return result


def _smoothed(fitted: Numbers, whole: Numbers, origins: npt.NDArray[np.int64], season: int, horizon: int) -> Numbers:
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
