"""Forecasting: baselines by hand, nothing of the future, calibrated intervals, the verb, and mistakes."""

import csv
import importlib.util
import json
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import glasswork as gw
from closeness import assert_same_numbers
from glasswork.cli import main
from glasswork.data.dataset import Dataset, fingerprints
from glasswork.data.kinds.calendar import Timing
from glasswork.data.kinds.quantiles import Quantiles
from glasswork.data.kinds.series import Series
from glasswork.data.kinds.task import Task
from glasswork.data.series_windows import Places, Windows
from glasswork.execution import Execution
from glasswork.systems.forecast.evaluation import MISSING, backtest, calibrate, calibrated_values, ets_forecasts
from glasswork.systems.forecast.network import Forecasters
from made_data import mistake, said, train, write_series

SMALL = {
    "target": "demand",
    "horizon": 3,
    "window": 8,
    "hidden_size": 4,
    "ensemble_size": 2,
    "quantiles": 5,
    "batch_size": 16,
}


def series(values: torch.Tensor, season: int = 7, horizon: int = 3, quantiles: int = 9) -> Dataset:
    inputs = values[:, :, None].float()
    kind = Series(Timing("rows"), season=season, window=8)
    columns = {"inputs": inputs, "times": torch.arange(len(values)), "fingerprints": fingerprints(inputs)}
    names = tuple("abcdef"[: values.shape[1]])
    return Dataset(columns, Task(kind, Quantiles(names, horizon, quantiles)), "made", ordered=True)


def network_for(dataset: Dataset, members: int = 2) -> Forecasters:
    kind, ahead = Series.of(dataset.task), Quantiles.of(dataset.task)
    torch.manual_seed(0)
    return Forecasters(members, "gru", kind.window, kind.features, ahead.horizon, ahead.quantiles, 4, 0.0).eval()


def weekly(count: int = 200, noise: float = 1.0) -> torch.Tensor:
    draws = torch.Generator().manual_seed(0)
    wave = 10 * (2 * torch.pi * torch.arange(count) / 7).sin()
    return (wave + noise * torch.randn(count, generator=draws))[:, None]


def test_an_untrained_network_foretells_the_season_before() -> None:
    dataset = series(weekly())
    found = backtest(network_for(dataset), dataset, torch.arange(150, 200), Execution(), None, baselines=False)
    assert found is not None
    assert_same_numbers(found.median, found.naive)
    rows = found.places.origins[:, None] + torch.arange(3)
    values = dataset.columns["inputs"][:, 0, 0]
    expected = (values[rows] - values[rows - 7]).abs().mean().item()
    assert found.metrics()["seasonal_naive_mae"] == pytest.approx(expected, rel=1e-5)
    assert found.places.origins.tolist() == list(range(150, 198, 3))


def test_members_are_averaged_and_margins_are_added() -> None:
    network = network_for(series(weekly()))
    windows = torch.randn(5, 8, 2)
    network.margins.copy_(torch.arange(9.0))
    assert_same_numbers(network(windows), network.each(windows).mean(0) + torch.arange(9.0))


def test_no_forecast_knows_of_what_comes_after_its_origin() -> None:
    values = weekly()
    changed = values.clone()
    changed[170:] += 100
    network = network_for(series(values))
    for member in network.members:
        torch.nn.init.normal_(member.head.weight)  # type: ignore[union-attr, arg-type]
    one, other = (backtest(network, series(each), torch.arange(150, 200), Execution(), 1) for each in (values, changed))
    assert one is not None and other is not None and one.ets is not None and other.ets is not None
    early = one.places.origins <= 170
    assert int(early.sum()) == 21
    for before, after in ((one.quantiles, other.quantiles), (one.naive, other.naive), (one.ets, other.ets)):
        assert torch.equal(before[early], after[early])
        assert not torch.equal(before[~early], after[~early])


