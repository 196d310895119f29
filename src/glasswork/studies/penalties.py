"""Ways against over-training, compared on the same data: none, L1, L2, dropout, max-norm, early stopping."""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

from glasswork.data.dataset import Dataset
from glasswork.data.splits import Splits
from glasswork.errors import GlassworkError
from glasswork.execution import Execution
from glasswork.objectives.penalties import weights_of
from glasswork.recipe.base import Recipe
from glasswork.report.blocks import Commands, Facts, Table, Text
from glasswork.report.figures import figure, main_metric
from glasswork.report.report import Headline, Report, Section
from glasswork.report.words import number, short_duration
from glasswork.run.prepare import read_and_split, resolve
from glasswork.run.request import Request, make_request
from glasswork.studies.intervals import mean_and_standard_error
from glasswork.studies.options import PenaltiesOptions
from glasswork.studies.settings import Setting
from glasswork.studies.study import Asked, Progress, Running
from glasswork.studies.table import PENALTIES
from glasswork.studies.trained import Member, make_member, plain_execution
from glasswork.systems.supervised.recipe import SupervisedRecipe
from glasswork.training.fit import minimise
from glasswork.training.stage import Step

METHODS: dict[str, tuple[Mapping[str, Any], str, tuple[float, ...]]] = {
    "none": ({}, "", ()),
    "L1": ({"penalty": "l1"}, "strength", (1e-4, 3e-4, 1e-3)),
    "L2": ({"penalty": "l2"}, "strength", (1e-3, 3e-3, 1e-2)),
    "dropout": ({}, "dropout", (0.25, 0.5, 0.75)),
    "max-norm": ({"penalty": "max-norm"}, "strength", (0.25, 0.5, 1.0)),
    "early stopping": ({}, "patience", (2, 5)),
}
"""Name of each method: what it sets, the field that says how strong it is, and the values tried of that."""

EXAMPLE: dict[str, Any] = {
    "data": "mnist-5k",
    "test": 0.9,
    "validation": 0.4,
    "hidden": (128,),
    "epochs": 60,
    "schedule": "constant",
    "learning_rate": 0.001,
}
"""Few examples and a large network: the defaults of the comparison."""
WITH_DROPOUT = ("dense", "lenet")
READING = (
    "All methods have the same examples and the same initial weights. Each has the strength (lambda, the share "
    "dropped, the longest length, the patience) whose loss on the validation examples is least; the test examples "
    "chose nothing. Without early stopping a network keeps its last weights."
)


@dataclass(frozen=True)
class Figure:
    """Mean over the seeds, and the standard error of it."""

    mean: float
    standard_error: float


@dataclass(frozen=True)
class Tried:
    """One strength of a method; the figures are means over the seeds.

    Attributes:
        method: its name.
        value: of its strength; None where it has none.
        validation_loss: by which it is chosen; None where a loss was no number any more.
        problem: why, in a sentence; empty else.
    """

    method: str
    value: float | None
    validation_loss: float | None
    problem: str = ""


@dataclass(frozen=True)
class MethodResult:
    """What a method came to, at the strength that the validation examples chose.

    Attributes:
        method: its name.
        field: of the recipe that says how strong it is; empty if there is none.
        value: of that field; None if there is none.
        training, validation, test: figures by name, `loss` among them.
        weights_norm: length of all weights together, biases not counted.
        epochs: epochs made.
        seconds: of one training.
        command: trains it once.
    """

    method: str
    field: str
    value: float | None
    training: Mapping[str, Figure]
    validation: Mapping[str, Figure]
    test: Mapping[str, Figure]
    weights_norm: Figure
    epochs: float
    seconds: float
    command: str


