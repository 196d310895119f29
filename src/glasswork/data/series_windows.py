"""Windows of series as network inputs: differences to the season before, normalised by their own scale."""

from dataclasses import dataclass

import torch
from torch import Tensor

from glasswork.data.batches import Batch, Batches, Draw
from glasswork.data.dataset import Dataset
from glasswork.data.kinds.quantiles import Quantiles
from glasswork.data.kinds.series import LONGEST_GAP, Series
from glasswork.data.samplers import Shuffled
from glasswork.execution import Execution

LEAST_SCALE = 1e-3
"""Of a window whose seasons are all but alike, its scale as a share of its values' own size."""


@dataclass(frozen=True)
class Places:
    """Where forecasts are made: before row `origins[i]` of series `series[i]`, both int64 (forecasts,)."""

    origins: Tensor
    series: Tensor

    def __len__(self) -> int:
        return len(self.origins)

    def at(self, chosen: Tensor) -> "Places":
        """Some of them."""
        return Places(self.origins[chosen], self.series[chosen])


def seasonal_naive(values: Tensor, origins: Tensor, season: int, horizon: int) -> Tensor:
    """The value one season before, or two or more where the horizon is longer: y_(t+h) = y_(t+h-m ceil(h/m)).

    Args:
        values: (times,) or (times, forecasts), in which forecast i reads column i.
        origins: int64 (forecasts,), the row of the first predicted value.
        season: m, in steps.
        horizon: how many steps are predicted.

    Returns:
        (forecasts, horizon).
    """
    ahead = torch.arange(horizon)
    rows = origins[:, None] + ahead % season - season  # (forecasts, horizon)
    return values[rows] if values.dim() == 1 else values[rows, torch.arange(len(origins))[:, None]]


def fill_from_past(values: Tensor, season: int) -> Tensor:
    """Values with something in place of the first few missing ones of each gap, which only what came before decides.

    It is the value one season before where that is known, else the last known one.

    Args:
        values: (times, ...), NaN if unknown.
        season: in steps; 0: none.
    """
    known = values.isfinite()
    places = torch.arange(len(values)).view(-1, *[1] * (values.dim() - 1)).expand_as(values)
    last = torch.where(known, places, -1).cummax(0).values
    stand = values.gather(0, last.clamp(min=0))
    if season:
        before = torch.full_like(values, torch.nan)
        before[season:] = values[:-season]
        stand = torch.where(before.isfinite(), before, stand)
    return torch.where(known | (last < 0) | (places - last > LONGEST_GAP), values, stand)


