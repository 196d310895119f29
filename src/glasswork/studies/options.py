"""The options of studies, a class each; their fields are the flags, with a sentence each."""

from typing import Annotated, Any

from pydantic import Field

from glasswork.catalogue import PRESETS
from glasswork.recipe.base import Options
from glasswork.studies.study import Argument

Several = tuple[str, ...]


class CrossvalidateOptions(Options):
    """How examples are divided."""

    folds: int = Field(5, description="number of folds")
    groups: Annotated[Any, Argument("COLUMN")] = Field(
        None, description="keep rows with the same value in this column in the same fold"
    )
    order: Annotated[str, Argument(choices=("shuffled", "time"))] = Field(
        "shuffled", description="time: the rows are in order of time; train on the past, judge on what follows"
    )
    repeats: int = Field(1, description="repeat with this many different divisions into folds")


class TuneOptions(Options):
    """How long is searched, and by what."""

    trials: int | None = Field(
        None, description="number of trials in the study (default: 50; with a budget, as many as fit)"
    )
    workers: int = Field(1, description="number of parallel processes")
    study: Annotated[str | None, Argument("FILE.db")] = Field(
        None, description="file or URL where the trials are stored; None: a file under runs/ named after the command"
    )
    judge: Annotated[str, Argument("FIGURE")] = Field(
        "loss", description="validation metric to optimise: loss, accuracy, f1, r2"
    )


class LabelErrorsOptions(Options):
    """Whose labels are looked at."""

    data: Annotated[str, Argument("DATA", positional=True)] = Field(
        ..., description="a path, or the name of a built-in data set; it is never changed"
    )
    preset: Annotated[str | None, Argument("PRESET")] = Field(
        None,
        description=", ".join(name for name, preset in PRESETS.items() if preset.system == "supervised")
        + "; None: chosen from the data",
    )
    folds: int = Field(5, description="number of folds")


class VaryOptions(Options):
    """What varies."""

    field: Annotated[str, Argument("FIELD", positional=True)] = Field(
        ..., description="the field to vary, such as hidden or strength"
    )
    values: Annotated[tuple[Any, ...], Argument("VALUE", positional=True)] = Field(
        ..., description="two or more values; a single number of epochs shows over-training as a curve"
    )
    runs: Annotated[str | None, Argument("FOLDER")] = Field(
        None, description="keep the runs in this folder, one for each value"
    )


class TransferOptions(Options):
    """What is compared, and on which pictures."""

    data: Annotated[str, Argument("DATA", positional=True)] = Field(
        ..., description="a folder of class folders with images; its splits are pooled"
    )
    splits: int = Field(5, description="number of folds")
    network: str = Field("efficientnet-lite0", description="the pretrained network")
    weights: str | None = Field(
        None, description="its weights: a file, a run, or a published name; None: the published weights"
    )
    size: int | None = Field(None, description="side of its images in pixels (default: 160)")
    epochs: int = Field(3, description="epochs of fine-tuning its last stage")
    scratch: str = Field("convnet-small", description="the network trained from scratch")
    scratch_size: int = Field(48, description="side of its images in pixels")
    scratch_epochs: int = Field(24, description="epochs of training from scratch")
    curve: bool = Field(
        False,
        description="also with a twentieth, a tenth, a quarter and half of the images, and with more stages tuned",
    )
    depths: tuple[str, ...] = Field(
        ("1", "2", "all"), description="with --curve: how many of the last stages are tuned, such as 1 3 all"
    )
    seed: int = Field(0, description="random seed")
    threads: int | None = Field(None, description="number of CPU threads; None: all available cores")
    device: Annotated[str, Argument("DEVICE")] = Field("auto", description="cpu, cuda, cuda:1, mps")
    rule: Annotated[Any, Argument(hidden=True)] = Field(
        None,
        description="a function of a file's name that says what the image shows; None: the name without its numbers",
    )


class PenaltiesOptions(Options):
    """How often each strength is tried."""

    seeds: int = Field(3, description="number of networks for each strength")


class WhyConvolutionOptions(Options):
    """What is compared on, and for how long."""

    data: Annotated[str, Argument("DATA")] = Field("mnist-5k", description="images with classes")
    budget: Annotated[Any, Argument("TIME")] = Field(
        None, description="time for training all networks, such as 60s; None: by epochs"
    )
    size: int | None = Field(None, description="side of the square that images are resized to, in pixels")
    seed: int = Field(0, description="random seed of weights and directions")


class WhyRecurrenceOptions(Options):
    """Brackets; or, with `data`, labelled sentences or clips."""

    data: Annotated[str | None, Argument("PATH")] = Field(
        None,
        description="labelled sentences or clips instead of brackets: compare with and without recurrence",
    )
    target: Annotated[str | None, Argument("COLUMN")] = Field(
        None, description="with --data: the column with a clip's labels"
    )
    cell: Annotated[str | None, Argument("CELL")] = Field(
        None, description="with --data: the recurrent unit (default: the preset's)"
    )
    epochs: int | None = Field(None, description="with --data: epochs of both networks (default: the preset's)")
    threads: int | None = Field(None, description="with --data: number of CPU threads (default: all)")
    cells: Annotated[Several | None, Argument("CELL")] = Field(
        None, description="cells to compare: rnn, relu-rnn, gru, lstm (default: rnn lstm)"
    )
    distance: int | None = Field(None, description="largest distance in training (default: 100)")
    hidden_size: int | None = Field(None, description="hidden units of every network (default: 64)")
    steps: int | None = Field(None, description="updates of each network (default: 2000)")
    repeats: int | None = Field(None, description="number of seeds for each cell (default: 3)")
    seed: int = Field(0, description="the first seed")


class VanishingGradientOptions(Options):
    """Which networks are measured, and on what."""

    cells: Annotated[Several, Argument("CELL")] = Field(
        ("rnn", "relu-rnn", "gru", "lstm"), description="cells to compare"
    )
    length: int = Field(100, description="characters per text")
    hidden_size: int = Field(64, description="hidden units of every network")
    steps: int = Field(1000, description="updates of each network; 0: untrained networks only")
    seed: int = Field(0, description="random seed of weights and texts")
