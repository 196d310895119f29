"""Glasswork: a deep-learning workbench with the lid off.

import glasswork as gw

model = gw.train("lenet", data="mnist-5k")
model.evaluate("samples/digits/")
model.predict("samples/digits/7/a.png")
"""

import sys

if sys.argv[:1] == ["-m"] and "-m glasswork" in " ".join(sys.orig_argv) and not sys.flags.safe_path:
    sys.path.pop(0)  # python -m glasswork: the current folder, in which a file may be called json.py or torch.py

import warnings
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glasswork.errors import GlassworkError
from glasswork.show.notebook import display as _display

if TYPE_CHECKING:
    from torch import nn

    from glasswork.glassbox.convolve import Convolved
    from glasswork.glassbox.cost.count import Count
    from glasswork.glassbox.diagnose.diagnose import Diagnosis
    from glasswork.glassbox.drawing import Drawing
    from glasswork.glassbox.graph import Graph
    from glasswork.glassbox.trace.trace import Trace
    from glasswork.recipe.preset import Preset
    from glasswork.report.report import Report
    from glasswork.run.carry_out import Run
    from glasswork.run.request import Request
    from glasswork.studies.compare import ComparedRun
    from glasswork.studies.crossvalidate import CrossValidated
    from glasswork.studies.label_errors import LabelErrors
    from glasswork.studies.penalties import PenaltiesCompared
    from glasswork.studies.rate import RateTest
    from glasswork.studies.recurrence_ablation import Independent
    from glasswork.studies.transfer import TransferCompared
    from glasswork.studies.tune import Tuned
    from glasswork.studies.vanishing_gradient import VanishingGradient
    from glasswork.studies.vary import Varied
    from glasswork.studies.why_convolution import WhyConvolution
    from glasswork.studies.why_recurrence import WhyRecurrence
    from glasswork.systems.model import Model
    from glasswork.training.stage import Step

__all__ = [
    "GlassworkError",
    "compare",
    "compare_penalties",
    "convolve",
    "count",
    "crossvalidate",
    "diagnose",
    "draw",
    "graph",
    "label_errors",
    "load",
    "open_network",
    "presets",
    "rate",
    "resume",
    "steps",
    "train",
    "transfer",
    "tune",
    "vanishing_gradient",
    "vary",
    "why_convolution",
    "why_recurrence",
]


def presets() -> "list[Preset]":
    """The presets: what can be trained."""
    from glasswork.catalogue import PRESETS

    return list(PRESETS.values())


def train(
    preset: str | None = None,
    *,
    network: "nn.Module | str | None" = None,
    data: str | Path | None = None,
    start: str | Path | None = None,
    **options: Any,
) -> "Model":
    """Trains a network and returns the model; the run stays on disk.

    Args:
        preset: name of a preset, such as `lenet`; None: chosen from the data.
        network: your own `torch.nn.Module`, or `file.py:Class`.
        data: a path, or the name of a data set.
        start: a finished run to train on from: its model is the beginning, and its recipe the default of every field.
        options: fields of the recipe (`learning_rate=0.01`) and of the machine (`device="cpu"`, `out="runs/mine"`); and
            `system="file.py:Class"`, a system of your own in place of a preset.

    Raises:
        GlassworkError: for options, data or a network that do not fit.
        KeyboardInterrupt: on Ctrl-C, after the run was saved.
    """
    from glasswork.run.carry_out import begin_run

    if start is not None:
        options["start"] = str(start)
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


def resume(
    run: str | Path,
    network: "nn.Module | str | None" = None,
    system: str | None = None,
    loss: str | None = None,
    data: str | Path | None = None,
    accept: Sequence[str] = (),
) -> "Model":
    """Goes on with a run that was stopped, killed or interrupted, and returns its model.

    Args:
        run: its folder, or its name under runs/.
        network: your own module, if it was trained on a module object; or `file.py:Class`, if it was trained on one:
            its code only runs if you name it again.
        system: your own system, `file.py:Class`, if it was trained by one: its code only runs if you name it again.
        loss: your own loss, `file.py:function`, likewise.
        data: where its data is now, if it has moved.
        accept: what may have changed since the run was stopped: `recipe`, `arithmetic`, `code`.
    """
    _name_system(system)
    _name_loss(loss)
    from glasswork.run.carry_out import reopen
    from glasswork.run.folder import RunFolder

    place = None if data is None else str(data)
    return _carry_out(reopen(RunFolder.find(run), _named_network(network), place, accept))


