"""Why convolution: shallow against deep, and dense against convolutional on shifted and scaled images."""

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from glasswork.data.augmentation import framed, scaled, shifted
from glasswork.data.dataset import Dataset, fingerprints
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.kind import Inputs, Target
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.require import require
from glasswork.data.kinds.task import Task
from glasswork.data.oriented_gradients import oriented_gradients
from glasswork.data.splits import Splits, split
from glasswork.errors import GlassworkError
from glasswork.execution import Execution, usable_cores
from glasswork.glassbox.cost.count import count
from glasswork.recipe.base import Machine, seconds
from glasswork.report.blocks import Curves, Line, Table, Text
from glasswork.report.report import Report, Section
from glasswork.run.in_memory import fit_in_memory
from glasswork.run.prepare import read
from glasswork.run.request import Request, make_request
from glasswork.studies.options import WhyConvolutionOptions
from glasswork.studies.study import Progress, Running
from glasswork.systems.evaluation import outputs_on
from glasswork.systems.supervised.recipe import SupervisedRecipe

SHIFTS = (0, 1, 2, 3, 4, 6, 8)
SCALES = (0.6, 0.8, 1.0, 1.25, 1.5)
REACH = 8
JUDGED = 600  # test images; the standard error of an accuracy of 90 % is then 1.2 %
AUGMENTED = ("crop:8", "scale:0.4")
NETWORKS: dict[str, tuple[dict[str, Any], int, float]] = {
    "dense network": ({"network": "dense", "hidden": (256, 128)}, 20, 0.1),
    "LeNet": ({"network": "lenet"}, 12, 0.1),
    "convolutions throughout": ({"network": "convnet-small", "hidden": (16, 32, 64)}, 12, 0.3),
}
"""Name of each network, the recipe's fields that make it, its epochs, and its share of a budget, with either data."""
SHALLOW = "HOG and linear SVM"
ARCHITECTURES = (
    ("a dense layer of 1,000 units", "256x256x3 fc1000"),
    ("a convolution with 64 filters of 5x5", "256x256x3 conv5x5x64"),
    ("a convolution with 1,000 filters of 5x5", "256x256x3 conv5x5x1000"),
    ("VGG-16's convolutions, all 13", ""),
)
VGG16 = "256x256x3 " + " pool2 ".join(
    " ".join([f"conv3x3x{maps}"] * times) for maps, times in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
)
READING = (
    "Every method learns from the same centred images. It is then tested on test images as they are, on the same "
    "moved by some pixels in a random direction, and on the same images made smaller and larger. LeNet has "
    "convolutions with dense layers over their maps, which distinguish places; convolutions throughout take "
    "the greatest value of each map, wherever it stands."
)
COUNTING = (
    "A dense layer has a weight for every pixel and unit. A convolution uses the same few at every place, so "
    "that their number does not depend on the size of the image (Kolter: 256 x 256 in colour are 200 K inputs)."
)
ON_SHALLOW = (
    "Histograms of oriented gradients with a linear support vector machine are hand-designed features with one "
    "learned layer on top; the others learn their features too."
)
DRAWN = {"convolutions throughout": "convolutions", "dense network": "dense", "LeNet": "LeNet"}
"""Methods in the order of the lines' strength, and their names beside the lines; the tables have all methods."""
TRAINING = {False: "Trained on centred images", True: "Also trained on shifted and scaled images"}


class Compared:
    """What the networks are compared on."""

    takes: ClassVar[tuple[type[Inputs], ...]] = (Images,)
    answers: ClassVar[tuple[type[Target], ...]] = (OneClass,)
    wanted: ClassVar[tuple[str, str]] = ("Convolutions are compared on images with one class each",) * 2


@dataclass(frozen=True)
class Judged:
    """One method on all places and sizes.

    Attributes:
        method: its name.
        augmented: whether it was trained on shifted and scaled images as well as on centred ones.
        parameters: how many numbers were learned.
        shifts: accuracy by how many pixels the test images were moved.
        scales: accuracy by how much they were enlarged.
        seconds: of training.
    """

    method: str
    augmented: bool
    parameters: int
    shifts: tuple[tuple[float, float], ...]
    scales: tuple[tuple[float, float], ...]
    seconds: float

    @property
    def centred(self) -> float:
        """Accuracy on test images as they are."""
        return self.shifts[0][1]


@dataclass(frozen=True)
class Counted:
    """A layer on an image of 256 x 256 pixels in three colours: its weights and its multiplications."""

    layer: str
    parameters: int
    multiply_adds: int


