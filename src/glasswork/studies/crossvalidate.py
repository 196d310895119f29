"""Cross-validation: compares settings of a recipe on examples not used for training (Kovashka)."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from torch import Tensor

from glasswork.data.dataset import Dataset
from glasswork.data.folds import Fold
from glasswork.data.splits import Splits
from glasswork.errors import GlassworkError
from glasswork.execution import Execution
from glasswork.recipe.base import Machine, Recipe
from glasswork.report.blocks import Commands, Curves, Facts, Line, Table, Text
from glasswork.report.figures import figure, main_metric
from glasswork.report.report import Headline, Report, Section
from glasswork.report.words import NARROW_SPACE, number, percent
from glasswork.run.prepare import prepare as prepare_learning
from glasswork.run.prepare import read, resolve
from glasswork.run.suggest import suggest
from glasswork.studies.cv_split import Division, copies, division_of, without_column
from glasswork.studies.intervals import mean_and_standard_error
from glasswork.studies.options import CrossvalidateOptions
from glasswork.studies.settings import ONE_NETWORK, Setting, grid, reason, simplicity, write_value
from glasswork.studies.study import Asked, Progress, Running
from glasswork.studies.trained import Member, make_member, train_members, why_not_together

SEEDS = 2**31
MOST_NUMBERS = 1 << 28
"""In memory at the same time, for all networks trained together: 1 GB."""
COPIES = 6
"""Of a network's weights: themselves, gradients, two moments, the best ones, and room to stack them."""
CAPACITY = (
    "With too little both errors are high, because the network cannot fit the data; with too much the training error "
    "keeps falling while the validation error rises, because it memorises its examples."
)
RESTRAINT = (
    "With too little the network memorises its examples, and the validation error stays far above the training error; "
    "with too much both errors rise, for it cannot fit the data."
)
READINGS = {
    "hidden": CAPACITY,
    "epochs": CAPACITY,
    "strength": RESTRAINT,
    "weight_decay": RESTRAINT,
    "dropout": RESTRAINT,
}
"""How to read the curve of error against a field."""


@dataclass(frozen=True)
class FoldResult:
    """One network of one setting, trained without one fold and judged on it.

    Attributes:
        repeat, fold: which one, from 1.
        training_examples, validation_examples: how many it was fitted to, and how many judged it.
        error, training_error: on the fold, and on the examples that it was fitted to.
        metrics, training_metrics: all figures of both; `loss` among them.
        epochs: epochs made.
        best_epoch: after which of them the weights stood; None: the last.
    """

    repeat: int
    fold: int
    training_examples: int
    validation_examples: int
    error: float
    training_error: float
    metrics: Mapping[str, float]
    training_metrics: Mapping[str, float]
    epochs: int
    best_epoch: int | None


@dataclass(frozen=True)
class SettingResult:
    """What the folds say about one setting.

    Attributes:
        name: the setting in words.
        values: its fields that were given values to try.
        parameters: how many numbers are trained.
        error, standard_error: mean over the folds of the error on the fold, and the standard error of that mean.
        training_error, training_standard_error: the same of the errors on the examples trained on.
        folds: one by one.
        command: trains this setting.
    """

    name: str
    values: Mapping[str, Any]
    parameters: int
    error: float
    standard_error: float
    training_error: float
    training_standard_error: float
    folds: tuple[FoldResult, ...]
    command: str


