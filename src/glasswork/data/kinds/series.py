"""Inputs that are time series: their times, the window that is read, and the horizon that is predicted."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from typing_extensions import override

from glasswork.data.dataset import Dataset
from glasswork.data.kinds.calendar import Timing
from glasswork.data.kinds.kind import Inputs, Port

LONGEST_GAP = 6
"""How many missing values in a row something stands for while forecasts are made."""


@dataclass(frozen=True)
class Series(Inputs):
    """Series at common, evenly spaced times, float64 (times, series, 1 + covariates), the value first.

    Unknown values are NaN.

    Attributes:
        timing: of the values.
        covariates: the columns that are known in the past, beside the series themselves.
        identifier: the column that says which series a line belongs to; empty where each series is a column.
        mean, deviation: what the covariates are scaled by.
        cycles: the cycles of the calendar that the network is told its place in.
        season: after how many steps a series comes back to about the same; 1: it has no season.
        window: how many steps, up to now, the network sees.
        target_columns: the columns of the table that hold the values.
        unused: the columns of the table that are left out.
    """

    tag: ClassVar[str] = "series"
    word: ClassVar[str] = "series"
    words: ClassVar[str] = "series over time"
    trained: ClassVar[str] = "series over time"
    preset: ClassVar[str] = "forecast"
    file: ClassVar[str] = "FILE.csv"
    asked: ClassVar[str] = "series"
    several: ClassVar[bool] = True

    timing: Timing
    covariates: tuple[str, ...] = ()
    identifier: str = ""
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()
    cycles: tuple[str, ...] = ()
    season: int = 1
    window: int = 8
    target_columns: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()

    @property
    @override
    def shape(self) -> tuple[int, ...]:
        return (1 + len(self.covariates),)

    @property
    def context(self) -> int:
        """How many steps a forecast takes: the window, and the season before it that it is compared with."""
        return self.window + self.season

    @property
    def features(self) -> int:
        """Numbers of one time of a window."""
        return 2 + len(self.covariates) + 2 * len(self.cycles)

    @override
    def zeros(self, count: int) -> Tensor:
        return torch.zeros(count, self.window, self.features)

    @override
    def describe(self, dataset: Dataset) -> str:
        names = dataset.task.target.names
        many = "one series" if len(names) == 1 else f"{len(names):,} series"
        beside = f" with {len(self.covariates)} covariates" if len(self.covariates) > 1 else ""
        beside = f" with the covariate {self.covariates[0]}" if len(self.covariates) == 1 else beside
        span = f" from {dataset.names[0]} to {dataset.names[-1]}" if dataset.names else ""
        season = f"a season of {self.timing.steps_in_words(self.season)}" if self.season > 1 else "no season"
        return f"{many}{beside}, a value every {self.timing.steps_in_words(1).removeprefix('1 ')}{span}, {season}"

    @override
    def port(self) -> Port:
        meaning = (
            "of a window, by its own scale: deviation from the season before, level, covariates, place in the calendar"
        )
        return Port("windows", "float32", ("batch", self.window, self.features), meaning)
