"""A model answers and is measured as its training examples were read, or says why it cannot."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import glasswork as gw
from glasswork.cli import main
from glasswork.errors import GlassworkError
from glasswork.systems.model import Model
from made_data import PLAIN, pictures, train, write_folder, write_network, write_npz, write_table

PLAINLY = dict(PLAIN)


def trained(preset: str, data: Path, **options: object) -> Model:
    values = {**PLAINLY, "epochs": 3, "batch_size": 8, **options}
    return gw.train(preset, data=data, out="run", **values)  # type: ignore[arg-type]


def test_one_answer_for_one_image_and_a_list_for_more(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "pictures")
    model = trained("lenet", folder)
    one = model.predict(folder / "left" / "0.png")
    assert not isinstance(one, list)
    assert one.answer in model.classes == ("left", "middle", "right")
    several = model.predict([folder / "left" / "0.png"])
    assert several == [one]
    assert len(model.predict(str(folder))) == 30  # type: ignore[arg-type]


def test_predictions_and_measurement_agree(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "pictures", count=60)
    model = trained("lenet", folder, epochs=8)
    right = 0
    for name in model.classes:
        answers = model.predict(folder / name)
        assert isinstance(answers, list)
        right += sum(answer.answer == name for answer in answers)
    assert model.evaluate(folder)["accuracy"] == right / 60 > 0.5


def test_a_loaded_model_answers_as_the_trained_one(tmp_path: Path) -> None:
    data = write_table(tmp_path / "data.csv", "number")
    model = trained("mlp", data)
    assert gw.load("run").predict(data) == model.predict(data)
    assert gw.load("run").evaluate() == model.evaluate()


def test_numbers_are_answered_in_their_own_units(tmp_path: Path) -> None:
    draws = np.random.default_rng(0)
    inputs = draws.normal(size=(80, 2))
    lines = [f"{a:.4f},{b:.4f},{1e4 + 500 * a - 200 * b:.3f}" for a, b in inputs]
    path = tmp_path / "prices.csv"
    path.write_text("\n".join(["a,b,price", *lines]), encoding="utf-8")
    model = trained("linear", path, target="price", epochs=60, learning_rate=0.05)
    answers = model.predict(path)
    assert isinstance(answers, list)
    assert all(abs(float(answer.answer) - 1e4) < 3000 for answer in answers)  # type: ignore[arg-type]
    assert model.evaluate(path)["r2"] > 0.95


def test_columns_are_found_by_name_not_by_place(tmp_path: Path) -> None:
    data = write_table(tmp_path / "data.csv", "class")
    model = trained("mlp", data, epochs=8)
    rows = [line.split(",") for line in data.read_text(encoding="utf-8").splitlines()]
    straight, turned = tmp_path / "straight.csv", tmp_path / "turned.csv"
    straight.write_text("\n".join(",".join(row) for row in rows[:-1]), encoding="utf-8")
    turned.write_text("\n".join(",".join(row[::-1]) for row in rows[:-1]), encoding="utf-8")
    first, second = model.predict(straight), model.predict(turned)
    assert isinstance(first, list)
    assert isinstance(second, list)
    assert [answer.probabilities for answer in first] == [answer.probabilities for answer in second]
    assert model.evaluate(turned) == pytest.approx(model.evaluate(straight))


def test_a_table_without_a_column_is_refused(tmp_path: Path) -> None:
    data = write_table(tmp_path / "data.csv", "class")
    model = trained("mlp", data)
    other = tmp_path / "other.csv"
    other.write_text(data.read_text(encoding="utf-8").replace("depth", "length"), encoding="utf-8")
    with pytest.raises(GlassworkError, match="depth"):
        model.predict(other)
    with pytest.raises(GlassworkError, match="depth"):
        model.evaluate(other)


def test_a_category_that_is_missing_from_the_new_table(tmp_path: Path) -> None:
    data = write_table(tmp_path / "data.csv", "class")
    model = trained("mlp", data, epochs=8)
    lines = data.read_text(encoding="utf-8").splitlines()
    red = tmp_path / "red.csv"
    red.write_text("\n".join([lines[0], *(line for line in lines[1:] if ",red," in line)]), encoding="utf-8")
    answers = model.predict(red)
    assert isinstance(answers, list)
    truth = [line.rpartition(",")[2] for line in red.read_text(encoding="utf-8").splitlines()[1:]]
    right = sum(answer.answer == name for answer, name in zip(answers, truth, strict=True))
    assert model.evaluate(red)["accuracy"] == pytest.approx(right / len(truth))


def test_classes_in_another_order_and_fewer_of_them(tmp_path: Path) -> None:
    data = write_table(tmp_path / "data.csv", "class")
    model = trained("mlp", data, epochs=8)
    lines = data.read_text(encoding="utf-8").splitlines()
    part = tmp_path / "part.csv"
    part.write_text("\n".join([lines[0], *(line for line in lines[1:] if not line.endswith("high"))]), encoding="utf-8")
    answers = model.predict(part)
    assert isinstance(answers, list)
    truth = [line.rpartition(",")[2] for line in part.read_text(encoding="utf-8").splitlines()[1:]]
    right = sum(answer.answer == name for answer, name in zip(answers, truth, strict=True))
    assert model.evaluate(part)["accuracy"] == pytest.approx(right / len(truth))


def test_a_class_that_the_model_does_not_know(tmp_path: Path) -> None:
    data = write_table(tmp_path / "data.csv", "class")
    model = trained("mlp", data)
    other = tmp_path / "other.csv"
    other.write_text(data.read_text(encoding="utf-8").replace("middle", "medium"), encoding="utf-8")
    with pytest.raises(GlassworkError, match="has a class 'medium' that this model does not know"):
        model.evaluate(other)


def test_labels_in_another_order(tmp_path: Path) -> None:
    data = write_table(tmp_path / "data.csv", "classes")
    model = trained("mlp", data, epochs=8)
    lines = data.read_text(encoding="utf-8").splitlines()
    part = tmp_path / "part.csv"
    part.write_text("\n".join([lines[0], *(line for line in lines[1:] if ",a" not in line)]), encoding="utf-8")
    assert model.classes == ("a", "b", "c")
    answers = model.predict(part)
    assert isinstance(answers, list)
    truth = [set(line.rpartition(",")[2].split(";")) for line in part.read_text(encoding="utf-8").splitlines()[1:]]
    right = sum(set(answer.answer) == names for answer, names in zip(answers, truth, strict=True))  # type: ignore[arg-type]
    assert model.evaluate(part)["exact_match"] == pytest.approx(right / len(truth))


def test_whole_numbers_are_numbers_where_the_model_answers_numbers(tmp_path: Path) -> None:
    draws = np.random.default_rng(0)
    ages = np.arange(60) + 20
    lines = [f"{age * 2 + noise:.3f},{age}" for age, noise in zip(ages, draws.normal(size=60), strict=True)]
    data, few = tmp_path / "ages.csv", tmp_path / "few.csv"
    data.write_text("\n".join(["size,age", *lines]), encoding="utf-8")
    few.write_text("\n".join(["size,age", *lines[:12]]), encoding="utf-8")
    model = trained("linear", data, target="age")
    answers = model.predict(few)
    assert isinstance(answers, list)
    errors = [abs(float(answer.answer) - age) for answer, age in zip(answers, ages, strict=False)]  # type: ignore[arg-type]
    assert model.evaluate(few)["mean_absolute_error"] == pytest.approx(sum(errors) / 12, rel=1e-4)


def test_images_of_other_kinds_and_sizes_are_read_as_in_training(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "pictures")
    model = trained("lenet", folder, epochs=8)
    image = Image.open(folder / "left" / "0.png")
    image.convert("RGB").save(tmp_path / "coloured.png")
    image.convert("L").save(tmp_path / "small.bmp")
    image.resize((36, 36), Image.Resampling.NEAREST).save(tmp_path / "large.png")
    answers = model.predict([folder / "left" / "0.png", *(tmp_path / n for n in ("coloured.png", "small.bmp"))])
    assert isinstance(answers, list)
    assert answers[0].probabilities == answers[1].probabilities == answers[2].probabilities
    large = model.predict(tmp_path / "large.png")
    assert not isinstance(large, list)
    assert large.answer == answers[0].answer


def test_the_user_s_own_module_trains_and_answers(tmp_path: Path) -> None:
    images, labels = pictures(60)
    np.savez(tmp_path / "data.npz", x=images, y=labels)
    torch.manual_seed(1)
    mine = nn.Sequential(nn.Flatten(), nn.Linear(144, 16), nn.ReLU(), nn.Linear(16, 3))
    before = mine[1].weight.detach().clone()
    model = gw.train(network=mine, data=tmp_path / "data.npz", out="run", epochs=5, batch_size=8, **PLAINLY)  # type: ignore[arg-type]
    assert model.network is mine
    assert not torch.equal(mine[1].weight, before)
    Image.fromarray(images[0]).save("one.png")
    first = model.predict("one.png")
    with pytest.raises(GlassworkError, match="module object"):
        gw.load("run")
    blank = nn.Sequential(nn.Flatten(), nn.Linear(144, 16), nn.ReLU(), nn.Linear(16, 3))
    assert gw.load("run", network=blank).predict("one.png") == first
    wrong = nn.Sequential(nn.Flatten(), nn.Linear(144, 3))
    with pytest.raises(GlassworkError, match="do not fit the network"):
        gw.load("run", network=wrong)


def test_weights_of_a_shared_layer_are_kept_shared(tmp_path: Path) -> None:
    layer = nn.Linear(144, 144)
    mine = nn.Sequential(nn.Flatten(), layer, nn.ReLU(), layer, nn.Linear(144, 3))
    data = write_npz(tmp_path / "data.npz", "class")
    gw.train(network=mine, data=data, out="run", epochs=2, batch_size=8, **PLAINLY)  # type: ignore[arg-type]
    assert mine[1].weight is mine[3].weight


def test_a_damaged_model_is_said(tmp_path: Path) -> None:
    run = train("linear", data=write_npz(tmp_path / "data.npz", "class"), epochs=1)
    weights = run / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:50])
    with pytest.raises(GlassworkError, match="is damaged"):
        gw.load(run)


def test_measured_on_one_class_alone(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "pictures", count=60)
    model = trained("lenet", folder, epochs=8)
    (tmp_path / "one").mkdir()
    (folder / "right").rename(tmp_path / "one" / "right")
    answers = model.predict(tmp_path / "one")
    assert isinstance(answers, list)
    right = sum(answer.answer == "right" for answer in answers)
    assert model.evaluate(tmp_path / "one")["accuracy"] == pytest.approx(right / 20)


def test_an_image_that_cannot_be_read_is_left_out_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_folder(tmp_path / "pictures")
    model = trained("lenet", folder)
    (folder / "left" / "broken.png").write_bytes(b"no picture")
    answers = model.predict(folder / "left")
    assert isinstance(answers, list)
    assert [bool(answer.problem) for answer in answers].count(True) == 1
    with pytest.raises(GlassworkError, match=r"broken\.png"):
        model.predict(folder / "left" / "broken.png")
    capsys.readouterr()
    assert main(["predict", "run", str(folder / "left"), "--json"]) == 0
    said = capsys.readouterr()
    assert "broken.png" in said.err
    assert len(json.loads(said.out)["answers"]) == 11
    assert main(["predict", "run", str(folder / "left" / "broken.png")]) == 2


def test_the_user_s_network_is_kept_with_the_run(tmp_path: Path) -> None:
    word = write_network(tmp_path)
    data = write_npz(tmp_path / "data.npz", "class")
    model = trained("own", data, network=word)
    Path(word.rpartition(":")[0]).unlink()
    assert gw.load("run").evaluate() == model.evaluate()


def test_a_budget_in_process_counts_from_the_call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_npz(tmp_path / "data.npz", "class")
    assert main(["train", "mlp", "--data", str(data), "--budget", "4s", "--out", "run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["seconds"] < 4