def load(
    run: str | Path,
    network: "nn.Module | str | None" = None,
    device: str = "auto",
    system: str | None = None,
    loss: str | None = None,
) -> "Model":
    """The model of a finished run.

    Args:
        run: its folder, or its name under runs/.
        network: your own module, if it was trained on a module object; or `file.py:Class`, if it was trained on one:
            its code only runs if you name it again.
        device: where it answers.
        system: your own system, `file.py:Class`, if it was trained by one: its code only runs if you name it again.
        loss: your own loss, `file.py:function`, likewise; it is needed to evaluate.
    """
    _name_system(system)
    _name_loss(loss)
    from glasswork.run.load import load_model

    return _display(load_model(run, _named_network(network), device))


def crossvalidate(
    preset: str | None = None,
    settings: "Mapping[str, Sequence[Any]] | None" = None,
    folds: int = 5,
    *,
    network: "nn.Module | str | None" = None,
    data: str | Path | None = None,
    **options: Any,
) -> "CrossValidated":
    """Compares settings of a recipe by cross-validation and chooses one by the rule of one standard error.

    For every setting and fold a network is trained on the other folds and judged on the fold; the test examples are
    kept out of everything.

    Args:
        preset: name of a preset; None: chosen from the data.
        settings: several values of one or more fields, such as `{"hidden": [4, 8, 16]}`; all combinations are tried.
        folds: how many parts the training examples are divided into.
        network: your own `torch.nn.Module`, or `file.py:Class`.
        data: a path, or the name of a data set.
        options: `groups` (a column of the table, or a label per example: examples of one group are never on two
            sides), `order` (`shuffled`, or `time`: trained only on the past), `repeats` (how often, with other
            folds and first weights), and fields of the recipe that stay as they are.

    Raises:
        GlassworkError: for options or data that do not fit.
    """
    asked, own = _asked_values(network, data, options)
    found: CrossValidated = _study("crossvalidate", preset, {**asked, "folds": folds}, settings, own)
    return found


def tune(
    preset: str | None = None,
    *,
    network: str | None = None,
    data: str | Path | None = None,
    trials: int | None = None,
    **options: Any,
) -> "Tuned":
    """Searches a recipe's fields for the best figure on the validation examples, and trains a run of the best recipe.

    The study goes on where it was stopped.

    Args:
        preset: name of a preset; None: chosen from the data.
        network: your own network, as `file.py:Class`.
        data: a path, or the name of a data set.
        trials: how many the study shall have; None: 50, or as many as fit in a budget.
        options: `workers` (processes at the same time), `study` (a file or URL that keeps the trials), `judge` (the
            figure, such as `accuracy`), `budget` for all of it, and fields of the recipe, which are not searched then.

    Returns:
        The trials, and under `result` what the run of the best recipe left.

    Raises:
        GlassworkError: for a recipe, data, a study or a judge that do not fit.
        KeyboardInterrupt: on Ctrl-C, once the trials are kept.
    """
    asked, _ = _asked_values(network, data, options)
    found: Tuned = _study("tune", preset, {**asked, "trials": trials})
    return found


def rate(
    preset: str | None = None, *, network: str | None = None, data: str | Path | None = None, **options: Any
) -> "RateTest":
    """Finds a learning rate by a range test (Smith 2015), and measures how fast batches of several sizes are.

    Args:
        preset: name of a preset; None: chosen from the data.
        network: your own network, as `file.py:Class`.
        data: a path, or the name of a data set.
        options: fields of the recipe and the machine.

    Raises:
        GlassworkError: if recipe and data do not fit, or the system is not trained on batches.
    """
    asked, _ = _asked_values(network, data, options)
    found: RateTest = _study("rate", preset, asked)
    return found


