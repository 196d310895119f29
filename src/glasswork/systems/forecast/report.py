"""The report of a forecasting run: its backtest, in numbers and drawn with intervals."""

import math
from collections.abc import Mapping
from typing import Any

import torch

from glasswork.data.dataset import Dataset
from glasswork.data.kinds.quantiles import Quantiles
from glasswork.data.kinds.series import Series
from glasswork.report.blocks import Block, Curves, Fan, Forecast, Line, Table, Text
from glasswork.report.csv_text import csv_text
from glasswork.report.report import Report, Score, Section
from glasswork.report.words import measured
from glasswork.systems.evaluation import Evaluation, measured_rows
from glasswork.systems.forecast.evaluation import (
    MISSING,
    MOST_SERIES,
    Backtest,
    by_step,
    calibrated_values,
    has_statsmodels,
)
from glasswork.systems.forecast.generate import Foretold
from glasswork.systems.system import Context, Findings

DRAWN_SERIES = 4
DRAWN_FORECASTS = 4
MOST_PRINTED = 12
INNER = 0.5
"""Of the values that the inner interval of a drawing shall hold, about."""


def report_backtest(context: Context, evaluation: Evaluation[Backtest]) -> Findings:
    """What is said about forecasts.

    Args:
        context: what was trained on; its validation values are those that the intervals were calibrated on.
        evaluation: the backtest.
    """
    dataset, kind, where = context.dataset, Series.of(context.dataset.task), measured_rows(context.splits)[0]
    found, metrics, ahead = evaluation.outputs, evaluation.metrics.values, Quantiles.of(dataset.task)
    calibrated = calibrated_values(dataset, context.splits.validation)
    promised = (ahead.quantiles - 1) / (ahead.quantiles + 1)
    remarks = [_verdict(metrics, len(found.places), kind.timing.steps_in_words(ahead.horizon), where)]
    remarks.append(
        f"intervals of {promised:.0%} hold {metrics['coverage']:.1%} of the {where} values, calibrated on "
        f"{calibrated:,} validation values"
        if calibrated
        else f"intervals of {promised:.0%} hold {metrics['coverage']:.1%} of the {where} values; without validation "
        "values they are the network's own, not calibrated"
    )
    if not has_statsmodels():
        remarks.append(MISSING)
    elif "ets_mae" not in metrics:
        remarks.append(
            "there is no exponential-smoothing baseline: it needs two seasons, and eleven values more than one, "
            f"before the first forecast, of at most {MOST_SERIES} series"
        )
    score = Score(
        "mean absolute error",
        metrics["mae"],
        in_percent=False,
        higher_is_better=False,
        baseline="the seasonal-naive forecast, the value one season before,",
        baseline_value=metrics["seasonal_naive_mae"],
    )
    sections = [_errors(found, metrics, where), _drawn(dataset, found, where)]
    return Findings(score, sections=sections, remarks=tuple(remarks))


def _verdict(metrics: Mapping[str, float], count: int, ahead: str, where: str) -> str:
    made, mae, naive = f"{count:,} {where} forecasts of {ahead}", metrics["mae"], metrics["seasonal_naive_mae"]
    if not naive:
        return f"{made}: the mean absolute error is {mae:.2g}, and that of the seasonal-naive forecast 0"
    smoothed = metrics.get("ets_mae")
    ets = f", {mae / smoothed:.2f} times that of exponential smoothing" if smoothed else ""
    return f"{made}: the mean absolute error is {mae / naive:.2f} times that of the seasonal-naive forecast{ets}"


def _errors(found: Backtest, metrics: Mapping[str, float], where: str) -> Section:
    """The forecasting methods compared."""
    lines = [
        Line(name, [(float(step), error) for step, error in enumerate(errors, 1) if math.isfinite(error)])
        for name, errors in by_step(found).items()
    ]
    several = found.truth.shape[1] > 1
    curves = [Curves("Mean absolute error by steps ahead", lines, "steps ahead")] if several else []
    rows: list[tuple[str, float | None, float | None]] = [
        ("network", metrics["mae"], metrics.get("mape")),
        ("seasonal naive", metrics["seasonal_naive_mae"], metrics.get("seasonal_naive_mape")),
    ]
    if "ets_mae" in metrics:
        rows.append(("exponential smoothing (ETS)", metrics["ets_mae"], metrics.get("ets_mape")))
    return Section(
        "Backtest",
        f"Forecasts from {len(found.places):,} origins that roll over the {where} values, each made with the values "
        "known then. The error should grow with the steps ahead; the network should be below both baselines.",
        [*curves, Table(("forecast", "mean absolute error", "in per cent of the value"), rows)],
    )


def _drawn(dataset: Dataset, found: Backtest, where: str) -> Section:
    """The last forecasts of a few series, with what came."""
    ahead = Quantiles.of(dataset.task)
    series = sorted(set(found.places.series.tolist()))[:DRAWN_SERIES]
    fans = [_fan(dataset, found, one) for one in series]
    outer, inner = (ahead.quantiles - 1) / (ahead.quantiles + 1), _inner(ahead.quantiles)[2]
    return Section(
        "Forecasts and actual values",
        f"The last {where} forecasts: the median as a line, intervals that should contain {outer:.0%} and {inner:.0%} "
        "of the values around it, and the actual values. A forecast does not use the values it predicts.",
        fans,
    )