@dataclass(frozen=True)
class CrossValidated:
    """What a cross-validation found.

    Attributes:
        preset, data, seed: what was trained, on what, from what draw.
        varied: the fields that have several values.
        settings: what the folds say, in the order of the grid.
        failed: settings that could not be trained to the end, and why.
        best: place in `settings` of the least mean error.
        threshold: that error plus its standard error.
        chosen: place in `settings` of the choice by the rule of one standard error.
        reason: what makes it the simplest near the least error, in words; empty where none is simpler than another.
        error_name: what the error is, in words.
        folds, repeats, order, groups: how the examples were divided.
        examples: how many the folds divide.
        kept_for_test: how many nothing has seen.
        stacks: how many networks each stack had that was trained at the same time; 1: one was trained alone.
        alone_because: why one was trained alone, in a clause; None where none was.
        remarks: sentences about how it was done.
    """

    preset: str
    data: str | None
    seed: int
    varied: tuple[str, ...]
    settings: tuple[SettingResult, ...]
    failed: Mapping[str, str]
    best: int
    threshold: float
    chosen: int
    reason: str
    error_name: str
    folds: int
    repeats: int
    order: str
    groups: str | None
    examples: int
    kept_for_test: int
    stacks: tuple[int, ...]
    alone_because: str | None
    remarks: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The same as plain JSON types."""
        return asdict(self)

    def choice(self) -> str:
        """The choice in a sentence."""
        best, chosen = self.settings[self.best], self.settings[self.chosen]
        least, limit = self.write(best.error), self.write(self.threshold)
        if len(self.settings) == 1:
            spread = self.write(chosen.standard_error)
            return f"{chosen.name}: error {least} on examples not trained on, standard error {spread}."
        if self.best == self.chosen:
            simpler = "; no simpler setting is within one standard error of it" if self.reason or self.best else ""
            return f"Chosen: {chosen.name}, whose error is the lowest ({least}){simpler}."
        reason = self.reason or "the least error of the simplest"
        return (
            f"Chosen: {chosen.name}, with {reason} among the settings whose error is within one standard error of the "
            f"lowest ({least} at {best.name}, so at most {limit})."
        )

    def trained_together(self) -> str:
        """How many networks were trained at the same time, and why others were not."""
        sizes = sorted(set(self.stacks) - {1})
        counts = [self.stacks.count(size) for size in sizes]
        words = [f"{count} stack{'s' * (count > 1)} of {size}" for count, size in zip(counts, sizes, strict=True)]
        alone = self.stacks.count(1)
        if alone:
            words.append(f"{alone} one after the other, for {self.alone_because}")
        return ", ".join(words)

    @property
    def in_percent(self) -> bool:
        """Whether errors are shares of one."""
        return "accuracy" in self.settings[0].folds[0].metrics

    def write(self, error: float) -> str:
        """An error for people."""
        return percent(error) if self.in_percent else number(float(f"{error:.3g}"))

    def report(self) -> Report:
        """The settings, the slide's curve of error against setting, and what was judged on what."""
        chosen = self.settings[self.chosen]
        title = f"{self.preset} on {self.data or 'the data given'}, {self.folds}-fold cross-validation"
        commands = Commands([(chosen.command, "trains the chosen setting")])
        failed = [f"{name} could not be trained to the end: {problem}" for name, problem in self.failed.items()]
        alone = [f"networks trained at the same time: {self.trained_together()}"] if 1 in self.stacks else []
        notes = [self.choice(), *failed, *alone, *(f"note: {remark}" for remark in self.remarks)]
        warnings = [*self.remarks, *(f"{name}: {problem}" for name, problem in self.failed.items())]
        return Report(
            title,
            [
                Section("Before you trust it", "", [Text(words, "warning") for words in warnings]),
                *_error_curves(self),
                Section(
                    "Every setting",
                    "Means over the folds, and the standard error of the validation error. The error is the "
                    f"{self.error_name}.",
                    [_settings(self, "training error")],
                ),
                _folds(self),
                _division(self),
                Section("What to try next", "", [commands]),
            ],
            headline=Headline(chosen.name, "chosen", f"error {_write_spread(self, chosen)}"),
            verdict=self.choice(),
            summary=[_settings(self, "training"), *map(Text, notes), Commands([(chosen.command, "")])],
            footer="Drawn by Glasswork from the figures of every fold.",
        )


