"""The recipe of forecasting: series over time, and how they go on."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from glasswork.recipe.base import Recipe
from glasswork.recipe.preset import Preset
from glasswork.recipe.search import Choices, Range


class ForecastRecipe(Recipe):
    """Quantiles of the values of one or many series to come, from a window of those before."""

    target: str | None = Field(
        None, description="the column to foretell, or several with commas between; absent: the only one of numbers"
    )
    series: str | None = Field(
        None, description="the column that names the series of each line, where they stand one below the other"
    )
    time: str | None = Field(None, description="the column of times; absent: found by its name or its dates")
    horizon: int | None = Field(
        None, ge=1, description="how many steps ahead to foretell; absent: a day of shorter steps, else a season"
    )
    season: int | None = Field(
        None,
        ge=1,
        description="after how many steps a series comes back to about the same; 1: never; absent: that of a day, a "
        "week, a year or a peak of the autocorrelation which foretells the training values best",
    )
    window: int | None = Field(
        None, ge=2, description="how many of the last steps the network reads; absent: a season, or two horizons"
    )
    cell: Literal["rnn", "relu-rnn", "gru", "lstm"] = Field(
        "gru", description="the recurrent unit: f in h_t = f(x_t, h_(t-1))"
    )
    hidden_size: Annotated[int, Choices((16, 32, 64))] = Field(32, ge=1, description="numbers of the recurrent state")
    ensemble_size: int = Field(
        3, ge=1, description="networks from different first weights whose forecasts are averaged"
    )
    dropout: Annotated[float, Range(0.0, 0.5)] = Field(
        0.1, ge=0, lt=1, description="share of the state's units turned off at random before the output"
    )
    quantiles: int = Field(
        19,
        ge=3,
        description="how many quantiles, evenly spread; the outermost two make an interval of 80 % for 9, of 90 % for "
        "19, of 95 % for 39",
    )
    stride: int | None = Field(
        None,
        ge=1,
        description="steps from one forecast of the backtest to the next; absent: the horizon, or less where that "
        "makes fewer than ten",
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
        "series over time, foretold with intervals by a recurrent network (Kolter)",
    ),
)
