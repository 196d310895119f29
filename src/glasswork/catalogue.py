"""The presets: name -> recipe and system, by explicit table; nothing heavy is imported until a system is asked for."""

import difflib
import importlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from glasswork.errors import GlassworkError
from glasswork.recipes import (
    characters,
    embed,
    forecast,
    function,
    heatmap,
    online,
    sentiment,
    supervised,
    tagger,
    transfer,
    video,
)
from glasswork.recipes.base import Machine, Recipe, refuse_unknown

if TYPE_CHECKING:
    from torch import nn

    from glasswork.systems.system import System


@dataclass(frozen=True)
class Preset:
    """A named recipe.

    Attributes:
        name: what the user types.
        system: key of `SYSTEMS`.
        values: what differs from the recipe's defaults.
        data: what is trained on when nobody says; None where it has to be said.
        sentence: what it is, in one line.
    """

    name: str
    system: str
    values: Mapping[str, Any]
    data: str | None
    sentence: str


RECIPES: dict[str, type[Recipe]] = {
    "supervised": supervised.SupervisedRecipe,
    "online": online.OnlineRecipe,
    "function": function.FunctionRecipe,
    "heatmap": heatmap.HeatmapRecipe,
    "transfer": transfer.TransferRecipe,
    "embed": embed.EmbedRecipe,
    "characters": characters.CharactersRecipe,
    "forecast": forecast.ForecastRecipe,
    "sentiment": sentiment.SentimentRecipe,
    "tagger": tagger.TaggerRecipe,
    "video": video.VideoRecipe,
}

# The class of each system, in the file of its name.
SYSTEMS: dict[str, str] = {
    "supervised": "Supervised",
    "online": "Online",
    "function": "Function",
    "heatmap": "Heatmap",
    "transfer": "Transfer",
    "embed": "Embed",
    "characters": "Characters",
    "forecast": "Forecast",
    "sentiment": "SequenceClassification",
    "tagger": "SequenceLabelling",
    "video": "FrameLabelling",
}

DEEP = {
    "alexnet": "AlexNet: five convolutions, three dense layers, for photographs (Kovashka, Krizhevsky 2012)",
    "vgg11": "VGG of 11 layers: 3x3 convolutions only (Kovashka, Simonyan and Zisserman 2015)",
    "vgg13": "VGG of 13 layers",
    "vgg16": "VGG of 16 layers, 138 million weights",
    "vgg19": "VGG of 19 layers",
    "resnet18": "residual network of 18 layers, for photographs (He et al. 2016)",
    "resnet34": "residual network of 34 layers",
    "resnet50": "residual network of 50 layers, in bottlenecks",
    "efficientnet-lite0": "small deep network for photographs, from random weights; transfer has its ImageNet weights",
}

PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset("linear", "supervised", supervised.LINEAR, "mnist-5k", "linear classifier f(x, W) = Wx + b (Kovashka)"),
        Preset(
            "mlp", "supervised", supervised.MLP, "mnist-5k", "multilayer perceptron, any depth and width (Kovashka)"
        ),
        Preset("own", "supervised", supervised.OWN, "mnist-5k", "your own torch.nn.Module: --network file.py:Class"),
        Preset(
            "lenet", "supervised", supervised.LENET, "mnist-5k", "LeNet-5, the first convolutional network (Kolter)"
        ),
        Preset(
            "convnet-small",
            "supervised",
            supervised.CONVNET_SMALL,
            "mnist-5k",
            "small convolutional network with shortcuts, for images of 28 to 64 pixels",
        ),
        *(Preset(name, "supervised", supervised.deep(name), None, sentence) for name, sentence in DEEP.items()),
        Preset(
            "transfer",
            "transfer",
            transfer.TRANSFER,
            None,
            "a trained network with a new head: frozen, fine-tuned or from scratch (Kovashka)",
        ),
        Preset(
            "points",
            "supervised",
            supervised.POINTS,
            "spiral",
            "points of the plane and what each unit makes of them (Kovashka: ConvNetJS)",
        ),
        Preset(
            "function",
            "function",
            function.FUNCTION,
            "expression",
            "a few tanh units that approximate any function: --expression (Kovashka)",
        ),
        Preset(
            "heatmap",
            "heatmap",
            heatmap.HEATMAP,
            "mnist-5k",
            "patches of annotated pictures, for heat maps over large images (Kolter: tumour detection)",
        ),
        Preset(
            "embed",
            "embed",
            embed.EMBED,
            "mnist-5k",
            "an embedding by the triplet loss, in which near means alike (Kovashka: FaceNet)",
        ),
        Preset(
            "char-rnn",
            "characters",
            characters.CHAR_RNN,
            "python-source",
            "a recurrent network that reads and writes text by characters (Kovashka and Kolter: poetry, C code)",
        ),
        Preset(
            "forecast",
            "forecast",
            forecast.FORECAST,
            None,
            "series over time, foretold with intervals by a recurrent network (Kolter)",
        ),
        Preset(
            "sentiment",
            "sentiment",
            sentiment.SENTIMENT,
            None,
            "the class of a text, read word by word from both ends (Kovashka: sentiment, many to one)",
        ),
        Preset(
            "tagger",
            "tagger",
            tagger.TAGGER,
            None,
            "a label for every word of a sentence, such as its part of speech (Kolter: sentence labelling)",
        ),
        Preset(
            "video",
            "video",
            video.VIDEO,
            None,
            "a label for every frame of a clip, by convolutions and a recurrent network over time (Kovashka)",
        ),
        Preset("xor", "online", online.XOR, "xor", "sigmoid units, squared error, one example at a time (Kovashka)"),
    )
}


