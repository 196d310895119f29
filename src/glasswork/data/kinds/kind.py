"""The abstract kinds of inputs and of targets."""

import abc
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import torch
from torch import Tensor, nn

from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.encodings import normalise
from glasswork.data.kinds.suggestion import Suggestion
from glasswork.data.prediction import Prediction
from glasswork.errors import GlassworkError
from glasswork.record import Record
from glasswork.report.report import Score, Section

if TYPE_CHECKING:
    from glasswork.data.kinds.task import Task

TIMES = 8
"""How many times made inputs have whose rows differ in length."""

Names = tuple[str, ...]


@dataclass(frozen=True)
class Port:
    """An input or an output of an exported file.

    Attributes:
        name: as the file calls it.
        dtype: of its numbers.
        shape: with `batch` for any number of examples.
        meaning: what the numbers are, in words.
    """

    name: str
    dtype: str
    shape: tuple[str | int, ...]
    meaning: str


@dataclass(frozen=True)
class Reading:
    """Some new inputs, whose targets are unknown.

    Attributes:
        names: where each input came from.
        dataset: those that could be read, in raw units.
        problems: for each one that could not, by its place among `names`, why, in one sentence.
    """

    names: Sequence[str]
    dataset: Dataset
    problems: Mapping[int, str] = field(default_factory=dict)


