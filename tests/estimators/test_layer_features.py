"""A trained layer as features: for a classical classifier, in a pipeline, by paths, arrays and rows."""

import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import glasswork as gw
from closeness import assert_same_numbers
from glasswork.errors import GlassworkError
from glasswork.sklearn import NetworkFeatures
from glasswork.systems.model import Model
from made_data import PLAIN, pictures, write_folder, write_table

QUICK: dict[str, Any] = {**PLAIN, "out": "run"}


@pytest.fixture
def lenet(tmp_path: Path) -> Model:
    return gw.train("lenet", data=write_folder(tmp_path / "pictures"), epochs=2, **QUICK)


def test_features_of_a_briefly_trained_network_make_a_good_classifier() -> None:
    model = gw.train("lenet", data="digits", size=16, epochs=2, test=0.5, **QUICK)
    digits = load_digits()
    images = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    alone = model.evaluate()["accuracy"]
    for last in (LogisticRegression(max_iter=300), SVC()):
        pipeline = make_pipeline(NetworkFeatures("run", layer="dense_1"), StandardScaler(), last)
        pipeline.fit(images[::2], digits.target[::2])
        accuracy = pipeline.score(images[1::2], digits.target[1::2])
        assert accuracy > 0.95
        assert accuracy > alone
    scores = cross_val_score(pipeline, images[:300], digits.target[:300], cv=2, error_score="raise")
    assert scores.mean() > 0.8


def test_paths_arrays_and_tensors_give_the_same_features(lenet: Model, tmp_path: Path) -> None:
    images, _ = pictures(30)
    files = [tmp_path / "pictures" / ("left", "middle", "right")[k % 3] / f"{k}.png" for k in range(6)]
    by_path = lenet.features(files)
    assert by_path.shape == (6, 84)
    assert by_path.dtype == np.float32
    for given in (images[:6], images[:6, ..., None], images[:6] / 255, torch.from_numpy(images[:6])):
        assert_same_numbers(lenet.features(given), by_path)
    assert_same_numbers(lenet.features(str(files[0])), by_path[:1])
    assert len(lenet.features(tmp_path / "pictures")) == 30
    transformer = NetworkFeatures("run").fit()
    for listed in ([str(file) for file in files], np.array([str(file) for file in files]), files):
        assert_same_numbers(transformer.transform(listed), by_path)


def test_each_layer_can_be_named(lenet: Model) -> None:
    images, _ = pictures(5)
    inputs = torch.from_numpy(images)[:, None].float()
    scale = 255 * torch.tensor(lenet.task.inputs.deviation)
    scaled = inputs / scale - torch.tensor(lenet.task.inputs.mean) / torch.tensor(lenet.task.inputs.deviation)
    with torch.no_grad():
        outputs = lenet.network(scaled).numpy()
        maps = lenet.network.convolution_1(scaled).flatten(1).numpy()  # type: ignore[operator]
    assert_same_numbers(lenet.features(images, layer="output"), outputs)
    assert_same_numbers(lenet.features(images, layer="convolution_1"), maps)
    # what goes into the last layer is what comes out of the one before
    assert (lenet.features(images) == lenet.features(images, layer="dropout_2")).all()
    names = NetworkFeatures(lenet, layer="dense_1").fit()
    assert names.transform(images).shape == (5, 120)
    assert list(names.get_feature_names_out()[:2]) == ["dense_1_0", "dense_1_1"]


def test_rows_of_a_table(tmp_path: Path) -> None:
    data = write_table(tmp_path / "data.csv", "class")
    model = gw.train("mlp", data=data, hidden=(8,), epochs=2, **QUICK)
    by_path = model.features(data)
    assert by_path.shape == (60, 8)
    rows = model.system.read(data, model.task).columns["inputs"].numpy()
    assert_same_numbers(NetworkFeatures("run").fit_transform(rows), by_path)
    with pytest.raises(ValueError, match="this model takes rows of"):
        NetworkFeatures("run").fit_transform(rows[:, 1:])


def test_a_pickle_names_the_run(lenet: Model) -> None:
    images, _ = pictures(5)
    for model in ("run", lenet):
        transformer = NetworkFeatures(model, layer="dense_2").fit()
        held = pickle.dumps(transformer)
        assert len(held) < 1000
        again = pickle.loads(held)
        assert (again.transform(images) == transformer.transform(images)).all()
        assert (clone(transformer).fit().transform(images) == transformer.transform(images)).all()


def test_what_does_not_fit_is_said(lenet: Model) -> None:
    images, _ = pictures(5)
    with pytest.raises(GlassworkError, match="did you mean dense_1"):
        lenet.features(images, layer="dense1")
    with pytest.raises(GlassworkError, match="this model learnt from images of 8 bits"):
        lenet.features(images.astype(float) * 10)
    with pytest.raises(GlassworkError, match="no file"):
        lenet.features(["nowhere.png"])
    with pytest.raises(ValueError, match="nowhere"):
        NetworkFeatures("nowhere").fit()
    with pytest.raises(ValueError, match="no layer 'last'"):
        NetworkFeatures(lenet, layer="last").fit_transform(images)


def test_the_code_of_the_documentation_runs(tmp_path: Path) -> None:
    images, labels = pictures(60)
    np.savez(tmp_path / "data.npz", x=images, y=labels)
    gw.train("lenet", data=tmp_path / "data.npz", epochs=1, **{**PLAIN, "out": "runs/lenet-1"})
    text = (Path(__file__).parents[2] / "docs" / "scikit_learn.md").read_text(encoding="utf-8")
    first, second = re.findall(r"```python\n(.*?)```", text, re.S)
    exec(first, {})
    exec(second, {"images": images, "labels": labels})