def make_system(name: str, recipe: Recipe, network: "nn.Module | None" = None) -> "System":
    """The system called `name`, imported now, for a recipe and, where given, the user's own network."""
    if name not in SYSTEMS or not isinstance(recipe, RECIPES[name]):
        raise GlassworkError(f"There is no system '{name}' for such a recipe; the systems are {', '.join(RECIPES)}")
    kind = getattr(importlib.import_module(f"glasswork.systems.{name}"), SYSTEMS[name])
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


@dataclass(frozen=True)
class Order:
    """A recipe and a machine as asked for, before anything is derived from data.

    Attributes:
        preset: the preset's name.
        recipe: the preset's values with the asked ones over them.
        asked: the keys of the recipe that the user gave.
        machine: where and how to carry it out.
    """

    preset: str
    recipe: Recipe
    asked: Mapping[str, Any]
    machine: Machine

    @property
    def system(self) -> str:
        """Key of the preset's system."""
        return PRESETS[self.preset].system


def order(name: str, values: Mapping[str, Any]) -> Order:
    """The order that a preset's name and flat `values`, of recipe and machine together, make.

    A budget takes the place of the preset's epochs and patience: the schedule is to end with the time, not before. The
    preset's weight decay goes with adamw, and is left out with another optimizer.
    """
    chosen = preset(name)
    recipe_class = RECIPES[chosen.system]
    refuse_unknown(values, [*recipe_class.model_fields, *Machine.model_fields])
    machine = {key: value for key, value in values.items() if key in Machine.model_fields}
    asked = {key: value for key, value in values.items() if key not in Machine.model_fields}
    given = recipe_class.parse(asked)
    asked = {key: getattr(given, key) for key in asked}
    values = {"data": chosen.data, **chosen.values, **asked}
    without = {"epochs", "patience"} if "budget" in asked else set()
    if asked.get("optimizer", "adamw") != "adamw":
        without.add("weight_decay")
    recipe = recipe_class.parse({key: value for key, value in values.items() if key in asked or key not in without})
    return Order(name, recipe, asked, Machine.parse(machine))


def read_order(path: Path, values: Mapping[str, Any]) -> Order:
    """The order in a TOML file such as `systems show` prints, with `values` over it.

    Raises:
        GlassworkError: where the file is missing, is not TOML, or names no preset or an unknown key.
    """
    table = read_toml(path)
    name = table.pop("preset", None)
    if not isinstance(name, str):
        raise GlassworkError(f'{path} names no preset: add a line such as preset = "lenet"')
    table.pop("format", None)
    machine = table.pop("machine", {})
    return order(name, {**table, **machine, **values})


def read_toml(path: Path) -> dict[str, Any]:
    """The table in a TOML file, or one sentence about why there is none."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise GlassworkError(f"There is no file {path}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise GlassworkError(f"{path} is not TOML: {error}") from None
    except OSError as error:
        raise GlassworkError(f"{path} cannot be read: {error.strerror}") from None
