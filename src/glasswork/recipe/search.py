"""Where `glasswork tune` looks for a field: ranges that stand beside the recipe's fields, in their annotations."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

Only = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Range:
    """Numbers.

    Attributes:
        low: the least.
        high: the greatest.
        log: drawn evenly over the orders of magnitude rather than over the numbers.
        whole: whole numbers only.
        only: a field of the recipe and the values of it with which this range holds; None: always.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False
    only: Only | None = None


@dataclass(frozen=True)
class Choices:
    """One of some values; `only` as in `Range`."""

    values: tuple[str | int | float, ...]
    only: Only | None = None


@dataclass(frozen=True)
class Layers:
    """Hidden layers: how many at most, and units of each, drawn evenly over orders of magnitude; `only` as above."""

    most: int
    low: int
    high: int
    only: Only | None = None


Search = Range | Choices | Layers


def searches(recipe: BaseModel) -> Mapping[str, Search]:
    """The fields that can be searched for, with the ranges that hold for the recipe's other values.

    Of several ranges beside a field the first that holds is taken; a field with none that holds is left as it is.
    """
    found: dict[str, Search] = {}
    for name, field in type(recipe).model_fields.items():
        for search in field.metadata:
            if isinstance(search, Range | Choices | Layers) and name not in found and _holds(search.only, recipe):
                found[name] = search
    return found


def _holds(only: Only | None, recipe: BaseModel) -> bool:
    return only is None or getattr(recipe, only[0]) in only[1]
