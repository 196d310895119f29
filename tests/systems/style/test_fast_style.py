"""A network that paints one style: what it learns, what it paints, and what is refused."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from glasswork.cli import main
from glasswork.systems.style.fast.network import Painter
from glasswork.systems.style.fast.system import write_photos
from made_data import mistake, said, train

SMALL = {"size": 32, "style_size": 48, "width": 4, "blocks": 1, "batch_size": 4, "style_layers": ("stem", "block1")}


def test_photos_of_any_size_become_paintings_of_that_size() -> None:
    painter = Painter(2, 1).eval()
    for height, width in ((32, 32), (33, 47), (50, 36)):
        painted = painter(torch.rand(2, 3, height, width))
        assert painted.shape == (2, 3, height, width) and painted.min() >= 0 and painted.max() <= 1


def test_a_style_is_learnt_and_painted(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 20)
    (photos / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    run = train("fast-style", data=photos, epochs=15, learning_rate=0.02, **SMALL)
    result = said(capsys)
    assert result["test"]["style_loss"] < 0.5 and result["examples"]["test"] == 4
    assert any("broken.png" in sentence for sentence in result["warnings"])
    first = Path(run, "steps.jsonl").read_text("utf-8").splitlines()[0]
    assert result["test"]["loss"] < 0.7 * float(first.rpartition('"loss": ')[2].split(",")[0].rstrip("}"))
    assert "What it paints" in (run / "report.html").read_text("utf-8")
    assert main(["predict", str(run), str(photos / "photo 1.png"), "--out", "painted.jpg"]) == 0
    assert "painted, 48 x 36 pixels" in capsys.readouterr().out
    with Image.open("painted.jpg") as picture:
        assert picture.size == (48, 36)
    several = [str(photos / "photo 1.png"), str(photos / "photo 2.png")]
    assert "writes one picture, and 2 were painted" in mistake(capsys, "predict", run, *several, "--out", "two.png")
    assert "--out writes" in mistake(capsys, "predict", run, several[0], "--out", "new.gif")


def test_what_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 8)
    words = ["train", "fast-style", "--out", "run"]
    assert "give a folder of photos with --data" in mistake(capsys, *words)
    cases = {
        ("--style", "gone.jpg"): "There is no picture gone.jpg",
        ("--style-layers", "stm"): "has no layer 'stm': the nearest are stem",
        ("--precision", "bfloat16"): "Gram matrices need float32",
        ("--network", "lenet"): "Style cannot look with a network 'lenet'",
        ("--column", "a=number"): "is not a table",
    }
    for options, sentence in cases.items():
        assert sentence in mistake(capsys, *words, "--data", photos, "--size", "32", *options)
    assert not Path("run").exists()
