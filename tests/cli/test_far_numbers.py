"""Numbers far from zero keep what they differ by, whichever file they come from and wherever they are printed."""

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import glasswork as gw
from glasswork.cli import main
from made_data import PLAIN, flags, said

Columns = Mapping[str, npt.NDArray[np.float64]]
FAR = 1.7e9


def write_csv(path: Path, columns: Columns) -> None:
    lines = [
        ",".join(columns),
        *(",".join(map(repr, row)) for row in zip(*(c.tolist() for c in columns.values()), strict=True)),
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_parquet(path: Path, columns: Columns) -> None:
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.table(dict(columns)), path)


def write_npz(path: Path, columns: Columns) -> None:
    inputs = np.stack([column for name, column in columns.items() if name != "y"], 1)
    np.savez(path, x=inputs, y=columns["y"])


FORMATS: dict[str, Callable[[Path, Columns], None]] = {"csv": write_csv, "parquet": write_parquet, "npz": write_npz}


def trained(path: Path) -> None:
    asked = {**PLAIN, "data": path, "epochs": 40, "learning_rate": 0.01, "hidden": "16"}
    target = [] if path.suffix == ".npz" else ["--target", "y"]
    assert main(["train", "mlp", *flags(asked), *target, "--out", "run", "--json"]) == 0


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("where", ["target", "inputs"])
def test_what_far_numbers_differ_by_is_learnt(
    format_: str, where: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draw = np.random.default_rng(0)
    near, other = 20 * draw.normal(size=400), draw.normal(size=400)
    columns = (
        {"a": near, "b": other, "y": FAR + near + other}
        if where == "target"
        else {"a": FAR + near, "b": 5_400_000 + other, "y": near + 3 * other}
    )
    data = tmp_path / f"data.{format_}"
    FORMATS[format_](data, columns)
    trained(data)
    found = said(capsys)
    assert found["test"]["r2"] > 0.98
    assert main(["evaluate", "run", "--data", str(data), "--json"]) == 0
    assert said(capsys)["metrics"]["r2"] > 0.98
    model = gw.load("run")
    if format_ == "npz":
        return
    asked = tmp_path / "asked.csv"
    write_csv(asked, {name: column[:5] for name, column in columns.items()})
    assert main(["predict", "run", str(asked), "--json"]) == 0
    answers = [one["answer"] for one in said(capsys)["answers"]]
    assert answers == pytest.approx(columns["y"][:5].tolist(), abs=15)
    if where == "target":
        assert len(set(answers)) == 5
        assert main(["predict", "run", str(asked)]) == 0
        printed = capsys.readouterr().out
        told = [float(line.split()[3]) for line in printed.splitlines()[1:]]
        assert told == pytest.approx(answers, abs=0.1, rel=0)
        assert main(["predict", "run", str(asked), "--csv", "answers.csv"]) == 0
        with Path("answers.csv").open(encoding="utf-8", newline="") as file:
            assert [float(row["answer"]) for row in csv.DictReader(file)] == answers
    else:
        assert "a less 1" in model.task.inputs.port().meaning


def test_arrays_in_memory_far_from_zero(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    inputs = np.stack([FAR + 20 * draw.normal(size=300), draw.normal(size=300)], 1)
    write_npz(tmp_path / "data.npz", {"a": inputs[:, 0], "b": inputs[:, 1], "y": inputs[:, 0] - FAR})
    model = gw.train("mlp", data=str(tmp_path / "data.npz"), hidden=(8,), epochs=2, out="run", **PLAIN)
    one, same, other = (model.features(rows) for rows in (inputs[:5], inputs[:5].copy(), inputs[:5] + np.array([8, 0])))
    assert np.array_equal(one, same) and not np.allclose(one, other)
    assert json.loads(Path("run/model/model.json").read_text(encoding="utf-8"))["task"]["inputs"]["origins"][0] > 1e9


@pytest.mark.slow
def test_an_exported_file_answers_far_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    draw = np.random.default_rng(0)
    near = 20 * draw.normal(size=200)
    write_csv(tmp_path / "data.csv", {"a": near, "y": FAR + near})
    trained(tmp_path / "data.csv")
    capsys.readouterr()
    assert main(["export", "run", "--to", "onnx", "--out", "run.onnx", "--json"]) == 0
    assert said(capsys)["outputs"][0]["dtype"] == "float64"
    import onnxruntime

    session = onnxruntime.InferenceSession("run.onnx", providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"features": near[:50, None].astype(np.float32)})
    assert found.dtype == np.float64
    assert np.abs(found[:, 0] - FAR - near[:50]).max() < 15
