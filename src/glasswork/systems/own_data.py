"""The data that a run was trained on: where it is, and whether it is what it was."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from glasswork.data.builtin import known
from glasswork.data.dataset import Dataset
from glasswork.data.fingerprint import Fingerprint
from glasswork.data.splits import Splits
from glasswork.errors import GlassworkError
from glasswork.systems.start import Start
from glasswork.systems.system import System, read_split


@dataclass(frozen=True)
class OwnData:
    """The data of a run.

    Attributes:
        run: the run's name.
        system: with the recipe as it was asked for, so that it reads the data as it did then.
        path: where the data was; None: it has a name.
        fingerprint: of what it was.
        start: the run that this one continued; None: it started from new weights.
        seen: fingerprints of the examples that it was trained on, int64.
    """

    run: str
    system: System
    path: Path | None
    fingerprint: Fingerprint
    start: Start | None = None
    seen: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.int64))

    @property
    def typed(self) -> str | None:
        """The data as the user typed it."""
        return self.system.recipe.data

    def locate(self, flag: str = "--data") -> str | None:
        """Where the data is now: as typed if that is the same place, else where it was, else as typed from here.

        Args:
            flag: what names another place.

        Raises:
            GlassworkError: if it is in neither place.
        """
        if self.path is None or self.typed is None:
            return self.typed
        here = absolute(self.typed)
        if here != self.path and self.path.exists():
            return str(self.path)
        if here.exists():
            return self.typed
        raise GlassworkError(
            f"The data of {self.run} was at {self.path}, and nothing is there now: if it has moved, name its new place "
            f"with {flag}"
        )

    def read(self, place: str | Path | None = None) -> tuple[Dataset, Splits]:
        """All examples, and which of them train, validate and test.

        Args:
            place: where the data is now; None: where it was.

        Raises:
            GlassworkError: if the data is not there, or is not what it was.
        """
        source = self.locate() if place is None else str(place)
        dataset, splits = (
            read_split(self.system, source) if self.start is None else self.start.read(self.system, source)
        )
        difference = self.fingerprint.difference(dataset, splits)
        if difference and place is not None and absolute(place) != self.path:
            raise GlassworkError(f"{place} is not the data that {self.run} was trained on: {difference}")
        if difference:
            raise GlassworkError(
                f"The data at {source} has changed since {self.run} was trained: {difference}; put it back as it was, "
                "name an unchanged copy with --data, or train again"
            )
        return replace(dataset, source=self.typed or dataset.source), splits

    def find(self, source: str | Path, examples: int) -> tuple[Dataset, Splits] | None:
        """The same out of what lies at `source`, if it is this data in whatever place; else None.

        Args:
            source: a path or a name.
            examples: how many a reader found there; from one part of it the others are found.
        """
        if examples != self.fingerprint.examples and absolute(source) != self.path:
            return None
        try:
            return self.read(source)
        except GlassworkError:  # it is other data
            return None


def absolute(path: str | Path) -> Path:
    """The path from the root, whether or not something is there."""
    return Path(path).expanduser().absolute()


def place_of(source: str | None, usual: str | None) -> Path | None:
    """Where data is that was typed as `source`; None if that is a name.

    Args:
        source: a path or a name.
        usual: what the preset reads if nothing else is asked for, which may be a name of the system's own.
    """
    if source is None or source == usual or known(source) is not None:
        return None
    path = absolute(source)
    return path if path.exists() else None
