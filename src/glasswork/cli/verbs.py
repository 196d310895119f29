"""The verbs: one file of this room each, by explicit table, imported when asked for."""

import importlib
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Protocol, cast

VERBS = {
    "train": "train a network on your data: glasswork train lenet --data photos/",
    "resume": "go on with a run that was stopped or killed",
    "evaluate": "measure a trained model on examples with known answers",
    "predict": "ask a trained model about files, folders or tables",
    "write": "go on with a text, character by character: glasswork write RUN --prompt TEXT --temperature 0.7",
    "units": "see what the units of a character model track: glasswork units RUN text.txt --out units.html",
    "forecast": "go on with series after their end: glasswork forecast RUN --out forecast.html",
    "export": "write a trained model for other tools: glasswork export RUN --to onnx",
    "nearest": "show the pictures that lie nearest to one: glasswork nearest RUN photo.jpg",
    "runs": "list the runs under runs/",
    "crossvalidate": "judge settings on examples kept from training: glasswork crossvalidate mlp --hidden 4 8 16",
    "tune": "search a recipe's fields by the validation examples: glasswork tune mlp --trials 50 --budget 20m",
    "rate": "find a learning rate and a batch size before training: glasswork rate lenet",
    "label-errors": "list the labels of your data that are probably wrong: glasswork label-errors photos/",
    "vary": "see the effect of a field as a row of pictures: glasswork vary points hidden 3 6 20",
    "transfer": "compare ways to learn from few pictures: glasswork transfer photos/ --out page.html",
    "compare": "put runs side by side: recipe, figures, time",
    "systems": "list what can be trained; systems show NAME prints a recipe",
    "open": "open a trained model on one input: every operation, every error, in numbers",
    "diagnose": "look for dead units, vanishing gradients and other faults of a trained model",
    "graph": 'draw the computation graph of an expression: glasswork graph "(x+y)*z" x=-2 y=5 z=-4',
    "count": "count a network's parameters, multiply-adds, memory and receptive field",
    "heatmap": "slide a patch classifier over a picture of any size: glasswork heatmap RUN slide.tif --out map.png",
    "why-convolution": "shallow against deep, dense against convolutional, in numbers: glasswork why-convolution",
    "why-recurrence": "remember a bracket opened ever farther back, RNN against LSTM: glasswork why-recurrence",
    "vanishing-gradient": "draw what of an error arrives k steps back: glasswork vanishing-gradient --out page.html",
    "convolve": "convolve an image with a filter, one cell worked out in numbers",
}


class Verb(Protocol):
    """What the file of a verb offers."""

    def fill(self, parser: ArgumentParser, arguments: Sequence[str]) -> None:
        """Adds the verb's arguments; `arguments` are the words of the command line."""

    def carry_out(self, options: Namespace) -> int:
        """Calls the public face and prints what came out; the exit code."""


def verb_called(name: str) -> Verb:
    """The verb of a name in `VERBS`, from the file of that name; a hyphen is an underscore there."""
    return cast(Verb, importlib.import_module(f"glasswork.cli.{name.replace('-', '_')}"))
