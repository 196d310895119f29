"""Forecasting: quantiles of the values to come of one or many series (Kolter, "Recurrent networks")."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn
from typing_extensions import override

from glasswork.data.batches import Batch, Batches
from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.formats.series import series
from glasswork.data.formats.series.seasons import find_season
from glasswork.data.kinds.calendar import Timing
from glasswork.data.kinds.kind import Inputs, Reading, Target
from glasswork.data.kinds.quantiles import Quantiles
from glasswork.data.kinds.series import Series
from glasswork.data.kinds.task import Task
from glasswork.data.prediction import Prediction
from glasswork.data.reading import read
from glasswork.data.series_windows import Places, Windows, window_batches
from glasswork.data.splits import Splits
from glasswork.errors import GlassworkError
from glasswork.execution import Execution
from glasswork.objectives.losses import Objective
from glasswork.objectives.metrics import Metrics
from glasswork.systems.evaluation import Evaluation
from glasswork.systems.forecast.evaluation import Backtest, backtest, calibrate
from glasswork.systems.forecast.generate import foretell
from glasswork.systems.forecast.network import Forecasters
from glasswork.systems.forecast.recipe import ForecastRecipe
from glasswork.systems.forecast.report import report_backtest
from glasswork.systems.sample import Sample, write_rows
from glasswork.systems.system import Context, Findings, System
from glasswork.training.stage import Carry, Moment, Tree

if TYPE_CHECKING:
    from glasswork.systems.forecast.model import ForecastModel

JUDGED = 1000
"""Forecasts that are looked at after an epoch, at most."""
_USUAL_HORIZON = 12
_STEPS, _LEAST_EPOCHS, _MOST_EPOCHS = 350, 3, 100  # of training, by default: longer ones overfit
_LARGEST_SHARE = 4  # of the training values, the window takes at most one in so many by default


class Forecast(System[ForecastRecipe, Backtest]):
    """Minimises the mean pinball loss of all quantiles of the next values, against those of the season before."""

    takes: ClassVar[tuple[type[Inputs], ...]] = (Series,)
    answers: ClassVar[tuple[type[Target], ...]] = (Quantiles,)

    @override
    def objective(self, task: Task) -> Objective:
        return Objective("pinball")

    @override
    def read(self, source: str | Path, like: Task | None = None) -> Dataset:
        recipe = self.recipe
        if like is not None:  # which knows what its columns are for
            return read(source, ReadingOptions.of(recipe, like=like, target=None, time=None), series)
        return read(source, ReadingOptions.of(recipe, identifier=recipe.series), series)

    @override
    def fit(self, dataset: Dataset, rows: Tensor) -> Task:
        recipe, kind = self.recipe, Series.of(dataset.task)
        values = dataset.columns["inputs"][rows]
        season = recipe.season or find_season(values[:, :, 0], kind.timing, recipe.horizon)
        horizon = recipe.horizon or kind.timing.periods().get("day") or (season if season > 1 else _USUAL_HORIZON)
        usual = min(max(season, 2 * horizon, 2), max(2, len(rows) // _LARGEST_SHARE))
        beside = values[:, :, 1:].flatten(0, 1).double()
        mean = beside.nanmean(0)
        deviation = (beside - mean).square().nanmean(0).sqrt()
        inputs = replace(
            kind,
            mean=tuple(mean.tolist()),
            deviation=tuple(value if value > 1e-12 else 1.0 for value in deviation.tolist()),
            cycles=kind.timing.cycles(len(rows)),
            season=season,
            window=recipe.window or usual,
        )
        return Task(inputs, Quantiles(dataset.task.target.names, horizon, recipe.quantiles))

    @override
    def derive(self, dataset: Dataset, splits: Splits) -> Mapping[str, object]:
        recipe, kind = self.recipe, Series.of(dataset.task)
        windows = Windows(dataset, Execution())
        for part, rows in splits.named().items():
            if len(rows) and not len(windows.places(rows)):
                raise _too_short(dataset, part, len(rows))
        batch_size = recipe.batch_size or 64
        steps = max(1, -(-len(windows.places(splits.training)) // batch_size))
        epochs = min(_MOST_EPOCHS, max(_LEAST_EPOCHS, round(_STEPS / steps)))
        shape = {"season": kind.season, "horizon": Quantiles.of(dataset.task).horizon, "window": kind.window}
        return {"epochs": epochs, "batch_size": batch_size, "learning_rate": 0.003, **shape}

    @override
    def network(self, task: Task) -> nn.Module:
        recipe, kind, ahead = self.recipe, Series.of(task), Quantiles.of(task)
        return Forecasters(
            recipe.ensemble_size,
            recipe.cell,
            kind.window,
            kind.features,
            ahead.horizon,
            ahead.quantiles,
            recipe.hidden_size,
            recipe.dropout,
        )

    @override
    def batches(self, context: Context) -> Batches:
        recipe, windows = self.recipe, Windows(context.dataset, context.execution)
        assert recipe.batch_size is not None
        return window_batches(windows, windows.places(context.splits.training), recipe.batch_size, recipe.seed)

    @override
    def loss(
        self, network: nn.Module, batch: Batch, carry: Carry, moment: Moment, objective: Objective
    ) -> tuple[Tensor, Carry]:
        assert isinstance(network, Forecasters)
        said = network.each(batch.inputs).float()  # (members, batch, horizon, quantiles)
        targets, known = batch.targets, batch.targets.isfinite()
        if not bool(known.all()):  # an unknown value is not a target
            return objective(said[:, known], targets[known].expand(len(said), -1)), {}
        return objective(said, targets.expand(len(said), -1, -1)), {}

    @override
    def complete(self, network: nn.Module, context: Context) -> None:
        """Sets the conformal margins of the intervals, from the validation rows."""
        exact = replace(context.execution, precision="float32")
        calibrate(network, context.dataset, context.splits.validation, exact)

    @override
    def outputs(self, network: nn.Module, dataset: Dataset, rows: Tensor, execution: Execution) -> Backtest:
        """Forecasts from origins that roll over the rows, beside the baselines.

        Raises:
            GlassworkError: if not one forecast has room.
        """
        found = backtest(network, dataset, rows, execution, self.recipe.stride)
        if found is None:
            raise _too_short(dataset, "test", len(rows))
        return found

    @override
    def measure(self, outputs: Backtest, dataset: Dataset, rows: Tensor) -> Metrics:
        return Metrics(outputs.metrics(), "mae", outputs.loss, higher_is_better=False)

    @override
    def judge(self, network: nn.Module, context: Context) -> Metrics:
        """On some forecasts of the validation rows, without the slower baselines."""
        dataset, rows = context.dataset, context.splits.validation
        found = backtest(network, dataset, rows, context.execution, 1, baselines=False, most=JUDGED)
        assert found is not None
        return self.measure(found, dataset, rows)

    @override
    def report(
        self, network: nn.Module, evaluation: Evaluation[Backtest], context: Context, last: Tree | None
    ) -> Findings:
        return report_backtest(context, evaluation)

    @override
    def inputs(self, sources: Sequence[Path], task: Task) -> Iterator[Reading]:
        for path in sources:
            if not path.exists():
                raise GlassworkError(f"There is no file or folder {path}")
            dataset = self.read(path, task)
            kind, names = Series.of(dataset.task), dataset.task.target.names
            whole = set(Windows(dataset, Execution()).latest().series.tolist())
            problems = {
                place: f"{path}: a forecast of '{name}' needs its last {kind.context:,} values, and some are missing"
                for place, name in enumerate(names)
                if place not in whole
            }
            yield Reading(names, dataset, problems)

    @override
    def batch(self, dataset: Dataset, rows: Tensor, execution: Execution) -> Batch:
        windows = Windows(dataset, execution)
        places = windows.places(rows, whole=True)
        if not len(places):
            places = _last(windows.places(torch.arange(len(dataset)), whole=True), max(1, len(rows)))
        if not len(places):
            raise _too_short(dataset, "train", len(dataset))
        return windows.batch(places)

    @override
    def predict(self, network: nn.Module, dataset: Dataset, execution: Execution) -> list[Prediction]:
        found = foretell(network, dataset, execution)
        return [Prediction(one.name, tuple(one.median), None, {}, spread=one.widths) for one in found.series]

    @override
    def next_commands(self, run: str, task: Task) -> list[tuple[str, str]]:
        forecast = (f"glasswork forecast {run} --out forecast.html", "predicts what comes next in the series")
        return [forecast, *super().next_commands(run, task)]

    @override
    def model_class(self) -> type["ForecastModel"]:
        from glasswork.systems.forecast.model import ForecastModel

        return ForecastModel

    @override
    def usual_task(self) -> Task:
        return Task(Series(Timing("rows")), Quantiles(("rising", "level")))

    @override
    def sample(self, folder: Path) -> Sample:
        rows = [(f"{50 + time / 10 + 8 * math.sin(2 * math.pi * time / 7):.3f}", (time * 7) % 5) for time in range(120)]
        data = write_rows(folder / "series.csv", ["demand", "wind"], rows)
        shape = {"target": "demand", "horizon": 3, "window": 8, "hidden_size": 4, "ensemble_size": 2, "quantiles": 5}
        return Sample(str(data), {**shape, "epochs": 2, "batch_size": 14}, [str(data)])


def _last(places: Places, count: int) -> Places:
    return places.at(torch.arange(max(0, len(places) - count), len(places)))


def _too_short(dataset: Dataset, part: str, count: int) -> GlassworkError:
    """The sentence about a part in which not one forecast has room."""
    kind, ahead, first = Series.of(dataset.task), Quantiles.of(dataset.task), part == "train"
    needed = ahead.horizon + (kind.context if first else 0)
    before = f" after {kind.context:,} to read" if first else f", with {kind.context:,} known values before it,"
    return GlassworkError(
        f"The {part} part of {dataset.source} has {count:,} times, and one horizon of {ahead.horizon:,}{before} takes "
        f"{needed:,}: give more values, or a shorter --horizon, --window ({kind.window}) or --season ({kind.season})"
    )