class Inputs(Record, abc.ABC):
    """What a column of inputs means; frozen, and known by its `tag` in JSON.

    Attributes:
        shape: of one input as the network sees it; of rows that differ in length, the shape at one time.
        word: of the kind, in sentences.
        words: what a source of this kind holds, in words.
        trained: what a model was trained on, in words.
        preset: the preset to try first on it.
        noun: what examples are called, in the plural.
        step: what one time of an example is called, if it has times.
        file: what stands for a file of new inputs in commands.
        asked: what a model of this kind can predict for, in words.
        several: whether one file holds several examples.
        written: whether an input may be written out in place of a path.
        checked: how many examples an exported file is compared on.
        fill: what stands behind the end of a shorter row in a batch.
        kept_in: which files hold several of them: `arrays`, `tables`, or a folder of `clips`.
    """

    word: ClassVar[str]
    words: ClassVar[str]
    trained: ClassVar[str]
    preset: ClassVar[str]
    noun: ClassVar[str] = "examples"
    step: ClassVar[str] = "time"
    file: ClassVar[str]
    asked: ClassVar[str]
    several: ClassVar[bool] = False
    written: ClassVar[bool] = False
    checked: ClassVar[int] = 32
    fill: ClassVar[int] = 0
    kept_in: ClassVar[tuple[str, ...]] = ()

    if TYPE_CHECKING:  # a field of most kinds; a property here would be taken for its default

        @property
        def shape(self) -> tuple[int, ...]:
            """Shape of one input as the network sees it; of rows that differ in length, the shape at one time."""

    @abc.abstractmethod
    def zeros(self, count: int) -> Tensor:
        """`count` inputs of zeros as a network takes them, `TIMES` long if lengths differ; on the default device."""

    @abc.abstractmethod
    def describe(self, dataset: Dataset) -> str:
        """One input in words, such as `28 x 28 grey images`."""

    @abc.abstractmethod
    def port(self) -> Port:
        """What an exported file is given."""

    @classmethod
    def of(cls, task: "Task") -> Self:
        """The inputs of a task, which are of this kind.

        Raises:
            GlassworkError: if they are of another kind.
        """
        if not isinstance(task.inputs, cls):
            raise GlassworkError(f"These are {task.inputs.words}, and not {cls.words}")
        return task.inputs

    @classmethod
    def holds(cls) -> str:
        """What a source holds, and what learns from it."""
        return f"{cls.words}: use {cls.preset}"

    def suggest(self, examples: int) -> Suggestion:
        """What to train on so many examples if no preset is named."""
        return Suggestion(self.preset, self.words)

    @property
    def unit_names(self) -> tuple[str, ...]:
        """The names of the numbers of one input; empty: they have none."""
        return ()

    @property
    def fitted(self) -> bool:
        """Whether the kind says what inputs are scaled by."""
        return False

    def fit(self, dataset: Dataset, rows: Tensor) -> Self:
        """The kind with what inputs are scaled by, found on the training `rows`."""
        return self

    def scaler(self) -> nn.Module:
        """Raw inputs -> what the network takes."""
        return nn.Identity()

    def raw(self, dataset: Dataset, rows: Tensor) -> Tensor | None:
        """Some rows as an exported file takes them; None: as the network takes them."""
        return None

    def read(self, paths: Sequence[Path], task: "Task") -> Iterator[Reading]:
        """New inputs, in parts that fit into memory.

        Raises:
            GlassworkError: for a missing file, or one that does not fit.
        """
        raise GlassworkError(f"{paths[0]} cannot be read as {self.words} without the system for them")

    def unlike(self, paths: Sequence[Path]) -> tuple[str, ...] | None:
        """What in new inputs is not as in training, a sentence each; None: reading them says it."""
        return ()

    def arrays(self, numbers: Any) -> Tensor:
        """Numbers in raw units, an array or tensor, as a column holds them.

        Raises:
            GlassworkError: for another shape, or values that do not fit.
        """
        raise self._without_features()

    def require_features(self) -> None:
        """Refuses to look for features in what is neither images nor rows of numbers.

        Raises:
            GlassworkError: naming what the model takes.
        """
        raise self._without_features()

    def _without_features(self) -> GlassworkError:
        return GlassworkError(
            f"Features and attributions need images or rows of numbers, and this model takes {self.word}: "
            "leave them out"
        )

    def require_images(self, network: str) -> None:
        """Refuses inputs that a network for images does not take.

        Raises:
            GlassworkError: naming the network.
        """
        raise GlassworkError(f"{network} is a network for images, and these examples are rows of numbers: use mlp")

    def require_augmentation(self) -> None:
        """Refuses to augment what is no image.

        Raises:
            GlassworkError: saying what to do.
        """
        raise GlassworkError("Augment works on images, and these examples are rows of numbers: leave it out")

    def read_images(self, sources: Sequence[str]) -> tuple[Tensor, dict[int, str]]:
        """Image files in raw units, and for each that cannot be read its place and why.

        Raises:
            GlassworkError: for a network that takes no images.
        """
        raise GlassworkError(f"This model takes no images: it was trained on {self.trained}")

    def like(self, options: ReadingOptions, task: "Task") -> ReadingOptions:
        """How a source is read whose inputs are to be of this very kind.

        Args:
            options: what else is asked for.
            task: that the inputs belong to.
        """
        return replace(options, like=task, classes_known=True)

    def align(self, dataset: Dataset) -> Tensor | None:
        """The inputs of newly read examples as a model of this kind takes them; None: they are of another kind or size.

        Raises:
            GlassworkError: for a missing column, or data that has changed.
        """
        found = dataset.task.inputs
        return dataset.columns["inputs"] if type(found) is type(self) and found.shape == self.shape else None

    def picture(self, dataset: Dataset, row: int) -> Tensor | None:
        """One input as a picture, uint8 (1 or 3, height, width); None: it is none."""
        return None

    def suspicions(self, dataset: Dataset, training: Tensor) -> list[str]:
        """What looks as if it told the target, a sentence each.

        Args:
            dataset: all examples.
            training: the rows to look at, int64.
        """
        return []

    def remarks(self, dataset: Dataset) -> tuple[str, ...]:
        """What a reader should know of how a source was read, a sentence each."""
        return tuple(sentence.removesuffix(".") for sentence in dataset.skipped)

    @property
    def image_shape(self) -> tuple[int, int, int] | None:
        """Channels, height and width of images; None: these are none."""
        return None


