"""Glasswork: a deep-learning workbench with the lid off.

import glasswork as gw

model = gw.train("lenet", data="mnist-5k")
model.evaluate("samples/digits/")
model.predict("samples/digits/7/a.png")
"""

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glasswork.catalogue import PRESETS
from glasswork.errors import GlassworkError
from glasswork.recipe.preset import Preset
from glasswork.show.notebook import displayed as _displayed

if TYPE_CHECKING:
    from torch import nn

    from glasswork.glassbox.convolve.convolve import Convolved
    from glasswork.glassbox.cost.count import Count
    from glasswork.glassbox.graph.graph import Graph
    from glasswork.glassbox.trace.trace import Trace
    from glasswork.run.carry_out import Run
    from glasswork.run.request import Request
    from glasswork.studies.crossvalidated import CrossValidated
    from glasswork.studies.vary import Varied
    from glasswork.systems.model import Model
    from glasswork.training.step import Step

__all__ = [
    "GlassworkError",
    "convolve",
    "count",
    "crossvalidate",
    "graph",
    "load",
    "open_network",
    "presets",
    "resume",
    "steps",
    "train",
    "vary",
]


def presets() -> list[Preset]:
    """The presets: what can be trained."""
    return list(PRESETS.values())


def train(
    preset: str | None = None,
    *,
    network: "nn.Module | str | None" = None,
    data: str | Path | None = None,
    **options: Any,
) -> "Model":
    """Trains a network and returns the model; the run stays on disk.

    Args:
        preset: name of a preset, such as `lenet`; absent: what fits the data.
        network: your own `torch.nn.Module`, or `file.py:Class`.
        data: a path, or the name of a data set.
        options: fields of the recipe (`learning_rate=0.01`) and of the machine (`device="cpu"`, `out="runs/mine"`).

    Raises:
        GlassworkError: for options, data or a network that do not fit.
        KeyboardInterrupt: on Ctrl-C, after the run was saved.
    """
    from glasswork.run.carry_out import begin_run

    return _carry_out(begin_run(_request(preset, network, data, options)))


def steps(
    preset: str | None = None,
    *,
    network: "nn.Module | str | None" = None,
    data: str | Path | None = None,
    **options: Any,
) -> "Iterator[Step]":
    """The same, one `Step` after another: stop asking and the run is saved; ask to the end and it is finished.

    Arguments and errors are those of `train`.
    """
    from glasswork.run.carry_out import begin_run
    from glasswork.run.finish import finish

    run = begin_run(_request(preset, network, data, options))
    yield from run.steps()
    if not run.interrupted:
        finish(run)


def resume(run: str | Path, network: "nn.Module | None" = None) -> "Model":
    """Goes on with a run that was stopped, killed or interrupted, and returns its model."""
    from glasswork.run.carry_out import reopen
    from glasswork.run.folder import RunFolder

    return _carry_out(reopen(RunFolder.find(run), network))


def load(run: str | Path, network: "nn.Module | None" = None, device: str = "auto") -> "Model":
    """The model of a finished run, by its folder or its name under runs/."""
    from glasswork.run.load import load_model

    return _displayed(load_model(run, network, device))


def crossvalidate(
    preset: str | None = None,
    settings: "Mapping[str, Sequence[Any]] | None" = None,
    folds: int = 5,
    **options: Any,
) -> "CrossValidated":
    """Compares settings of a recipe by cross-validation and chooses one by the rule of one standard error.

    Args:
        preset: name of a preset; absent: what fits the data.
        settings: several values of one or more fields, such as `{"hidden": [4, 8, 16]}`; all combinations are tried.
        folds: how many parts the training examples are divided into.
        options: `groups`, `order`, `repeats`, `network`, `data`, and fields of the recipe that stay as they are; see
            `glasswork.studies.crossvalidate.crossvalidate`.

    Raises:
        GlassworkError: for options or data that do not fit.
    """
    from glasswork.studies.crossvalidate import crossvalidate as compared

    return compared(preset, settings, folds, **options)