class Windows:
    """Series seen through windows: what the network is given, and its answers back in the series' own units.

    A window of series y is normalised by its own scale, s = mean |y_t - y_(t-m)| over the window (that of the MASE,
    Hyndman and Koehler 2006). At every time of it the network sees (y_t - y_(t-m)) / s, the deviation from the season
    before; (y_t - y_now) / s; the scaled covariates; and the place in the calendar. It answers the deviation of the
    values to come from the seasonal-naive ones, in the same scale. Nothing after the window is ever looked at; what
    stands for a missing value (`fill_from_past`) is never an answer. Differences are taken in float64.

    Attributes:
        values: (times, series), with something in place of short gaps.
        read: (times, series), as the source has them.

    Args:
        dataset: of series; its task says how they are seen.
        execution: where the arithmetic is carried out.
    """

    def __init__(self, dataset: Dataset, execution: Execution) -> None:
        self.kind, self.ahead = Series.of(dataset.task), Quantiles.of(dataset.task)
        self.execution = execution
        inputs = dataset.columns["inputs"]
        kind = self.kind
        self.read, self.times = inputs[:, :, 0].double(), dataset.columns["times"]
        self.values = fill_from_past(self.read, kind.season)
        mean, deviation = (torch.tensor(each, dtype=torch.float64) for each in (kind.mean, kind.deviation))
        beside = fill_from_past(inputs[:, :, 1:].double(), 0)
        self.covariates = ((beside - mean) / deviation if kind.covariates else beside).float()
        self.phases = kind.timing.phases(self.times, kind.cycles)  # (times, 2 x cycles)
        self._whole = _counted(self.values.isfinite() & beside.isfinite().all(2))
        self._read = _counted(self.read.isfinite())

    def places(self, rows: Tensor, stride: int = 1, whole: bool = False) -> Places:
        """Every forecast that can be made, and checked with all of its horizon in `rows`, which follow one another.

        Args:
            rows: int64; what lies before them is used too, but not predicted.
            stride: only every so many rows is one made.
            whole: whether all values that come have to be known; else one is enough.
        """
        if not len(rows):
            return Places(rows, rows)
        first, end, horizon = int(rows[0]), int(rows[-1]) + 1, self.ahead.horizon
        begin, stop = max(first, self.kind.context), end - horizon + 1
        origins = torch.arange(begin, max(begin, stop), stride)
        come = self._read[origins + horizon] - self._read[origins]  # (origins, series)
        found = (self._ready(origins) & (come >= (horizon if whole else 1))).nonzero()
        return Places(origins[found[:, 0]], found[:, 1])

    def latest(self) -> Places:
        """The forecast of each series that goes on after its own last value; of those known well enough before it."""
        context, known = self.kind.context, self.read.isfinite()
        ends = torch.where(known, torch.arange(1, len(known) + 1)[:, None], 0).max(0).values  # (series,)
        series = (ends >= context).nonzero()[:, 0]
        ends = ends[series]
        ready = self._whole[ends, series] - self._whole[ends - context, series] == context
        return Places(ends[ready], series[ready])

    def _ready(self, origins: Tensor) -> Tensor:
        """Whether there is all that a forecast from each origin takes, bool (origins, series)."""
        return self._whole[origins] - self._whole[origins - self.kind.context] == self.kind.context

    def naive(self, places: Places) -> Tensor:
        """The seasonal-naive forecasts, (forecasts, horizon)."""
        return seasonal_naive(self.values[:, places.series], places.origins, self.kind.season, self.ahead.horizon)

    def truth(self, places: Places) -> Tensor:
        """What really came, (forecasts, horizon); NaN if unknown."""
        return self.read[places.origins[:, None] + torch.arange(self.ahead.horizon), places.series[:, None]]

    def scales(self, places: Places) -> Tensor:
        """The scale s of each window, (forecasts,)."""
        return self._deviations(places)[1]

    def _deviations(self, places: Places) -> tuple[Tensor, Tensor, Tensor]:
        """Deviations from the season before, (forecasts, window); the scale; and the values of the window."""
        kind = self.kind
        rows = places.origins[:, None] - kind.window + torch.arange(kind.window)
        values = self.values[rows, places.series[:, None]]
        deviations = values - self.values[rows - kind.season, places.series[:, None]]
        size = (values - values.mean(1, keepdim=True)).abs().mean(1)
        least = torch.where(size > 0, LEAST_SCALE * size, values.abs().mean(1).clamp(min=1e-6))
        return deviations, torch.maximum(deviations.abs().mean(1), least), values

    def batch(self, places: Places, known: bool = True) -> Batch:
        """What the network sees, (forecasts, window, features), and what it should answer, (forecasts, horizon).

        The targets are NaN if unknown.

        Args:
            places: of the forecasts.
            known: whether what comes is known at all.
        """
        kind, device = self.kind, self.execution.device
        deviations, scales, values = self._deviations(places)
        rows = places.origins[:, None] - kind.window + torch.arange(kind.window)
        seen = torch.stack([deviations, values - values[:, -1:]], 2) / scales[:, None, None]
        inputs = torch.cat([seen.float(), self.covariates[rows, places.series[:, None]], self.phases[rows]], 2)
        if known:
            targets = (self.truth(places) - self.naive(places)) / scales[:, None]
        else:
            targets = torch.full((len(places), self.ahead.horizon), torch.nan)
        return Batch(inputs.to(device), targets.float().to(device))

    def answers(self, outputs: Tensor, places: Places) -> Tensor:
        """A network's outputs, (forecasts, horizon, quantiles), in the series' own units and in order."""
        return (self.naive(places)[:, :, None] + self.scales(places)[:, None, None] * outputs).sort(2).values


def _counted(known: Tensor) -> Tensor:
    """How many of the first rows are true, int64 (times + 1, series)."""
    return torch.cat([torch.zeros(1, known.shape[1], dtype=torch.int64), known.to(torch.int64).cumsum(0)])


def window_batches(windows: Windows, places: Places, batch_size: int, seed: int) -> Batches:
    """Batches of forecasts in random order; they differ in size by at most one.

    Args:
        windows: the series.
        places: of the forecasts.
        batch_size: forecasts of a batch, at most.
        seed: of the run.
    """

    def collate(chosen: Tensor, draw: Draw | None) -> Batch:
        return windows.batch(places.at(chosen))

    return Batches(Shuffled(torch.arange(len(places)), batch_size, seed), collate)