def label_errors(data: str | Path, preset: str | None = None, folds: int = 5, **options: Any) -> "LabelErrors":
    """Finds labels that are probably wrong, by networks that were not trained on them (Northcutt et al. 2021).

    Args:
        data: a path or a name, with one class for each example; it is read and never changed.
        preset: name of a preset; None: chosen from the data.
        folds: how many parts the data is divided into.
        options: fields of the recipe and the machine, such as `epochs`.

    Raises:
        GlassworkError: for targets that are not classes, or too few examples of one.
    """
    found: LabelErrors = _study("label-errors", None, {**options, "data": str(data), "preset": preset, "folds": folds})
    return found


def vary(
    preset: str,
    field: str,
    values: "Sequence[Any]",
    options: "Mapping[str, Any] | None" = None,
    runs: str | Path | None = None,
) -> "Varied":
    """Trains a preset once per value of a field: the slides' rows of pictures.

    Args:
        preset: name of a preset, such as `points`.
        field: of its recipe, such as `hidden`.
        values: of the field; a single number of epochs gives the over-training curve.
        options: fields of the recipe and the machine that stay as they are.
        runs: a folder to keep the runs in; None: they are not kept.

    Raises:
        GlassworkError: for a field or a value that does not fit.
        KeyboardInterrupt: on Ctrl-C.
    """
    from glasswork.studies.options import VaryOptions
    from glasswork.studies.study import Asked, conclude
    from glasswork.studies.table import STUDIES

    chosen = VaryOptions(field=field, values=tuple(values), runs=None if runs is None else str(runs))
    found: Varied = conclude(STUDIES["vary"].begin(chosen, Asked(preset, options or {})))
    return found


def transfer(data: str | Path, **options: Any) -> "TransferCompared":
    """Compares ways to learn from few pictures: from scratch, with a trained network, classically on its features.

    Args:
        data: a folder of class folders of pictures; splits that it gives are pooled.
        options: `splits`, `network`, `weights`, `size`, `epochs`, `scratch`, `scratch_size`, `scratch_epochs`,
            `curve`, `seed`, `threads`, `device`; `glasswork transfer --help` tells what each is. And `rule`, a
            function of a file's name: pictures for which it is equal show one thing and stay on one side of a split.

    Raises:
        GlassworkError: for data, a network or weights that do not fit.
    """
    found: TransferCompared = _study("transfer", None, {**options, "data": str(data)})
    return found


def compare(*runs: str | Path) -> "list[ComparedRun]":
    """Puts runs side by side: where their recipes differ, and what came out.

    Args:
        runs: two folders or names under runs/, or more.

    Raises:
        GlassworkError: for fewer than two runs, or a word that is no run.
    """
    from glasswork.studies.compare import compare as compared

    return compared([str(run) for run in runs])


def compare_penalties(
    preset: str | None = None,
    seeds: int = 3,
    *,
    network: str | None = None,
    data: str | Path | None = None,
    **options: Any,
) -> "PenaltiesCompared":
    """Compares ways against over-training on one data set: none, L1, L2, dropout, max-norm, early stopping.

    Args:
        preset: name of a preset; None: `mlp`, on few examples if there is no data.
        seeds: how many networks are trained for each strength.
        network: your own network, as `file.py:Class`.
        data: a path, or the name of a data set.
        options: fields of the recipe and the machine, without those that are compared.

    Raises:
        GlassworkError: for a recipe or data that do not fit, or if nothing is held out.
    """
    asked, _ = _asked_values(network, data, options)
    found: PenaltiesCompared = _study("compare-penalties", preset, {**asked, "seeds": seeds})
    return found


def why_convolution(data: str | Path = "mnist-5k", **options: Any) -> "WhyConvolution":
    """Compares shallow with deep, and dense with convolutional networks on shifted and scaled images.

    Args:
        data: images with one class each.
        options: `budget` for training all networks, such as `"60s"`, `size` of the images, `seed`.

    Raises:
        GlassworkError: for data that are not images of one class each, or images too small.
    """
    found: WhyConvolution = _study("why-convolution", None, {**options, "data": str(data)})
    return found


