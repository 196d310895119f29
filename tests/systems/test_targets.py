"""Systems that learn known targets: every kind of them, from images and from rows, and what they refuse."""

import math
from pathlib import Path

import pytest
from PIL import Image

import glasswork as gw
from glasswork.cli import main
from made_data import (
    broken_off,
    mistake,
    require_same,
    resume,
    said,
    train,
    write_network,
    write_npz,
    write_table,
    write_texts,
)
from required import require_answer, require_open

IMAGES = ("linear", "mlp", "own", "lenet", "convnet-small", "transfer", "points", "function", "heatmap")
ROWS = ("linear", "mlp", "own", "points", "function", "xor")
TARGETS = {"class": "accuracy", "classes": "f1", "number": "r2"}
OF_IMAGES = ("lenet", "convnet-small", "transfer", "heatmap", "embed")


def fitting(preset: str, folder: Path) -> dict[str, object]:
    """The options without which a preset cannot be trained, or holds nothing out."""
    if preset == "xor":
        return {"test": 0.2, "validation": 0.1}
    if preset == "transfer":
        return {"size": 64}
    return {"network": write_network(folder)} if preset == "own" else {}


def write_rows(preset: str, target: str, path: Path) -> Path:
    """A table; its numbers lie between 0 and 1 for units that say no others."""
    write_table(path, target)
    if (preset, target) == ("xor", "number"):
        header, *lines = path.read_text(encoding="utf-8").splitlines()
        cells = [line.rpartition(",") for line in lines]
        squeezed = [f"{rest},{1 / (1 + math.exp(-float(number))):.4f}" for rest, _, number in cells]
        path.write_text("\n".join([header, *squeezed]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    ("preset", "inputs"), [*((name, "images") for name in IMAGES), *((name, "rows") for name in ROWS)]
)
def test_every_kind_of_target_is_learnt(
    preset: str, inputs: str, target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = inputs == "images"
    data = write_npz(tmp_path / "data.npz", target) if images else write_rows(preset, target, tmp_path / "data.csv")
    run = train(preset, data=data, epochs=2, **fitting(preset, tmp_path))
    result = said(capsys)
    assert (result["epochs"], result["preset"], result["examples"]["test"]) == (2, preset, 12)
    figure = TARGETS[target]
    assert figure in result["test"]
    assert main(["evaluate", str(run), "--json"]) == 0
    assert said(capsys)["metrics"] == pytest.approx(result["test"])
    assert main(["evaluate", str(run), "--data", str(data), "--json"]) == 0
    assert figure in said(capsys)["metrics"]
    asked = data
    if inputs == "images":
        asked = tmp_path / "one.png"
        Image.new("L", (30, 20), 77).save(asked)
    assert main(["predict", str(run), str(asked), "--json"]) == 0
    answers = said(capsys)["answers"]
    assert len(answers) == (1 if inputs == "images" else 60)
    model = gw.load(run)
    for answer in answers:
        require_answer(answer, target, model.classes)
    require_open(run, asked, "1.5" if target == "number" else model.classes[0], capsys)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("preset", [*IMAGES, "sentiment", "xor"])
def test_goes_on_as_if_never_stopped(preset: str, target: str, tmp_path: Path) -> None:
    more: dict[str, object] = {"epochs": 2, "batch_size": 8}
    if preset == "sentiment":
        data, more = write_texts(tmp_path / "data.csv", target), {**more, "hidden_size": 4, "embedding": 5, "layers": 2}
    elif preset == "xor":
        data, more = write_rows(preset, target, tmp_path / "data.csv"), {"epochs": 9}
    else:
        data = write_npz(tmp_path / "data.npz", target)
    options = {"data": str(data), **more, **fitting(preset, tmp_path)}
    whole = train(preset, out="whole", **options)
    require_same(whole, resume(broken_off(preset, 4, **options)))


@pytest.mark.parametrize("preset", OF_IMAGES)
def test_rows_are_refused_where_images_are_learnt(
    preset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_table(tmp_path / "data.csv", "class")
    assert "use mlp" in mistake(capsys, "train", preset, "--data", data, "--out", "run")
    assert not Path("run").exists()


def test_images_are_refused_where_rows_are_learnt(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_npz(tmp_path / "data.npz", "class")
    assert "use lenet" in mistake(capsys, "train", "xor", "--data", data, "--out", "run")
    assert not Path("run").exists()


@pytest.mark.parametrize("target", ["classes", "number"])
def test_embeddings_are_of_one_class_each(target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_npz(tmp_path / "data.npz", target)
    assert "with one class each" in mistake(capsys, "train", "embed", "--data", data, "--out", "run")
    assert not Path("run").exists()