@pytest.mark.parametrize("season", [1, 7])
def test_exponential_smoothing_is_statsmodels_own(season: int) -> None:
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    values = weekly(noise=0.5)
    dataset = series(values, season)
    windows = Windows(dataset, Execution())
    places = Places(torch.tensor([150, 180]), torch.tensor([0, 0]))
    found = ets_forecasts(windows, places)
    options: dict[str, Any] = {"initialization_method": "heuristic"}
    options |= {"seasonal": "add", "seasonal_periods": 7} if season > 1 else {}
    data = windows.values[:150, 0].double().numpy()
    fits = [
        ETSModel(data / np.abs(data).mean(), "add", trend, trend is not None, **options).fit(disp=False, maxiter=200)
        for trend in (None, "add")
    ]
    best = min(fits, key=lambda fit: float(fit.aic))
    expected = np.asarray(best.forecast(3)) * np.abs(data).mean()
    assert found[0].tolist() == pytest.approx(expected, rel=1e-3, abs=1e-3)
    assert found[1].isfinite().all()


def test_a_series_too_short_to_be_smoothed_has_no_such_baseline() -> None:
    windows = Windows(series(weekly(30)), Execution())
    assert ets_forecasts(windows, Places(torch.tensor([13]), torch.tensor([0]))).isnan().all()


def test_intervals_hold_after_calibration() -> None:
    dataset = series(weekly(1200, noise=3.0))
    network = network_for(dataset)
    before = backtest(network, dataset, torch.arange(800, 1200), Execution(), 1, baselines=False)
    calibrate(network, dataset, torch.arange(400, 800), Execution())
    assert calibrated_values(dataset, torch.arange(400, 800)) == 398 * 3
    after = backtest(network, dataset, torch.arange(800, 1200), Execution(), 1, baselines=False)
    assert before is not None and after is not None
    assert abs(before.metrics()["coverage"] - 0.8) > 0.04
    assert after.metrics()["coverage"] == pytest.approx(0.8, abs=0.04)


def test_without_statsmodels_one_line_says_what_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "statsmodels" else find(name))
    train("forecast", data=write_series(tmp_path / "a.csv"), epochs=1, **SMALL)
    result = said(capsys)
    assert MISSING in result["remarks"]
    assert "ets_mae" not in result["test"] and result["test"]["seasonal_naive_mae"] > 0


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    made = train("forecast", data=write_series(tmp_path / "a.csv"), epochs=2, **SMALL)
    capsys.readouterr()
    return made


def test_the_verb_goes_on_after_the_end(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["forecast", str(run), "--json"]) == 0
    found = said(capsys)
    assert found["times"] == ["2024-04-30", "2024-05-01", "2024-05-02"]
    (one,) = found["series"]
    assert one["name"] == "demand"
    assert all(values == sorted(values) and len(values) == 5 for values in one["quantiles"])
    assert one["median"] == [values[2] for values in one["quantiles"]]
    assert found["levels"] == pytest.approx([k / 6 for k in range(1, 6)], abs=1e-6)
    assert gw.load(run).forecast().to_json() == {key: value for key, value in found.items() if key != "run"}


