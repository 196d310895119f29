"""What is no longer as it was when a stopped run goes on: named, and refused where it can change results."""

import json
from pathlib import Path
from typing import Any

import pytest

import glasswork as gw
from glasswork.cli import main
from made_data import broken_off, mistake, resume, said, write_npz

OPTIONS = {"epochs": 3, "batch_size": 8}


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    return broken_off("linear", 7, data=str(write_npz(tmp_path / "data.npz", "class")), **OPTIONS)


def change(file: Path, before: str, after: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert before in text
    first, rest = text.replace(before, after).split("\n", 1)
    assert first.startswith("digest")
    file.write_text(f'digest = "edited"\n{rest}', encoding="utf-8")


def edit(run: Path, name: str, value: object) -> None:
    """Notes in the run that something was otherwise when it was stopped."""
    file = run / "conditions.json"
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    found[name] = {**found[name], **value} if isinstance(value, dict) else value
    file.write_text(json.dumps({**found, "digest": "edited"}), encoding="utf-8")


@pytest.mark.parametrize("file", ["recipe.toml", "resolved.toml"])
def test_an_edited_recipe_is_refused_and_can_be_accepted(
    stopped: Path, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    change(stopped / file, "epochs = 3", "epochs = 2")
    sentence = mistake(capsys, "resume", stopped)
    assert "its recipe (epochs 3 before, 2 now)" in sentence and "--accept recipe" in sentence
    assert main(["resume", str(stopped), "--accept", "recipe", "--json"]) == 0
    result = said(capsys)
    assert result["epochs"] == 2 and any("epochs 3 before, 2 now" in warning for warning in result["warnings"])
    assert "epochs = 2" in (stopped / "resolved.toml").read_text(encoding="utf-8")


def test_what_makes_another_network_is_never_accepted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = broken_off("lenet", 7, data=str(write_npz(tmp_path / "data.npz", "class")), **OPTIONS)
    change(run / "recipe.toml", "epochs = 3", 'epochs = 3\nactivation = "tanh"')
    assert "activation was" in mistake(capsys, "resume", run, "--accept", "recipe")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("code", {"digest": "another"}, "the code of glasswork (files of it were edited)"),
        ("code", {"version": "0.0.1", "digest": "another"}, "version 0.0.1 before"),
        ("arithmetic", {"precision": "bfloat16"}, "precision bfloat16 before, float32 now"),
        ("arithmetic", {"threads": 3}, "threads 3 before, 1 now"),
    ],
)
def test_what_can_change_results_is_refused_and_can_be_accepted(
    stopped: Path, name: str, value: dict[str, Any], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(stopped, name, value)
    sentence = mistake(capsys, "resume", stopped)
    assert told in sentence and f"--accept {name}" in sentence
    assert "--accept takes recipe, arithmetic, code, own" in mistake(capsys, "resume", stopped, "--accept", "data")
    gw.resume(stopped, accept=[name])
    warnings = json.loads((stopped / "result.json").read_text(encoding="utf-8"))["warnings"]
    assert any(told in warning and "accepted" in warning for warning in warnings)


def test_an_edited_loss_of_the_users_own_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    loss, run = tmp_path / "loss.py", tmp_path / "own"
    loss.write_text("def mine(outputs, targets):\n    return outputs.square().mean()\n", encoding="utf-8")
    word, data = f"{loss}:mine", str(write_npz(tmp_path / "data.npz", "class"))
    broken_off("linear", 7, data=data, loss=word, out=str(run), **OPTIONS)
    loss.write_text("def mine(outputs, targets):\n    return outputs.abs().mean()\n", encoding="utf-8")
    sentence = mistake(capsys, "resume", run, "--loss", word)
    assert f"your own code ({loss} changed)" in sentence and "--accept own" in sentence
    assert main(["resume", str(run), "--loss", word, "--accept", "own", "--json"]) == 0


def test_what_changes_the_last_bits_is_said(stopped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(stopped, "torch", "1.0")
    edit(stopped, "processor", "an abacus")
    edit(stopped, "accelerators", 4)
    capsys.readouterr()
    resume(stopped)
    [warning] = [warning for warning in said(capsys)["warnings"] if "Since the run was stopped" in warning]
    assert "torch (1.0 before" in warning and "an abacus before" in warning and "4 before, 0 now" in warning


def test_nothing_is_said_if_nothing_has_changed(stopped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    resume(stopped)
    assert not [warning for warning in said(capsys)["warnings"] if "Since the run" in warning]
    edit(stopped, "code", {"digest": "another"})
    resume(stopped)  # finished: its report is made again, and no step


def test_a_device_that_is_gone_is_one_sentence(stopped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(stopped / "resolved.toml", 'device = "cpu"', 'device = "cuda:7"')
    assert "There is no device 'cuda:7'" in mistake(capsys, "resume", stopped)
