"""Forecasts after the end of series: values, times and intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from glasswork.data.dataset import Dataset
from glasswork.data.kinds.quantiles import Quantiles
from glasswork.data.kinds.series import Series
from glasswork.data.series_windows import Windows
from glasswork.errors import GlassworkError
from glasswork.execution import Execution
from glasswork.objectives.losses import quantile_levels
from glasswork.systems.forecast.evaluation import outputs_of

HISTORY = 3
"""Horizons of known values that are told with a forecast, or one season where that is longer."""


@dataclass(frozen=True)
class SeriesForecast:
    """How one series goes on.

    Attributes:
        name: of the series.
        quantiles: of each value to come, from the lowest to the highest, a list per time.
        seasonal_naive: the values one season before.
        history: the last values before, NaN for unknown ones.
        times: when the values to come are.
        history_times: when the last values were.
    """

    name: str
    quantiles: Sequence[Sequence[float]]
    seasonal_naive: Sequence[float]
    history: Sequence[float]
    times: Sequence[str]
    history_times: Sequence[str]

    @property
    def median(self) -> list[float]:
        """The values to come that are as likely too high as too low."""
        return [values[len(values) // 2] for values in self.quantiles]

    @property
    def widths(self) -> list[float]:
        """From the lowest to the highest quantile of each value to come."""
        return [values[-1] - values[0] for values in self.quantiles]


@dataclass(frozen=True)
class Foretold:
    """How series go on.

    Attributes:
        source: where they are from.
        levels: of the quantiles, from 0 to 1.
        times: when the values after the last time of the source are; series that end earlier have others.
        series: the forecast of each.
        left_out: the series of which too little is known before their end.
    """

    source: str
    levels: Sequence[float]
    times: Sequence[str]
    series: Sequence[SeriesForecast]
    left_out: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """The forecast as plain JSON types."""
        return {
            "source": self.source,
            "levels": [round(level, 6) for level in self.levels],
            "times": list(self.times),
            "series": [
                {
                    "name": one.name,
                    "times": list(one.times),
                    "median": one.median,
                    "quantiles": [list(values) for values in one.quantiles],
                    "seasonal_naive": list(one.seasonal_naive),
                }
                for one in self.series
            ],
            "left_out": list(self.left_out),
        }


def foretell(network: nn.Module, dataset: Dataset, execution: Execution) -> Foretold:
    """How the series of some examples go on, each after its own last value.

    Raises:
        GlassworkError: where none of them has enough known values at its end.
    """
    kind, ahead = Series.of(dataset.task), Quantiles.of(dataset.task)
    windows = Windows(dataset, execution)
    places = windows.latest()
    if not len(places):
        raise GlassworkError(
            f"{dataset.source} has {len(dataset):,} times, and a forecast needs the last {kind.context:,} values of "
            f"a series: {kind.window:,} to read and a season of {kind.season:,} before them"
        )
    values = windows.answers(outputs_of(network, windows, places, execution), places)
    naive, names = windows.naive(places), dataset.task.target.names
    shown = max(HISTORY * ahead.horizon, min(kind.season, 10 * ahead.horizon))
    timing, whens = kind.timing, windows.times.tolist()
    told = dataset.names or [timing.word(time) for time in whens]

    def goes_on(last: int) -> list[str]:
        return [timing.word(time) for time in timing.after(last, ahead.horizon).tolist()]

    found = []
    for place, (origin, series) in enumerate(zip(places.origins.tolist(), places.series.tolist(), strict=True)):
        first = max(0, origin - shown)
        history = windows.read[first:origin, series].tolist()
        forecast = values[place].tolist(), naive[place].tolist()
        found.append(SeriesForecast(names[series], *forecast, history, goes_on(whens[origin - 1]), told[first:origin]))
    left_out = [name for place, name in enumerate(names) if place not in set(places.series.tolist())]
    levels = quantile_levels(ahead.quantiles).tolist()
    return Foretold(dataset.source, levels, goes_on(whens[-1]), found, left_out)