@dataclass(frozen=True)
class WhyConvolution:
    """The two comparisons.

    Attributes:
        data: what was trained on.
        side: of the images, with the ground around them.
        training, judged: how many examples train and are judged.
        methods: shallow first, each network without and with augmentation.
        counted: parameters at 256 x 256 x 3 (Kolter, "fully connected networks on images").
    """

    data: str
    side: tuple[int, int]
    training: int
    judged: int
    methods: Sequence[Judged]
    counted: Sequence[Counted]

    def to_json(self) -> dict[str, Any]:
        """The same as plain JSON types."""
        return asdict(self)

    def verdict(self) -> str:
        """What the tables say, in words."""
        plain = {one.method: dict(one.shifts) for one in self.methods if not one.augmented}
        far = max(next(iter(plain.values())))
        said = [f"{method} falls from {_percent(at[0.0])} to {_percent(at[far])}" for method, at in plain.items()]
        return f"Moved by {far:.0f} pixels, and trained on centred images alone: {'; '.join(said)}."

    def report(self) -> Report:
        """Accuracy against shift and size, shallow against deep, and the parameters of layers."""
        height, width = self.side
        asked = f"{self.training:,} training images, {self.judged:,} judged, each on {height} x {width} pixels."
        methods = _methods(self)
        counted = Table(
            ("layer", "parameters", "multiply-adds"),
            [(one.layer, f"{one.parameters:,}", f"{one.multiply_adds:,}") for one in self.counted],
        )
        weights = "A convolution has the same weights at every place; a dense network must learn each place on its own."
        return Report(
            f"Why convolution: {self.data}",
            [
                Section(
                    "Accuracy against the shift",
                    READING,
                    [*(_chart(self, after, "shifts", "pixels moved") for after in (False, True)), Text(weights)],
                ),
                Section(
                    "Accuracy against the size",
                    "No layer here knows anything about sizes: what the networks know about them comes from the "
                    "examples.",
                    [_chart(self, after, "scales", "size in percent") for after in (False, True)],
                ),
                Section("Shallow against deep", ON_SHALLOW, [methods]),
                Section("Parameters at 256 x 256 x 3", COUNTING, [counted]),
            ],
            verdict=f"{self.verdict()} {asked}",
            summary=[methods, Text(f"{READING} {ON_SHALLOW}"), counted, Text(self.verdict())],
            footer="Drawn by Glasswork from the answers of every network.",
        )


