"""A run's own data is found wherever one stands, and is what it was wherever the run is measured on it."""

import json
import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from glasswork.cli import main
from made_data import (
    broken_off,
    mistake,
    pictures,
    said,
    train,
    write_folder,
    write_npz,
    write_series,
    write_table,
    write_texts,
)

Captured = pytest.CaptureFixture[str]


def append_rows(path: Path, count: int) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([*lines, *lines[1 : count + 1], ""]), encoding="utf-8")


def swap_targets(path: Path, pairs: int) -> None:
    """Swaps targets of unlike rows, which changes no count and no sum."""
    lines = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines()]
    rows = lines[1:]
    draws = random.Random(0)
    for _ in range(pairs):
        one = draws.choice(rows)
        other = draws.choice([row for row in rows if row[-1] != one[-1]])
        one[-1], other[-1] = other[-1], one[-1]
    path.write_text("\n".join(",".join(line) for line in [*lines[:1], *rows]) + "\n", encoding="utf-8")


def test_appended_rows_are_refused_wherever_the_run_is_measured(tmp_path: Path, capsys: Captured) -> None:
    table = write_table(tmp_path / "table.csv", "class", 200)
    run = train("mlp", data=table.name, epochs=2)
    append_rows(table, 40)
    for words in (["evaluate", run], ["diagnose", run], ["export", run, "--to", "safetensors"], ["resume", run]):
        sentence = mistake(capsys, *words)
        assert "table.csv has changed since run was trained: 40 examples were added at its end" in sentence, words
        assert "--data" in sentence
    assert main(["open", str(run), table.name]) == 0  # a row of a table is asked about as it is


