"""A trained run leaves as a file for other tools: complete, compared, and never over another one."""

import csv
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

import glasswork as gw
from closeness import assert_same_numbers
from glasswork.data.kinds.table import Table
from glasswork.systems import export as room
from glasswork.systems.model import Model
from made_data import train, write_npz, write_table


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, Path]:
    folder = tmp_path_factory.mktemp("images")
    data = write_npz(folder / "data.npz", "class")
    return gw.load(train("lenet", data=data, epochs=1, out=str(folder / "run"))), data


def test_raw_images_give_the_models_own_probabilities(
    images: tuple[Model, Path],
    tmp_path: Path,
) -> None:
    model, data = images
    found = model.export(tmp_path / "model.onnx", "onnx")
    assert (found.input.name, found.input.dtype, found.input.shape) == ("images", "uint8", ("batch", 1, 12, 12))
    session = onnxruntime.InferenceSession(found.path)
    raw = np.load(data)["x"][:, None]
    for rows in (raw[:1], raw):
        chances = session.run(["probabilities"], {"images": rows})[0]
        inputs = rows.astype(np.float32) / 255
        scaled = (inputs - model.task.inputs.mean[0]) / model.task.inputs.deviation[0]
        scores = session.run(["scores"], {"images": rows})[0]
        with torch.no_grad():
            expected = model.network(torch.from_numpy(scaled)).numpy()
        assert_same_numbers(scores, expected)
        np.testing.assert_allclose(chances.sum(1), 1, atol=1e-5)
    file = onnx.load(found.path)
    said = {pair.key: json.loads(pair.value) for pair in file.metadata_props}
    assert said["glasswork.classes"] == list(model.classes)
    assert "raw values from 0 to 255" in file.graph.input[0].doc_string


def test_a_table_with_unknown_cells_gives_numbers_in_their_own_units(tmp_path: Path) -> None:
    data = write_table(tmp_path / "data.csv", "number")
    model = gw.load(train("mlp", data=data, epochs=1, out=str(tmp_path / "run")))
    found = model.export(tmp_path / "model.onnx")
    lines = list(csv.reader(data.read_text(encoding="utf-8").splitlines()))
    lines[1][0] = ""
    (tmp_path / "holes.csv").write_text("\n".join(",".join(line) for line in lines) + "\n", encoding="utf-8")
    said = [answer.answer for answer in model.predict(tmp_path / "holes.csv")]
    raw, _ = Table.of(model.task).read_table(tmp_path / "holes.csv")
    assert raw.isnan().any()
    numbers = onnxruntime.InferenceSession(found.path).run(["numbers"], {"features": raw.numpy()})[0]
    assert_same_numbers(numbers[:, 0], said)


def test_nothing_is_overwritten_and_no_wrong_file_is_left(
    images: tuple[Model, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, _ = images
    there = tmp_path / "there.pt"
    there.write_text("mine", encoding="utf-8")
    with pytest.raises(gw.GlassworkError, match="already exists"):
        model.export(there, "state-dict")
    assert there.read_text(encoding="utf-8") == "mine"
    with pytest.raises(gw.GlassworkError, match="There is no format 'caffe'"):
        model.export(tmp_path / "new.pt", "caffe")
    monkeypatch.setattr(room, "TOLERANCE", -1.0)
    with pytest.raises(gw.GlassworkError, match="nothing was written"):
        model.export(tmp_path / "new.pt", "state-dict")
    assert not (tmp_path / "new.pt").exists()