@dataclass(frozen=True)
class Comparison:
    """A comparison made ready; `steps` carries it out.

    Attributes:
        dataset: on a ground that is larger by `REACH` on each side.
        splits: the same rows for every method.
        budget: seconds for all networks together; None: the epochs of `NETWORKS`.
        seed: of weights, batches and directions.
    """

    dataset: Dataset
    splits: Splits
    budget: float | None
    seed: int

    def steps(self) -> Running[WhyConvolution]:
        """Trains every method."""
        execution = Execution("cpu", usable_cores(), memory_format="channels-last")
        execution.apply()
        yield Progress(words=SHALLOW)
        judged = [self._shallow()]
        asked = [(name, augmented) for name in NETWORKS for augmented in (False, True)]
        for place, (name, augmented) in enumerate(asked):
            words = f"{name}, {'shifted and scaled' if augmented else 'centred'} images"
            yield Progress(place + 0.2, len(asked) + 0.2, words)
            judged.append(self._network(name, augmented, execution))
        yield Progress(1.0)
        height, width = self.dataset.task.inputs.shape[1:]
        sizes = len(self.splits.training), len(self.splits.test)
        return WhyConvolution(self.dataset.source, (height, width), *sizes, judged, count_layers())

    def _shallow(self) -> Judged:
        """Histograms of oriented gradients and a linear support vector machine (Dalal and Triggs 2005)."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.svm import LinearSVC

        side = min(self.dataset.task.inputs.shape[1:])
        cell = 4 if side <= 64 else 8
        inputs, targets = self.dataset.columns["inputs"], self.dataset.columns["targets"]
        classifier = LinearSVC(C=0.1, dual=True, random_state=self.seed)
        rows = torch.cat([self.splits.training, self.splits.validation])
        began = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the last digits of the margin change no answer
            classifier.fit(oriented_gradients(inputs[rows], cell).numpy(), targets[rows].numpy())
        seconds = time.perf_counter() - began

        def right(images: Tensor, wanted: Tensor) -> float:
            return float((classifier.predict(oriented_gradients(images, cell).numpy()) == wanted.numpy()).mean())

        parameters = classifier.coef_.size + classifier.intercept_.size
        return self._judge(SHALLOW, False, parameters, seconds, right)

    def _network(self, name: str, augmented: bool, execution: Execution) -> Judged:
        values, epochs, share = NETWORKS[name]
        length = {"epochs": epochs} if self.budget is None else {"budget": self.budget * share}
        words = AUGMENTED if augmented else ()
        recipe = SupervisedRecipe.parse({**values, **length, "augment": words, "seed": self.seed})
        began = time.perf_counter()
        request = Request("own", recipe, {}, Machine.parse({}))
        fitted = fit_in_memory(request, self.dataset, self.splits, execution)
        seconds = time.perf_counter() - began

        def right(images: Tensor, wanted: Tensor) -> float:
            columns = {"inputs": images, "targets": wanted}
            asked = replace(fitted.dataset, columns=columns, names=())
            scores = outputs_on(fitted.network.eval(), asked, torch.arange(len(wanted)), execution)
            return float((scores.argmax(1) == wanted).float().mean())

        parameters = sum(parameter.numel() for parameter in fitted.network.parameters())
        return self._judge(name, augmented, parameters, seconds, right)

    def _judge(
        self, method: str, augmented: bool, parameters: int, seconds: float, right: Callable[[Tensor, Tensor], float]
    ) -> Judged:
        rows = self.splits.test
        images, wanted = self.dataset.columns["inputs"][rows], self.dataset.columns["targets"][rows]
        shifts = tuple((float(pixels), right(shifted(images, pixels, self.seed), wanted)) for pixels in SHIFTS)
        scales = tuple((factor, right(scaled(images, factor), wanted)) for factor in SCALES)
        return Judged(method, augmented, parameters, shifts, scales, seconds)


def why_convolution(options: WhyConvolutionOptions) -> Running[WhyConvolution]:
    """Compares shallow with deep, and dense with convolutional networks on shifted and scaled images.

    Raises:
        GlassworkError: for data that are not images of one class each, or images too small.
    """
    comparison = prepare(options.data, _seconds(options.budget), options.size, options.seed)
    return (yield from comparison.steps())


def _seconds(budget: object) -> float | None:
    try:
        found = seconds(budget)
    except ValueError as error:
        raise GlassworkError(f"--budget {budget} does not fit: {error}") from None
    if isinstance(found, int | float) and found <= 0:
        raise GlassworkError("--budget has to be more than 0, such as 60s")
    return float(found) if isinstance(found, int | float) else None


def prepare(data: str = "mnist-5k", budget: float | None = None, size: int | None = None, seed: int = 0) -> Comparison:
    """Makes the comparison ready: the images on a larger ground, at most 600 of the test images judged.

    Raises:
        GlassworkError: for data that are not images of one class each, or images too small.
    """
    asked = make_request("lenet", {"data": data, "size": size, "seed": seed} if size else {"data": data, "seed": seed})
    dataset = read(asked)
    require(dataset, Compared, f"{data} holds")
    if min(dataset.task.inputs.shape[1:]) < 8:
        raise GlassworkError(f"The images of {data} are too small: this comparison needs at least 8 x 8 pixels")
    splits = split(dataset, asked.learning.validation, asked.learning.test, seed)
    picked = torch.randperm(len(splits.test), generator=torch.Generator().manual_seed(seed))[:JUDGED]
    splits = replace(splits, test=splits.test[picked])
    inputs = framed(dataset.columns["inputs"], REACH)
    channels, height, width = inputs.shape[1:]
    columns = {"inputs": inputs, "targets": dataset.columns["targets"], "fingerprints": fingerprints(inputs)}
    task = Task(replace(Images.of(dataset.task), shape=(channels, height, width)), dataset.task.target)
    return Comparison(replace(dataset, columns=columns, task=task), splits, budget, seed)


def count_layers() -> tuple[Counted, ...]:
    """The layers of `ARCHITECTURES` counted on an image of 256 x 256 pixels in three colours."""
    found = [(layer, count(words or VGG16)) for layer, words in ARCHITECTURES]
    return tuple(Counted(layer, one.parameters, one.multiply_adds) for layer, one in found)


def _chart(found: WhyConvolution, augmented: bool, kind: str, across: str) -> Curves:
    factor = 100 if kind == "scales" else 1
    curves = {one.method: getattr(one, kind) for one in found.methods if one.augmented is augmented}
    lines = [Line(name, [(factor * x, y) for x, y in curves[method]]) for method, name in DRAWN.items()]
    return Curves(TRAINING[augmented], lines, across, in_percent=True)


def _methods(found: WhyConvolution) -> Table:
    first = found.methods[0]
    shifts = [f"moved {x:.0f}" for x, _ in first.shifts[1:] if x in (4, 8)]
    scales = [f"size {100 * x:.0f} %" for x, _ in first.scales if x in (0.6, 1.5)]
    rows = [
        [
            "- also trained on shifted images" if one.augmented else one.method,
            f"{one.parameters:,}",
            _percent(one.centred),
            *(_percent(y) for x, y in one.shifts[1:] if x in (4, 8)),
            *(_percent(y) for x, y in one.scales if x in (0.6, 1.5)),
        ]
        for one in found.methods
    ]
    return Table(["method", "parameters", "as is", *shifts, *scales], rows)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
