"""Painting: tiles measure as the whole does, a stopped painting ends as one that was not, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import glasswork as gw
from glasswork.cli import main
from glasswork.networks.efficientnet_lite import EfficientNetLite
from glasswork.networks.perception import Perception
from glasswork.systems.style.likeness import Likeness
from made_data import mistake, resume, said

SMALL = {"size": 96, "coarse": 48, "iterations": 6, "threads": 1}


def flags(**options: object) -> list[str]:
    return [word for key, value in {**SMALL, **options}.items() for word in (f"--{key}", str(value))]


@pytest.fixture
def pictures(tmp_path: Path) -> tuple[str, str]:
    draws = np.random.default_rng(0)
    for name, size in (("photo.png", (80, 120, 3)), ("art.png", (64, 64, 3))):
        noise = Image.fromarray(draws.integers(0, 256, (size[0] // 8, size[1] // 8, 3), dtype=np.uint8))
        noise.resize((size[1], size[0]), Image.Resampling.BICUBIC).save(tmp_path / name)
    return str(tmp_path / "photo.png"), str(tmp_path / "art.png")


def test_tiles_measure_as_the_whole() -> None:
    torch.manual_seed(0)
    perception = Perception(EfficientNetLite("efficientnet-lite0", (3, 64, 64), 5))
    layers = (perception, ((0.5,) * 3, (0.5,) * 3), ["block3.depthwise"], ["stem", "block2", "block3.expand"])
    whole, tiled = Likeness(*layers, 0.3, 1.0, 0.1), Likeness(*layers, 0.3, 1.0, 0.1, tile=32)
    content, style, picture = torch.rand(1, 3, 96, 136), torch.rand(1, 3, 64, 80), torch.rand(1, 3, 96, 136)
    assert (len(whole.tiles(picture)), len(tiled.tiles(picture))) == (1, 15)
    goal = whole.goal(content, [style, content], [0.25, 0.75])
    torch.testing.assert_close(vars(goal), vars(tiled.goal(content, [style, content], [0.25, 0.75])))
    (losses, slope), (parts, sums) = whole.gradient(picture, goal), tiled.gradient(picture, goal)
    for other in (parts, whole.measure(picture, goal), tiled.measure(picture, goal)):
        torch.testing.assert_close(vars(other), vars(losses))
    torch.testing.assert_close(slope, sums, rtol=1e-3, atol=1e-6 * float(slope.abs().max()))


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_a_stopped_painting_ends_as_one_that_was_not(
    pictures: tuple[str, str], optimizer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {"content": pictures[0], "style": pictures[1:], "optimizer": optimizer, **SMALL}
    words = ["--content", pictures[0], "--style", pictures[1], "--out", "whole", "--json"]
    assert main(["train", "style", *words, *flags(optimizer=optimizer)]) == 0
    found = said(capsys)
    assert (found["steps"], found["epochs"]) == (8, 2)  # six at 48 pixels, two at 96
    for after in (6, 7):  # at the end of a size, and within the next one
        steps = gw.steps("style", out=f"stopped-{after}", **options)
        for step in steps:
            if step.number == after:
                break
        steps.close()  # type: ignore[attr-defined]
        run = resume(Path(f"stopped-{after}"))
        for file in ("painting.png", "steps.jsonl"):
            assert (run / file).read_bytes() == (Path("whole") / file).read_bytes()
    Path(pictures[1]).write_bytes(Path(pictures[0]).read_bytes())
    (run / "result.json").unlink()
    assert main(["resume", str(run), "--json"]) == 2
    assert "pictures have changed since the run was stopped" in capsys.readouterr().err


def test_a_panorama_begins_at_the_size_that_is_high_enough(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.effect_noise((320, 40), 60).save(tmp_path / "wide.png")
    assert main(["style", "wide.png", "flower", "--size", "320", "--iterations", "3", "--threads", "1", "--json"]) == 0
    found = said(capsys)
    assert (found["width"], found["height"], found["steps"]) == (320, 40, 4)  # 256 pixels are 32 high
    assert "becomes 128 by 16 at size 128" in mistake(capsys, "style", "wide.png", "flower", "--size", "128")


def test_the_verb_paints(pictures: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    words = ["style", pictures[0], pictures[1], "china", "--shares", "3,1", "--colors", "content", "--tile", "48"]
    assert main([*words, "-o", "new.jpg", "--begin", "noise", *flags(optimizer="adam"), "--json"]) == 0
    found = said(capsys)
    assert 0 < found["content_loss"] < 2 and 0 < found["style_loss"] < 2 and found["seconds"] > 0
    with Image.open("new.jpg") as picture:
        assert picture.size == (found["width"], found["height"]) == (96, 64)
    run = Path(found["run"])
    assert (run / "preview.png").is_file() and "What it was made of" in (run / "report.html").read_text("utf-8")
    assert json.loads((run / "environment.json").read_text("utf-8"))["memory"]["total"] > 0


def test_what_is_refused(pictures: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo, art = pictures
    Image.new("RGB", (20, 200)).save(tmp_path / "thin.png")
    (tmp_path / "text.png").write_text("no picture")
    cases = {
        ("thin.png", art): "20 by 200 pixels, and a picture needs at least 32 by 32",
        ("text.png", art): "text.png is not readable as an image",
        ("gone.png", art): "There is no picture gone.png: give a file, or china or flower",
        (photo, art, "--size", "40"): "becomes 40 by 27 at size 40",
        (photo, art, "--network", "efficientnet-lite"): "did you mean 'efficientnet-lite0'?",
        (photo, art, "--network", "lenet"): "Style cannot look with a network 'lenet'",
        (photo, art, "--style-layers", "block3.expnd"): "no layer 'block3.expnd': the nearest are block3.expand",
        (photo, art, art, "--shares", "1"): "There are 2 styles and 1 shares",
        (photo, art, "--shares", "-1"): "has to be above 0, not -1",
        (photo, art, "--size", "30000", "--memory", "0.5"): "30,000 by 20,000 pixels takes about",
        (photo, art, "--tile", "50"): "multiple of 16 pixels with these layers: use --tile 48",
        (photo, art, "-o", "new.gif"): "--out writes .png",
        (photo, art, "--weights", "none.pth"): "There is no file none.pth to take weights from",
    }
    for words, sentence in cases.items():
        assert sentence in mistake(capsys, "style", *words)
    assert not Path("runs").exists()
