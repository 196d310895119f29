"""Ways to learn from few pictures, compared on the same splits (Kovashka, "Transfer learning"; Yosinski et al. 2014).

From scratch; a frozen trained network with a new head; the same with its last stage tuned at a lower rate; and, the
slide's fourth, the frozen features with a support vector machine or logistic regression.
"""

import math
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from glasswork.data.dataset import Dataset
from glasswork.data.folds import Fold, Groups, groups_by_name, hold_out, make_folds, stem
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.kind import Inputs, Target
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.require import require
from glasswork.data.splits import Splits
from glasswork.errors import GlassworkError
from glasswork.execution import Execution, choose_device, mixed, usable_cores
from glasswork.networks.weights import input_images
from glasswork.recipe.base import Machine
from glasswork.report.blocks import Block, Commands, Curves, Facts, Hue, Interval, Intervals, Line, Table, Text
from glasswork.report.report import Headline, Report, Section
from glasswork.report.words import short_duration
from glasswork.run.in_memory import fit_in_memory
from glasswork.run.request import Request
from glasswork.studies.cv_split import copies
from glasswork.studies.intervals import Estimate, estimate, share_estimate
from glasswork.studies.options import TransferOptions
from glasswork.studies.study import Progress, Running
from glasswork.systems.transfer.recipe import TRANSFER, TransferRecipe
from glasswork.systems.transfer.system import HEAD_EPOCHS, Transfer

SCRATCH, FROZEN, FINE_TUNED, SVM, LOGISTIC = "scratch", "frozen", "fine-tuned", "features-svm", "features-logistic"
WAYS = (SCRATCH, FROZEN, FINE_TUNED, SVM, LOGISTIC)
SHARES = (0.05, 0.1, 0.25, 0.5)
LEAST_SPLITS = 3
HELD_OUT = 0.1  # of the training groups, to choose strengths by
SIDE = 160
LONGER = 8  # how many times as many epochs fewer pictures may have at most
STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1)  # C, what the errors are multiplied by beside |w|^2 / 2
PLAIN = {"precision": "float32", "memory_format": "channels-last"}
BASE = "frozen"
READING = (
    "All methods were trained and judged on the same images in every split{sides}. Intervals hold "
    "with 95 % confidence (Student's t, with the variance of Nadeau and Bengio 2003, as the training parts overlap)."
)
DOTS = "Grey dots are single splits; the dashed line is always predicting the largest class, or no difference."
HEAD = ("way", "accuracy", "95 % interval", f"against {BASE}", "time")
CURVE = "Accuracy by number of training images"


NO_ROWS = torch.zeros(0, dtype=torch.int64)


class Compared:
    """What the ways are compared on."""

    takes: ClassVar[tuple[type[Inputs], ...]] = (Images,)
    answers: ClassVar[tuple[type[Target], ...]] = (OneClass,)
    wanted: ClassVar[tuple[str, str]] = ("Methods of transfer are compared on images with one class each",) * 2


@dataclass(frozen=True)
class Way:
    """How good one way is.

    Attributes:
        name: one of `WAYS`.
        sentence: what was done.
        accuracy: over the splits.
        seconds: to train and judge, of all splits together; features were computed before.
    """

    name: str
    sentence: str
    accuracy: Estimate
    seconds: float


@dataclass(frozen=True)
class Difference:
    """How much more often the first of two ways is right than the second, on the same splits."""

    first: str
    second: str
    accuracy: Estimate

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.accuracy.low > 0 or self.accuracy.high < 0


@dataclass(frozen=True)
class CurvePoint:
    """One way with one number of training pictures; the number is the mean over the splits."""

    way: str
    examples: float
    accuracy: Estimate


