"""Choosing a preset from what the data is."""

from collections.abc import Mapping
from typing import Any

from glasswork.catalogue import order
from glasswork.data import readers
from glasswork.data.examples import ReadingOptions
from glasswork.recipes.supervised import SupervisedRecipe

IMAGES, ROWS, OWN, USUAL = "lenet", "mlp", "own", "lenet"


def choose(values: Mapping[str, Any]) -> str:
    """The preset for what was asked: the user's own network, else what fits the data, else the first one to try."""
    if values.get("network"):
        return OWN
    if values.get("data") is None:
        return USUAL
    recipe = order(USUAL, values).recipe
    assert isinstance(recipe, SupervisedRecipe)
    options = ReadingOptions(recipe.size, target=recipe.target, strict=recipe.strict)
    return IMAGES if readers.read(values["data"], options).schema.inputs == "image" else ROWS
