"""The systems and their presets, by explicit table; nothing heavy is imported until a system is asked for."""

import difflib
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from glasswork.errors import GlassworkError
from glasswork.own_code import import_named
from glasswork.recipe.base import ProcessRecipe
from glasswork.recipe.preset import Preset
from glasswork.systems.caption import recipe as caption
from glasswork.systems.characters import recipe as characters
from glasswork.systems.embed import recipe as embed
from glasswork.systems.forecast import recipe as forecast
from glasswork.systems.function import recipe as function
from glasswork.systems.heatmap import recipe as heatmap
from glasswork.systems.online import recipe as online
from glasswork.systems.play import recipe as play
from glasswork.systems.rcnn import recipe as rcnn
from glasswork.systems.sentiment import recipe as sentiment
from glasswork.systems.speech import recipe as speech
from glasswork.systems.style import recipe as style
from glasswork.systems.style.fast import recipe as fast_style
from glasswork.systems.supervised import recipe as supervised
from glasswork.systems.tagger import recipe as tagger
from glasswork.systems.transfer import recipe as transfer
from glasswork.systems.translate import recipe as translate
from glasswork.systems.video import recipe as video

if TYPE_CHECKING:
    from torch import nn

    from glasswork.systems.process import OwnProcess
    from glasswork.systems.system import System


@dataclass(frozen=True)
class Row:
    """What is known of a system before it is imported.

    Attributes:
        name: of the system and its folder.
        kind: its class, in the folder's `system` module: a `System`, or an `OwnProcess` if it learns from no data set.
        recipe: what it takes.
        presets: named recipes of it.
        data: whether it learns from a data set.
        own: the class, for a system of the user's own; None: it is imported when it is asked for.
    """

    name: str
    kind: str
    recipe: type[ProcessRecipe]
    presets: tuple[Preset, ...]
    data: bool = True
    own: "type[System] | None" = None

    def system_class(self) -> "type[System]":
        """The system's class, imported now.

        Raises:
            GlassworkError: if it learns from no data set.
        """
        self.require_data()
        return cast("type[System]", self.own or self._imported())

    def process_class(self) -> "type[OwnProcess]":
        """Of a system that learns from no data set, the class of its process, imported now."""
        assert not self.data
        return cast("type[OwnProcess]", self._imported())

    def require_data(self) -> None:
        """Refuses what takes a data set, if there is none.

        Raises:
            GlassworkError: naming the presets.
        """
        if not self.data:
            presets = " and ".join(preset.name for preset in self.presets)
            raise GlassworkError(f"This takes a system that learns from a data set, and {presets} learn from none")

    def _imported(self) -> object:
        return getattr(importlib.import_module(f"glasswork.systems.{self.name}.system"), self.kind)


SYSTEMS: dict[str, Row] = {
    row.name: row
    for row in (
        Row("supervised", "Supervised", supervised.SupervisedRecipe, supervised.PRESETS),
        Row("transfer", "Transfer", transfer.TransferRecipe, transfer.PRESETS),
        Row("function", "Function", function.FunctionRecipe, function.PRESETS),
        Row("heatmap", "Heatmap", heatmap.HeatmapRecipe, heatmap.PRESETS),
        Row("embed", "Embed", embed.EmbedRecipe, embed.PRESETS),
        Row("caption", "Caption", caption.CaptionRecipe, caption.PRESETS),
        Row("rcnn", "Detection", rcnn.DetectionRecipe, rcnn.PRESETS),
        Row("characters", "Characters", characters.CharactersRecipe, characters.PRESETS),
        Row("forecast", "Forecast", forecast.ForecastRecipe, forecast.PRESETS),
        Row("sentiment", "SequenceClassification", sentiment.SentimentRecipe, sentiment.PRESETS),
        Row("tagger", "SequenceLabelling", tagger.TaggerRecipe, tagger.PRESETS),
        Row("video", "FrameLabelling", video.VideoRecipe, video.PRESETS),
        Row("translate", "Translate", translate.TranslateRecipe, translate.PRESETS),
        Row("speech", "Speech", speech.SpeechRecipe, speech.PRESETS),
        Row("style", "Style", style.StyleRecipe, style.PRESETS, data=False),
        Row("style.fast", "FastStyle", fast_style.FastStyleRecipe, fast_style.PRESETS),
        Row("online", "Online", online.OnlineRecipe, online.PRESETS),
        Row("play", "Play", play.PlayRecipe, play.PRESETS, data=False),
    )
}

PRESETS: dict[str, Preset] = {preset.name: preset for row in SYSTEMS.values() for preset in row.presets}

OWN: dict[str, Row] = {}
"""Systems of the user's own that were named in this process, by the name of their preset."""


ALIASES = {"text": "sentiment"}
"""Other words for presets, by what people look for."""


def recipe_of(name: str) -> type[ProcessRecipe]:
    """What the preset called `name` is a recipe of."""
    return row_of(preset(name).system).recipe


def name_system(word: str) -> Row:
    """Lets this process use a system of the user's own.

    Args:
        word: `file.py:Class` or `module:Class`. Its code runs now.

    Returns:
        Its row; its one preset is the name of the class in small letters.

    Raises:
        GlassworkError: if it cannot be imported or is no system.
    """
    from glasswork.systems.system import System

    system = import_named(word, "system")
    if not isinstance(system, type) or not issubclass(system, System):
        raise GlassworkError(f"{word} is not a system: it has to be a subclass of glasswork.systems.system.System")
    name = system.__name__.lower()
    if name in PRESETS:
        raise GlassworkError(f"There is a preset '{name}' already: rename the class in {word}")
    sentence = (system.__doc__ or word).splitlines()[0].strip()
    row = Row(word, system.__name__, system.recipe_class, (Preset(name, word, {}, None, sentence),), own=system)
    OWN[name] = row
    return row


def row_of(name: str) -> Row:
    """What is known of the system called `name`.

    Raises:
        GlassworkError: if there is none, or it is of the user's own and has not been named in this process.
    """
    if name in SYSTEMS:
        return SYSTEMS[name]
    kind = name.rpartition(":")[2]
    found = next((row for row in OWN.values() if row.kind == kind), None)
    if found is not None:
        return found
    if ":" in name:
        raise GlassworkError(
            f"This needs your own system {name}, whose code only runs if you name it: add --system {name}"
        )
    raise GlassworkError(f"There is no system '{name}': the systems are {', '.join(SYSTEMS)}")


def make_system(name: str, recipe: ProcessRecipe, network: "nn.Module | None" = None) -> "System":
    """The system called `name`, imported now, for a recipe and, where given, the user's own network."""
    row = row_of(name)
    if not isinstance(recipe, row.recipe):
        raise GlassworkError(f"The system '{name}' does not take such a recipe")
    kind = cast("Callable[..., System]", row.system_class())
    return kind(recipe, network) if network is not None else kind(recipe)


def preset(name: str) -> Preset:
    """The preset called `name`.

    Raises:
        GlassworkError: if there is none, with the nearest name.
    """
    name = ALIASES.get(name, name)
    if name in OWN:
        return OWN[name].presets[0]
    if name not in PRESETS:
        near = difflib.get_close_matches(name, PRESETS, 1)
        hint = f"did you mean '{near[0]}'?" if near else f"the presets are {', '.join(PRESETS)}"
        raise GlassworkError(f"There is no preset '{name}': {hint}")
    return PRESETS[name]
