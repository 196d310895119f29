"""The options of studies, a class each; their fields are the flags, with a sentence each."""

from typing import Annotated, Any

from pydantic import Field

from glasswork.catalogue import PRESETS
from glasswork.recipe.base import Options
from glasswork.studies.study import Argument

Several = tuple[str, ...]


class CrossvalidateOptions(Options):
    """How examples are divided."""

    folds: int = Field(5, description="how many parts judge in turn")
    groups: Annotated[Any, Argument("COLUMN")] = Field(
        None, description="rows that agree in this column are never on two sides"
    )
    order: Annotated[str, Argument(choices=("shuffled", "time"))] = Field(
        "shuffled", description="time: the rows are in order of time, and only the past is learnt from"
    )
    repeats: int = Field(1, description="how often, with other folds")


class TuneOptions(Options):
    """How long is searched, and by what."""

    trials: int | None = Field(
        None, description="how many the study shall have (default: 50; with a budget as many as fit in it)"
    )
    workers: int = Field(1, description="processes at the same time")
    study: Annotated[str | None, Argument("FILE.db")] = Field(
        None, description="where the trials are kept, or a URL; absent: under runs/, by the command"
    )
    judge: Annotated[str, Argument("FIGURE")] = Field("loss", description="of the validation: loss, accuracy, f1, r2")


class LabelErrorsOptions(Options):
    """Whose labels are looked at."""

    data: Annotated[str, Argument("DATA", positional=True)] = Field(
        ..., description="a path or a name; it is read and never changed"
    )
    preset: Annotated[str | None, Argument("PRESET")] = Field(
        None,
        description=", ".join(name for name, preset in PRESETS.items() if preset.system == "supervised")
        + "; absent: what fits the data",
    )
    folds: int = Field(5, description="parts of the data")


class VaryOptions(Options):
    """What varies."""

    field: Annotated[str, Argument("FIELD", positional=True)] = Field(
        ..., description="what varies, such as hidden or strength"
    )
    values: Annotated[tuple[Any, ...], Argument("VALUE", positional=True)] = Field(
        ..., description="two or more; a single number of epochs: over-training, as a curve"
    )
    runs: Annotated[str | None, Argument("FOLDER")] = Field(None, description="keep the runs here, one for each value")


class TransferOptions(Options):
    """What is compared, and on which pictures."""

    data: Annotated[str, Argument("DATA", positional=True)] = Field(
        ..., description="a folder of class folders of pictures; its splits are pooled"
    )
    splits: int = Field(5, description="how many parts judge in turn")
    network: str = Field("efficientnet-lite0", description="the trained network")
    weights: str | None = Field(
        None, description="a file, one of our runs, or a published name; absent: published for it"
    )
    size: int | None = Field(None, description="side of its pictures in pixels (default: 160)")
    epochs: int = Field(3, description="passes while its last stage is tuned")
    scratch: str = Field("convnet-small", description="the network trained from scratch")
    scratch_size: int = Field(48, description="side of its pictures")
    scratch_epochs: int = Field(24, description="its passes")
    curve: bool = Field(False, description="also with a twentieth, a tenth, a quarter and a half of the pictures")
    seed: int = Field(0, description="what every random choice starts from")
    threads: int | None = Field(None, description="processor threads; absent: every core")
    device: Annotated[str, Argument("DEVICE")] = Field("auto", description="cpu, cuda, cuda:1, mps")
    rule: Annotated[Any, Argument(hidden=True)] = Field(
        None, description="a function of a file's name: what the picture shows; absent: its name without numbers"
    )


class PenaltiesOptions(Options):
    """How often each strength is tried."""

    seeds: int = Field(3, description="networks for each strength")


class WhyConvolutionOptions(Options):
    """What is compared on, and for how long."""

    data: Annotated[str, Argument("DATA")] = Field("mnist-5k", description="images with classes")
    budget: Annotated[Any, Argument("TIME")] = Field(
        None, description="time for training all networks, such as 60s; absent: epochs"
    )
    size: int | None = Field(None, description="side that images are brought to, in pixels")
    seed: int = Field(0, description="of weights and directions")


class WhyRecurrenceOptions(Options):
    """Brackets; or, with `data`, labelled sentences or clips."""

    data: Annotated[str | None, Argument("PATH")] = Field(
        None,
        description="instead of brackets: labelled sentences or clips, every word or frame with and without recurrence",
    )
    target: Annotated[str | None, Argument("COLUMN")] = Field(
        None, description="with --data: the column of a clip's labels"
    )
    cell: Annotated[str | None, Argument("CELL")] = Field(
        None, description="with --data: the recurrent unit (default: the preset's)"
    )
    epochs: int | None = Field(None, description="with --data: of both (default: the preset's)")
    threads: int | None = Field(None, description="with --data: processor threads (default: all)")
    cells: Annotated[Several | None, Argument("CELL")] = Field(
        None, description="rnn, relu-rnn, gru, lstm (default: rnn lstm)"
    )
    distance: int | None = Field(None, description="farthest in training (default: 100)")
    units: int | None = Field(None, description="of every network (default: 64)")
    steps: int | None = Field(None, description="updates of each (default: 2000)")
    repeats: int | None = Field(None, description="seeds for each cell (default: 3)")
    seed: int = Field(0, description="the first seed")


class VanishingGradientOptions(Options):
    """Which networks are measured, and on what."""

    cells: Annotated[Several, Argument("CELL")] = Field(("rnn", "relu-rnn", "gru", "lstm"), description="of networks")
    length: int = Field(100, description="characters of a text")
    units: int = Field(64, description="of every network")
    steps: int = Field(1000, description="updates of each; 0: untrained only")
    seed: int = Field(0, description="of weights and texts")
