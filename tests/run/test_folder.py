"""The run folder: readable without us, whole or not there."""

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

import glasswork as gw
from glasswork.cli import main
from glasswork.errors import GlassworkError
from glasswork.run.folder import FORMAT, RunFolder, list_runs
from glasswork.systems.networks import SLIGHT
from glasswork.training.checkpoints import checkpoints, load_checkpoint
from made_data import PLAIN, broken_off, mistake, pictures, resume, train, write_network, write_npz

FILES = {
    "conditions.json",
    "recipe.toml",
    "resolved.toml",
    "environment.json",
    "data.json",
    "steps.jsonl",
    "timing.jsonl",
    "checkpoints",
    "model",
    "result.json",
    "seen.safetensors",
    "report.html",
    "report.json",
}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    data = write_npz(tmp_path / "data.npz", "class")
    return train("lenet", data=data, epochs=3, batch_size=8, penalty="l2", strength=0.001, gradient_clip=1.0)


def test_what_a_finished_run_holds(run: Path) -> None:
    assert {path.name for path in run.iterdir() if not path.name.startswith(".")} == FILES
    assert sorted(path.name for path in (run / "model").iterdir()) == ["model.json", "model.safetensors"]
    assert not [path for path in run.rglob(".*") if path.name != ".lock"]
    report = (run / "report.html").read_text(encoding="utf-8")
    assert report.lower().startswith("<!doctype html>")
    assert "http-equiv" in report or "<style" in report


def test_asked_and_used(run: Path) -> None:
    asked = tomllib.loads((run / "recipe.toml").read_text(encoding="utf-8"))
    assert asked.pop("machine")["threads"] == 1
    assert asked.pop("data").endswith("data.npz")
    assert asked.pop("digest").startswith("sha256:")
    assert len(asked.pop("run_key")) == 16
    assert asked == {
        "format": FORMAT,
        "preset": "lenet",
        "epochs": 3,
        "batch_size": 8,
        "penalty": "l2",
        "strength": 0.001,
        "gradient_clip": 1.0,
    }
    used = tomllib.loads((run / "resolved.toml").read_text(encoding="utf-8"))
    assert (used["format"], used["loss"], used["augment"], used["optimizer"]) == (
        FORMAT,
        "cross-entropy",
        list(SLIGHT),
        "adamw",
    )
    assert used["numerics"]["precision"] == "float32"


