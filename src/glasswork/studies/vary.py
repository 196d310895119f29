"""Varies one field of a recipe and compares the networks: the row of pictures of a slide.

Kovashka, "Effect of number of neurons", "Effect of regularization", "Over-training prevention".
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from glasswork.data.pictures import encode_png
from glasswork.errors import GlassworkError
from glasswork.glassbox.regions import Region, region
from glasswork.recipe.base import Machine
from glasswork.record import Record
from glasswork.report.blocks import Cell, Curves, Line, Picture, Pictures, Table, Text
from glasswork.report.figures import figure, main_metric
from glasswork.report.report import Report, Section
from glasswork.report.words import percent
from glasswork.run.carry_out import Run, begin_run
from glasswork.run.finish import finish
from glasswork.run.request import Request, make_request
from glasswork.show.regions import SHEET_TILE, region_field, regions_png
from glasswork.studies.options import VaryOptions
from glasswork.studies.settings import grid, write_value
from glasswork.studies.study import Asked, Progress, Running
from glasswork.systems.learning import Learning

EPOCHS = "epochs"
OTHER_EXAMPLES = ("data", "seed")
"""Fields that change the examples or their split: settings that are compared by pictures may differ in them."""
HELD_OUT = 0.3
"""Default share of the training examples held out to judge the epochs."""
CELLS = 100
HEADROOM, FIRST = 1.25, 3
"""Height of the drawing as a multiple of the greatest error after so many percent of the epochs."""


@dataclass(frozen=True)
class Variant(Record):
    """A network trained with one value of the field.

    Attributes:
        value: the value in words.
        figures: named metrics on the `training`, `validation` and `test` examples, as far as there are any.
        seconds: of training.
        run: the run's folder; None where it was not kept.
        region: what it answers over the plane; None where its examples lie on no plane.
    """

    value: str
    figures: Mapping[str, Mapping[str, float]]
    seconds: float
    run: str | None
    region: Region | None


@dataclass(frozen=True)
class Curve(Record):
    """The errors of one long run.

    Attributes:
        loss: name of the loss.
        epochs: from 1.
        training: mean loss of each epoch's batches, as they were trained on.
        validation: the loss on the validation examples after it.
        best: the epoch with the least loss on the validation examples: where early stopping would stop.
    """

    loss: str
    epochs: tuple[int, ...]
    training: tuple[float, ...]
    validation: tuple[float, ...]
    best: int


@dataclass(frozen=True)
class Varied(Record):
    """A field at several values.

    Attributes:
        preset: what was trained.
        data: on what.
        field: what varies.
        variants: one for each value; of one long run the best epoch and the last.
        curve: the errors of one long run; else None.
    """

    preset: str
    data: str
    field: str
    variants: tuple[Variant, ...]
    curve: Curve | None

    def figures(self) -> dict[str, Any]:
        """As plain JSON types, without the thousands of cells of each region."""
        found = self.to_json()
        variants = [{key: value for key, value in one.items() if key != "region"} for one in found["variants"]]
        return {**found, "variants": variants}

    def line(self) -> str:
        """The figures of the last network, in a line."""
        return f"{_title(self, self.variants[-1])}: {_words(self.variants[-1])}"

    def regions(self) -> list[tuple[Region, str, str]]:
        """What each network answers where, with a title and its figures in words; those on no plane are left out."""
        return [(one.region, _title(self, one), _words(one)) for one in self.variants if one.region is not None]

    def verdict(self) -> str:
        """What the errors of one long run say; empty of several runs."""
        if self.curve is None:
            return ""
        curve, place = self.curve, self.curve.epochs.index(self.curve.best)
        end = len(curve.epochs) - 1
        if end == place:
            return f"The validation error was still falling after epoch {curve.best:,}, the last: train longer."
        after = f"{end - place:,} epochs after it" if end - place != 1 else "epoch after it"
        return (
            f"Early stopping keeps epoch {curve.best:,}, where the validation error is lowest. The {after} bring the "
            f"training error from {curve.training[place]:.3g} to {curve.training[end]:.3g}, and the validation error "
            f"from {curve.validation[place]:.3g} to {curve.validation[end]:.3g}."
        )

    def report(self) -> Report:
        """The errors of one long run, what each network answers where, and the figures."""
        pictures = [
            Picture(encode_png(region_field(region, SHEET_TILE)), f"{title}: {words}")
            for region, title, words in self.regions()
        ]
        name, columns, rows = _name(self), _columns(self), _rows(self)
        reading = f"One network for each {name}, everything else equal. Dots are training examples."
        if self.curve is not None:
            reading = "The same network after its best epoch and after its last. Dots are training examples."
        over_training = (
            "If the training error keeps falling while the validation error rises, the network memorises its "
            "examples. Early stopping keeps the weights of the epoch with the lowest validation error."
        )
        return Report(
            f"{self.preset} on {self.data}: the effect of {name}",
            [
                Section(
                    "Over-training",
                    over_training,
                    [_errors(self.curve, "best epoch:")] if self.curve is not None else [],
                ),
                Section("Predictions over the plane", reading, [Pictures(pictures)]),
                Section("In figures", "For the networks above.", [Table(["", *columns], rows)]),
            ],
            verdict=self.verdict(),
            summary=[Table([name, *columns], rows), *([Text(self.verdict())] if self.curve is not None else [])],
            footer="Drawn by Glasswork.",
        )

    def png(self) -> bytes:
        """The row of pictures alone, above it the errors of one long run.

        Raises:
            GlassworkError: if there is nothing to draw.
        """
        self.require_picture()
        return regions_png(
            self.regions(), None if self.curve is None else _errors(self.curve, "early stopping keeps epoch")
        )

    def require_picture(self) -> None:
        """Refuses a picture of what has none.

        Raises:
            GlassworkError: if the examples lie on no plane.
        """
        if self.curve is None and not self.regions():
            raise GlassworkError(
                "There is no picture to draw, as these examples do not have two inputs: write a page with --out "
                "row.html"
            )


def vary(options: VaryOptions, asked: Asked) -> Running[Varied]:
    """Trains a preset once for each value of a field, and compares what the networks learned and predict.

    A single value of `epochs` makes one long run instead, which is looked at after its best epoch and its last
    (Kovashka, "Over-training prevention").

    Raises:
        GlassworkError: for a field or values that do not fit, or data that leaves nothing to judge the epochs on.
        KeyboardInterrupt: on Ctrl-C.
    """
    if asked.preset is None:
        raise GlassworkError("There is no preset: name one, such as points")
    count = len(options.values)
    findings = _train_each(asked.preset, options.field, options.values, asked.values, options.runs)
    yield Progress(0, count)
    for done, found in enumerate(findings, 1):
        yield Progress(done, count, found.line(), found)
    return found


def _train_each(
    preset: str,
    field: str,
    values: Sequence[Any],
    options: Mapping[str, Any] | None = None,
    runs: str | Path | None = None,
) -> Iterator[Varied]:
    """What has been found after each of the trainings."""
    field, given = field.replace("-", "_"), {key: _plain(value) for key, value in (options or {}).items()}
    if field in given:
        raise GlassworkError(f"{field} is varied, and is also set to {given[field]}: leave out one of them")
    if len(values) == 1 and field == EPOCHS:
        yield _overtrain(preset, values[0], given, runs)
        return
    orders = _orders(preset, field, [_plain(value) for value in values], given)
    found = Varied(preset, write_value(orders[0].recipe.data), field, (), None)
    for one in orders:
        with _run(one, f"{field}-{write_value(getattr(one.recipe, field))}", runs) as (run, learning):
            for _ in run.steps():
                pass
            value = write_value(getattr(run.request.recipe, field))
            found = replace(found, variants=(*found.variants, _look_at(run, learning, value, runs)))
        yield found


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value


def _orders(preset: str, field: str, values: Sequence[Any], options: Mapping[str, Any]) -> list[Request]:
    """The order of each value."""
    if len(values) < 2:
        raise GlassworkError(f"To see the effect of {field}, give two or more values, or a single number of epochs")
    if field in Machine.model_fields:
        raise GlassworkError(f"{field} describes the machine and does not change what is learned: vary another field")
    if field not in OTHER_EXAMPLES:
        return [setting.order for setting in grid(preset, {field: values}, options)]
    orders = [make_request(preset, {**options, field: value}) for value in values]
    chosen = [getattr(one.recipe, field) for one in orders]
    for value in chosen:
        if chosen.count(value) > 1:
            raise GlassworkError(f"{field} {write_value(value)} is given twice: give each value once")
    return orders


def _overtrain(preset: str, epochs: Any, options: dict[str, Any], runs: str | Path | None) -> Varied:
    """One long run to its end, whatever patience the preset has; the best epoch and the last."""
    asked = {**options, EPOCHS: epochs, "patience": None}
    if not make_request(preset, asked).learning.validation and "validation" not in options:
        asked["validation"] = HELD_OUT
    one = make_request(preset, asked)
    losses: dict[int, tuple[float, int]] = {}
    judged: dict[int, float] = {}
    with _run(one, f"{EPOCHS}-{epochs}", runs) as (run, learning):
        if len(learning.splits.validation) == 0:
            raise GlassworkError("Over-training shows on held-out examples, and there are none: add --validation")
        for step in run.steps():
            total, count = losses.get(step.epoch, (0.0, 0))
            losses[step.epoch] = (total + float(step.loss) * step.examples, count + step.examples)
            if step.judgement is not None:
                judged[step.epoch] = step.judgement.metrics["loss"]
        if run.interrupted:
            raise KeyboardInterrupt
        best = run.best
        assert best is not None
        last = _look_at(run, learning, f"{max(losses)} (last)", None, kept=False)
        kept = _look_at(run, learning, f"{best.epoch} (best)", runs)
    curve = Curve(
        learning.system.minimised(learning.dataset.task),
        tuple(losses),
        tuple(total / count for total, count in losses.values()),
        tuple(judged[epoch] for epoch in losses),
        best.epoch,
    )
    return Varied(preset, write_value(one.recipe.data), EPOCHS, (kept, last), curve)


@contextmanager
def _run(one: Request, name: str, runs: str | Path | None) -> Iterator[tuple[Run, Learning]]:
    """A run made ready in a folder of its own, which is gone afterwards if runs are not kept."""
    with TemporaryDirectory() as temporary:
        folder = Path(runs) / name.replace("/", "-") if runs is not None else Path(temporary) / "run"
        run = begin_run(replace(one, machine=one.machine.model_copy(update={"out": str(folder)})))
        try:
            assert isinstance(run.process, Learning)
            yield run, run.process
        finally:
            run.folder.unlock()


def _look_at(run: Run, learning: Learning, value: str, runs: str | Path | None, kept: bool = True) -> Variant:
    """What a run came to: with the weights that are kept, or with those that it ended with."""
    if run.interrupted:
        raise KeyboardInterrupt
    if kept and runs is not None:
        finish(run)
    learning.keep(run.best if kept else None)
    rows = {
        "training": learning.splits.training,
        "validation": learning.splits.validation,
        "test": learning.splits.test,
    }
    figures = {
        name: learning.system.evaluate(learning.network, learning.dataset, some, learning.execution).metrics.values
        for name, some in rows.items()
        if len(some)
    }
    plane = learning.plane
    return Variant(
        value,
        figures,
        round(run.seconds, 3),
        run.folder.name if runs is not None else None,
        None if plane is None else region(learning.network, plane, CELLS),
    )


def _errors(curve: Curve, mark: str) -> Curves:
    """Training and validation error over the epochs, without the fall of the first, which would flatten the rest."""
    errors = [max(both) for both in zip(curve.training, curve.validation, strict=True)]
    highest = HEADROOM * max(errors[len(errors) * FIRST // 100 :])
    lines = [
        Line(name, list(zip(curve.epochs, values, strict=True)))
        for name, values in (("validation", curve.validation), ("training", curve.training))
    ]
    lowest = min(0.0, *curve.training, *curve.validation)
    return Curves(curve.loss, lines, marks=[(f"{mark} {curve.best:,}", curve.best)], reach=(lowest, highest))


def _title(found: Varied, one: Variant) -> str:
    return f"{'epoch' if found.curve else _name(found)} {one.value}"


def _name(found: Varied) -> str:
    return found.field.replace("_", " ")


def _words(one: Variant) -> str:
    """The main figure on each split, in words."""
    words = []
    for part, metrics in one.figures.items():
        name = main_metric(metrics)
        value = metrics[name]
        words.append(f"{part} {percent(value)}" if figure(name).share else f"{part} {name} {value:.3g}")
    return ", ".join(words)


def _columns(found: Varied) -> list[str]:
    figures = found.variants[0].figures
    parts = list(figures)
    name = main_metric(figures[parts[0]])
    return [*(f"{part} {name}" for part in parts), *([] if name == "loss" else [f"{parts[-1]} loss"]), "seconds"]


def _rows(found: Varied) -> list[list[Cell]]:
    rows: list[list[Cell]] = []
    for one in found.variants:
        figures = list(one.figures.values())
        name = main_metric(figures[0])
        loss = [] if name == "loss" else [round(figures[-1]["loss"], 4)]
        rows.append([one.value, *(round(metrics[name], 4) for metrics in figures), *loss, one.seconds])
    return rows
