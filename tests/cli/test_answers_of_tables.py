"""Every row of a table has its line in the answers, with an answer or the reason why it has none."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glasswork.cli import main
from made_data import PLAIN, flags, said, write_folder

Captured = pytest.CaptureFixture[str]


def test_pictures_that_cannot_be_read_have_their_line_everywhere(tmp_path: Path, capsys: Captured) -> None:
    data = write_folder(tmp_path / "data")
    asked = {**PLAIN, "data": data, "epochs": 1, "batch_size": 8, "size": 16}
    assert main(["train", "lenet", *flags(asked), "--out", "run", "--json"]) == 0
    folder = tmp_path / "asked"
    folder.mkdir()
    (folder / "a.png").write_bytes(b"no picture")
    Image.fromarray(np.zeros((16, 16), np.uint8)).save(folder / "b.png")
    capsys.readouterr()
    assert main(["predict", "run", str(folder), "--json"]) == 0
    first, second = said(capsys)["answers"]
    assert first["problem"] and second["probabilities"]
    assert main(["predict", "run", str(folder), "--csv", "answers.csv", "--out", "page.html"]) == 0
    with Path("answers.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [bool(row["problem"]) for row in rows] == [True, False]
    assert list(rows[0]) == ["input", "answer", "probability", *sorted(second["probabilities"]), "problem"]
    page = Path("page.html").read_text(encoding="utf-8")
    assert "Without an answer" in page and "a.png" in page and "b.png" in page
