"""Choosing a preset from what the data is."""

from collections.abc import Mapping
from typing import Any

from glasswork.catalogue import Request, order
from glasswork.data.dataset import ReadingOptions
from glasswork.data.reading import read
from glasswork.errors import GlassworkError
from glasswork.run.folder import RunFolder
from glasswork.systems.supervised.recipe import SupervisedRecipe

OWN, USUAL = "own", "lenet"


def ordered(preset: str | None, values: Mapping[str, Any]) -> Request:
    """The order for a preset and what was asked; a run to repeat stands under it with all that was asked then.

    Raises:
        GlassworkError: where the run to repeat has another preset, or nothing fits.
    """
    if values.get("replay") is None:
        return order(preset or choose(values), values)
    former = RunFolder.find(values["replay"]).read_request()
    if preset not in {None, former.preset}:
        raise GlassworkError(f"{values['replay']} is a run of {former.preset}, not of {preset}: leave the preset away")
    return order(former.preset, {**former.asked, **values})


def choose(values: Mapping[str, Any]) -> str:
    """The preset for what was asked: the user's own network, else what fits the data, else the first one to try."""
    if values.get("network"):
        return OWN
    if values.get("data") is None:
        return USUAL
    recipe = order(USUAL, values).recipe
    assert isinstance(recipe, SupervisedRecipe)
    options = ReadingOptions(recipe.size, target=recipe.target, strict=recipe.strict)
    return read(values["data"], options).schema.task.inputs.preset