def test_forecasts_as_csv_as_a_page_and_on_the_terminal(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["forecast", str(run), "--out", "ahead.csv"]) == 0
    with Path("ahead.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["time"] for row in rows] == ["2024-04-30", "2024-05-01", "2024-05-02"]
    assert list(rows[0])[:4] == ["series", "time", "median", "seasonal_naive"] and len(rows[0]) == 9
    assert main(["forecast", str(run), "--out", "ahead.html"]) == 0
    page = Path("ahead.html").read_text(encoding="utf-8")
    assert page.count('class="band"') == 2 and "2024-05-02" in page
    capsys.readouterr()
    assert main(["forecast", str(run)]) == 0
    assert "2024-05-02" in capsys.readouterr().out
    assert "ends in neither" in mistake(capsys, "forecast", run, "--out", "ahead.pdf")


def test_newer_values_are_gone_on_with(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    newer = write_series(tmp_path / "newer.csv", 130)
    assert main(["forecast", str(run), "--data", str(newer), "--json"]) == 0
    assert said(capsys)["times"][0] == "2024-05-10"
    lines = newer.read_text(encoding="utf-8").splitlines()
    newer.write_text("\n".join([lines[0], *lines[1::2]]) + "\n", encoding="utf-8")
    assert "2 days apart" in mistake(capsys, "forecast", run, "--data", newer).replace("2 day ", "2 days ")
    newer.write_text("\n".join(lines[:9]) + "\n", encoding="utf-8")
    assert "a forecast needs the last 15 values" in mistake(capsys, "forecast", run, "--data", newer)
    newer.write_text("date,demand\n2024-01-01,1\n2024-01-02,2\n", encoding="utf-8")
    assert "has no column 'wind' of numbers" in mistake(capsys, "forecast", run, "--data", newer)


def test_the_report_draws_the_backtest(run: Path) -> None:
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "Forecasts and actual values" in page and page.count('class="band"') >= 4
    result = json.loads((run / "result.json").read_text(encoding="utf-8"))
    assert any("calibrated on" in remark for remark in result["remarks"])


def write_days(path: Path, days: Sequence[date], values: Sequence[float]) -> Path:
    lines = ["date,y", *(f"{day},{value!r}" for day, value in zip(days, values, strict=True))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def walk(count: int, seed: int = 0) -> list[float]:
    steps = torch.randn(count, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return (100 + steps.cumsum(0)).tolist()


@pytest.mark.parametrize("holes", [False, True])
def test_nothing_is_known_of_a_walk_before_it_comes(
    holes: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A step of 1 cannot be foretold, on a Monday as little as on another day, or after a gap of two."""
    days = [date(2018, 1, 1) + timedelta(day) for day in range(1100)]
    days = [day for day in days if not (holes and day.toordinal() % 9 in {0, 1}) and (holes or day.weekday() < 5)]
    data = write_days(tmp_path / "walk.csv", days, walk(len(days)))
    small = {"hidden_size": 4, "ensemble_size": 1, "epochs": 1, "horizon": 1, "stride": 1}
    made = train("forecast", data=data, **small)
    found = said(capsys)
    assert sum(found["examples"].values()) == ((days[-1] - days[0]).days + 1 if holes else len(days))
    expected = (2 / np.pi) ** 0.5
    assert found["test"]["mae"] == pytest.approx(expected, rel=0.25)
    assert found["test"]["seasonal_naive_mae"] == pytest.approx(expected, rel=0.25)
    assert found["test"]["ets_mae"] == pytest.approx(expected, rel=0.25)
    model = gw.load(made)
    dataset = model.system.read(str(data), model.task)
    result = backtest(model.network, dataset, torch.arange(600, len(dataset)), Execution(), 1, baselines=False)
    assert result is not None
    after_gap = torch.tensor(
        [date.fromisoformat(dataset.names[row]).weekday() == 0 for row in result.places.origins.tolist()]
    )
    if holes:
        known = dataset.columns["inputs"][:, 0, 0].isfinite()
        assert bool(known[result.places.origins].all())  # what was filled is no truth
        after_gap = ~known[result.places.origins - 1]
    errors = (result.median - result.truth).abs()[after_gap]
    assert len(errors) > 20 and float(errors.mean()) > 0.6


def test_series_that_end_apart_go_on_from_their_own_ends(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["shop,date,demand"]
    for shop, count in (("x", 120), ("y", 100), ("z", 3)):
        wave = 10 * np.sin(2 * np.pi * np.arange(count) / 7) + 50
        lines += [f"{shop},{date(2024, 1, 1) + timedelta(day)},{value}" for day, value in enumerate(wave)]
    data = tmp_path / "shops.csv"
    data.write_text("\n".join(lines) + "\n", encoding="utf-8")
    made = train("forecast", data=data, series="shop", epochs=1, season=7, **SMALL)
    assert any("'y', 'z' end before the others" in warning for warning in said(capsys)["warnings"])
    assert main(["forecast", str(made), "--json"]) == 0
    found = said(capsys)
    assert [(one["name"], one["times"][0]) for one in found["series"]] == [("x", "2024-04-30"), ("y", "2024-04-10")]
    assert found["left_out"] == ["z"] and found["times"][0] == "2024-04-30"
    assert found["series"][1]["seasonal_naive"] == pytest.approx(
        [50 + 10 * np.sin(2 * np.pi * k / 7) for k in (2, 3, 4)]
    )
    assert main(["forecast", str(made), "--out", "ahead.csv"]) == 0
    with Path("ahead.csv").open(encoding="utf-8", newline="") as file:
        assert next(row["time"] for row in csv.DictReader(file) if row["series"] == "y") == "2024-04-10"
    assert main(["forecast", str(made), "--out", "ahead.html"]) == 0
    assert "2024-04-10" in Path("ahead.html").read_text(encoding="utf-8")
    capsys.readouterr()
    assert main(["predict", str(made), str(data), "--json"]) == 0
    assert [bool(one.get("problem")) for one in said(capsys)["answers"]] == [False, False, True]


def test_a_series_of_one_value_is_trained_and_finished(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_days(tmp_path / "five.csv", [date(2024, 1, 1) + timedelta(day) for day in range(80)], [5] * 80)
    train("forecast", data=data, horizon=3, ensemble_size=1, epochs=1)
    found = said(capsys)
    assert found["test"]["mae"] == pytest.approx(0, abs=1e-3) and "mase" not in found["test"]
    assert "and that of the seasonal-naive forecast 0" in found["remarks"][0]


def test_values_far_from_zero_are_foretold_as_those_near_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    days = [date(2024, 1, 1) + timedelta(day) for day in range(200)]
    figures = []
    for level in (0.0, 1.7e9):
        values = [level + 20 * np.sin(2 * np.pi * day / 7) + 0.001 * (day * 37 % 11) for day in range(200)]
        data = write_days(tmp_path / f"{level:g}.csv", days, [float(value) for value in values])
        made = train("forecast", data=data, out=f"run{level:g}", epochs=2, season=7, **{**SMALL, "target": "y"})
        figures.append(said(capsys)["test"])
        assert main(["forecast", str(made), "--json"]) == 0
        (one,) = said(capsys)["series"]
        assert max(abs(median - level) for median in one["median"]) < 50
    assert figures[1]["mae"] == pytest.approx(figures[0]["mae"], rel=1e-3)
    assert figures[1]["ets_mae"] < 1


def test_several_series_below_one_another(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = (
        write_series(tmp_path / f"{seed}.csv", seed=seed).read_text("utf-8").splitlines() for seed in (1, 2)
    )
    lines = ["shop," + first[0], *(f"x,{line}" for line in first[1:]), *(f"y,{line}" for line in second[1:])]
    (tmp_path / "both.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    made = train("forecast", data=tmp_path / "both.csv", series="shop", epochs=1, **SMALL)
    capsys.readouterr()
    assert main(["forecast", str(made), "--json"]) == 0
    assert [one["name"] for one in said(capsys)["series"]] == ["x", "y"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--horizon", "80"], "and one horizon of 80"),
        (["--window", "100"], "a shorter --horizon, --window (100) or --season"),
        (["--quantiles", "4"], "take an odd number"),
        (["--target", "nothing"], "has no column 'nothing'"),
        (["--horizon", "19", "--test", "0.1", "--validation", "0"], "The test part of"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    options: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_series(tmp_path / "a.csv")
    asked = [] if "--target" in options else ["--target", "demand"]
    assert words in mistake(capsys, "train", "forecast", "--data", data, *asked, *options, "--out", "none")
    assert not Path("none").exists()


def test_other_models_foretell_no_series(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = train("linear", data="digits", epochs=1)
    assert "does not forecast" in mistake(capsys, "forecast", made)
