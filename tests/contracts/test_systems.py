"""What every system promises on its own sample: it trains, predicts, is measured, is stopped and goes on."""

import csv
import json
from pathlib import Path

import pytest

import glasswork as gw
from glasswork.cli import main
from glasswork.run.carry_out import reopen
from glasswork.run.folder import RunFolder
from glasswork.run.request import make_request, read_request
from made_data import PLAIN, broken_off, require_same, resume, said, train, write_npz, write_table
from required import every_family, every_preset, is_deep, require_open, sample_of

LENET = {"epochs": 3, "batch_size": 8}
STEPS = 18


@every_preset
def test_trains_predicts_and_is_measured(preset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample, options = sample_of(preset, tmp_path)
    run = train(preset, **options)
    result = said(capsys)
    assert (result["epochs"], result["preset"]) == (options["epochs"], preset)
    assert result["measured_on"] == "test" and result["examples"]["test"] > 0
    assert main(["evaluate", str(run), "--json"]) == 0
    assert said(capsys)["metrics"] == pytest.approx(result["test"])
    assert main(["evaluate", str(run), "--data", sample.data, "--json"]) == 0
    figures = said(capsys)["metrics"]
    assert "loss" in figures and figures.keys() <= result["test"].keys()  # a baseline may take what lies before
    assert main(["predict", str(run), *sample.asked, "--json"]) == 0
    answers = said(capsys)["answers"]
    assert len(answers) >= len(sample.asked) and all("problem" not in answer for answer in answers)
    assert len((run / "report.html").read_text(encoding="utf-8")) > 1000
    require_open(run, sample.asked[0], sample.target, capsys)


@every_family
def test_goes_on_as_if_never_stopped(preset: str, tmp_path: Path) -> None:
    _, options = sample_of(preset, tmp_path)
    whole = train(preset, out="whole", **options)
    for after in (1,) if is_deep(preset) else (1, 3):
        require_same(whole, resume(broken_off(preset, after, out=f"stopped-{after}", **options)))


SETTINGS: dict[str, dict[str, object]] = {
    "sgd": {"optimizer": "sgd", "schedule": "constant"},
    "momentum": {"optimizer": "momentum", "schedule": "cosine"},
    "adam": {"optimizer": "adam", "schedule": "step"},
    "adamw": {"optimizer": "adamw", "weight_decay": 0.1},
    "l1": {"penalty": "l1", "strength": 0.001},
    "l2": {"penalty": "l2", "strength": 0.001},
    "clip": {"gradient_clip": 0.5},
    "class weights": {"class_weights": "balanced"},
    "smoothing": {"label_smoothing": 0.1},
    "hinge": {"loss": "hinge"},
    "dropout": {"dropout": 0.3},
    "augmentation": {"augment": ("flip", "crop:1", "rotation:10", "elastic:1")},
    "dropout and augmentation": {"dropout": 0.3, "augment": ("crop:1",), "seed": 3},
    "no validation": {"validation": 0},
    "no test": {"test": 0},
    "tensorboard": {"tensorboard": True},
    "channels last": {"memory_format": "channels-last", "optimizer": "adamw"},
    "bfloat16": {"precision": "bfloat16"},
    "memory kept": {"allocator": "keep"},
    "two threads": {"threads": 2},
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_goes_on_under_every_setting(setting: str, tmp_path: Path) -> None:
    options = {"data": str(write_npz(tmp_path / "data.npz", "class")), **LENET, **SETTINGS[setting]}
    gw.train("lenet", out="whole", **{**PLAIN, **options})  # type: ignore[arg-type]
    require_same(Path("whole"), resume(broken_off("lenet", 8, **options)))


@pytest.mark.parametrize("after", [1, 5, 6, 12, STEPS - 1, STEPS])
def test_goes_on_from_wherever_it_was_stopped(after: int, tmp_path: Path) -> None:
    options = {"data": str(write_npz(tmp_path / "data.npz", "class")), "dropout": 0.3, "augment": ("crop:1",), **LENET}
    whole = train("lenet", out="whole", **options)
    require_same(whole, resume(broken_off("lenet", after, **options)))


def test_goes_on_twice(tmp_path: Path) -> None:
    options = {"data": str(write_npz(tmp_path / "data.npz", "class")), "dropout": 0.3, **LENET}
    whole = train("lenet", out="whole", **options)
    run = broken_off("lenet", 4, **options)
    steps = reopen(RunFolder.find(run)).steps()
    assert [next(steps).number for _ in range(5)] == [5, 6, 7, 8, 9]
    steps.close()  # type: ignore[attr-defined]
    require_same(whole, resume(run))


def test_a_finished_run_is_finished_again_without_a_step(tmp_path: Path) -> None:
    run = train("lenet", data=write_npz(tmp_path / "data.npz", "class"), **LENET)
    before = finished(run)
    assert finished(resume(run)) == before


def finished(run: Path) -> list[object]:
    result = json.loads((run / "result.json").read_text(encoding="utf-8"))
    del result["seconds"], result["digest"]  # the digest is of the seconds, too
    return [result, *((run / name).read_bytes() for name in ("steps.jsonl", "model/model.safetensors"))]


def test_goes_on_from_the_start_where_nothing_was_saved(tmp_path: Path) -> None:
    options = {"data": str(write_npz(tmp_path / "data.npz", "class")), "dropout": 0.3, **LENET}
    whole = train("lenet", out="whole", **options)
    run = broken_off("lenet", 8, **options)
    for checkpoint in (run / "checkpoints").iterdir():
        checkpoint.unlink()
    require_same(whole, resume(run))


def test_lines_of_the_log_after_the_checkpoint_are_made_anew(tmp_path: Path) -> None:
    options = {"data": str(write_npz(tmp_path / "data.npz", "class")), **LENET}
    whole = train("lenet", out="whole", **options)
    run = broken_off("lenet", 8, **options)
    lines = (whole / "steps.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (run / "steps.jsonl").write_text("".join(lines[:11]) + lines[11][:20], encoding="utf-8")
    require_same(whole, resume(run))


def test_an_early_stop_comes_at_the_same_step(tmp_path: Path) -> None:
    options = {
        "data": str(write_npz(tmp_path / "data.npz", "class")),
        "batch_size": 8,
        "epochs": 40,
        "patience": 2,
        "schedule": "constant",
        "dropout": 0.2,
        "learning_rate": 0.01,
    }
    whole = train("lenet", out="whole", **options)
    made = len((whole / "steps.jsonl").read_text(encoding="utf-8").splitlines())
    assert 12 < made < 240
    for after in (made - 7, made - 1, made):
        require_same(whole, resume(broken_off("lenet", after, out=f"stopped-{after}", **options)))


@every_family
def test_the_printed_recipe_is_read_back(preset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["systems", "show", preset]) == 0
    Path("mine.toml").write_text(capsys.readouterr().out, encoding="utf-8")
    assert read_request(Path("mine.toml"), {}).recipe == make_request(preset, {}).recipe
    _, options = sample_of(preset, tmp_path, epochs=1)
    run = RunFolder(train("mine.toml", **options))
    asked = run.read_request()
    assert asked.recipe == make_request(preset, options).recipe
    assert (asked.preset, asked.machine.threads) == (preset, 1)
    used, execution = run.read_resolved(type(asked.recipe))
    derived = {key for key, value in used.model_dump().items() if value != getattr(asked.recipe, key)}
    assert all(getattr(asked.recipe, key) is None for key in derived)
    assert (execution.threads, execution.precision, execution.memory_format) == (1, "float32", "contiguous")


def test_a_run_s_recipe_trains_the_same_run_again(tmp_path: Path) -> None:
    options = {"data": str(write_npz(tmp_path / "data.npz", "class")), "dropout": 0.1, "augment": ("crop:1",), **LENET}
    first = train("lenet", out="first", **options)
    require_same(first, train(first / "recipe.toml", out="second"))


def test_answers_as_csv(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_table(tmp_path / "data.csv", "class")
    run = train("mlp", data=data, epochs=2)
    assert main(["predict", str(run), str(data), "--csv", "answers.csv"]) == 0
    capsys.readouterr()
    with Path("answers.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 60
    assert list(rows[0]) == ["input", "answer", "probability", "high", "low", "middle"]
    for row in rows:
        assert row["probability"] == row[row["answer"]]
        assert sum(float(row[name]) for name in ("high", "low", "middle")) == pytest.approx(1)


@pytest.mark.parametrize("options", [{"test": 0}, {"test": 0, "validation": 0}])
def test_evaluated_on_what_the_run_was_measured_on(
    options: dict[str, object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train("mlp", data=write_table(tmp_path / "data.csv", "class"), epochs=2, **options)
    result = said(capsys)
    assert result["measured_on"] == ("training" if "validation" in options else "validation")
    assert any("no examples were held out" in warning for warning in result["warnings"]) == ("validation" in options)
    assert main(["evaluate", str(run), "--json"]) == 0
    assert said(capsys)["metrics"] == pytest.approx(result["test"])