def _inner(quantiles: int) -> tuple[int, int, float]:
    """The lower and the upper quantile of the inner interval, and the share that it shall hold."""
    low = min(quantiles // 2 - 1, round((quantiles + 1) * (1 - INNER) / 2) - 1)
    low = max(0, low)
    high = quantiles - 1 - low
    return low, high, (high - low) / (quantiles + 1)


def _fan(dataset: Dataset, found: Backtest, series: int) -> Fan:
    kind, ahead = Series.of(dataset.task), Quantiles.of(dataset.task)
    mine = (found.places.series == series).nonzero()[:, 0].tolist()
    chosen: list[int] = []
    for place in reversed(mine):  # the last ones that do not overlap
        origin = int(found.places.origins[place])
        if not chosen or origin + ahead.horizon <= int(found.places.origins[chosen[-1]]):
            chosen.append(place)
        if len(chosen) == DRAWN_FORECASTS:
            break
    first = int(found.places.origins[chosen[-1]])
    begin = max(0, first - ahead.horizon)
    end = int(found.places.origins[chosen[0]]) + ahead.horizon
    values = dataset.columns["inputs"][begin:end, series, 0]
    low, high, _ = _inner(ahead.quantiles)
    forecasts = [
        forecast_of(int(found.places.origins[place]), found.quantiles[place], found.naive[place], low, high)
        for place in reversed(chosen)
    ]
    times = torch.arange(begin, end).tolist()
    told = dataset.names
    words = [told[row] if told else kind.timing.word(int(dataset.columns["times"][row])) for row in times]
    return Fan(
        dataset.task.target.names[series], list(zip(times, values.tolist(), strict=True)), forecasts, times, words
    )


def forecast_of(origin: int, quantiles: torch.Tensor, naive: torch.Tensor, low: int, high: int) -> Forecast:
    """One forecast for a drawing.

    Args:
        origin: where it begins on the axis.
        quantiles: (horizon, quantiles).
        naive: (horizon,).
        low: the lower quantile of the inner interval.
        high: the upper one.
    """
    return Forecast(
        list(range(origin, origin + len(quantiles))),
        quantiles[:, quantiles.shape[1] // 2].tolist(),
        [
            (quantiles[:, 0].tolist(), quantiles[:, -1].tolist()),
            (quantiles[:, low].tolist(), quantiles[:, high].tolist()),
        ],
        naive.tolist(),
    )


def fans_ahead(foretold: Foretold) -> list[Fan]:
    """Drawings of how series go on, each after what came before."""
    low, high, _ = _inner(len(foretold.levels))
    fans = []
    for one in foretold.series:
        past, words = len(one.history), [*one.history_times, *one.times]
        forecast = forecast_of(past, torch.tensor(one.quantiles), torch.tensor(one.seasonal_naive), low, high)
        known = list(enumerate(one.history))
        fans.append(Fan(one.name, known, [forecast], list(range(len(words))), words))
    return fans


def report_ahead(found: Foretold) -> Report:
    """How series go on: a fan and a table for each."""
    low, high = found.levels[0], found.levels[-1]
    reading = (
        "The line is the median: the value is as likely above as below it. The wide interval should contain "
        f"{high - low:.0%} of the values."
    )
    head = ["time", "median", f"{low:.0%} below", f"{high:.0%} below", "seasonal naive"]
    sections, summary = [], list[Block]()
    for one, fan in zip(found.series, fans_ahead(found), strict=True):
        rows = [
            (time, *(measured(value, width) for value in (median, values[0], values[-1], naive)))
            for time, median, values, naive, width in zip(
                one.times, one.median, one.quantiles, one.seasonal_naive, one.widths, strict=True
            )
        ]
        sections.append(Section(one.name, reading, [fan, Table(head, rows, noun="times")]))
        summary += [Text(one.name), Table(head, rows[:MOST_PRINTED])]
        if len(rows) > MOST_PRINTED:
            more = f"... and {len(rows) - MOST_PRINTED:,} more: --out forecast.csv or forecast.html has all"
            summary.append(Text(more))
    footer = "Drawn by Glasswork from the forecasts of a trained network."
    return Report(f"Forecast for {found.source}", sections, summary=summary, footer=footer)


def csv_ahead(found: Foretold) -> str:
    """A line for each series and time: series, time, median, seasonal_naive, and a column per quantile."""
    quantiles = (f"quantile_{level:g}" for level in found.levels)
    lines: list[list[Any]] = [["series", "time", "median", "seasonal_naive", *quantiles]]
    for one in found.series:
        rows = zip(one.times, one.median, one.seasonal_naive, one.quantiles, strict=True)
        lines += [[one.name, time, median, naive, *values] for time, median, naive, values in rows]
    return csv_text(lines)
