"""A finished run is trained on: its model is the beginning, its recipe the default, its scaling kept."""

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import glasswork as gw
from glasswork.cli import main
from glasswork.training.checkpoints import checkpoints
from made_data import PLAIN, flags, mistake, pictures, require_same, resume, said, train, write_npz, write_table
from required import every_family, sample_of

Captured = pytest.CaptureFixture[str]


def train_on(run: object, *words: object, out: str = "more", **options: object) -> Path:
    return train("--from", run, *words, out=out, **options)


def weights_of(run: Path) -> dict[str, torch.Tensor]:
    return load_file(str(run / "model" / "model.safetensors"))


def break_off(run: Path, after: int, out: str, **options: object) -> Path:
    steps = gw.steps(start=str(run), out=out, **{**PLAIN, **options})
    for step in steps:
        if step.number == after:
            break
    steps.close()  # type: ignore[attr-defined]
    return Path(out)


@every_family
def test_every_preset_is_trained_on(preset: str, tmp_path: Path, capsys: Captured) -> None:
    _, options = sample_of(preset, tmp_path)
    first = train(preset, **options)
    begun = said(capsys)
    more = train_on(first, epochs=1)
    result = said(capsys)
    assert (result["preset"], result["epochs"]) == (preset, 1)
    assert any("began with the weights of run" in sentence for sentence in result["remarks"])
    assert result["examples"] == begun["examples"]  # the same parts
    assert tomllib.loads((more / "recipe.toml").read_text(encoding="utf-8"))["from"] == "run"
    models = [json.loads((run / "model" / "model.json").read_text(encoding="utf-8")) for run in (first, more)]
    assert models[0]["task"] == models[1]["task"]
    assert main(["evaluate", str(more), "--json"]) == 0
    assert said(capsys)["metrics"] == pytest.approx(result["test"])


@pytest.mark.parametrize("preset", ["mlp", "char-rnn", "sentiment", "forecast"])
def test_it_is_resumed_bit_for_bit_without_the_other_run(preset: str, tmp_path: Path, capsys: Captured) -> None:
    _, options = sample_of(preset, tmp_path)
    first = train(preset, **options)
    whole = train_on(first, epochs=2, out="whole")
    stopped = break_off(first, 2, "stopped", epochs=2)
    fresh = break_off(first, 2, "fresh", epochs=2)
    for file in checkpoints(fresh / "checkpoints"):
        file.unlink()  # as if it had been killed before the first one was written
    first.rename("gone")
    require_same(whole, resume(stopped))
    require_same(whole, resume(fresh))


def test_training_on_goes_on_from_where_it_ended(tmp_path: Path, capsys: Captured) -> None:
    data = write_npz(tmp_path / "data.npz", "class", 120)
    first = train("lenet", data=str(data), epochs=6, batch_size=8)
    before = said(capsys)
    train_on(first, epochs=1, learning_rate=1e-6, schedule="constant")
    after = said(capsys)
    assert after["test"]["loss"] == pytest.approx(before["test"]["loss"], abs=0.01)  # nothing was begun anew
    still = weights_of(first), weights_of(Path("more"))
    assert all(torch.allclose(still[0][name], still[1][name], atol=1e-3) for name in still[0])


def test_grown_data_keeps_what_was_trained_on_out_of_the_test(tmp_path: Path, capsys: Captured) -> None:
    table = write_table(tmp_path / "table.csv", "class", 100)
    first = train("mlp", data="table.csv", epochs=2)
    scaling = json.loads((first / "model" / "model.json").read_text(encoding="utf-8"))["task"]
    other = write_table(tmp_path / "other.csv", "class", 100, seed=7).read_text(encoding="utf-8").splitlines()
    with table.open("a", encoding="utf-8") as file:
        file.write("\n".join(other[1:]) + "\n")
    capsys.readouterr()
    more = train_on(first, epochs=2)
    result = said(capsys)
    assert json.loads((more / "model" / "model.json").read_text(encoding="utf-8"))["task"] == scaling
    (sentence,) = [line for line in result["warnings"] if "were trained on by run" in line]
    moved = int(sentence.split()[0])
    assert 10 < moved < 60 and sum(result["examples"].values()) == 200
    assert result["examples"]["test"] + result["examples"]["validation"] == 56 - moved
    assert main(["evaluate", str(more), "--json"]) == 0
    assert said(capsys)["metrics"] == pytest.approx(result["test"])
    twice = train_on(more, epochs=1, out="twice")  # its data is what it was
    assert said(capsys)["examples"] == result["examples"]
    assert main(["evaluate", str(twice)]) == 0


