"""What a model that foretells series knows about them: their times, and from how much it foretells how far."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from glasswork.data.kinds.calendar import Timing


@dataclass(frozen=True)
class SeriesKind:
    """Series at common, evenly spaced times.

    Attributes:
        timing: of the values.
        covariates: the columns that are known in the past, beside the series themselves.
        identifier: the column that says which series a line belongs to; empty where each series is a column.
        mean, deviation: what the covariates are scaled by.
        cycles: the cycles of the calendar that the network is told its place in.
        season: after how many steps a series comes back to about the same; 1: it has no season.
        window: how many steps, up to now, the network sees.
        horizon: how many steps ahead it foretells.
        quantiles: how many quantiles of every value to come; the k-th is at k / (quantiles + 1).
    """

    timing: Timing
    covariates: tuple[str, ...] = ()
    identifier: str = ""
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()
    cycles: tuple[str, ...] = ()
    season: int = 1
    window: int = 8
    horizon: int = 1
    quantiles: int = 19

    @property
    def context(self) -> int:
        """How many steps a forecast takes: the window, and the season before it that it is compared with."""
        return self.window + self.season

    @property
    def features(self) -> int:
        """Numbers of one time of a window."""
        return 2 + len(self.covariates) + 2 * len(self.cycles)

    def to_json(self) -> dict[str, Any]:
        """The kind as plain JSON types; `from_json` turns it back."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "SeriesKind":
        """The kind that `to_json` wrote."""
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in data.items()
        }
        values["timing"] = Timing.from_json(values["timing"])
        return cls(**values)