@dataclass(frozen=True)
class TransferCompared:
    """What the splits say.

    Attributes:
        data: where the pictures are.
        classes: their classes.
        network, weights, size: what the trained network is, and the side of its pictures.
        examples: pictures in all.
        largest_class: the share of them that answering the largest class each time gets right.
        groups: how many things they show; 0 if it is not known which belong together.
        splits: how often they were divided.
        ways: in the order of `WAYS`.
        differences: of every two ways.
        curve: by the number of training pictures; empty where it was not asked for.
        feature_seconds: to compute the features of all pictures, or to fetch them from the cache.
        remarks: sentences about how it was done.
    """

    data: str
    classes: tuple[str, ...]
    network: str
    weights: str
    size: int
    examples: int
    largest_class: float
    groups: int
    splits: int
    ways: tuple[Way, ...]
    differences: tuple[Difference, ...]
    curve: tuple[CurvePoint, ...]
    feature_seconds: float
    remarks: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As plain JSON types; `ways` is a dictionary by name, each with `accuracy` and its `interval`."""
        found = asdict(self)
        found["ways"] = {
            way.name: {"sentence": way.sentence, **_figure(way.accuracy), "seconds": round(way.seconds, 2)}
            for way in self.ways
        }
        found["differences"] = [
            {"first": one.first, "second": one.second, **_figure(one.accuracy), "clear": one.clear}
            for one in self.differences
        ]
        found["curve"] = [{"way": p.way, "examples": p.examples, **_figure(p.accuracy)} for p in self.curve]
        return found

    def reading(self) -> str:
        """How the figures came about."""
        return READING.format(sides="; images of one thing are on the same side" if self.groups else "")

    def verdict(self) -> str:
        """What the intervals allow to say, in words."""
        apart = self.against_base()
        kinds = (
            (f"clearly above {BASE}", [one for one in apart if one.clear and one.accuracy.mean > 0]),
            (f"clearly below {BASE}", [one for one in apart if one.clear and one.accuracy.mean < 0]),
            (f"no clear difference from {BASE} in these splits", [one for one in apart if not one.clear]),
        )
        said = [
            f"{words}: {', '.join(f'{one.first} ({_points(one.accuracy.mean)})' for one in those)}"
            for words, those in kinds
            if those
        ]
        return f"In points of accuracy, {'; '.join(said)}."

    def against_base(self) -> list[Difference]:
        """How much more often each other way is right than the frozen one, with the interval the same way round."""
        found = {one.first: one for one in self.differences if one.second == BASE}
        for one in self.differences:
            if one.first == BASE:
                mean, low, high = -one.accuracy.mean, -one.accuracy.high, -one.accuracy.low
                turned = Estimate(mean, low, high, tuple(-value for value in one.accuracy.splits))
                found[one.second] = Difference(one.second, BASE, turned)
        return [found[way.name] for way in self.ways if way.name in found]

    def command(self) -> str:
        """What trains a network for use."""
        accuracy = {way.name: way.accuracy.mean for way in self.ways}
        best = max((BASE, "fine-tuned"), key=lambda name: accuracy[name])
        weights = f" --weights {self.weights}" if self.weights != self.network else ""
        network = f" --network {self.network}" if self.network != "efficientnet-lite0" else ""
        return f"glasswork train transfer --data {self.data} --mode {best}{network}{weights} --size {self.size}"

    def report(self) -> Report:
        """The ways with their intervals, their differences from the frozen one, and the curve by amount of data."""
        best = max(self.ways, key=lambda way: way.accuracy.mean)
        rows, command, by_amount = _rows(self), self.command(), _by_amount(self)
        remarks = [Text(f"note: {remark}") for remark in self.remarks]
        return Report(
            f"Transfer on {self.data}",
            [
                Section("The ways", f"{self.reading()} {DOTS}", _intervals(self)),
                Section("What was done", "", [Facts([(way.name, way.sentence) for way in self.ways])]),
                Section("In numbers", "Time is of all splits together.", [Table(HEAD, rows)]),
                Section(
                    "By amount of data",
                    "The slide's rule: with few examples freeze all but the head, with more tune more of the network. "
                    f"{FINE_TUNED} tunes the last stage, {FINE_TUNED}-2 the last two, {FINE_TUNED}-all every one.",
                    [Curves(CURVE, _curves(self), "training pictures", in_percent=True), *by_amount],
                ),
                Section("The pictures", "", [Facts(_facts(self)), *map(Text, self.remarks)]),
                Section("What to try next", "", [Commands([(command, "")])]),
            ],
            headline=Headline(_percent(best.accuracy.mean), f"right answers: {best.name}"),
            verdict=self.verdict(),
            summary=[
                Table(HEAD, rows),
                Text(self.verdict()),
                Text(self.reading()),
                *by_amount,
                *remarks,
                Commands([(command, "")]),
            ],
            footer="Drawn by Glasswork from the answers of every network.",
        )


@dataclass
class TransferComparison:
    """A comparison made ready: data read, pictures divided; `steps` carries it out.

    Attributes:
        recipes: of the ways that train a network.
        dataset: pictures of each side that a way needs, in the same order.
        groups: which pictures belong together; None if unknown.
        folds: who trains and who judges.
        shares: of the training pictures, for the curve.
        execution: how the arithmetic is carried out.
        remarks: sentences about how it is done.
        right: of each way and share of the training pictures: accuracy, split by split.
        seconds: of each way.
    """

    recipes: Mapping[str, TransferRecipe]
    dataset: Mapping[str, Dataset]
    groups: Groups | None
    folds: Sequence[Fold]
    shares: Sequence[float]
    execution: Execution
    remarks: list[str]
    features: Dataset | None = None
    feature_seconds: float = 0.0
    right: dict[tuple[str, float], list[float]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def curve_ways(self) -> tuple[str, ...]:
        """The ways of the curve: from scratch, frozen, and tuned to each depth."""
        return (SCRATCH, *(way for way in self.recipes if way != SCRATCH))

    def steps(self) -> Iterator[Progress[TransferCompared]]:
        """Trains and judges every way on every split."""
        self.execution.apply()
        yield Progress(words="features of all pictures")
        began = time.monotonic()
        self.features = self._compute_features()
        self.feature_seconds = time.monotonic() - began
        deeper = [way for way in self.curve_ways if way not in WAYS]
        jobs = [(way, 1.0) for way in (*WAYS, *deeper)]
        jobs += [(way, share) for share in self.shares for way in self.curve_ways]
        total, done = len(jobs) * len(self.folds), 0
        for number in range(len(self.folds)):
            for way, share in jobs:
                part = "" if share == 1 else f" with {100 * share:g} % of the training pictures"
                yield Progress(done, total, f"split {number + 1} of {len(self.folds)}: {way}{part}")
                self._carry_out(way, share, number)
                done += 1
        yield Progress(total, total)

    def _compute_features(self) -> Dataset:
        """The features of all pictures, scaled in one way for all splits, so that no split computes them again."""
        system, dataset = Transfer(self.recipes[FROZEN]), self.dataset[FROZEN]
        task = system.fit(dataset, torch.arange(len(dataset)))
        self.dataset = {way: each if way == SCRATCH else each.with_task(task) for way, each in self.dataset.items()}
        network = system.pretrained(task)
        self.execution.place(network)
        return system.features(network, self.dataset[FROZEN], self.execution)

    def division(self, number: int, share: float = 1.0) -> Splits:
        """Which pictures train, choose the strengths of the classical ways, and judge.

        Args:
            number: of the split, from 0.
            share: of the training images that may be used; smaller shares lie within larger ones.
        """
        fold, seed = self.folds[number], self.recipes[FROZEN].seed
        rows = self._some(fold.training, share, mixed(seed, number))
        training, held = hold_out(
            self.dataset[FROZEN], rows, HELD_OUT, mixed(seed, number, len(rows)), groups=self.groups
        )
        return Splits(*_every_class(self.dataset[FROZEN], training, held), fold.judged)

    def _carry_out(self, way: str, share: float, number: int) -> None:
        splits = self.division(number, share)
        began = time.monotonic()
        right = self._judge(way, share, splits)
        self.seconds[way] = self.seconds.get(way, 0.0) + (time.monotonic() - began if share == 1 else 0.0)
        self.right.setdefault((way, share), []).append(right)

    def _judge(self, way: str, share: float, splits: Splits) -> float:
        """The accuracy of a way that learns from some rows."""
        if way in (SVM, LOGISTIC):
            assert self.features is not None
            columns = self.features.columns
            return fit_classical(way, columns["inputs"], columns["targets"], splits)
        recipe = self.recipes[way]
        assert recipe.epochs is not None
        epochs = math.ceil(recipe.epochs * min(LONGER, 1 / share))
        recipe = recipe.model_copy(update={"epochs": epochs})
        # The epochs are given, so that nothing has to be held out to choose them by: a few pictures choose badly.
        both = torch.cat([splits.training, splits.validation]).sort().values
        all_of_it = Splits(both, splits.validation[:0], splits.test)
        request = Request("transfer", recipe, {}, Machine.parse({}))
        fitted = fit_in_memory(request, self.dataset[way], all_of_it, self.execution)
        judged = fitted.system.evaluate(fitted.network, fitted.dataset, splits.test, self.execution)
        return judged.metrics.values["accuracy"]

    def _some(self, rows: Tensor, share: float, seed: int) -> Tensor:
        """A share of the groups of every class, at least one of each."""
        if share == 1:
            return rows
        targets = self.dataset[FROZEN].columns["targets"][rows]
        numbers = self.groups.numbers[rows] if self.groups is not None else rows
        generator, kept = torch.Generator().manual_seed(seed), []
        for label in torch.unique(targets).tolist():
            own = torch.unique(numbers[targets == label])
            order = torch.randperm(len(own), generator=generator)
            kept.append(own[order[: max(1, round(share * len(own)))]])
        return rows[torch.isin(numbers, torch.cat(kept))]

    def result(self) -> TransferCompared:
        """What the splits say."""
        recipe, dataset = self.recipes[FROZEN], self.dataset[FROZEN]
        judged = 1 / (len(self.folds) - 1)  # smaller shares overlap less, so that theirs errs on the safe side
        whole = {way: self.right[way, 1.0] for way in WAYS}
        pairs = [(first, second) for place, first in enumerate(WAYS) for second in WAYS[:place]]
        shares = [*self.shares, 1.0] if self.shares else []
        return TransferCompared(
            data=dataset.source,
            classes=dataset.task.target.names,
            network=recipe.network,
            weights=recipe.weights or recipe.network,
            size=dataset.task.inputs.shape[1],
            examples=len(dataset),
            largest_class=float(torch.bincount(dataset.columns["targets"]).max()) / len(dataset),
            groups=0 if self.groups is None else len(self.groups.names),
            splits=len(self.folds),
            ways=tuple(Way(w, self._sentence(w), share_estimate(whole[w], judged), self.seconds[w]) for w in WAYS),
            differences=tuple(Difference(a, b, estimate(_subtract(whole[a], whole[b]), judged)) for a, b in pairs),
            curve=tuple(self._point(way, share, judged) for way in self.curve_ways for share in shares),
            feature_seconds=self.feature_seconds,
            remarks=tuple(self.remarks),
        )

    def _point(self, way: str, share: float, judged: float) -> CurvePoint:
        parts = [self.division(number, share) for number in range(len(self.folds))]
        counts = [len(part.training) + len(part.validation) for part in parts]
        return CurvePoint(way, sum(counts) / len(counts), share_estimate(self.right[way, share], judged))

    def _sentence(self, way: str) -> str:
        recipe = self.recipes.get(way, self.recipes[FROZEN])
        side = self.dataset[way if way in self.recipes else FROZEN].task.inputs.shape[1]
        name = f"{recipe.network} at {side} pixels"
        passes = f"{recipe.epochs} epoch{'' if recipe.epochs == 1 else 's'}"
        return {
            SCRATCH: f"{name}, all weights trained from random values, {passes} with augmentation",
            FROZEN: f"features of {name}, a dense head trained on them",
            FINE_TUNED: f"the same, then {passes} of its last stage too, at {recipe.finetune_rate:g} times the rate, "
            "with augmentation",
            SVM: f"features of {name}, a linear support vector machine on them",
            LOGISTIC: f"features of {name}, logistic regression on them",
        }[way]


def _subtract(first: Sequence[float], second: Sequence[float]) -> list[float]:
    return [one - other for one, other in zip(first, second, strict=True)]


def _every_class(dataset: Dataset, training: Tensor, held: Tensor) -> tuple[Tensor, Tensor]:
    """The division with the held-out rows of classes that would not train any more put back."""
    targets = dataset.columns["targets"]
    lost = ~torch.isin(targets[held], torch.unique(targets[training]))
    return torch.cat([training, held[lost]]).sort().values, held[~lost]


def transfer(options: TransferOptions) -> Running[TransferCompared]:
    """Compares the ways of transfer learning on pictures of few classes.

    Raises:
        GlassworkError: for data, a network or weights that do not fit.
    """
    comparison = prepare(options)
    yield from comparison.steps()
    return comparison.result()


def prepare(options: TransferOptions) -> TransferComparison:
    """Reads the pictures and divides them.

    Raises:
        GlassworkError: for data, a network or weights that do not fit.
    """
    data, splits, threads = options.data, options.splits, options.threads
    if splits < LEAST_SPLITS:
        raise GlassworkError(f"splits has to be at least {LEAST_SPLITS} for an interval, not {splits}")
    if threads is not None and threads < 1:
        raise GlassworkError(f"threads has to be at least 1, not {threads}")
    recipes = _recipes(options)
    read = {way: Transfer(recipe).read(data) for way, recipe in recipes.items()}
    dataset = {way: _pool(each) for way, each in read.items()}
    first, remarks = dataset[FROZEN], list(read[FROZEN].skipped)
    require(first, Compared, f"{data} holds")
    groups = _groups(first, splits, options.rule or stem, remarks)
    if "split" in read[FROZEN].columns:
        remarks.append("the given training, validation and test images were pooled and split again")
    folds = make_folds(first, torch.arange(len(first)), splits, options.seed, groups=groups)
    if again := copies(first, folds):
        remarks.append(f"{again:,} images have an exact copy in the training part, so their score is slightly too good")
    for way, recipe in recipes.items():  # what does not fit is told before the work begins
        Transfer(recipe).resolve(dataset[way], Splits(folds[0].training, NO_ROWS, folds[0].judged))
    execution = Execution(choose_device(options.device), threads or usable_cores(), **PLAIN)  # type: ignore[arg-type]
    shares = SHARES if options.curve else ()
    return TransferComparison(recipes, dataset, groups, folds, shares, execution, remarks)


def _recipes(options: TransferOptions) -> dict[str, TransferRecipe]:
    """The recipe of each way: of those with the trained network, and of the one from scratch."""
    common = {**TRANSFER, "data": options.data, "seed": options.seed}
    known = {"network": options.network, "weights": options.weights}
    size = options.size or _usual_side(TransferRecipe.parse({**common, **known, "size": None}))
    alone = {"network": options.scratch, "size": options.scratch_size, "epochs": options.scratch_epochs}
    tuned = {**common, **known, "size": size, "mode": FINE_TUNED, "epochs": options.epochs}
    depths = [depth for depth in options.depths if depth != "1"] if options.curve else []
    return {
        FROZEN: TransferRecipe.parse({**common, **known, "size": size, "mode": FROZEN, "epochs": HEAD_EPOCHS}),
        FINE_TUNED: TransferRecipe.parse(tuned),
        **{f"{FINE_TUNED}-{depth}": TransferRecipe.parse({**tuned, "unfreeze": depth}) for depth in depths},
        SCRATCH: TransferRecipe.parse({**common, **alone, "mode": SCRATCH}),
    }


def _usual_side(recipe: TransferRecipe) -> int | None:
    """The default side of the images: that of the run that the weights are from, else ours."""
    own = input_images(recipe.weights or recipe.network)[1]
    return own or (SIDE if Transfer(recipe).entry.side else None)


def _groups(dataset: Dataset, splits: int, rule: Callable[[str], str], remarks: list[str]) -> Groups | None:
    """Which pictures show the same thing, by their names; adds to the remarks what a reader has to know about it.

    Raises:
        GlassworkError: for a class of fewer pictures than there are splits.
    """
    targets, classes = dataset.columns["targets"], dataset.task.target.names
    counts = torch.bincount(targets, minlength=len(classes))
    if int(counts.min()) < splits:
        name, count = classes[int(counts.argmin())], int(counts.min())
        raise GlassworkError(
            f"Class '{name}' has {count} picture{'s' if count != 1 else ''}, and each of {splits} splits needs one to "
            f"judge: add pictures of it{f', or use --splits {count}' if count >= LEAST_SPLITS else ''}"
        )
    if not dataset.names:
        remarks.append(
            "it is not known which images show the same thing: copies of one may be on both sides of a split"
        )
        return None
    groups, apart = groups_by_name(dataset.names, targets.tolist(), splits, rule)
    if apart:
        few = ", ".join(classes[label] for label in apart)
        remarks.append(f"the numbered images of {few} are treated as different things, as there are so few names")
    return groups


def _pool(dataset: Dataset) -> Dataset:
    """The examples without the split that the source gives."""
    return replace(dataset, columns={key: each for key, each in dataset.columns.items() if key != "split"})


def _figure(found: Estimate) -> dict[str, Any]:
    return {"accuracy": found.mean, "interval": [found.low, found.high], "splits": list(found.splits)}


def fit_classical(way: str, features: Tensor, targets: Tensor, splits: Splits) -> float:
    """Learns from the training rows, with the strength that is best on the validation rows, then from both.

    Features are standardised by the training rows.

    Args:
        way: `SVM` or `LOGISTIC`.
        features: float32 (rows, units).
        targets: int64 (rows,).
        splits: which rows train, choose and judge.

    Returns:
        The accuracy on the test rows.
    """
    inputs, labels = features.numpy(), targets.numpy()
    training, held, judged = (rows.numpy() for rows in (splits.training, splits.validation, splits.test))
    figures = [
        _fit(way, c, inputs[training], labels[training]).score(inputs[held], labels[held]) if len(held) else 0.0
        for c in STRENGTHS
    ]
    chosen = STRENGTHS[int(np.argmax(figures))] if len(held) else STRENGTHS[1]
    both = np.concatenate([training, held])
    return float(_fit(way, chosen, inputs[both], labels[both]).score(inputs[judged], labels[judged]))


def _fit(way: str, strength: float, inputs: Any, labels: Any) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    made = SVC(kernel="linear", C=strength) if way == SVM else LogisticRegression(C=strength, max_iter=1000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # at a thousand steps the answers do not change any more
        return make_pipeline(StandardScaler(), made).fit(inputs, labels)


def _intervals(found: TransferCompared) -> list[Block]:
    ways = [_interval(way.name, way.accuracy) for way in found.ways]
    apart = [_interval(one.first, one.accuracy) for one in found.against_base()]
    return [
        Intervals("Accuracy, with intervals", ways, "accuracy", found.largest_class),
        Intervals(f"Accuracy above {BASE}", apart, f"difference from {BASE}"),
    ]


def _interval(name: str, found: Estimate) -> Interval:
    return Interval(name, found.mean, found.low, found.high, found.splits)


def _rows(found: TransferCompared) -> list[list[str]]:
    apart = {one.first: one.accuracy for one in found.against_base()}
    rows = []
    for way in found.ways:
        other = apart.get(way.name)
        words = "" if other is None else f"{_points(other.mean)} ({_points(other.low)} to {_points(other.high)})"
        rows.append(
            [way.name, _percent(way.accuracy.mean), f"{_span(way.accuracy)} %", words, short_duration(way.seconds)]
        )
    return rows


def _curves(found: TransferCompared) -> list[Line]:
    names = dict.fromkeys(point.way for point in found.curve)
    hues: tuple[Hue, ...] = ("faint", "first", "second", "third", "fourth")
    return [
        Line(
            name,
            [(point.examples, point.accuracy.mean) for point in found.curve if point.way == name],
            hues[place] if place < len(hues) else place,
        )
        for place, name in enumerate(names)
    ]


def _by_amount(found: TransferCompared) -> list[Block]:
    """A row per number of training pictures, a column per way; nothing if no curve was asked for."""
    names = list(dict.fromkeys(point.way for point in found.curve))
    by_way = [[point for point in found.curve if point.way == name] for name in names]
    rows = [
        [f"{points[0].examples:,.0f}", *(f"{_percent(p.accuracy.mean)} ({_span(p.accuracy)})" for p in points)]
        for points in zip(*by_way, strict=True)  # with few things two shares may be of as many pictures
    ]
    return [Table(["training pictures", *names], rows)] if rows else []


def _facts(found: TransferCompared) -> list[tuple[str, str | int | float]]:
    return [
        ("pictures", found.examples),
        ("different things in them", found.groups or "not known"),
        ("classes", ", ".join(found.classes)),
        ("always predicting the largest class", _percent(found.largest_class)),
        ("splits", found.splits),
        ("trained network", f"{found.network}, weights {found.weights}"),
        ("seconds for the features of all images", round(found.feature_seconds, 1)),
    ]


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _span(found: Estimate) -> str:
    return f"{100 * found.low:.1f} to {100 * found.high:.1f}"


def _points(difference: float) -> str:
    points = round(100 * difference, 1)
    return f"{points:+.1f}" if points else "0.0"