def test_new_data_is_scaled_as_by_the_run(tmp_path: Path, capsys: Captured) -> None:
    images, labels = pictures(90)
    write_npz(tmp_path / "data.npz", "class", 60)
    np.savez(tmp_path / "bright.npz", x=images // 2 + 100, y=labels)
    first = train("lenet", data="data.npz", epochs=2)
    more = train_on(first, data="bright.npz", epochs=1)
    models = [json.loads((run / "model" / "model.json").read_text(encoding="utf-8")) for run in (first, more)]
    assert models[0]["task"] == models[1]["task"]
    capsys.readouterr()
    assert main(["evaluate", str(more), "--json"]) == 0
    assert "loss" in said(capsys)["metrics"]


def test_flags_override_and_the_rest_is_the_run_s(tmp_path: Path) -> None:
    write_table(tmp_path / "table.csv", "class", 80)
    first = train("mlp", data="table.csv", epochs=2, hidden="7", learning_rate=0.02, seed=3)
    more = train_on(first, epochs=1, learning_rate=0.001)
    used = tomllib.loads((more / "resolved.toml").read_text(encoding="utf-8"))
    assert (used["hidden"], used["seed"], used["learning_rate"], used["epochs"]) == ([7], 3, 0.001, 1)
    timed = train_on(first, budget="3s", out="timed")
    used = tomllib.loads((timed / "resolved.toml").read_text(encoding="utf-8"))
    assert used["budget"] == 3 and "epochs" not in used
    again = train("timed/recipe.toml", out="again", budget="2s")
    assert tomllib.loads((again / "recipe.toml").read_text(encoding="utf-8"))["from"] == "run"


def test_it_is_found_from_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_table(tmp_path / "table.csv", "class", 80)
    first = train("mlp", data="table.csv", epochs=1).absolute()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    more = train_on(first, epochs=1)
    assert main(["evaluate", str(more)]) == 0


def test_what_does_not_fit_is_one_sentence(tmp_path: Path, capsys: Captured) -> None:
    write_table(tmp_path / "table.csv", "class", 80)
    write_npz(tmp_path / "data.npz", "class")
    (tmp_path / "less.csv").write_text("width,target\n1,low\n2,high\n3,low\n", encoding="utf-8")
    text = (tmp_path / "table.csv").read_text(encoding="utf-8")
    (tmp_path / "classes.csv").write_text(text.replace("middle", "unheard"), encoding="utf-8")
    first = train("mlp", data="table.csv", epochs=1)
    for words, part in (
        (["--from", "nowhere"], "There is no run at nowhere"),
        (["lenet", "--from", first], "is a run of mlp, not of lenet"),
        (["--from", first, "--hidden", "9"], "--hidden belongs to the network of run"),
        (["--from", first, "--data", "less.csv"], "less.csv"),
        (["--from", first, "--data", "classes.csv"], "unheard"),
        (["--from", first, "--data", "data.npz"], "data.npz"),
        (["--from", first, "--replay", first], "not both"),
    ):
        assert part in mistake(capsys, "train", *words, *flags({**PLAIN, "out": "none"})), words
        assert not Path("none").exists()


def test_own_networks_are_trained_on(tmp_path: Path, capsys: Captured) -> None:
    from made_data import write_network

    data, network = write_npz(tmp_path / "data.npz", "class"), write_network(tmp_path)
    first = train(data=str(data), network=network, epochs=1)
    (tmp_path / "small.py").unlink()
    more = train_on(first, epochs=1)
    assert (more / "network.py").is_file()
    assert main(["evaluate", str(more)]) == 0


def test_from_python(tmp_path: Path) -> None:
    write_table(tmp_path / "table.csv", "class", 80)
    gw.train("mlp", data="table.csv", epochs=1, out="first", **PLAIN)
    assert "accuracy" in gw.train(start="first", epochs=1, out="more", **PLAIN).evaluate()
