"""The verbs, by explicit table, in the groups that `--help` shows; their files are imported when asked for."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from glasswork.studies.table import STUDIES


@dataclass(frozen=True)
class Verb:
    """A verb.

    Attributes:
        brief: what it does, in a few words.
        sentence: what it does, with an example.
        file: of this room, where its functions are.
        functions: the one that adds its arguments, and the one that carries it out.
    """

    brief: str
    sentence: str
    file: str
    functions: tuple[str, str]

    @property
    def fill(self) -> Callable[..., None]:
        """Adds the verb's arguments to a parser, given the words of the command line."""
        return self._function(self.functions[0])

    @property
    def carry_out(self) -> Callable[..., int]:
        """Carries the verb out with its options; the exit code."""
        return self._function(self.functions[1])

    def _function(self, name: str) -> Callable[..., Any]:
        function: Callable[..., Any] = getattr(importlib.import_module(f"glasswork.cli.{self.file}"), name)
        return function


TRAIN = {
    "train": ("learn from data", "train a network on your data: glasswork train lenet --data photos/"),
    "resume": ("continue a run", "continue a run that was interrupted: glasswork resume lenet-1"),
    "runs": ("list the runs", "list the runs under runs/"),
    "systems": ("what to train", "list what can be trained; systems show NAME prints a recipe"),
}
STYLE = {
    "style": (
        "paint a picture",
        "paint the content of a picture in the style of others: glasswork style photo.jpg art.jpg -o new.jpg",
    ),
}
USE = {
    "predict": ("answer new inputs", "predict with a trained model: images, folders, tables, texts or clips"),
    "evaluate": ("measure a model", "measure a trained model on examples with known answers"),
    "write": (
        "continue a text",
        "continue a text, character by character: glasswork write RUN --prompt TEXT --temperature 0.7",
    ),
    "forecast": (
        "continue series",
        "predict what comes next in a time series: glasswork forecast RUN --out forecast.html",
    ),
    "nearest": (
        "find similar images",
        "find the images most similar to one: glasswork nearest RUN photo.jpg",
    ),
    "heatmap": (
        "scan a big image",
        "slide a patch classifier over an image of any size: glasswork heatmap RUN slide.tif --out map.png",
    ),
    "export": (
        "write ONNX, weights",
        "write a trained model for other tools: glasswork export RUN --to onnx",
    ),
}
PLAY = {
    "play": (
        "play a game",
        "watch a network play, record it, or take over: glasswork play RUN --out game.mp4",
    ),
}
INSIDE = {
    "open": (
        "every operation",
        "look inside a model on one input: every operation forward and every error backward, in numbers",
    ),
    "diagnose": ("find faults", "check a trained model for dead units, vanishing gradients and other faults"),
    "units": (
        "what units track",
        "see what the units of a character model track: glasswork units RUN text.txt --out units.html",
    ),
    "count": ("weights, costs", "count a network's parameters, multiply-adds, memory and receptive field"),
    "graph": (
        "computation graph",
        'draw the computation graph of an expression: glasswork graph "(x+y)*z" x=-2 y=5 z=-4',
    ),
    "convolve": ("filter an image", "convolve an image with a filter, with one cell worked out in numbers"),
    "draw": (
        "draw a network",
        "draw a network as units and links or as boxes: glasswork draw lenet --out lenet.svg",
    ),
}


def _verbs(file: str, rows: dict[str, tuple[str, str]]) -> dict[str, Verb]:
    return {name: Verb(*words, file, (f"fill_{name}", f"run_{name}")) for name, words in rows.items()}


def _studies() -> dict[str, Verb]:
    functions = ("fill_study", "run_study")
    return {
        name: Verb(study.brief, study.sentence, "studies", functions) for name, study in STUDIES.items() if study.verb
    }


COMPARE = {"compare": ("several runs", "compare runs side by side: recipe, metrics, time")}
GROUPS: dict[str, dict[str, Verb]] = {
    "train": {**_verbs("train", TRAIN), **_verbs("style", STYLE)},
    "use a model": {**_verbs("use", USE), **_verbs("play", PLAY)},
    "look inside": _verbs("inside", INSIDE),
    "experiments": {**_studies(), **_verbs("studies", COMPARE)},
}
VERBS: dict[str, Verb] = {name: verb for verbs in GROUPS.values() for name, verb in verbs.items()}

EXAMPLES = (
    "glasswork train --data photos/          # a folder of class folders",
    "glasswork predict runs/lenet-1 new.png",
    'glasswork graph "(x+y)*z" x=-2 y=5 z=-4',
)


def overview() -> str:
    """What `glasswork --help` prints: the verbs in their groups, two on a line, on one screen of 80 x 24."""
    lines = ["usage: glasswork VERB ...                  glasswork VERB --help has its options", ""]
    for group, verbs in GROUPS.items():
        cells = [f"{name:<15} {verb.brief} " for name, verb in verbs.items()]
        for place in range(0, len(cells), 2):
            head, row = "" if place else group, cells[place : place + 2]
            lines.append(f"{head:<12}" + "".join(f"{cell:<36}" for cell in row).rstrip())
    return "\n".join([*lines, "", "examples:", *(f"  {example}" for example in EXAMPLES)])