def why_recurrence(data: str | Path | None = None, **options: Any) -> "WhyRecurrence | Independent":
    """Has recurrent units remember a bracket opened ever farther back; or compares your data with and without them.

    Args:
        data: labelled sentences or clips instead of brackets.
        options: of brackets `cells`, `distance`, `units`, `steps`, `repeats`; of data `target`, `cell`, `epochs`,
            `threads`; and `seed`.

    Raises:
        GlassworkError: for an option of the other comparison, or one that does not fit.
    """
    found: WhyRecurrence | Independent = _study(
        "why-recurrence", None, {**options, "data": None if data is None else str(data)}
    )
    return found


def vanishing_gradient(**options: Any) -> "VanishingGradient":
    """Measures what of an error arrives k steps back in recurrent networks, untrained and trained.

    Args:
        options: `cells`, `length`, `units`, `steps`, `seed`; `glasswork vanishing-gradient --help` tells what each is.

    Raises:
        GlassworkError: for a cell that does not exist, or numbers with which nothing can be measured.
    """
    found: VanishingGradient = _study("vanishing-gradient", None, options)
    return found


def open_network(network: "nn.Module", inputs: Any, **options: Any) -> "Trace":
    """Opens any `torch.nn.Module` on one input: every operation forward, every error flowing back, in numbers.

    Args:
        network: any module.
        inputs: a tensor, usually with a batch dimension, or a tuple of what its `forward` takes.
        options: `kwargs` (what `forward` takes by name), `output` (which part of the answer counts), `target`, `loss`
            (`cross-entropy`, `squared-error`, `hinge`, `binary-cross-entropy`, or a function), `learning_rate`,
            `parts`; see `glasswork.glassbox.trace.opening.open_network`.

    Raises:
        GlassworkError: where the input does not fit the network (naming the layer), or the target the loss.
    """
    from glasswork.glassbox.trace import opening

    return _display(opening.open_network(network, inputs, **options))


def diagnose(network: "nn.Module", inputs: Any, targets: Any, **options: Any) -> "Diagnosis":
    """What is wrong with any `torch.nn.Module` and its training, the most serious first, and what to do.

    Args:
        network: any module, in training mode if it is being trained; it is left as it was.
        inputs: (N, ...), training examples as the network is given them; 50 to 200 tell most.
        targets: of these inputs.
        options: `loss` (a name such as `cross-entropy`, the default, or your own function of outputs and targets),
            `optimizer`, `batches` (inputs and targets as your loop is given them, a list or a `DataLoader`),
            `held_out` (inputs and targets), `evaluate` (your function from inputs to outputs at evaluation), `further`
            (what else `forward` takes). What you leave out is not judged; with optimizer and batches, training is
            rehearsed for a few steps on a copy.

    Raises:
        GlassworkError: where inputs, targets and loss do not fit.
    """
    from glasswork.glassbox.diagnose.own_network import diagnose_own

    return _display(diagnose_own(network, inputs, targets, **options))


def graph(expression: str, /, **values: float) -> "Graph":
    """The computation graph of an expression: values forward, gradients back (Kovashka, "Generic example").

    Args:
        expression: of + - * / ** and the usual functions, such as `(x+y)*z`.
        values: the value of each name in it.

    Raises:
        GlassworkError: for what is no such expression, or a name without a value.
    """
    from glasswork.glassbox import graph as room

    return _display(room.graph(expression, **values))


def count(what: str, size: int | None = None) -> "Count":
    """Layers, parameters, multiply-adds, memory and receptive field of a preset, a run or a written-out architecture.

    Args:
        what: `lenet`, a run's folder, or words such as `32x32x3 conv5x5x64 pool2 fc10` (Kolter's quiz).
        size: side of the square images, for a preset; None: that of its usual data.

    Raises:
        GlassworkError: for what is none of these.
    """
    from glasswork.run.count import count_named

    return _display(count_named(what, size))