@dataclass(frozen=True)
class PenaltiesCompared:
    """The comparison.

    Attributes:
        preset, data: what was trained, on what.
        examples: how many train, validate and test.
        seeds: of the networks; the rows are the same for all of them.
        metric: the figure that people ask for first; `loss` if there is no other.
        methods: in the order of `METHODS`.
        tried: every strength.
        remarks: sentences about how it was done.
    """

    preset: str
    data: str
    examples: Mapping[str, int]
    seeds: Sequence[int]
    metric: str
    methods: Sequence[MethodResult]
    tried: Sequence[Tried]
    remarks: Sequence[str]

    def to_json(self) -> dict[str, Any]:
        """The same as plain JSON types."""
        return asdict(self)

    def best(self) -> MethodResult:
        """The method of the least validation loss."""
        return min(self.methods, key=lambda one: one.validation["loss"].mean)

    def verdict(self) -> str:
        """What the table says, in words."""
        best = self.best()
        plain = next((one for one in self.methods if one.method == "none"), None)
        words = []
        if plain is not None:
            words.append(
                f"Without any method the loss is {_loss(plain.training)} on the training and {_loss(plain.test)} on "
                "the test examples: the gap is what it memorised."
            )
        if plain is not best:
            words.append(
                f"The validation examples choose {best.method}, with {_loss(best.training)} and {_loss(best.test)}."
            )
        return " ".join(words)

    def report(self) -> Report:
        """What each method comes to, every strength that was tried, and the commands."""
        best, table = self.best(), _table(self)
        tried = [
            (one.method, _strength(one.value, None), one.validation_loss if one.validation_loss else one.problem)
            for one in self.tried
        ]
        counts = [(f"{name} examples", count) for name, count in self.examples.items()]
        notes = [Text(f"note: {remark}") for remark in self.remarks]
        return Report(
            f"{self.preset} on {self.data}, methods against over-training",
            [
                Section("Results", READING, [table, *map(Text, self.remarks)]),
                Section(
                    "Every strength",
                    "Means over the seeds. Each method uses the strength with its lowest loss.",
                    [Table(["method", "strength", "validation loss"], tried)],
                ),
                Section(
                    "How the examples were used",
                    "",
                    [Facts([*counts, ("seeds", ", ".join(map(str, self.seeds)))])],
                ),
                Section(
                    "What to try next",
                    "Each trains one network of the table.",
                    [Commands([(one.command, one.method) for one in self.methods])],
                ),
            ],
            headline=Headline(best.method, "least validation loss"),
            verdict=self.verdict(),
            summary=[table, Text(f"{self.verdict()} {READING}"), *notes, Commands([(best.command, "")])],
            footer="Drawn by Glasswork from the figures of every network.",
        )