class Target(Record, abc.ABC):
    """What a column of targets means; frozen, and known by its `tag` in JSON.

    Attributes:
        word: of the kind, in sentences.
        kinds: what a user may call such targets.
        what: what such targets are, in words.
        main: the metric that people ask for first.
        losses: the names of the losses that fit; the first is the default.
        unit: what examples are counted in, in the plural.
        inside: whether the targets lie in the inputs themselves.
        least: how many examples it takes to measure anything.
    """

    word: ClassVar[str]
    kinds: ClassVar[tuple[str, ...]] = ()
    what: ClassVar[str]
    main: ClassVar[str] = "loss"
    losses: ClassVar[tuple[str, ...]]
    unit: ClassVar[str] = "examples"
    inside: ClassVar[bool] = False
    least: ClassVar[int] = 1

    names: Names

    @classmethod
    def of(cls, task: "Task") -> Self:
        """The target of a task, which is of this kind.

        Raises:
            GlassworkError: if it is of another kind.
        """
        if not isinstance(task.target, cls):
            raise GlassworkError(f"These targets are {task.target.what}, and not {cls.what}")
        return task.target

    @abc.abstractmethod
    def describe(self, task: "Task") -> str:
        """What is predicted, in words."""

    @abc.abstractmethod
    def ports(self) -> tuple[Port, ...]:
        """What an exported file answers."""

    @abc.abstractmethod
    def parse(self, word: str | float) -> Tensor:
        """What one example should have been answered, as the loss takes it.

        Args:
            word: the name of a class, several with commas between, or a number (or several) in the target's own units.

        Raises:
            GlassworkError: for a class that the model does not have, what is no number, or too few of them.
        """

    @property
    def classes(self) -> Names:
        """The names of the classes that outputs are scores of; empty: outputs are numbers."""
        return self.names

    def output_shape(self, count: int) -> tuple[int, ...]:
        """What a network answers to `Inputs.zeros(count)`."""
        return (count, len(self.names))

    def accepts(self, shape: tuple[int, ...], count: int) -> bool:
        """Whether a network's outputs for `Inputs.zeros(count)` may have this shape."""
        return shape == self.output_shape(count)

    def fit(self, dataset: Dataset, rows: Tensor) -> Self:
        """The kind with what targets are scaled by, found on the training `rows`."""
        return self

    def scaler(self) -> "TargetScaler":
        """Raw targets -> what the loss takes, and back."""
        return TargetScaler()

    def align(self, dataset: Dataset) -> Tensor | None:
        """The targets of newly read examples in the kind and order of this one; None: they do not fit.

        Raises:
            GlassworkError: for a class that the model does not know.
        """
        return dataset.columns["targets"] if dataset.task.target == self else None

    def strata(self, dataset: Dataset, rows: Tensor) -> Tensor:
        """A number for each of the rows, int64, equal for rows that are alike; a split spreads these evenly."""
        return torch.zeros(len(rows), dtype=torch.int64)

    def counts(self, dataset: Dataset, rows: Tensor) -> Tensor | None:
        """How many of the rows are of each class, int64 (classes,); None: there are no classes."""
        return None

    def class_sizes(self, dataset: Dataset, rows: Tensor) -> Tensor | None:
        """The same, if every row is of exactly one class; else None."""
        return None

    def class_of(self, dataset: Dataset, row: int) -> str:
        """The name of the one class of an example; empty if it has none or several."""
        return ""

    def imbalance(self, counts: Tensor) -> float:
        """The most frequent class over the rarest, by `counts` of each; 1 if classes do not exclude each other."""
        return 1.0

    def require_balance(self) -> None:
        """Refuses to weigh classes that examples do not have one each of.

        Raises:
            GlassworkError: saying what to do.
        """
        raise GlassworkError("class_weights balances targets that are one class each: leave it out")

    def span(self, targets: Tensor) -> tuple[float, float] | None:
        """The least and the greatest number among targets; None: these are no numbers."""
        return None

    def largest_error(self, outputs: Tensor, targets: Tensor) -> dict[str, float]:
        """The largest error of a number, by the name of the figure; empty if targets are no numbers."""
        return {}

    def share_right(self, outputs: Tensor, targets: Tensor) -> float | None:
        """The share of rows whose numbers are all on the right side of 1/2; None: targets are not numbers 0 and 1."""
        return None

    def separate(self, targets: Tensor, columns: Sequence[str]) -> list[tuple[str, Tensor, int]]:
        """Each thing to predict alone: name, values (rows,), and number of classes, 0 for numbers.

        Args:
            targets: of some rows.
            columns: of the table that they stood in.
        """
        return []

    def measure(self, outputs: Tensor, targets: Tensor, loss: str) -> dict[str, float]:
        """Named metrics of outputs (rows, outputs) against raw targets, over all rows at once.

        Args:
            outputs: a network's, numbers in the target's own units.
            targets: as their column holds them.
            loss: what the network was trained with, which says how its outputs read.

        Raises:
            GlassworkError: for no rows, or a loss that does not fit.
        """
        raise GlassworkError(f"Targets that are {self.what} are evaluated by the system for them")

    def report(
        self, outputs: Tensor, dataset: Dataset, training: Tensor, rows: Tensor, where: str, loss: str
    ) -> tuple[Score, list[Section]]:
        """The main figure on some rows, and the sections of a report about them.

        Args:
            outputs: the network's, (rows, outputs), numbers in the target's own units.
            dataset: all examples.
            training: rows that were trained on, for the baseline.
            rows: those that the outputs are about.
            where: which split they are, in words.
            loss: what the network was trained with.
        """
        value = self.measure(outputs, dataset.columns["targets"][rows], loss)[self.main]
        return Score(self.main, value, in_percent=False), []

    def count(self, dataset: Dataset, rows: Tensor) -> int:
        """How much there is to learn from at `rows`, in `unit`."""
        return len(rows)

    def predict(self, outputs: Tensor, names: Sequence[str], loss: str) -> list[Prediction]:
        """What a network's outputs say about each example.

        Args:
            outputs: (rows, outputs), numbers in the target's own units.
            names: where each row came from.
            loss: what the network was trained with, which says how its outputs read as probabilities.
        """
        raise GlassworkError(f"Targets that are {self.what} are described by the system for them")

    def answers(self, outputs: Tensor, loss: str) -> tuple[Tensor, ...]:
        """What an exported file answers, one for each of `ports`: unscaled outputs, and their probabilities."""
        return outputs, self.probabilities(outputs, loss)

    def readout(self, outputs: Tensor, loss: str) -> Tensor:
        """A network's outputs as people read them: probabilities, or numbers in their own units."""
        return self.probabilities(outputs, loss)

    def probabilities(self, outputs: Tensor, loss: str) -> Tensor:
        """What a network's outputs say as probabilities; the order of the outputs is kept.

        Raises:
            GlassworkError: for numbers, which have none, or a loss that does not fit.
        """
        raise GlassworkError("Targets that are numbers have no probabilities; read the scores themselves.")

    def require_rows(self, outputs: Tensor) -> None:
        """Refuses to measure nothing.

        Raises:
            GlassworkError: for no rows.
        """
        if not len(outputs):
            raise GlassworkError("There are no examples to evaluate on. Hold out a larger share of the data.")

    def require_loss(self, loss: str) -> None:
        """Refuses a loss that cannot be computed for targets of this kind.

        Raises:
            GlassworkError: naming the losses that can.
        """
        if loss not in self.losses:
            fitting = ", ".join(self.losses)
            raise GlassworkError(f"The loss {loss} does not fit targets that are {self.what}; choose from {fitting}.")

    def place(self, name: str) -> int:
        """The number of a class.

        Raises:
            GlassworkError: if the model does not have it.
        """
        names = [normalise(each) for each in self.names]
        if normalise(name) not in names:
            raise GlassworkError(f"'{name}' is not a class of this model; its classes are {', '.join(self.names)}")
        return names.index(normalise(name))


