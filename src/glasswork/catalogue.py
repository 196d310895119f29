"""The systems and their presets, by explicit table; nothing heavy is imported until a system is asked for."""

import difflib
import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from glasswork.errors import GlassworkError
from glasswork.recipe.base import Recipe
from glasswork.recipe.preset import Preset
from glasswork.systems.characters import recipe as characters
from glasswork.systems.embed import recipe as embed
from glasswork.systems.forecast import recipe as forecast
from glasswork.systems.function import recipe as function
from glasswork.systems.heatmap import recipe as heatmap
from glasswork.systems.online import recipe as online
from glasswork.systems.sentiment import recipe as sentiment
from glasswork.systems.supervised import recipe as supervised
from glasswork.systems.tagger import recipe as tagger
from glasswork.systems.transfer import recipe as transfer
from glasswork.systems.video import recipe as video

if TYPE_CHECKING:
    from torch import nn

    from glasswork.systems.system import System


PREPARE = "glasswork.run.prepare:prepare"


@dataclass(frozen=True)
class Row:
    """What is known of a system before it is imported.

    Attributes:
        name: of the system and its folder.
        kind: its class, in the folder's `system` module.
        recipe: what it takes.
        presets: named recipes of it.
        prepare: module and function that make a request ready to be carried out.
    """

    name: str
    kind: str
    recipe: type[Recipe]
    presets: tuple[Preset, ...]
    prepare: str = PREPARE


SYSTEMS: dict[str, Row] = {
    row.name: row
    for row in (
        Row("supervised", "Supervised", supervised.SupervisedRecipe, supervised.PRESETS),
        Row("transfer", "Transfer", transfer.TransferRecipe, transfer.PRESETS),
        Row("function", "Function", function.FunctionRecipe, function.PRESETS),
        Row("heatmap", "Heatmap", heatmap.HeatmapRecipe, heatmap.PRESETS),
        Row("embed", "Embed", embed.EmbedRecipe, embed.PRESETS),
        Row("characters", "Characters", characters.CharactersRecipe, characters.PRESETS),
        Row("forecast", "Forecast", forecast.ForecastRecipe, forecast.PRESETS),
        Row("sentiment", "SequenceClassification", sentiment.SentimentRecipe, sentiment.PRESETS),
        Row("tagger", "SequenceLabelling", tagger.TaggerRecipe, tagger.PRESETS),
        Row("video", "FrameLabelling", video.VideoRecipe, video.PRESETS),
        Row("online", "Online", online.OnlineRecipe, online.PRESETS),
    )
}

PRESETS: dict[str, Preset] = {preset.name: preset for row in SYSTEMS.values() for preset in row.presets}


def recipe_of(name: str) -> type[Recipe]:
    """What the preset called `name` is a recipe of."""
    return SYSTEMS[preset(name).system].recipe


def make_system(name: str, recipe: Recipe, network: "nn.Module | None" = None) -> "System":
    """The system called `name`, imported now, for a recipe and, where given, the user's own network."""
    row = SYSTEMS.get(name)
    if row is None or not isinstance(recipe, row.recipe):
        raise GlassworkError(f"There is no system '{name}' for such a recipe; the systems are {', '.join(SYSTEMS)}")
    kind = getattr(importlib.import_module(f"glasswork.systems.{name}.system"), row.kind)
    return cast("System", kind(recipe, network) if network is not None else kind(recipe))


def preset(name: str) -> Preset:
    """The preset called `name`.

    Raises:
        GlassworkError: where there is none, with the nearest name.
    """
    if name not in PRESETS:
        near = difflib.get_close_matches(name, PRESETS, 1)
        hint = f"did you mean '{near[0]}'?" if near else f"the presets are {', '.join(PRESETS)}"
        raise GlassworkError(f"There is no preset '{name}': {hint}")
    return PRESETS[name]