@dataclass
class Comparison:
    """A comparison made ready; `steps` carries it out, `result` says what came out.

    Attributes:
        order: the recipe as asked for, without any of the methods.
        recipe: with nothing left open.
        dataset: all of them.
        splits: the same rows for every network.
        execution: how the arithmetic is carried out.
        seeds: of the networks.
        trained: the figures of every network, by method and strength; None where a loss was no number any more.
        problems: why, by method and strength.
    """

    order: Request
    recipe: Recipe
    dataset: Dataset
    splits: Splits
    execution: Execution
    seeds: Sequence[int]
    trained: dict[tuple[str, float | None], "list[_Trained] | None"]
    problems: dict[tuple[str, float | None], str]

    @property
    def settings(self) -> list[tuple[str, float | None]]:
        """Every strength of every method that this network can have."""
        dropout = not isinstance(self.recipe, SupervisedRecipe) or self.recipe.network in WITH_DROPOUT
        return [
            (method, value)
            for method, (_, _, values) in METHODS.items()
            if method != "dropout" or dropout
            for value in values or (None,)
        ]

    def steps(self) -> Iterator[Progress[PenaltiesCompared]]:
        """Trains every network."""
        self.execution.apply()
        settings = self.settings
        for place, (method, value) in enumerate(settings):
            name = method if value is None else f"{method} {value:g}"
            found: list[_Trained] = []
            try:
                for number, seed in enumerate(self.seeds):
                    yield Progress(place + number / len(self.seeds), len(settings), name)
                    found.append(self._train(method, value, seed))
                self.trained[method, value] = found
            except GlassworkError as error:
                self.trained[method, value], self.problems[method, value] = None, str(error)
        yield Progress(len(settings), len(settings))

    def result(self) -> PenaltiesCompared:
        """What the networks say; each method at the strength whose loss on the validation examples is least.

        Raises:
            GlassworkError: where not one network could be trained.
        """
        tried = [self._try(*setting) for setting in self.settings]
        chosen = [best for method in METHODS if (best := _least([one for one in tried if one.method == method]))]
        if not chosen:
            raise GlassworkError(next(iter(self.problems.values())))
        methods = [self._choose(one) for one in chosen]
        remarks = [
            f"{one.method} {one.value:g} could not be trained: {one.problem}"
            for one in tried
            if one.problem and one.value
        ]
        if "dropout" not in {method for method, _ in self.settings}:
            remarks.append("this network has no dropout, which is left out")
        return PenaltiesCompared(
            preset=self.order.preset,
            data=str(self.recipe.data),
            examples={name: len(rows) for name, rows in self.splits.named().items()},
            seeds=self.seeds,
            metric=main_metric({name: one.mean for name, one in methods[0].test.items()}),
            methods=methods,
            tried=tried,
            remarks=remarks,
        )

    def _train(self, method: str, value: float | None, seed: int) -> "_Trained":
        recipe = self._order(method, value).recipe
        values = {key: getattr(recipe, key) for key in PENALTIES if key in type(recipe).model_fields}
        recipe = self.recipe.model_copy(update={**values, "seed": seed})
        member = make_member(replace(self.order, recipe=recipe), self.dataset, self.splits, self.execution)
        stopped = member.learning.recipe.patience is not None
        stage = member.stage if stopped else replace(member.stage, judge=None)
        last: Step | None = None
        began = time.perf_counter()
        for step in minimise([stage], None, member.learning.recipe.patience):
            last = step
        seconds = time.perf_counter() - began
        assert last is not None
        member.learning.keep(last.best)
        rows = (self.splits.training, self.splits.validation, self.splits.test)
        training, validation, test = map(member.measure, rows)
        if not math.isfinite(validation["loss"]):
            raise GlassworkError("the validation loss is not a finite number")
        return _Trained(training, validation, test, _norm(member), last.epoch, seconds)

    def _try(self, method: str, value: float | None) -> Tried:
        found = self.trained.get((method, value))
        if not found:
            return Tried(method, value, None, self.problems.get((method, value), "it was not reached"))
        return Tried(method, value, sum(one.validation["loss"] for one in found) / len(found))

    def _choose(self, tried: Tried) -> MethodResult:
        found = self.trained[tried.method, tried.value]
        assert found
        return MethodResult(
            method=tried.method,
            field=METHODS[tried.method][1],
            value=tried.value,
            training=_figures([one.training for one in found]),
            validation=_figures([one.validation for one in found]),
            test=_figures([one.test for one in found]),
            weights_norm=_figure([one.norm for one in found]),
            epochs=sum(one.epochs for one in found) / len(found),
            seconds=sum(one.seconds for one in found) / len(found),
            command=Setting(self._order(tried.method, tried.value), {}, "").command,
        )

    def _order(self, method: str, value: float | None) -> Request:
        settings, field, _ = METHODS[method]
        values = {**settings, **({field: value} if field else {})}
        asked = {key: given for key, given in self.order.asked.items() if key not in PENALTIES}
        return make_request(
            self.order.preset, {**asked, **(values or {"penalty": "none"}), **self.order.machine.asked()}
        )


@dataclass(frozen=True)
class _Trained:
    """One network: its figures, the length of its weights, what it took."""

    training: Mapping[str, float]
    validation: Mapping[str, float]
    test: Mapping[str, float]
    norm: float
    epochs: int
    seconds: float


