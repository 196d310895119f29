"""The length of the season of series, found from their values."""

import torch
from torch import Tensor

from glasswork.data.kinds.calendar import Timing
from glasswork.data.series_windows import seasonal_naive

_LEAST_SEASONS = 3  # that the training values have to hold
_CORRELATED = 0.2
_PEAKS = 3
_AS_GOOD = 1.05  # a multiple of a season errs about as much as the season
_MOST_SERIES = 50
_MOST_ORIGINS = 2000


def find_season(values: Tensor, timing: Timing, horizon: int | None) -> int:
    """The shortest season whose seasonal-naive forecast errs least on the training values, up to 5 %.

    Candidates are 1 (no season), the cycles of the calendar, and the highest peaks of the autocorrelation.

    Args:
        values: (times, series), NaN if unknown.
        timing: of the rows.
        horizon: how far to predict; None: a day of shorter steps, else one season.
    """
    values = values[:, torch.linspace(0, values.shape[1] - 1, min(values.shape[1], _MOST_SERIES)).long()].double()
    longest = len(values) // _LEAST_SEASONS
    calendar = [period for period in timing.periods().values() if period <= longest]
    candidates = sorted({1, *calendar, *_peaks(values, longest)})
    if len(candidates) == 1:
        return 1
    ahead = horizon or timing.periods().get("day") or max(candidates)
    first = max(candidates)
    count = len(values) - ahead + 1 - first
    if count < 1:
        return 1
    origins = first + torch.arange(0, count, max(1, count // _MOST_ORIGINS))
    errors = {season: _error(values, origins, season, ahead) for season in candidates}
    return next(season for season in candidates if errors[season] <= _AS_GOOD * min(errors.values()))


def _error(values: Tensor, origins: Tensor, season: int, horizon: int) -> float:
    """Mean absolute error of seasonal-naive forecasts, of each series as a share of its own mean change per step."""
    found = []
    rows = origins[:, None] + torch.arange(horizon)
    for series in values.T:
        errors = (series[rows] - seasonal_naive(series, origins, season, horizon)).abs()
        found.append(errors.nanmean() / series.diff().abs().nanmean().clamp(min=1e-12))
    return float(torch.stack(found).nanmean())


def _peaks(values: Tensor, longest: int) -> list[int]:
    """The lags at which the autocorrelation of the series, a linear trend taken away, has its highest peaks."""
    if longest < 2:
        return []
    places = torch.arange(len(values), dtype=torch.float64)[:, None]
    known = values.isfinite()
    count = known.sum(0).clamp(min=1)
    centre, mean = (places * known).sum(0) / count, values.nan_to_num(0.0).sum(0) / count
    across = torch.where(known, places - centre, 0.0)
    rest = torch.where(known, values - mean, 0.0)
    rest = torch.where(known, rest - across * (across * rest).sum(0) / across.square().sum(0).clamp(min=1e-12), 0.0)
    spectrum = torch.fft.rfft(rest, n=2 * len(values), dim=0).abs().square()
    products = torch.fft.irfft(spectrum, dim=0)[: longest + 2]
    correlation = (products / products[:1].clamp(min=1e-12)).mean(1)
    inner = correlation[1:-1]
    top = ((inner > correlation[:-2]) & (inner >= correlation[2:]) & (inner > _CORRELATED)).nonzero()[:, 0] + 1
    best = correlation[top].argsort(descending=True)[:_PEAKS]
    return [int(lag) for lag in top[best] if lag > 1]