def vary(preset: str, field: str, values: "Sequence[Any]", options: "Mapping[str, Any] | None" = None) -> "Varied":
    """Trains a preset once per value of a field: the slides' rows of pictures.

    Args:
        preset: name of a preset, such as `points`.
        field: of its recipe, such as `hidden`.
        values: of the field; a single number of epochs gives the over-training curve.
        options: fields of the recipe and the machine that stay as they are.

    Raises:
        GlassworkError: for a field or a value that does not fit.
    """
    from glasswork.studies.vary import vary as varied

    return varied(preset, field, values, options)


def open_network(network: "nn.Module", inputs: Any, **options: Any) -> "Trace":
    """Opens any `torch.nn.Module` on one input: every operation forward, every error flowing back, in numbers.

    Args:
        network: any module.
        inputs: a tensor with a batch dimension, or a tuple of what its `forward` takes.
        options: `target`, `loss` (`cross-entropy`, `squared-error`, `hinge`, `binary-cross-entropy`, or a function),
            `learning_rate`, `parts`; see `glasswork.glassbox.trace.opening.open_network`.

    Raises:
        GlassworkError: where the input does not fit the network (naming the layer), or the target the loss.
    """
    from glasswork.glassbox.trace import opening

    return _displayed(opening.open_network(network, inputs, **options))


def graph(expression: str, /, **values: float) -> "Graph":
    """The computation graph of an expression: values forward, gradients back (Kovashka, "Generic example").

    Args:
        expression: of + - * / ** and the usual functions, such as `(x+y)*z`.
        values: the value of each name in it.

    Raises:
        GlassworkError: for what is no such expression, or a name without a value.
    """
    from glasswork.glassbox.graph import graph as room

    return _displayed(room.graph(expression, **values))


def count(what: str, size: int | None = None) -> "Count":
    """Layers, parameters, multiply-adds, memory and receptive field of a preset, a run or a written-out architecture.

    Args:
        what: `lenet`, a run's folder, or words such as `32x32x3 conv5x5x64 pool2 fc10` (Kolter's quiz).
        size: side of the square images, for a preset; absent: that of its usual data.

    Raises:
        GlassworkError: for what is none of these.
    """
    from glasswork.studies.count_by_name import count_named

    return _displayed(count_named(what, size))


def convolve(image: Any, kernel: Any = "sobel-x", stride: int = 1, padding: str | int = "same") -> "Convolved":
    """A filter slid over an image: the result, one number of it worked out, the matrix for a small crop.

    Args:
        image: path of an image file, or numbers, (height, width) or (height, width, channels).
        kernel: a name such as `sobel-x`, `gaussian`, `sharpen`, rows of numbers, or words: "1 0 -1; 2 0 -2; 1 0 -1".
        stride: pixels from one cell to the next.
        padding: `same`, `valid`, or how many zeros on each side.

    Raises:
        GlassworkError: for a missing image, an unknown kernel or a filter larger than the image.
    """
    from glasswork.glassbox.convolve import convolve as room

    return _displayed(room.convolve(image, kernel, stride, padding))


def _carry_out(run: "Run") -> "Model":
    from glasswork.run.finish import finish
    from glasswork.run.load import load_model

    for _ in run.steps():
        pass
    if run.interrupted:
        raise KeyboardInterrupt(f"saved: go on with gw.resume({run.folder.name!r})")
    finish(run)
    return _displayed(load_model(run.folder.path, run.request.network, run.process.execution.device))


def _request(
    preset: str | None, network: "nn.Module | str | None", data: str | Path | None, options: dict[str, Any]
) -> "Request":
    from glasswork.run.choose import choose_request

    values = dict(options)
    if data is not None:
        values["data"] = str(data)
    own = None
    if isinstance(network, str):
        values["network"] = network
    elif network is not None:
        values["network"] = f"module:{type(network).__name__}"
        own = network
    return choose_request(preset, values, own)


def __getattr__(name: str) -> Any:
    """`glasswork.sklearn`, imported when it is asked for: scikit-learn takes a second."""
    if name == "sklearn":
        return import_module("glasswork.sklearn")
    raise AttributeError(f"module 'glasswork' has no attribute {name!r}")
