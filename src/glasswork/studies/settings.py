"""Settings of a recipe: the grid of several values, what they are called, and which of them is simpler."""

import itertools
import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from glasswork.errors import GlassworkError
from glasswork.recipe.base import Recipe
from glasswork.recipe.search import Choices, Layers, Range, searches
from glasswork.run.request import Request, make_request

SAME_EXAMPLES = "all settings are judged on the same examples"
ONE_NETWORK = "one network is trained for each setting and fold, and --repeats trains more"
FIXED = {
    "data": SAME_EXAMPLES,
    "target": SAME_EXAMPLES,
    "test": SAME_EXAMPLES,
    "strict": SAME_EXAMPLES,
    "seed": "all settings are judged on the same folds, and --repeats draws more",
    "restarts": ONE_NETWORK,
    "select_by": ONE_NETWORK,
}
"""Fields that cannot have several values, and why."""

SIMPLER: dict[str, tuple[int, str]] = {
    "weight_decay": (-1, "the strongest weight decay"),
    "dropout": (-1, "the most dropout"),
    "label_smoothing": (-1, "the most label smoothing"),
    "epochs": (1, "the fewest epochs"),
    "patience": (1, "the least patience"),
}
"""Which way a field is simpler (1: the less, -1: the more), where parameters and penalty are alike; in this order."""


@dataclass(frozen=True)
class Setting:
    """One setting of a recipe.

    Attributes:
        order: the recipe as asked for.
        values: the fields that vary.
        name: these in words; without any the preset's name.
    """

    order: Request
    values: Mapping[str, Any]
    name: str

    @property
    def command(self) -> str:
        """The command that trains it, on the same data."""
        return " ".join(("glasswork train", self.order.preset, *map(_flag, self.order.asked.items())))


def grid(preset: str, settings: Mapping[str, Sequence[Any]], options: Mapping[str, Any]) -> list[Setting]:
    """Every combination of the values in `settings`, over the same `options`; the last field varies fastest.

    Raises:
        GlassworkError: for a field that is unknown, cannot vary, has no or equal values, or has no effect.
    """
    for key, values in settings.items():
        if key in FIXED and len(values) > 1:
            raise GlassworkError(f"{key} cannot have several values, for {FIXED[key]}")
        if not values:
            raise GlassworkError(f"{key} has no value to try")
    found = []
    for values in itertools.product(*settings.values()):
        chosen = dict(zip(settings, values, strict=True))
        order = make_request(preset, {**chosen, **{key: value for key, value in options.items() if key not in chosen}})
        varied = {key: getattr(order.recipe, key) for key in chosen if key in type(order.recipe).model_fields}
        found.append(Setting(order, varied, name_of(varied) or preset))
    _refuse_no_effect(settings, [setting.order.learning for setting in found])
    for setting in found:
        if [one.values for one in found].count(setting.values) > 1:
            raise GlassworkError(f"{setting.name} is given twice: give each value once")
    return found


def name_of(values: Mapping[str, Any]) -> str:
    """Fields and values in words."""
    return ", ".join(f"{key.replace('_', ' ')} {write_value(value)}" for key, value in values.items())


def write_value(value: object, empty: str = "") -> str:
    """A value as the command line spells it; `empty` for a sequence of nothing."""
    if isinstance(value, (tuple, list)):
        return ",".join(map(str, value)) or empty
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)


def simplicity(recipe: Recipe, parameters: int) -> tuple[float, ...]:
    """What settings are ordered by, the simplest first.

    Fewer parameters; then a stronger penalty (a greater strength, of max-norm a lesser); then `SIMPLER`.

    Args:
        recipe: of the setting; its absent values count as the largest.
        parameters: how many numbers are trained.
    """
    strength = 0.0 if recipe.penalty == "none" else recipe.strength or 0.0
    if recipe.penalty == "max-norm":
        strength = 1 / strength
    values = [(getattr(recipe, key, None), sign) for key, (sign, _) in SIMPLER.items()]
    return (parameters, -strength, *(math.inf if value is None else sign * value for value, sign in values))


def reason(chosen: tuple[float, ...], others: Sequence[tuple[float, ...]]) -> str:
    """What makes the chosen one the simplest among others, by the first thing in which it differs from any."""
    names = ["the fewest parameters", "the strongest penalty", *(words for _, words in SIMPLER.values())]
    for place, name in enumerate(names):
        if any(other[place] > chosen[place] for other in others):
            return name
    return ""


def _flag(field: tuple[str, Any]) -> str:
    name, value = field[0].replace("_", "-"), field[1]
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no-{name}"
    return f"--{name} {shlex.quote(write_value(value))}"


def _refuse_no_effect(varied: Mapping[str, Sequence[Any]], recipes: Sequence[Recipe]) -> None:
    """Refuses to vary what none of the recipes makes use of: all the networks would be the same one."""
    fields = type(recipes[0]).model_fields
    for key in (key for key, values in varied.items() if len(values) > 1 and key in fields):
        ranges = [mark for mark in fields[key].metadata if isinstance(mark, Range | Choices | Layers)]
        if ranges and all(key not in searches(recipe) for recipe in recipes):
            needed = [one.only for one in ranges if one.only is not None]
            values = " or ".join(str(value) for _, some in needed for value in some)
            name = needed[0][0]
            raise GlassworkError(
                f"{key} has no effect where {name} is {getattr(recipes[0], name)}: it needs --{name} {values}"
            )