class TargetScaler(nn.Module):
    """Raw targets to what the loss takes, and a network's outputs to the target's own units; here: as they are."""

    def forward(self, raw: Tensor) -> Tensor:
        """Targets as the loss takes them."""
        return raw

    def inverse(self, outputs: Tensor) -> Tensor:
        """A network's outputs in the target's own units."""
        return outputs


class Affine(nn.Module):
    """Scales inputs by mean and deviation: (raw / unit - mean) / deviation, float32; 0 where the deviation is 0.

    Args:
        mean: per channel or feature; empty: 0.
        deviation: per channel or feature; empty: 1.
        pictures: whether these are images, values from 0 to 255 with channels third from last.
    """

    def __init__(self, mean: Sequence[float], deviation: Sequence[float], pictures: bool = False) -> None:
        super().__init__()
        unit = 255.0 if pictures else 1.0
        means, deviations = torch.tensor(mean or (0.0,)), torch.tensor(deviation or (1.0,))
        shape = (-1, 1, 1) if pictures else (-1,)
        varies = deviations > 0
        self.register_buffer("factor", torch.where(varies, 1 / (unit * deviations), 0.0).view(shape))
        self.register_buffer("shift", torch.where(varies, -means / deviations, 0.0).view(shape))

    def forward(self, raw: Tensor) -> Tensor:
        """Scaled float32 inputs."""
        return torch.addcmul(self.shift, raw.to(torch.float32), self.factor)  # type: ignore[arg-type]


