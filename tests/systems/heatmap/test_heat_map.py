"""From annotated pictures to a map over another one, by the command line."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import glasswork as gw
from glasswork.cli import main
from glasswork.data.formats.whole_slide import open_slide
from glasswork.data.kinds.kind import new_inputs
from glasswork.systems.heatmap.heat_map import HeatMapOptions, heat_map
from made_data import mistake, said, train, write_npz, write_table

OPTIONS = {"size": 16, "epochs": 3, "patches": 160, "threads": 1, "precision": "float32", "batch_size": 16}


def picture(path: Path, seed: int, lesion: tuple[int, int] | None, side: int = 160) -> Path:
    """Pale pink tissue with noise on the left, glass on the right; a purple square that is annotated."""
    draws = np.random.default_rng(seed)
    pixels = np.full((side, side, 3), 250, np.float64)
    pixels[:, : side * 3 // 4] = (225, 170, 195)
    mask = np.zeros((side, side), np.uint8)
    if lesion is not None:
        y, x = lesion
        pixels[y : y + 48, x : x + 48] = (120, 60, 140)
        mask[y : y + 48, x : x + 48] = 255
    pixels = np.clip(pixels + draws.normal(0, 6, pixels.shape), 0, 255)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(path)
    Image.fromarray(mask).save(path.with_name(f"{path.stem}_mask.png"))
    return path


@pytest.fixture
def run(tmp_path: Path) -> Path:
    for place in range(3):
        split = ("train", "val", "test")[place]
        picture(tmp_path / "data" / split / "one.png", place, (20 + 10 * place, 30))
        picture(tmp_path / "data" / split / "two.png", 9 + place, None)
    return train("heatmap", data=str(tmp_path / "data"), **OPTIONS)


def test_a_map_finds_the_annotated_square(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads((run / "result.json").read_text(encoding="utf-8"))["test"]["area_under_roc"] > 0.99
    image = picture(tmp_path / "new.png", 33, (80, 40), 200)
    mask = tmp_path / "new_mask.png"
    assert main(["heatmap", str(run), str(image), "--mask", str(mask), "--tile", "64", "--json"]) == 0
    result = said(capsys)
    assert (result["target"], result["lesions"], result["exact"]) == ("annotated", 1, True)
    assert result["score"] > 0.9 and result["area_under_roc"] > 0.99
    assert 0.15 < result["background"] < 0.3
    first = result["finds"][0]
    assert 40 <= first["x"] < 88 and 80 <= first["y"] < 128
    assert main(["heatmap", str(run), str(image), "--target", "other", "--json"]) == 0
    assert said(capsys)["lesions"] is None


def test_each_value_is_the_model_s_answer_for_that_patch(run: Path, tmp_path: Path) -> None:
    image = picture(tmp_path / "new.png", 34, (30, 60))
    small, whole = (heat_map(gw.load(run), image, options=HeatMapOptions(tile)) for tile in (24, 4096))
    np.testing.assert_allclose(small.values, whole.values, atol=1e-5)
    assert small.tiles > whole.tiles == 1 and small.skipped > 0
    model, slide = gw.load(run), open_slide(image)
    checked = 0
    for row in range(0, whole.values.shape[0], 4):
        for column in range(0, whole.values.shape[1], 4):
            value = whole.values[row, column]
            if not np.isnan(value):
                patch = slide.read(column * whole.stride, row * whole.stride, 16, 16)
                raw = torch.from_numpy(patch.transpose(2, 0, 1).copy())[None]
                asked = new_inputs(raw, model.task, ["patch"])
                answer = model.system.predict(model.network, asked, model.execution)[0]
                assert answer.probabilities["annotated"] == pytest.approx(value, abs=1e-5)
                checked += 1
    assert checked > 8


def test_pictures_pages_and_values(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = picture(tmp_path / "new.png", 35, (80, 40), 200)
    for name in ("map.png", "map.html", "map.npy"):
        assert main(["heatmap", str(run), str(image), "--out", name]) == 0
    assert "not cancer" in capsys.readouterr().out
    with Image.open("map.png") as drawn:
        red, green, blue = drawn.convert("RGB").getpixel((int(64 / 200 * drawn.width), int(104 / 200 * drawn.width)))  # type: ignore[misc]
        assert red > green + 60 and red > blue + 20
    page = Path("map.html").read_text(encoding="utf-8")
    assert "not cancer" in page and "probability" not in page.partition("<body")[0]
    values = np.load("map.npy")
    assert np.isnan(values[:, -1]).all() and np.nanmax(values) > 0.9
    assert "already exists" in mistake(capsys, "heatmap", str(run), str(image), "--out", "map.png")


def test_a_folder_is_measured_as_camelyon16_does(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["heatmap", str(run), str(tmp_path / "data" / "test"), "--json"]) == 0
    result = said(capsys)
    assert [one["lesions"] for one in result["pictures"]] == [1, 0]
    assert result["area_under_roc"] > 0.99
    assert result["picture_area_under_roc"] == 1
    assert result["froc"]["sensitivity"] == [1] * 6 and result["froc"]["lesions"] == 1
    assert main(["heatmap", str(run), str(tmp_path / "data" / "test")]) == 0
    assert "at 0.25 false positives a picture" in capsys.readouterr().out


def test_any_classifier_of_images_can_slide(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = train("lenet", data=str(write_npz(tmp_path / "data.npz", "class")), epochs=1)
    capsys.readouterr()
    image = picture(tmp_path / "new.png", 36, (20, 20), 60)
    assert main(["heatmap", str(run), str(image), "--json"]) == 0
    result = said(capsys)
    assert result["exact"] is False and result["patch"] == 12 and result["stride"] == 4


def test_mistakes_are_one_sentence(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = picture(tmp_path / "new.png", 37, (20, 20))
    tiny = tmp_path / "tiny.png"
    Image.new("RGB", (9, 9)).save(tiny)
    for words, expected in (
        ((str(tiny),), "less than a patch of 16 x 16"),
        ((str(image), "--target", "cancer"), "'cancer' is not a class"),
        ((str(image), "--level", "1"), "only level 0"),
        (("nowhere.png",), "no file nowhere.png"),
        ((str(tmp_path / "data"), "--out", "a.png"), "measured, not drawn"),
    ):
        assert expected in mistake(capsys, "heatmap", str(run), *words)
    table = train("mlp", data=write_table(tmp_path / "data.csv", "class"), epochs=1, out="table")
    assert "does not classify images" in mistake(capsys, "heatmap", str(table), str(image))
    assert json.loads(json.dumps(heat_map(gw.load(run), image).to_json()))["image"] == str(image)
