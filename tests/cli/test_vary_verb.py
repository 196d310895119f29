import io
import json
from pathlib import Path

import pytest
from PIL import Image

from glasswork.cli import main
from made_data import flags, mistake, said, write_table

QUICK = ("--epochs", "5", "--threads", "1", "--data", "moons")


def test_the_row_is_written_as_picture_page_and_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["vary", "points", "hidden", "2", "3,3", "4", *QUICK]
    assert main([*words, "--out", "row.png"]) == 0
    printed = capsys.readouterr()
    assert printed.out == "" and "hidden 3,3: training " in printed.err and "written to row.png" in printed.err
    with Image.open("row.png") as picture:
        assert picture.format == "PNG" and picture.width > 3 * 500
    assert main([*words, "--out", "row.html", "--json"]) == 0
    found = said(capsys)
    page = Path("row.html").read_text(encoding="utf-8")
    assert page.count("data:image/png") == 3 and "points on moons: the effect of hidden" in page
    assert [one["value"] for one in found["variants"]] == ["2", "3,3", "4"]
    assert "region" not in found["variants"][0] and found["curve"] is None


def test_the_terminal_shows_the_row_and_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["vary", "points", "learning-rate", "0.001", "0.1", *QUICK]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split() == ["learning", "rate", "0.001", "learning", "rate", "0.1"] for line in lines)
    assert any(line.split()[:3] == ["learning", "rate", "training"] for line in lines)
    assert sum(line.count(".") + line.count("#") > 60 for line in lines) >= 15


def test_over_training_is_a_curve(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["vary", "points", "epochs", "12", "--data", "gauss", "--threads", "1"]
    assert main([*words, "--out", "row.html"]) == 0
    page = Path("row.html").read_text(encoding="utf-8")
    assert "Over-training" in page and "best epoch:" in page and page.count("data:image/png") == 2
    assert main([*words, "--out", "row.png"]) == 0
    assert Image.open(io.BytesIO(Path("row.png").read_bytes())).height > 1000
    capsys.readouterr()
    assert main(words) == 0
    assert "validation error" in capsys.readouterr().out


def test_what_lies_on_no_plane_is_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = flags({"data": write_table(tmp_path / "data.csv", "number"), "epochs": 2, "threads": 1})
    words = ["vary", "mlp", "hidden", "4", "8", *options]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert "test r2" in printed and "#" not in printed
    assert main([*words, "--out", "row.html"]) == 0
    page = Path("row.html").read_text(encoding="utf-8")
    assert "In figures" in page and "data:image/png" not in page
    capsys.readouterr()
    assert main([*words, "--out", "row.png"]) == 2
    assert "no picture to draw" in capsys.readouterr().err


def test_what_cannot_be_written_is_refused_before_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("there.png").write_bytes(b"")
    for name, words in (
        ("there.png", "already exists"),
        ("row.gif", "writes .html, .png, .json"),
        ("no/a.png", "no"),
    ):
        assert words in mistake(capsys, "vary", "points", "hidden", "2", "3", *QUICK, "--out", name)
    assert "give two or more values" in mistake(capsys, "vary", "points", "hidden", "2", *QUICK)
    assert json.dumps(sorted(path.name for path in tmp_path.iterdir())) == '["there.png"]'
