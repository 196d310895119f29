"""A search: what it finds, how it goes on, what it refuses."""

import json
import math
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from glasswork.cli import main
from glasswork.errors import GlassworkError
from glasswork.recipe.search import Layers, Range, searches
from glasswork.run.request import make_request
from glasswork.studies.optuna_study import begin_trial, count_trials, give_back
from glasswork.studies.tune import FINISHING_SECONDS, SLOWER, Plan, Tuning, Workers, prepare
from made_data import mistake, said, write_table

Captured = pytest.CaptureFixture[str]
pytest.importorskip("optuna")

SMALL = {"epochs": 2, "threads": 1, "label_smoothing": 0.0, "momentum": 0.9, "weight_decay": 0.0}


@pytest.fixture(autouse=True)
def in_memory(apart: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A study waits for the disk whenever it notes something, and that is not what is tested."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        monkeypatch.chdir(folder)
        yield


@pytest.fixture
def data(tmp_path: Path) -> str:
    return str(write_table(tmp_path / "data.csv", "class", 80))


def plan(data: str, **changes: object) -> Plan:
    values: dict[str, object] = {**SMALL, "data": data, "hidden": "8"}
    return Plan("mlp", values, **{"study": "study.db", "trials": 3, **changes})  # type: ignore[arg-type]


def carried_out(tuning: Tuning) -> list[tuple[int, str, float | None]]:
    return [(trial.number, trial.state, trial.figure) for trial in tuning.search()]


def test_a_search_that_stops_goes_on_as_if_it_had_not(data: str) -> None:
    whole = carried_out(prepare(plan(data, study="whole.db", trials=3)))
    assert [number for number, _, _ in whole] == [1, 2, 3]
    first = carried_out(prepare(plan(data, trials=1)))
    tuning = prepare(plan(data, trials=3))
    assert first + carried_out(tuning) == whole
    assert carried_out(prepare(plan(data, trials=3))) == []
    found = tuning.result()
    finished = [(figure, number) for number, state, figure in whole if state == "finished" and figure is not None]
    assert found.best == min(finished)[1]
    assert found.best_so_far[-1][1] == min(finished)[0]
    assert found.to_json()["counts"]["finished"] == len(finished)
    assert set(found.ranges) == {"batch_size", "learning_rate", "dropout"}


def test_the_first_trial_is_the_recipe_as_it_stands(data: str) -> None:
    [first] = prepare(plan(data, trials=1)).search()
    assert first.values == {"batch_size": 32, "learning_rate": 0.003, "dropout": 0.0}
    assert (first.epochs, first.state) == (2, "finished")


def test_the_winner_repeats_its_trial(data: str, capsys: Captured) -> None:
    words = ["tune", "mlp", "--data", data, "--trials", "3", "--hidden", "8", "--epochs", "2", "--threads", "1"]
    words += ["--label-smoothing", "0", "--study", "s.db", "--out", "page.html"]
    assert main([*words, "--json"]) == 0
    found = said(capsys)
    best = next(trial for trial in found["trials"] if trial["number"] == found["best"])
    assert found["result"]["validation"]["loss"] == best["figure"]
    assert found["result"]["steps"] == best["steps"]
    kept = json.loads(Path(found["result"]["run"], "result.json").read_text(encoding="utf-8"))
    assert {key: value for key, value in kept.items() if key not in {"digest", "run_key"}} == found["result"]
    page = Path("page.html").read_text(encoding="utf-8")
    assert "Every trial" in page and found["command"].split(" --")[1] in page
    repeated = [*found["command"].split()[1:], "--threads", "1", "--precision", "float32"]
    assert main([*repeated, "--memory-format", "contiguous", "--allocator", "default", "--json"]) == 0
    assert said(capsys)["validation"] == found["result"]["validation"]
    words[words.index("page.html")] = "again.html"
    assert main(words) == 0
    printed = capsys.readouterr()
    assert "3 of them there already" in printed.err
    assert "of the best recipe, trained as runs/mlp-3" in printed.out
    assert "already exists" in mistake(capsys, *words)


def test_what_is_fixed_is_not_searched(data: str) -> None:
    recipe = make_request("mlp", {"data": data}).recipe
    assert searches(recipe)["hidden"] == Layers(3, 16, 512, only=("network", ("dense",)))
    assert "strength" not in searches(recipe)
    strengths = {
        name: searches(make_request("mlp", {"penalty": name, "strength": 1}).recipe)["strength"]
        for name in ("l1", "max-norm")
    }
    assert strengths["l1"] != strengths["max-norm"]
    assert isinstance(strengths["l1"], Range)
    everything = {"batch_size": 8, "learning_rate": 0.01, "dropout": 0.1}
    with pytest.raises(GlassworkError, match="Every field of mlp with a range is fixed"):
        prepare(Plan("mlp", {**SMALL, **everything, "data": data, "hidden": "8"}, "s.db"))
    tuning = prepare(Plan("mlp", {**SMALL, "data": data, **everything}, "s.db", trials=2))
    for trial in tuning.search():
        assert set(trial.values) == {"hidden"}
        assert all(16 <= units <= 512 for units in trial.values["hidden"])


def test_a_loss_that_overflows_is_a_failed_trial(data: str) -> None:
    values = {**SMALL, "data": data, "learning_rate": 1e30, "optimizer": "sgd", "epochs": 3, "hidden": "8"}
    tuning = prepare(Plan("mlp", values, "s.db", trials=2))
    failed = list(tuning.search())
    assert [trial.state for trial in failed] == ["failed", "failed"]
    assert "not a finite number" in failed[0].reason
    with pytest.raises(GlassworkError, match=r"No trial has finished.*not a finite number"):
        tuning.winner()


def test_trials_that_stay_behind_are_pruned(data: str) -> None:
    values = {**SMALL, "data": data, "hidden": "8", "epochs": 8, "dropout": 0.0, "batch_size": 16}
    tuning = prepare(Plan("mlp", values, "s.db", trials=12))
    trials = list(tuning.search())
    pruned = [trial for trial in trials if trial.state == "pruned"]
    assert pruned
    finished = sorted(trial.figure for trial in trials if trial.state == "finished" and trial.figure is not None)
    assert all(trial.figure is not None and trial.figure > finished[0] and trial.epochs < 8 for trial in pruned)
    importance = tuning.result().importance
    assert importance == {} or math.isclose(sum(importance.values()), 1.0)


def test_trials_end_in_time_for_a_run_of_the_best(data: str) -> None:
    tuning = prepare(plan(data, trials=None))
    end = time.time() + 5
    tuning.plan = replace(tuning.plan, end=end)
    trials = list(tuning.search())
    left = end - time.time()
    run, best = tuning.winner(), tuning.best()
    assert best is not None
    reserve = tuning.preparing + FINISHING_SECONDS + SLOWER * best.seconds
    assert reserve - 1 < left <= reserve + 0.1
    assert len(trials) > 1
    assert run.recipe.budget == pytest.approx(left, abs=0.5)
    assert (run.recipe.epochs, run.recipe.learning_rate) == (2, best.values["learning_rate"])


def test_the_budget_is_for_the_whole_command(data: str, capsys: Captured) -> None:
    words = ["tune", "mlp", "--data", data, "--threads", "1", "--budget", "5s", "--epochs", "100000"]
    began = time.monotonic()
    assert main(words) == 2
    assert time.monotonic() - began < 5 * 1.05
    assert "the budget is too short for one trial and the final run" in capsys.readouterr().err


def test_interrupted_it_keeps_the_study(data: str) -> None:
    tuning = prepare(plan(data, trials=3))
    states = []
    for trial in tuning.search():
        states.append(trial.state)
        if len(states) == 1:
            os.kill(os.getpid(), signal.SIGINT)
    assert tuning.interrupted
    again = prepare(plan(data, trials=3))
    rest = [trial.state for trial in again.search()]
    assert len([state for state in states + rest if state != "stopped"]) == 3


def test_workers_share_a_study(data: str) -> None:
    tuning = prepare(plan(data, trials=3))
    numbers = sorted(trial.number for trial in tuning.search(workers=2) if trial.state != "stopped")
    assert len(numbers) == 3
    assert tuning.result().counts()["failed"] == 0


def test_a_trial_that_is_begun_in_vain_waits_again(data: str) -> None:
    study = prepare(plan(data, trials=3)).study
    first = begin_trial(study, 0)
    give_back(study, first.number)
    assert count_trials(study) == 0
    states = [(trial.state.name, trial.system_attrs.get("fixed_params")) for trial in study.get_trials()]
    assert [name for name, _ in states] == ["FAIL", "WAITING"] and states[0][1] == states[1][1] is not None


def test_a_worker_that_is_ended_by_a_signal_says_how_to_go_on(data: str) -> None:
    with (
        pytest.raises(GlassworkError, match=r"was ended by SIGTERM: .* run the same command to continue"),
        Workers(asdict(plan(data, trials=3)), 1) as workers,
    ):
        workers._running[0][0].terminate()
        while workers.wait(False):
            pass


def test_mistakes_are_one_sentence(data: str, capsys: Captured) -> None:
    list(prepare(plan(data, trials=1)).search())
    with pytest.raises(GlassworkError, match="study of another search"):
        prepare(Plan("mlp", {**SMALL, "data": data, "hidden": "9"}, "study.db"))
    assert "There is no metric 'speed'" in mistake(capsys, "tune", "mlp", "--data", data, "--judge", "speed")
    assert "none are held out" in mistake(capsys, "tune", "mlp", "--data", data, "--validation", "0")
    assert "trials has to be at least 1" in mistake(capsys, "tune", "mlp", "--data", data, "--trials", "0")
    assert "workers has to be at least 1" in mistake(capsys, "tune", "mlp", "--data", data, "--workers", "0")
    assert "budget = 'soon'" in mistake(capsys, "tune", "mlp", "--data", data, "--budget", "soon")
    Path("words.db").write_text("no database", encoding="utf-8")
    assert "cannot be opened as a study" in mistake(capsys, "tune", "mlp", "--data", data, "--study", "words.db")
