"""Tables that name pictures: with backslashes, without suffix, in folders beside them, and with none of them there."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import glasswork as gw
from glasswork import cli
from glasswork.data.dataset import ReadingOptions
from glasswork.data.reading import read


def write(folder: Path, written: str) -> Path:
    """Twelve pictures in folders and a table whose cells are written in a certain way."""
    rows = []
    for row in range(12):
        name = "ab"[row % 2]
        (folder / "pictures" / name).mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(row).integers(0, 256, (8, 8), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "pictures" / name / f"p{row}.png")
        rows.append(f"{written.format(name=name, row=row)},{name}")
    (folder / "list.csv").write_text("\n".join(["file,label", *rows, ""]))
    return folder / "list.csv"


FORMS = {
    "pictures/{name}/p{row}.png": "",
    "pictures\\{name}\\p{row}.png": "Backslashes in paths were read as slashes (12 pictures, such as",
    "pictures/{name}/p{row}": "Names without a suffix were completed (12 pictures, such as pictures/a/p0).",
    "{name}/p{row}.png": "Pictures were found in folders beside the table (12, such as a/p0.png).",
    "{name}\\p{row}": "Names without a suffix were completed",
}


@pytest.mark.parametrize("written", FORMS)
def test_paths_as_people_write_them(written: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, written)
    dataset = read(path, ReadingOptions())
    plain = read(write(tmp_path / "plain", "pictures/{name}/p{row}.png"), ReadingOptions())
    assert dataset.columns["inputs"].tolist() == plain.columns["inputs"].tolist()
    assert FORMS[written] in " ".join(dataset.skipped)
    arguments = ["train", "linear", "--data", str(path), "--epochs", "1", "--out", str(tmp_path / "run")]
    assert cli.main(arguments) == 0
    answers = gw.load(tmp_path / "run").predict(path)
    assert len(answers) == 12 and not any(answer.problem for answer in answers)


def test_pictures_that_are_not_there_are_the_true_cause(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "".join(f"C:\\scans\\{row}.png,{row},{'ab'[row % 2]}\n" for row in range(20))
    (tmp_path / "list.csv").write_text("file,size,label\n" + rows)
    said = " ".join(read(tmp_path / "list.csv", ReadingOptions()).skipped)
    assert "The column 'file' names pictures, such as C:\\scans\\0.png, but there is no such file" in said
    assert f"paths count from the folder of the table, {tmp_path}" in said