def new_inputs(inputs: Tensor, task: "Task", names: Sequence[str]) -> Dataset:
    """New inputs, in raw units, as examples whose targets are unknown."""
    unknown = torch.zeros(len(inputs), dtype=torch.int64)
    return Dataset({"inputs": inputs, "targets": unknown}, task, "predict", tuple(names))


def as_numbers(tensor: Tensor) -> tuple[float, ...]:
    """A tensor's values as plain numbers."""
    return tuple(float(value) for value in tensor)


def moments(numbers: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each column of float64 numbers; a constant one keeps deviation 1."""
    mean, deviation = numbers.mean(0), numbers.std(0, correction=0)
    return mean, torch.where(deviation > 1e-12 * mean.abs(), deviation, 1.0)


def image_moments(images: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Per-channel mean and deviation of images / 255; of uint8 from how often each of the 256 values occurs."""
    sample = rows if len(rows) <= 20_000 else rows[:: len(rows) // 20_000 + 1]
    if images.dtype.is_floating_point:
        sums = torch.zeros(2, images.shape[1], dtype=torch.float64)
        for start in range(0, len(sample), 256):
            some = images[sample[start : start + 256]].double() / 255
            sums += torch.stack([some.sum((0, 2, 3)), some.square().sum((0, 2, 3))])
        mean, square = sums / (len(sample) * images[0, 0].numel())
        deviation = (square - mean.square()).clamp_min(0).sqrt()
        return mean, torch.where(deviation > 1e-9, deviation, 1.0)
    values = torch.arange(256, dtype=torch.float64) / 255
    counts = torch.stack(
        [torch.bincount(images[sample, c].flatten(), minlength=256) for c in range(images.shape[1])]
    ).to(torch.float64)
    share = counts / counts.sum(1, keepdim=True)
    mean = share @ values
    deviation = (share @ values.square() - mean.square()).clamp_min(0).sqrt()
    return mean, torch.where(deviation > 1e-6, deviation, 1.0)


def listed(words: Sequence[str], most: int = 10) -> str:
    """The first of some words, with dots if there are more."""
    return ", ".join(words[:most]) + (", ..." if len(words) > most else "")


def rank(probabilities: Tensor, names: Sequence[str]) -> list[dict[str, float]]:
    """For each row of (rows, classes) the probability of every class, most probable first."""
    # All rows at once: asking for a thousand classes one by one takes longer than the network.
    values, order = (found.tolist() for found in probabilities.sort(1, descending=True))
    return [
        {names[place]: value for place, value in zip(places, row, strict=True)}
        for places, row in zip(order, values, strict=True)
    ]
