"""Forecasting: quantiles of the values to come of one or many series (Kolter, "Recurrent networks")."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from typing_extensions import override

from glasswork.data.batches import Batch
from glasswork.data.dataset import Dataset, ReadingOptions, Schema, fingerprints
from glasswork.data.formats.series import series
from glasswork.data.formats.series.seasons import find_season
from glasswork.data.inputs import Inputs
from glasswork.data.kinds.calendar import Timing
from glasswork.data.kinds.series import Series
from glasswork.data.reading import read
from glasswork.data.series_windows import Places, Windows, window_batches
from glasswork.data.splits import Splits
from glasswork.errors import GlassworkError
from glasswork.execution import Execution
from glasswork.objectives.losses import pinball
from glasswork.systems.answers import measured_rows
from glasswork.systems.forecast.evaluation import backtest, calibrate
from glasswork.systems.forecast.generate import foretold
from glasswork.systems.forecast.network import Forecasters
from glasswork.systems.forecast.recipe import ForecastRecipe
from glasswork.systems.forecast.report import findings
from glasswork.systems.stages import judged, stage_of
from glasswork.systems.system import Prediction, System
from glasswork.training.clock import Clock
from glasswork.training.optimizers import refuse_weight_decay
from glasswork.training.stage import Carry, Stage
from glasswork.training.step import Tree

JUDGED = 1000
"""Forecasts that are looked at after an epoch, at most."""
_USUAL_HORIZON = 12
_STEPS, _LEAST_EPOCHS, _MOST_EPOCHS = 350, 3, 100  # of training, where nobody says: longer ones follow chance
_LARGEST_SHARE = 4  # of the training values, the window takes one in so many at most, where nobody says


class Forecast(System[ForecastRecipe]):
    """Minimises the mean pinball loss of all quantiles of the next values, against those of the season before."""

    @property
    @override
    def loss_name(self) -> str:
        return "pinball"

    @override
    def read(self, source: str | Path) -> Dataset:
        recipe = self.recipe
        options = ReadingOptions(target=recipe.target, time=recipe.time, identifier=recipe.series)
        return read(source, options, series)

    @override
    def read_like(self, source: str | Path, schema: Schema) -> Dataset:
        return read(source, ReadingOptions(like=schema), series)

    @override
    def scaled(self, dataset: Dataset, rows: Tensor) -> Schema:
        recipe, kind = self.recipe, dataset.schema.series
        assert kind is not None
        values = dataset.columns["inputs"][rows]
        season = recipe.season or find_season(values[:, :, 0], kind.timing, recipe.horizon)
        horizon = recipe.horizon or kind.timing.periods().get("day") or (season if season > 1 else _USUAL_HORIZON)
        usual = min(max(season, 2 * horizon, 2), max(2, len(rows) // _LARGEST_SHARE))
        beside = values[:, :, 1:].flatten(0, 1).double()
        mean = beside.nanmean(0)
        deviation = (beside - mean).square().nanmean(0).sqrt()
        return replace(
            dataset.schema,
            series=replace(
                kind,
                mean=tuple(mean.tolist()),
                deviation=tuple(value if value > 1e-12 else 1.0 for value in deviation.tolist()),
                cycles=kind.timing.cycles(len(rows)),
                season=season,
                window=recipe.window or usual,
                horizon=horizon,
                quantiles=recipe.quantiles,
            ),
        )

    @override
    def resolve(self, dataset: Dataset, splits: Splits) -> ForecastRecipe:
        recipe, kind = self.recipe, dataset.schema.series
        assert kind is not None
        refuse_weight_decay(recipe.optimizer, recipe.weight_decay)
        windows = Windows(dataset, Execution())
        for part, rows in splits.named().items():
            if len(rows) and not len(windows.places(rows)):
                raise _too_short(dataset, kind, part, len(rows))
        batch_size = recipe.batch_size or 64
        steps = max(1, -(-len(windows.places(splits.training)) // batch_size))
        epochs = min(_MOST_EPOCHS, max(_LEAST_EPOCHS, round(_STEPS / steps)))
        shape = {"season": kind.season, "horizon": kind.horizon, "window": kind.window}
        return recipe.completed(epochs=epochs, batch_size=batch_size, learning_rate=0.003, **shape)

    @override
    def network(self, schema: Schema) -> nn.Module:
        recipe, kind = self.recipe, schema.series
        assert kind is not None
        return Forecasters(
            recipe.members,
            recipe.cell,
            kind.window,
            kind.features,
            kind.horizon,
            kind.quantiles,
            recipe.units,
            recipe.dropout,
        )

    @override
    def stages(
        self, network: nn.Module, dataset: Dataset, splits: Splits, clock: Clock, execution: Execution
    ) -> list[Stage]:
        recipe = self.recipe
        assert recipe.batch_size is not None and recipe.learning_rate is not None

        def looked_at(network: nn.Module) -> dict[str, float]:
            found = backtest(network, dataset, splits.validation, execution, 1, baselines=False, most=JUDGED)
            assert found is not None
            return found.metrics()

        windows = Windows(dataset, execution)
        batches = window_batches(windows, windows.places(splits.training), recipe.batch_size, recipe.seed)
        return [stage_of(recipe, network, batches, self.loss, judged(looked_at, splits.validation), clock, execution)]

    @override
    def loss(self, network: nn.Module, batch: Batch, state: Carry) -> tuple[Tensor, Carry]:
        assert isinstance(network, Forecasters)
        said = network.each(batch.inputs).float()  # (members, batch, horizon, quantiles)
        return pinball(said, batch.targets.expand(len(said), -1, -1)), {}

    @override
    def score(self, network: nn.Module, dataset: Dataset, rows: Tensor, execution: Execution) -> dict[str, float]:
        found = backtest(network, dataset, rows, execution, self.recipe.stride)
        if found is None:
            assert dataset.schema.series is not None
            raise _too_short(dataset, dataset.schema.series, "test", len(rows))
        return found.metrics()

    @override
    def findings(
        self, network: nn.Module, dataset: Dataset, splits: Splits, execution: Execution, state: Tree | None
    ) -> dict[str, Any]:
        where, rows = measured_rows(splits)
        exact = replace(execution, precision="float32")
        calibrated = calibrate(network, dataset, splits.validation, exact)
        found = backtest(network, dataset, rows, exact, self.recipe.stride)
        assert found is not None
        return findings(dataset, found, where, calibrated)

    @override
    def inputs(self, sources: Sequence[Path], schema: Schema) -> Iterator[Inputs]:
        for path in sources:
            if not path.exists():
                raise GlassworkError(f"There is no file or folder {path}")
            dataset = self.read_like(path, schema)
            kind, names = dataset.schema.series, dataset.schema.classes
            assert kind is not None
            whole = set(Windows(dataset, Execution()).latest().series.tolist())
            problems = {
                place: f"{path}: a forecast of '{name}' takes its last {kind.context:,} values, and not all are known"
                for place, name in enumerate(names)
                if place not in whole
            }
            yield Inputs(names, dataset, problems)

    @override
    def batch(self, dataset: Dataset, rows: Tensor, execution: Execution) -> Batch:
        windows = Windows(dataset, execution)
        places = windows.places(rows)
        if not len(places):
            places = _last(windows.places(torch.arange(len(dataset))), max(1, len(rows)))
        if not len(places):
            assert dataset.schema.series is not None
            raise _too_short(dataset, dataset.schema.series, "train", len(dataset))
        return windows.batch(places)

    @override
    def answer(self, network: nn.Module, dataset: Dataset, execution: Execution) -> list[Prediction]:
        found = foretold(network, dataset, execution)
        return [Prediction(one.name, tuple(one.median), None, {}) for one in found.series]

    @override
    def example(self) -> Dataset:
        times = torch.arange(120)
        values = torch.stack([(2 * math.pi * times / 6).sin() + 0.01 * times, (2 * math.pi * times / 6).cos()], 1)
        columns = {"inputs": values[:, :, None].float(), "times": times}
        columns["fingerprints"] = fingerprints(columns["inputs"])
        schema = Schema("series", (1,), "ahead", ("rising", "level"), series=Series(Timing("rows")))
        return Dataset(columns, schema, "example", ordered=True)


def _last(places: Places, count: int) -> Places:
    return places.at(torch.arange(max(0, len(places) - count), len(places)))


def _too_short(dataset: Dataset, kind: Series, part: str, count: int) -> GlassworkError:
    """The sentence about a part in which not one forecast has room."""
    first = part == "train"
    needed = kind.horizon + (kind.context if first else 0)
    before = f" after {kind.context:,} to read" if first else f", with {kind.context:,} known values before it,"
    return GlassworkError(
        f"The {part} part of {dataset.source} has {count:,} times, and one horizon of {kind.horizon:,}{before} takes "
        f"{needed:,}: give more values, or a shorter --horizon, --window ({kind.window}) or --season ({kind.season})"
    )