def compare_penalties(options: PenaltiesOptions, asked: Asked) -> Running[PenaltiesCompared]:
    """Compares none, L1, L2, dropout, max-norm and early stopping on one data set.

    Raises:
        GlassworkError: for a recipe or data that do not fit, or if nothing is held out.
    """
    comparison = prepare(asked.preset, asked.values, options.seeds)
    yield from comparison.steps()
    return comparison.result()


def prepare(preset: str | None, values: Mapping[str, Any], seeds: int = 3) -> Comparison:
    """Makes a comparison ready.

    All methods train on the same rows, from the same first weights for the same seed. Without early stopping a network
    keeps its last weights, so that over-training shows; with it the best ones. Strengths are chosen by the mean loss on
    the validation examples; the test examples choose nothing.

    Raises:
        GlassworkError: for a recipe or data that do not fit, or where nothing is held out.
    """
    if seeds < 1:
        raise GlassworkError(f"seeds has to be at least 1, not {seeds}")
    if own := [key for key in PENALTIES if key in values]:
        raise GlassworkError(f"{own[0]} is one of the things compared: leave it out")
    preset = preset or "mlp"
    example = EXAMPLE if preset == "mlp" and values.get("data") is None else {}
    clean = make_request(preset, {**example, **values})
    none = {"penalty": "none", "strength": 0.0, "patience": None}
    recipe = clean.recipe.model_copy(update=none)
    if clean.system == "online":
        raise GlassworkError("The online rule has no penalty to compare: use glasswork compare --penalties mlp")
    dataset, splits = read_and_split(replace(clean, recipe=recipe))
    if not len(splits.validation) or not len(splits.test):
        raise GlassworkError(
            "Strengths are chosen on validation examples and judged on test examples: add --validation and --test"
        )
    resolved = resolve(replace(clean, recipe=recipe), dataset, splits).learning
    execution = plain_execution(clean.machine)
    numbers = [recipe.seed + place for place in range(seeds)]
    return Comparison(clean, resolved, dataset, splits, execution, numbers, {}, {})


def _least(tried: Sequence[Tried]) -> Tried | None:
    fine = [one for one in tried if one.validation_loss is not None]
    return min(fine, key=lambda one: one.validation_loss or 0.0, default=None)


def _norm(member: Member) -> float:
    return float(
        torch.stack([weight.detach().square().sum() for weight in weights_of(member.learning.network)]).sum().sqrt()
    )


def _figures(found: Sequence[Mapping[str, float]]) -> dict[str, Figure]:
    return {name: _figure([one[name] for one in found]) for name in found[0]}


def _figure(values: Sequence[float]) -> Figure:
    if len(values) == 1:
        return Figure(values[0], 0.0)
    return Figure(*mean_and_standard_error([values]))


def _table(found: PenaltiesCompared) -> Table:
    names = ["loss"] if found.metric == "loss" else [found.metric, "loss"]
    parts = ("training", "validation", "test")
    head = ["method", "strength", *(f"{part} {name}" for part in parts for name in names)]
    rows = [
        [
            one.method,
            _strength(one.value, "-"),
            *(_write(name, getattr(one, part)[name], part == "test") for part in parts for name in names),
            number(float(f"{one.weights_norm.mean:.3g}")),
            f"{one.epochs:.0f}",
            short_duration(one.seconds),
        ]
        for one in found.methods
    ]
    return Table([*head, "weights' norm", "epochs", "time"], rows)


def _strength(value: float | None, absent: str | None) -> str | None:
    return absent if value is None else f"{value:g}"


def _write(name: str, found: Figure, spread: bool) -> str:
    if figure(name).share:
        mean = f"{100 * found.mean:.1f}"
        return f"{mean} ± {100 * found.standard_error:.1f} %" if spread else f"{mean} %"
    return f"{found.mean:.3f} ± {found.standard_error:.3f}" if spread else f"{found.mean:.3f}"


def _loss(figures: Mapping[str, Figure]) -> str:
    return f"{figures['loss'].mean:.3f}"