def test_steps_hold_no_clock_and_times_stand_apart(run: Path) -> None:
    lines = [json.loads(line) for line in (run / "steps.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["step"] for line in lines] == list(range(1, 19))
    fields = {"step", "stage", "epoch", "examples", "progress", "learning_rate", "loss", "penalty", "gradient_norm"}
    for line in lines:
        judged = line["step"] % 6 == 0
        assert set(line) == fields | ({"validation"} if judged else set())
    assert sum(line["examples"] for line in lines[:6]) == 43
    times = [json.loads(line) for line in (run / "timing.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["step"] for line in times] == [6, 12, 18]
    assert [line["seconds"] for line in times] == sorted(line["seconds"] for line in times)


def test_the_model_is_plain_safetensors_and_json(run: Path) -> None:
    described = json.loads((run / "model" / "model.json").read_text(encoding="utf-8"))
    with safe_open(str(run / "model" / "model.safetensors"), "pt") as file:  # type: ignore[no-untyped-call]
        total = sum(file.get_tensor(name).numel() for name in file.keys())  # noqa: SIM118
    assert total == described["parameters"]
    assert described["task"]["target"]["names"] == ["0", "1", "2"]
    assert (described["format"], described["system"], described["preset"]) == (FORMAT, "supervised", "lenet")


def test_nothing_is_pickled(run: Path) -> None:
    for path in run.rglob("*"):
        if path.is_file() and path.name != ".lock":
            assert path.suffix in {".toml", ".json", ".jsonl", ".html", ".safetensors"}
            assert not path.read_bytes().startswith((b"\x80", b"PK"))


def test_the_kept_model_is_that_of_the_best_epoch(tmp_path: Path) -> None:
    """Labels drawn at random cannot be learnt: what is best on others comes long before the last epoch."""
    images, _ = pictures(60)
    np.savez(tmp_path / "noise.npz", x=images, y=np.random.default_rng(0).integers(0, 3, 60))
    run = train("mlp", data=tmp_path / "noise.npz", epochs=15, schedule="constant", learning_rate=0.01, validation=0.3)
    result = json.loads((run / "result.json").read_text(encoding="utf-8"))
    lines = [json.loads(line) for line in (run / "steps.jsonl").read_text(encoding="utf-8").splitlines()]
    judged = [line["validation"] for line in lines if "validation" in line]
    assert len(judged) == 15
    errors = [found["loss"] for found in judged]
    assert result["best_epoch"] == 1 + errors.index(min(errors)) < 15
    assert result["validation"] == judged[result["best_epoch"] - 1]
    state = load_checkpoint(checkpoints(run / "checkpoints")[-1])
    kept = gw.load(run).network.state_dict()
    assert all(torch.equal(kept[name], weight) for name, weight in state["best"]["weights"].items())
    assert not all(torch.equal(kept[name], weight) for name, weight in state["network"].items())


def test_runs_are_found_by_path_and_by_name(tmp_path: Path) -> None:
    data = str(write_npz(tmp_path / "data.npz", "class"))
    first = broken_off("linear", 2, out="runs/first", data=data)
    assert RunFolder.find("first").path == RunFolder.find("runs/first").path == first
    assert RunFolder.find(first.absolute()).path == first.absolute()
    broken_off("linear", 2, out="runs/second", data=data)
    assert [folder.path.name for folder in list_runs()] == ["first", "second"]
    with pytest.raises(GlassworkError, match=r"There is no run at third: the latest under runs/ are first, second"):
        RunFolder.find("third")


def test_new_runs_are_numbered_after_the_highest(tmp_path: Path) -> None:
    (tmp_path / "runs" / "linear-7").mkdir(parents=True)
    (tmp_path / "runs" / "linear-old").mkdir()
    model = gw.train("linear", data=str(write_npz(tmp_path / "data.npz", "class")), epochs=1, threads=1)
    assert model.run == "runs/linear-8"


def test_stopping_in_the_middle_of_a_loop_saves(tmp_path: Path) -> None:
    """An exception of the user's own, thrown in the loop's body, leaves a run that goes on."""
    data = str(write_npz(tmp_path / "data.npz", "class"))
    options = {"data": data, "epochs": 3, "batch_size": 8, "threads": 1, "allocator": "default", "out": "run"}

    def look() -> None:
        for step in gw.steps("linear", **options):  # type: ignore[arg-type]
            if step.number == 7:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        look()
    assert [line["step"] for line in RunFolder.find("run").steps()] == list(range(1, 8))
    resume(Path("run"))
    assert [line["step"] for line in RunFolder.find("run").steps()] == list(range(1, 19))


def test_steps_to_the_end_finish_the_run(tmp_path: Path) -> None:
    data = str(write_npz(tmp_path / "data.npz", "class"))
    steps = list(gw.steps("linear", data=data, epochs=1, threads=1, out="run"))
    assert steps[-1].last
    assert gw.load("run").evaluate()["accuracy"] >= 0


def test_names_that_users_chose_are_no_numbers(tmp_path: Path) -> None:
    data = write_npz(tmp_path / "data.npz", "class")
    for name in ("mlp-v2", "mlp-20261130", "mlp-²", "mlp-", "mlp-007", "mlp-999999"):
        (tmp_path / "runs" / name).mkdir(parents=True)
    assert [gw.train("mlp", data=data, epochs=1, **PLAIN).run for _ in range(2)] == [
        "runs/mlp-1000000",
        "runs/mlp-1000001",
    ]
    (tmp_path / "runs" / "mlp-999999").rmdir()
    assert gw.train("mlp", data=data, epochs=1, **PLAIN).run == "runs/mlp-1"


def test_files_of_users_among_the_checkpoints_are_left_alone(tmp_path: Path) -> None:
    run = broken_off("mlp", 6, data=write_npz(tmp_path / "data.npz", "class"), epochs=3, batch_size=8)
    mine = run / "checkpoints" / "best.safetensors"
    mine.write_bytes(b"mine")
    (run / "checkpoints" / "1000000000.safetensors").write_bytes(b"of a long run")
    assert checkpoints(run / "checkpoints")[-1].stem == "1000000000"
    (run / "checkpoints" / "1000000000.safetensors").unlink()
    resume(run)
    assert mine.read_bytes() == b"mine"


def test_what_killed_processes_leave_is_swept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_npz(tmp_path / "data.npz", "class")
    run = broken_off("mlp", 6, data=data, epochs=3, batch_size=8)
    torn = [run / "checkpoints" / ".000000009.safetensors.99", run / ".result.json.99", run / "model" / ".model.json.9"]
    (run / "model").mkdir()
    for path in torn:
        path.write_bytes(b"half")
    (run / ".notes.99x").write_text("mine", encoding="utf-8")
    resume(run)
    assert not any(path.exists() for path in torn)
    assert (run / ".notes.99x").exists()
    (run / "recipe.toml").unlink()  # now it is as if killed before the recipe was written, but for what came after
    assert "already holds files" in mistake(capsys, "train", "mlp", "--data", data, "--out", run)
    unbegun = tmp_path / "unbegun"
    unbegun.mkdir()
    (unbegun / "network.py").write_text("mine", encoding="utf-8")
    assert "already holds files" in mistake(capsys, "train", "mlp", "--data", data, "--out", unbegun)
    (unbegun / ".lock").touch()
    (unbegun / ".recipe.toml.99").touch()
    assert gw.train("mlp", data=data, epochs=1, out=str(unbegun), **PLAIN).run == str(unbegun)
    assert not (unbegun / "network.py").exists()


def test_the_kept_copy_of_ones_own_network_is_used(tmp_path: Path) -> None:
    data, network = write_npz(tmp_path / "data.npz", "class"), write_network(tmp_path)
    first = train(data=str(data), network=network, epochs=1)
    (tmp_path / "small.py").write_text("raise ValueError", encoding="utf-8")
    for words in (["--replay", str(first)], [str(first / "recipe.toml")]):
        again = Path(f"again-{len(words)}")
        assert main(["train", *words, "--out", str(again), "--json"]) == 0
        kept = [(run / "model" / "model.safetensors").read_bytes() for run in (first, again)]
        assert kept[0] == kept[1]
        assert (again / "network.py").read_bytes() == (first / "network.py").read_bytes()
