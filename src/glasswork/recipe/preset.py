"""A preset: a named recipe."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Preset:
    """A named recipe.

    Attributes:
        name: what the user types.
        system: key of its system in the catalogue.
        values: what differs from the recipe's defaults.
        data: the default data; None: the user has to give it.
        sentence: what it is, in one line.
    """

    name: str
    system: str
    values: Mapping[str, Any]
    data: str | None
    sentence: str
