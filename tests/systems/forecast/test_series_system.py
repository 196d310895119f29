"""Forecasting carried out: series, and going on."""

from pathlib import Path

import pytest

from glasswork.cli import main
from glasswork.glassbox.trace.trace import Trace
from made_data import broken_off, require_same, resume, said, train, write_series

SMALL = {"target": "demand", "horizon": 3, "window": 8, "hidden_size": 4, "ensemble_size": 2, "quantiles": 5}


def test_series_are_learnt_and_asked_about(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_series(tmp_path / "data.csv")
    run = train("forecast", data=data, epochs=2, batch_size=16, **SMALL)
    result = said(capsys)
    assert (result["epochs"], result["preset"]) == (2, "forecast")
    assert sum(result["examples"].values()) == 120
    figures = {"loss", "mae", "mase", "smape", "mape", "coverage", "seasonal_naive_mae", "ets_mae"}
    assert figures <= set(result["test"])
    assert main(["evaluate", str(run), "--json"]) == 0
    assert said(capsys)["metrics"] == pytest.approx(result["test"])
    assert main(["evaluate", str(run), "--data", str(data), "--json"]) == 0
    assert said(capsys)["metrics"]["mae"] > 0
    assert main(["predict", str(run), str(data), "--json"]) == 0
    (answer,) = said(capsys)["answers"]
    assert (answer["input"], answer["probability"], answer["probabilities"]) == ("demand", None, {})
    assert len(answer["answer"]) == 3
    assert main(["open", str(run), str(data), "--json"]) == 0
    trace = Trace.from_json(said(capsys))
    assert trace.descent is not None and not trace.differing
    assert all(operation.known for operation in trace.operations if operation.carries_weights)
    assert main(["diagnose", str(run), "--json"]) == 0


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("after", [1, 4, 5, 6, 14, 15])
def test_series_are_gone_on_with_from_wherever_it_was_stopped(cell: str, after: int, tmp_path: Path) -> None:
    data = write_series(tmp_path / "data.csv")
    options = {"data": str(data), "cell": cell, "epochs": 3, "batch_size": 14, **SMALL}
    whole = train("forecast", out="whole", **options)
    assert len((whole / "steps.jsonl").read_text(encoding="utf-8").splitlines()) == 15
    require_same(whole, resume(broken_off("forecast", after, **options)))