def draw(
    what: "str | nn.Module",
    form: str | None = None,
    source: Any = None,
    target: Any = None,
    size: int | None = None,
) -> "Drawing | Report":
    """A network as the lectures draw it: units and links, or feature maps as boxes.

    Args:
        what: any module; `lenet`, a run's folder, or words such as `32x32x3 conv5x5x64 pool2 fc10`; or `activations`,
            `losses` or `schedules`, which are drawn as curves.
        form: `nodes` or `boxes`; None: nodes for dense layers with weights, else boxes.
        source: an input whose activations are drawn: of a run, a file; of a module, a tensor (1, ...), which boxes
            need. None: there are no activations.
        target: what should have been answered, for the errors; None: what was.
        size: side of the square images, for a preset; None: that of its usual data.

    Raises:
        GlassworkError: for what is none of these, or a network that cannot be drawn so.
    """
    from glasswork.run import draw as room

    return _display(room.draw(what, form, source, target, size))


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
    from glasswork.glassbox import convolve as room

    return _display(room.convolve(image, kernel, stride, padding))


def _name_system(word: str | None) -> None:
    if word is not None:
        from glasswork.catalogue import name_system

        name_system(word)


def _name_loss(word: str | None) -> None:
    from glasswork.own_code import is_own, name_loss

    if word is not None and is_own(word):
        name_loss(word)


def _named_network(network: "nn.Module | str | None") -> "nn.Module | None":
    """The network if it is a module; one that is `file.py:Class` may be made by this process from now on."""
    if not isinstance(network, str):
        return network
    from glasswork.own_code import is_own, name_network

    if is_own(network):
        name_network(network)
    return None


def _carry_out(run: "Run") -> "Model":
    from glasswork.run.finish import finish
    from glasswork.run.load import load_model

    for note in run.notes:
        warnings.warn(note, stacklevel=3)
    for _ in run.steps():
        pass
    if run.interrupted:
        raise KeyboardInterrupt(f"saved: continue with gw.resume({run.folder.name!r})")
    finish(run)
    return _display(load_model(run.folder.path, run.request.network, run.process.execution.device))


def _request(
    preset: str | None, network: "nn.Module | str | None", data: str | Path | None, options: dict[str, Any]
) -> "Request":
    from glasswork.catalogue import name_system
    from glasswork.run.choose import choose_request

    values, own = _asked_values(network, data, options)
    if (system := values.pop("system", None)) is not None:
        preset = name_system(system).presets[0].name
    return choose_request(preset, values, own)


def _asked_values(
    network: "nn.Module | str | None", data: str | Path | None, options: "Mapping[str, Any]"
) -> "tuple[dict[str, Any], nn.Module | None]":
    """The fields that were asked for, data and network among them, and the user's module if it was given as one."""
    values = dict(options)
    if data is not None:
        values["data"] = str(data)
    _name_loss(values.get("loss"))
    _named_network(network)
    if network is None or isinstance(network, str):
        return values if network is None else {**values, "network": network}, None
    return {**values, "network": f"module:{type(network).__name__}"}, network


def _study(
    name: str,
    preset: str | None,
    options: "Mapping[str, Any]",
    settings: "Mapping[str, Sequence[Any]] | None" = None,
    network: "nn.Module | None" = None,
) -> Any:
    """Carries a study out; what is no option of its own is a field of the recipe or the machine."""
    from glasswork.studies.study import Asked, conclude
    from glasswork.studies.table import STUDIES

    study = STUDIES[name]
    for word in (settings or {}).get("network", ()):
        _named_network(word)
    own = {
        key: value for key, value in options.items() if study.recipe is None or key in study.options_class.model_fields
    }
    values = {key: value for key, value in options.items() if key not in own}
    return conclude(study.begin(study.options_class.parse(own), Asked(preset, values, settings or {}, network)))


def __getattr__(name: str) -> Any:
    """`glasswork.sklearn`, imported when it is asked for: scikit-learn takes a second; and the version."""
    if name == "sklearn":
        return import_module("glasswork.sklearn")
    if name == "__version__":
        from importlib.metadata import version

        return version("glasswork")
    raise AttributeError(f"module 'glasswork' has no attribute {name!r}")