@dataclass
class CrossValidation:
    """A cross-validation made ready; `steps` carries it out, `result` says what came out.

    Attributes:
        settings: what is tried.
        recipes: of the settings, with nothing left open.
        dataset: of the settings: the same ones, read as each recipe wants them.
        divided: the rows that the folds divide.
        tested: the rows that nothing sees.
        folds: of each repeat.
        division: how the rows are divided.
        execution: how the arithmetic is carried out.
        remarks: sentences about how it is done.
        found: what the folds said so far, by the place of the setting.
        failed: why a setting could not be trained to the end, by its place.
        parameters: how many numbers each setting trains.
        together: with how many each network was trained at the same time, itself included.
        alone_because: why one was trained alone; None where none was.
    """

    settings: Sequence[Setting]
    recipes: Sequence[Recipe]
    dataset: Sequence[Dataset]
    divided: Tensor
    tested: Tensor
    folds: Sequence[Sequence[Fold]]
    division: Division
    execution: Execution
    remarks: list[str]
    found: dict[int, list[FoldResult]] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)
    parameters: dict[int, int] = field(default_factory=dict)
    together: list[int] = field(default_factory=list)
    alone_because: str | None = None

    @property
    def networks(self) -> int:
        """How many networks are trained."""
        return len(self.settings) * sum(map(len, self.folds))

    def steps(self) -> Iterator[Progress[CrossValidated]]:
        """Trains and judges every network; those that can be stacked are trained at the same time."""
        self.execution.apply()
        turns, done = self._turns(), 0
        for places in self._alike():
            jobs = [(place, *turn) for place in places for turn in turns]
            size = self._at_once(places[0])
            for start in range(0, len(jobs), size):
                chunk = jobs[start : start + size]
                members = [self._member(*job) for job in chunk]
                names = list(dict.fromkeys(self.settings[job[0]].name for job in chunk))
                words = f"{_several(names)}: {done} of {self.networks} networks done"
                for share in train_members(members):
                    yield Progress((done + share * len(chunk)) / self.networks, words=words)
                for job, member in zip(chunk, members, strict=True):
                    self._note(member, *job)
                done += len(chunk)
        yield Progress(1.0)

    def _alike(self) -> list[list[int]]:
        """The settings whose networks can be trained at the same time, by the look of their first fold."""
        groups: list[tuple[Member, list[int]]] = []
        for place in range(len(self.settings)):
            member = self._member(place, 0, 0)
            self.parameters[place] = member.parameters
            fitting = (places for first, places in groups if why_not_together([first, member]) is None)
            places = next(fitting, None)
            if places is None:
                groups.append((member, [place]))
            else:
                places.append(place)
        return [places for _, places in groups]

    def _at_once(self, place: int) -> int:
        """How many networks like those of a setting are in memory at the same time; one, where they are not stacked."""
        if why_not_together([self._member(place, 0, 0)]) is not None:
            return 1
        inputs = self.dataset[place].columns["inputs"]
        scaled = len(self.divided) * inputs[0].numel()
        return max(1, MOST_NUMBERS // (COPIES * self.parameters[place] + scaled))

    def _note(self, member: Member, place: int, repeat: int, fold: int) -> None:
        self.together.append(member.together)
        self.alone_because = self.alone_because or member.alone_because
        if member.problem is None:
            self.found.setdefault(place, []).append(_judge(member, repeat, fold))
        else:
            self.failed.setdefault(place, member.problem)

    def result(self) -> CrossValidated:
        """What the folds say, and the choice.

        Raises:
            GlassworkError: where no setting could be trained to the end.
        """
        places = [place for place in range(len(self.settings)) if place not in self.failed]
        if not places:
            raise GlassworkError(self.failed[0])
        settings = [self._summarise(place) for place in places]
        simple = [simplicity(self.recipes[place], self.parameters[place]) for place in places]
        best, threshold, chosen = one_standard_error(
            [one.error for one in settings], [one.standard_error for one in settings], simple
        )
        near = [simple[place] for place, one in enumerate(settings) if one.error <= threshold]
        first = self.settings[0]
        return CrossValidated(
            preset=first.order.preset,
            data=first.order.recipe.data,
            seed=first.order.recipe.seed,
            varied=tuple(key for key in first.values if any(one.values[key] != first.values[key] for one in settings)),
            settings=tuple(settings),
            failed={self.settings[place].name: problem for place, problem in sorted(self.failed.items())},
            best=best,
            threshold=threshold,
            chosen=chosen,
            reason=reason(simple[chosen], near),
            error_name=error_name(settings[0].folds[0].metrics),
            folds=len(self.folds[0]),
            repeats=len(self.folds),
            order=self.division.order,
            groups=self.division.column or ("given" if self.division.groups else None),
            examples=len(self.divided),
            kept_for_test=len(self.tested),
            stacks=tuple(size for size in sorted(set(self.together)) for _ in range(self.together.count(size) // size)),
            alone_because=self.alone_because,
            remarks=tuple(self.remarks),
        )

    def _turns(self) -> list[tuple[int, int]]:
        return [(repeat, fold) for repeat, folds in enumerate(self.folds) for fold in range(len(folds))]

    def _member(self, place: int, repeat: int, fold: int) -> Member:
        recipe, dataset = _repeat(self.recipes[place], repeat), self.dataset[place]
        splits = self.division.splits(dataset, self.folds[repeat][fold], recipe)
        return make_member(replace(self.settings[place].order, recipe=recipe), dataset, splits, self.execution)

    def _summarise(self, place: int) -> SettingResult:
        setting, folds = self.settings[place], self.found[place]
        repeats = [[one for one in folds if one.repeat == repeat + 1] for repeat in range(len(self.folds))]
        error, standard_error = mean_and_standard_error([[one.error for one in part] for part in repeats])
        training = mean_and_standard_error([[one.training_error for one in part] for part in repeats])
        return SettingResult(
            name=setting.name,
            values=setting.values,
            parameters=self.parameters[place],
            error=error,
            standard_error=standard_error,
            training_error=training[0],
            training_standard_error=training[1],
            folds=tuple(folds),
            command=setting.command,
        )


def crossvalidate(options: CrossvalidateOptions, asked: Asked) -> Running[CrossValidated]:
    """Judges settings of a recipe by cross-validation and chooses one by the rule of one standard error.

    For every setting and fold a network is trained on the other folds, a part of which decides when to stop as the
    recipe's `validation` says, and is judged on the fold. All settings have the same folds. What scales the data comes
    from the training rows alone. Test examples are kept out of everything.

    Raises:
        GlassworkError: for options, data or folds that do not fit.
    """
    validation = prepare(options, asked)
    yield from validation.steps()
    return validation.result()


def prepare(options: CrossvalidateOptions, asked: Asked) -> CrossValidation:
    """Makes a cross-validation ready.

    Raises:
        GlassworkError: for options, data or folds that do not fit.
    """
    if options.repeats < 1:
        raise GlassworkError(f"repeats has to be at least 1, not {options.repeats}")
    settings = _settings_of(asked)
    read = _read(settings)
    recipe = settings[0].order.learning
    division = division_of(options.order, options.groups, read[0], recipe.data)
    dataset = read if division.column is None else [without_column(one, division.column) for one in read]
    divided, tested = division.outside_the_test(dataset[0], recipe)
    seeds = [_repeat(recipe, repeat).seed for repeat in range(options.repeats)]
    parts = [division.folds(dataset[0], divided, options.folds, seed) for seed in seeds]
    remarks = _remarks(division, dataset[0], dataset[0] is not read[0], len(tested), parts[0])
    recipes = [_resolve(*pair, division, parts[0]) for pair in zip(settings, dataset, strict=True)]
    execution = _execution(settings[0], recipes[0], dataset[0], division.splits(dataset[0], parts[0][0], recipes[0]))
    return CrossValidation(settings, recipes, dataset, divided, tested, parts, division, execution, remarks)


def _settings_of(asked: Asked) -> list[Setting]:
    """The settings that are tried, each with the user's own module.

    Raises:
        GlassworkError: for what only a run does.
    """
    first = {key: one[0] for key, one in asked.settings.items() if one}
    found = grid(asked.preset or suggest({**asked.values, **first}).preset, asked.settings, asked.values)
    for setting in found:
        _refuse_what_a_run_does(setting)
    return [replace(setting, order=replace(setting.order, network=asked.network)) for setting in found]


def _remarks(division: Division, dataset: Dataset, less: bool, tested: int, folds: Sequence[Fold]) -> list[str]:
    """What a reader has to know of how the examples were divided; `less`: they lost the column of the groups."""
    remarks = []
    if less:
        remarks.append(
            f"the column '{division.column}' only groups the examples here and is not an input: remove it from the "
            "table before you train"
        )
    if tested and not division.plain and "split" not in dataset.columns:
        which = "the latest" if division.order == "time" else "whole groups"
        remarks.append(
            f"the {tested:,} test examples are {which}, and train draws others at random: keep these in a file named "
            "test beside one named train"
        )
    if same := copies(dataset, folds):
        remarks.append(
            f"{same:,} of {sum(len(fold.judged) for fold in folds):,} judged examples are exact copies of training "
            "examples, so the errors are slightly too low"
        )
    return remarks


def error_of(metrics: Mapping[str, float]) -> float:
    """1 - accuracy for classes and labels, 1 - R2 for numbers; else the loss, which every system measures."""
    main = main_metric(metrics)
    return 1 - metrics[main] if figure(main).error else metrics["loss"]


def error_name(metrics: Mapping[str, float]) -> str:
    """What `error_of` such metrics is, in words."""
    return figure(main_metric(metrics)).error or "mean loss"


def one_standard_error(
    errors: Sequence[float], standard_errors: Sequence[float], simplicity: Sequence[tuple[float, ...]]
) -> tuple[int, float, int]:
    """The simplest setting whose error is within one standard error of the least: the 1 SE rule.

    Breiman, Friedman, Olshen and Stone, Classification and Regression Trees, 1984, section 3.4.3: errors near the least
    cannot be told apart, so the simplest of these settings is taken.

    Args:
        errors: mean error of each setting.
        standard_errors: of these means.
        simplicity: what settings are ordered by, the simplest first; among equals the lesser error counts.

    Returns:
        (place of the least error, that error plus its standard error, place of the choice).
    """
    best = min(range(len(errors)), key=lambda place: (errors[place], simplicity[place]))
    threshold = errors[best] + standard_errors[best]
    near = [place for place in range(len(errors)) if errors[place] <= threshold]
    return best, threshold, min(near, key=lambda place: (simplicity[place], errors[place]))


def _repeat(recipe: Recipe, repeat: int) -> Recipe:
    return recipe.model_copy(update={"seed": (recipe.seed + repeat) % SEEDS})


def _several(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _judge(member: Member, repeat: int, fold: int) -> FoldResult:
    metrics, training = member.measure(member.learning.splits.test), member.measure(member.learning.splits.training)
    return FoldResult(
        repeat=repeat + 1,
        fold=fold + 1,
        training_examples=len(member.learning.splits.training),
        validation_examples=len(member.learning.splits.test),
        error=error_of(metrics),
        training_error=error_of(training),
        metrics=metrics,
        training_metrics=training,
        epochs=member.epochs,
        best_epoch=member.best_epoch,
    )


def _refuse_what_a_run_does(setting: Setting) -> None:
    recipe, machine = setting.order.recipe, setting.order.machine
    if recipe.budget is not None:
        raise GlassworkError("A cross-validation is bounded by --epochs, not by --budget: time is not shared evenly")
    if getattr(recipe, "restarts", 1) > 1:
        raise GlassworkError(f"restarts has to stay 1, for {ONE_NETWORK}")
    if machine.out is not None or machine.replay is not None or machine.tensorboard:
        raise GlassworkError("A cross-validation makes no run: out, replay and tensorboard belong to train")


def _read(settings: Sequence[Setting]) -> list[Dataset]:
    """The examples of each setting; read once where the recipes read alike."""
    known: dict[str, Dataset] = {}
    found = []
    for setting in settings:
        recipe = setting.order.recipe
        key = recipe.model_dump_json(include={"size", "augment"})
        if key not in known:
            known[key] = read(setting.order)
            if known[key].ordered:
                raise GlassworkError(
                    f"The parts of {recipe.data} follow one another, and folds would train on what comes after: "
                    "use glasswork train or tune, which hold out the end"
                )
        found.append(known[key])
    return found


def _resolve(setting: Setting, dataset: Dataset, division: Division, folds: Sequence[Fold]) -> Recipe:
    """The recipe with what it leaves open derived from the largest of the folds' training rows: one for all folds."""
    largest = max(folds, key=lambda fold: len(fold.training))
    return resolve(setting.order, dataset, division.splits(dataset, largest, setting.order.learning)).learning


def _execution(setting: Setting, recipe: Recipe, dataset: Dataset, splits: Splits) -> Execution:
    """How the arithmetic is carried out; plain by default, because measurements may differ the next time."""
    machine: Machine = setting.order.machine
    plain = {"precision": "float32", "memory_format": "contiguous", "allocator": "default"}
    machine = machine.model_copy(update={key: value for key, value in plain.items() if getattr(machine, key) == "auto"})
    network = copy.deepcopy(setting.order.network)
    request = replace(setting.order, recipe=recipe, machine=machine, network=network)
    return prepare_learning(request, dataset, splits, derive=False).execution


def _error_curves(found: CrossValidated) -> list[Section]:
    """One curve over the field with the most values, for each combination of the others; all to one scale."""
    if len(found.settings) < 2 or not found.varied:
        return []
    several = {
        key: _order({write_value(one.values[key], "none"): one.values[key] for one in found.settings})
        for key in found.varied
    }
    across = max(several, key=lambda key: len(several[key]))
    labels, panels = several[across], dict[str, list[int]]()
    for place, one in enumerate(found.settings):
        others = [f"{_field(key)} {write_value(one.values[key], 'none')}" for key in found.varied if key != across]
        panels.setdefault(", ".join(others), []).append(place)
    error_name = found.error_name[:1].upper() + found.error_name[1:]
    curves = [_error_curve(found, caption or error_name, across, labels, places) for caption, places in panels.items()]
    return [
        Section(
            f"Error against {_field(across)}",
            f"{READINGS.get(across, '')} Bars are one standard error of the mean over the folds. Settings not above "
            "the dashed line cannot be distinguished from the best; the simplest of them is chosen.",
            curves,
        )
    ]


def _error_curve(
    found: CrossValidated, caption: str, across: str, labels: Sequence[str], places: Sequence[int]
) -> Curves:
    """Training and validation error against a setting (Kovashka, "Determining best number of hidden units")."""
    at = {place: labels.index(write_value(found.settings[place].values[across], "none")) for place in places}
    places = sorted(places, key=lambda place: at[place])
    some = [found.settings[place] for place in places]
    heights = [found.threshold, *(one.training_error for one in found.settings)]
    heights += [one.error + sign * one.standard_error for one in found.settings for sign in (-1, 1)]
    amounts = all(_is_amount(one.values[across]) for one in found.settings)
    return Curves(
        caption,
        [
            Line("training", [(at[k], found.settings[k].training_error) for k in places], "second", joined=amounts),
            Line(
                "validation",
                [(at[k], found.settings[k].error) for k in places],
                "first",
                [one.standard_error for one in some],
                joined=amounts,
            ),
        ],
        _field(across),
        labels,
        limit=("least + 1 standard error", found.threshold),
        ringed=("chosen", places.index(found.chosen)) if found.chosen in places else None,
        in_percent=found.in_percent,
        reach=(min(heights), max(heights)),
    )


def _settings(found: CrossValidated, training: str) -> Table:
    keys = list(found.settings[0].values)
    rows = []
    for place, one in enumerate(found.settings):
        marks = [word for word, at in (("least", found.best), ("chosen", found.chosen)) if at == place]
        values = [write_value(one.values[key], "none") for key in keys]
        errors = [found.write(one.training_error), _write_spread(found, one)]
        rows.append([*values, f"{one.parameters:,}", *errors, ", ".join(marks)])
    head = [*map(_field, keys), "parameters", training, "validation error", ""]
    return Table(head, rows, noun="settings", bold=[found.chosen])


def _folds(found: CrossValidated) -> Section:
    first, again = found.settings[0].folds, found.repeats > 1
    head = ["setting", *(f"{one.repeat}.{one.fold}" if again else f"fold {one.fold}" for one in first)]
    rows = [[one.name, *(found.write(fold.error) for fold in one.folds)] for one in found.settings]
    reading = "The validation error of each network. Every setting has the same folds, so you can compare columns."
    return Section("Fold by fold", reading, [Table(head, rows, noun="settings")])


def _division(found: CrossValidated) -> Section:
    ways = {"time": "in order of time, trained only on the past", "shuffled": "shuffled and stratified"}
    first = found.settings[0].folds
    facts = Facts(
        [
            ("folds", found.folds),
            ("how they are divided", f"groups kept together ({found.groups})" if found.groups else ways[found.order]),
            ("repeats", found.repeats),
            ("examples divided", found.examples),
            ("trained on, per network", _span([fold.training_examples for fold in first])),
            ("judged on, per network", _span([fold.validation_examples for fold in first])),
            ("kept for the test", found.kept_for_test),
            ("seed", found.seed),
            ("trained at the same time", found.trained_together()),
        ]
    )
    reading = (
        "The error of the chosen setting is slightly too good. Quote the score on the test examples, which were not "
        "used here."
    )
    return Section("How the examples were used", reading if found.kept_for_test else "", [facts])


def _write_spread(found: CrossValidated, one: SettingResult) -> str:
    """The validation error with its standard error."""
    if not found.in_percent:
        return f"{found.write(one.error)} ± {found.write(one.standard_error)}"
    return f"{100 * one.error:.1f} ± {100 * one.standard_error:.1f}{NARROW_SPACE}%"


def _field(key: str) -> str:
    return "hidden units" if key == "hidden" else key.replace("_", " ")


def _is_amount(value: object) -> bool:
    listed = value if isinstance(value, (list, tuple)) else [value]
    return all(isinstance(one, int | float) and not isinstance(one, bool) for one in listed)


def _order(values: Mapping[str, Any]) -> list[str]:
    """The labels of some values: amounts from the least to the greatest, others as they came."""
    if not all(map(_is_amount, values.values())):
        return list(values)

    def size(label: str) -> tuple[int, tuple[float, ...]]:
        value = values[label]
        listed = tuple(value) if isinstance(value, (list, tuple)) else (value,)
        return len(listed), listed

    return sorted(values, key=size)


def _span(values: Sequence[int]) -> str:
    low, high = number(min(values)), number(max(values))
    return low if low == high else f"{low} to {high}"
