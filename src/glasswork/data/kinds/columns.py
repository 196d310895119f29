"""The columns of a table and the features they become."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from glasswork.data.encodings import normalise
from glasswork.record import Record

ColumnKind = Literal["number", "boolean", "category", "date"]

YEAR = 365.2425  # days


@dataclass(frozen=True)
class Column(Record):
    """How the cells of one column become features.

    Attributes:
        name: the column's name in the table.
        kind: `number`: one feature, the number; `boolean`: one feature, 1 for true and 0 for false; `category`: a
            feature of 0 and 1 per category; `date`: days since `origin`, sine and cosine of the day of the year and of
            the day of the week, and of the time of day if there are times.
        categories: of a `category`, in the order of their features.
        pooled: whether a `category` has one more feature, for every text that is none of the categories.
        missing: whether the column has one more feature, 1 where its cell is empty.
        times: whether the dates have times of day.
        day_first: whether 03/04/2020 is the third of April, not the fourth of March.
        origin: what is subtracted from a number, where numbers far from 0 hardly differ, or from a date in days since
            1970-01-01, so that float32 keeps the differences.
    """

    name: str
    kind: ColumnKind
    categories: tuple[str, ...] = ()
    pooled: bool = False
    missing: bool = False
    times: bool = False
    day_first: bool = False
    origin: int | float = 0

    def __post_init__(self) -> None:  # as cells are read, also where an earlier version wrote it otherwise
        object.__setattr__(self, "name", normalise(self.name))
        object.__setattr__(self, "categories", tuple(map(normalise, self.categories)))

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the column's features, in order."""
        if self.kind == "category":
            names = [f"{self.name}={category}" for category in self.categories]
            names += [f"{self.name}: another"] if self.pooled else []
        elif self.kind == "date":
            circles = ("year", "week", "day") if self.times else ("year", "week")
            waves = [f"{self.name}: {wave} of the {circle}" for circle in circles for wave in ("sine", "cosine")]
            names = [self.name, *waves]
        else:
            names = [self.name]
        return (*names, f"{self.name}: empty") if self.missing else tuple(names)

    @property
    def marks(self) -> tuple[int, ...]:
        """Which of the features are 0 or 1, by their place among the column's."""
        count = len(self.features)
        if self.kind in {"category", "boolean"}:
            return tuple(range(count))
        return (count - 1,) if self.missing else ()


def spans(columns: Sequence[Column]) -> list[tuple[int, int]]:
    """First feature of each column, and the one after its last."""
    found, start = [], 0
    for column in columns:
        end = start + len(column.features)
        found.append((start, end))
        start = end
    return found
