"""The recipe of forecasting time series."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from glasswork.recipe.base import Recipe
from glasswork.recipe.preset import Preset
from glasswork.recipe.search import Choices, Range


class ForecastRecipe(Recipe):
    """Quantiles of the next values of one or many series, from a window of past values."""

    target: str | None = Field(
        None, description="the column to forecast, or several separated by commas; None: the only numeric column"
    )
    series: str | None = Field(
        None,
        description="the column that names the series of each row, for tables with several series below each other",
    )
    time: str | None = Field(None, description="the column of times; None: found by its name or its dates")
    horizon: int | None = Field(
        None,
        ge=1,
        description="how many steps ahead to forecast; None: one day if the steps are shorter, else one season",
    )
    season: int | None = Field(
        None,
        ge=1,
        description="length of the season in steps; 1: no season; None: whichever of a day, a "
        "week, a year or a peak of the autocorrelation predicts the training values best",
    )
    window: int | None = Field(
        None, ge=2, description="how many past steps the network reads; None: chosen from season and horizon"
    )
    cell: Literal["rnn", "relu-rnn", "gru", "lstm"] = Field(
        "gru", description="the recurrent unit: f in h_t = f(x_t, h_(t-1))"
    )
    hidden_size: Annotated[int, Choices((16, 32, 64))] = Field(32, ge=1, description="hidden units")
    ensemble_size: int = Field(
        3, ge=1, description="number of networks, from different initial weights, whose forecasts are averaged"
    )
    dropout: Annotated[float, Range(0.0, 0.5)] = Field(
        0.1, ge=0, lt=1, description="dropout probability before the output"
    )
    quantiles: int = Field(
        19,
        ge=3,
        description="number of evenly spaced quantiles; the outermost two bound an interval of 80 % for 9, 90 % for "
        "19, 95 % for 39",
    )
    stride: int | None = Field(
        None,
        ge=1,
        description="steps from one forecast of the backtest to the next; None: the horizon, or less if that "
        "gives fewer than ten forecasts",
    )

    @field_validator("quantiles")
    @classmethod
    def _median_among_them(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError("take an odd number, so that the median is among them")
        return value


FORECAST = {
    "batch_size": 64,
    "learning_rate": 0.003,
    "weight_decay": 0.01,
    "gradient_clip": 1.0,
    "validation": 0.15,
    "test": 0.15,
}

PRESETS = (
    Preset(
        "forecast",
        "forecast",
        FORECAST,
        None,
        "forecasts of time series, with intervals, by a recurrent network (Kolter)",
    ),
)
