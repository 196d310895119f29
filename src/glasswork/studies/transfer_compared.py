"""What a comparison of the ways of transfer says: how good each is, their differences, the curve by amount of data."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from glasswork.studies.intervals import Estimate, estimate


def share_estimate(values: Sequence[float], judged: float) -> Estimate:
    """`estimate` of shares: no share is below 0 or above 1, and so no end of the interval is.

    Args:
        values: a share for each split.
        judged: how many examples judge for each that trains.
    """
    found = estimate(values, judged)
    return replace(found, low=max(0.0, found.low), high=min(1.0, found.high))


@dataclass(frozen=True)
class Way:
    """How good one way is.

    Attributes:
        name: one of `WAYS`.
        sentence: what was done.
        accuracy: share of right answers, over the splits.
        seconds: to train and judge, of all splits together; features were computed before.
    """

    name: str
    sentence: str
    accuracy: Estimate
    seconds: float


@dataclass(frozen=True)
class Difference:
    """How much more often the first of two ways is right than the second, on the same splits."""

    first: str
    second: str
    accuracy: Estimate

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.accuracy.low > 0 or self.accuracy.high < 0


@dataclass(frozen=True)
class CurvePoint:
    """One way with one number of training pictures; the number is the mean over the splits."""

    way: str
    examples: float
    accuracy: Estimate


@dataclass(frozen=True)
class TransferCompared:
    """What the splits say.

    Attributes:
        data: where the pictures are.
        classes: their classes.
        network, weights, size: what the trained network is, and the side of its pictures.
        examples: pictures in all.
        largest_class: the share of them that answering the largest class each time gets right.
        groups: how many things they show; 0 where nobody knows which belong together.
        splits: how often they were divided.
        ways: in the order of `WAYS`.
        differences: of every two ways.
        curve: by the number of training pictures; empty where it was not asked for.
        feature_seconds: to compute the features of all pictures, or to fetch them from the cache.
        remarks: sentences about how it was done.
    """

    data: str
    classes: tuple[str, ...]
    network: str
    weights: str
    size: int
    examples: int
    largest_class: float
    groups: int
    splits: int
    ways: tuple[Way, ...]
    differences: tuple[Difference, ...]
    curve: tuple[CurvePoint, ...]
    feature_seconds: float
    remarks: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As plain JSON types; `ways` is a dictionary by name, each with `accuracy` and its `interval`."""
        found = asdict(self)
        found["ways"] = {
            way.name: {"sentence": way.sentence, **_figure(way.accuracy), "seconds": round(way.seconds, 2)}
            for way in self.ways
        }
        found["differences"] = [
            {"first": one.first, "second": one.second, **_figure(one.accuracy), "clear": one.clear}
            for one in self.differences
        ]
        found["curve"] = [{"way": p.way, "examples": p.examples, **_figure(p.accuracy)} for p in self.curve]
        return found


def _figure(found: Estimate) -> dict[str, Any]:
    return {"accuracy": found.mean, "interval": [found.low, found.high], "splits": list(found.splits)}