@pytest.mark.parametrize("preset", ["mlp", "lenet", "sentiment"])
def test_examples_that_were_trained_on_are_counted_and_said(preset: str, tmp_path: Path, capsys: Captured) -> None:
    if preset == "mlp":
        data = write_table(tmp_path / "data.csv", "class", 60)
        more = write_table(tmp_path / "more.csv", "class", 80)
        lines = more.read_text(encoding="utf-8").splitlines()
        more.write_text(data.read_text(encoding="utf-8") + "\n".join(lines[61:]) + "\n", encoding="utf-8")
    elif preset == "lenet":
        data, more = write_folder(tmp_path / "data"), tmp_path / "more"
        shutil.copytree(data, more)
        new = next(more.rglob("*.png"))
        new.with_name("new.png").write_bytes(new.read_bytes())
    else:
        data, more = write_texts(tmp_path / "data.csv", "class"), tmp_path / "more.csv"
        text = data.read_text(encoding="utf-8")
        more.write_text(text + text.splitlines()[1] + "\n", encoding="utf-8")
    run = train(preset, data=data, epochs=1)
    trained = said(capsys)["examples"]["train"]
    assert main(["evaluate", str(run), "--data", str(more), "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["trained_on"] >= trained  # a text may be there several times
    assert "which flatters these figures" in printed.err
    assert main(["evaluate", str(run), "--data", str(data), "--json"]) == 0
    assert said(capsys)["trained_on"] == 0


def test_swapped_targets_are_refused(tmp_path: Path, capsys: Captured) -> None:
    table = write_table(tmp_path / "table.csv", "class", 300)
    train("mlp", data=table.name, epochs=2, out="whole")
    run = broken_off("mlp", 3, data=table.name, epochs=2)
    swap_targets(table, 100)
    for words in (["resume", run], ["evaluate", "whole"]):
        assert "the targets of some of its examples are others" in mistake(capsys, *words)


def test_other_inputs_and_fewer_rows_are_told_apart(tmp_path: Path, capsys: Captured) -> None:
    table = write_table(tmp_path / "table.csv", "class", 60)
    text = table.read_text(encoding="utf-8")
    run = train("mlp", data=table.name, epochs=2)

    def refused(changed: str) -> str:
        table.write_text(changed, encoding="utf-8")
        return mistake(capsys, "evaluate", run)

    first, second = text.splitlines()[1:3]
    other = text.replace(first, ",".join(["9.5", *first.split(",")[1:]]))
    assert "the inputs of some of its examples are others" in refused(other)
    assert "it has 59 examples and had 60" in refused(text.replace(f"{second}\n", "", 1))
    table.write_text(text, encoding="utf-8")
    assert main(["evaluate", str(run)]) == 0


def test_another_division_is_refused(tmp_path: Path, capsys: Captured) -> None:
    images, labels = pictures(60)

    def write(training: int) -> None:
        parts = {"x_train": images[:training], "y_train": labels[:training]}
        np.savez(tmp_path / "data.npz", **parts, x_test=images[training:], y_test=labels[training:])

    write(50)
    run = train("lenet", data="data.npz", epochs=1)
    write(49)
    assert "which of its examples train and which are held out is not as it was" in mistake(capsys, "evaluate", run)


@pytest.mark.parametrize("kind", ["folder", "npz", "series"])
def test_other_formats_are_checked_alike(kind: str, tmp_path: Path, capsys: Captured) -> None:
    if kind == "folder":
        write_folder(tmp_path / "data")
        run = train("lenet", data="data", epochs=1)
        (tmp_path / "data" / "left" / "0.png").rename(tmp_path / "data" / "right" / "0.png")
    elif kind == "npz":
        write_npz(tmp_path / "data.npz", "class", 60)
        run = train("lenet", data="data.npz", epochs=1)
        write_npz(tmp_path / "data.npz", "class", 66)
    else:
        write_series(tmp_path / "data.csv", 120)
        run = train("forecast", data="data.csv", epochs=1, horizon=3, window=14, target="demand")
        write_series(tmp_path / "data.csv", 126)
    assert "has changed since run was trained" in mistake(capsys, "evaluate", run)


def test_the_data_is_found_from_another_folder(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_table(tmp_path / "table.csv", "class", 80)
    run = train("mlp", data="table.csv", epochs=2).absolute()
    expected = said(capsys)["test"]
    whole = train("mlp", data="table.csv", epochs=3, out="uninterrupted").absolute()
    stopped = broken_off("mlp", 3, data="table.csv", epochs=3).absolute()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    capsys.readouterr()
    assert main(["evaluate", str(run), "--json"]) == 0
    assert said(capsys)["metrics"] == pytest.approx(expected)
    for words in (["diagnose", str(run)], ["export", str(run), "--to", "safetensors"], ["resume", str(stopped)]):
        assert main(words) == 0, words
    weights = [(folder / "model" / "model.safetensors").read_bytes() for folder in (whole, stopped)]
    assert weights[0] == weights[1]
    figures = [json.loads((folder / "result.json").read_text(encoding="utf-8")) for folder in (whole, stopped)]
    assert figures[0]["test"] == figures[1]["test"] and figures[1]["data"] == "table.csv"


def test_moved_data_is_named_again(tmp_path: Path, capsys: Captured) -> None:
    table = write_table(tmp_path / "table.csv", "class", 80)
    run = train("mlp", data="table.csv", epochs=2)
    expected = said(capsys)["test"]
    stopped = broken_off("mlp", 3, data="table.csv", epochs=2)
    table.rename(tmp_path / "moved.csv")
    sentence = mistake(capsys, "evaluate", run)
    assert f"The data of run was at {table}" in sentence and "--data" in sentence
    for words in (["diagnose", run], ["export", run, "--to", "safetensors"], ["resume", stopped]):
        assert "nothing is there now" in mistake(capsys, *words)
    assert main(["evaluate", str(run), "--data", "moved.csv", "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["metrics"] == pytest.approx(expected)  # of its test examples alone
    assert "moved.csv is the data that run was trained on: measured on its held-out examples" in printed.err
    assert main(["resume", str(stopped), "--data", "moved.csv"]) == 0
    assert main(["evaluate", str(stopped)]) == 0  # the new place is remembered
    other = write_table(tmp_path / "other.csv", "class", 80, seed=1)
    stopped = broken_off("mlp", 3, data="moved.csv", epochs=2, out="again")
    assert "other.csv is not the data that again was trained on" in mistake(
        capsys, "resume", stopped, "--data", other.name
    )


def test_pictures_of_held_out_examples_use_the_same_data(tmp_path: Path, capsys: Captured) -> None:
    table = write_table(tmp_path / "table.csv", "class", 60)
    run = train("mlp", data=table.name, epochs=1)
    shutil.copy(table, "row.csv")
    table.rename("moved.csv")
    words = ["open", str(run), "row.csv", "--landscape", "--json"]
    assert "nothing is there now" in mistake(capsys, *words)
    assert main([*words, "--data", "moved.csv"]) == 0


def test_forecast_goes_on_from_the_newest_values(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_series(tmp_path / "data.csv", 120)
    run = train("forecast", data="data.csv", epochs=1, horizon=3, window=14, target="demand").absolute()
    write_series(data, 126)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    capsys.readouterr()
    assert main(["forecast", str(run), "--json"]) == 0
    assert "2024-05-06" in capsys.readouterr().out
    data.unlink()
    assert "nothing is there now" in mistake(capsys, "forecast", run)


def test_a_project_moved_as_a_whole_finds_its_data(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    write_table(project / "table.csv", "class", 80)
    train("mlp", data="table.csv", epochs=2)
    monkeypatch.chdir(tmp_path)
    shutil.move("project", "moved")
    monkeypatch.chdir(tmp_path / "moved")
    assert main(["evaluate", "run"]) == 0
