"""One listing for training and for predict: links, hidden files, files of other kinds, and what a file really is."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

import glasswork as gw
from glasswork import cli
from glasswork.data.dataset import ReadingOptions
from glasswork.data.formats.signatures import signature
from glasswork.data.listing import files_below, passed_over
from glasswork.data.reading import read
from glasswork.errors import GlassworkError

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64)
DICOM = bytes(128) + b"DICM" + bytes(64)
SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>'


def write(folder: Path, classes: str = "ab", count: int = 6) -> Path:
    for name in classes:
        (folder / name).mkdir(parents=True, exist_ok=True)
        for row in range(count):
            picture = np.random.default_rng(ord(name) + 100 * row).integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(picture).save(folder / name / f"{row}.png")
    return folder


def test_links_are_followed_once(tmp_path: Path) -> None:
    pool = write(tmp_path / "pool", "p", 3) / "p"
    data = write(tmp_path / "data")
    (data / "c").symlink_to(pool)  # a class that lies elsewhere
    (data / "a" / "up").symlink_to(data)  # a loop
    (data / "a" / "again").symlink_to(data / "b")
    (data / "copy").symlink_to(data / "a")
    (data / "b" / "gone").symlink_to(tmp_path / "nowhere")
    (data / "b" / "linked.png").symlink_to(pool / "0.png")
    dataset = read(data, ReadingOptions())
    assert dataset.task.target.names == ("a", "b", "c")
    assert dataset.columns["targets"].bincount().tolist() == [6, 7, 3]
    assert "The folder copy is a link to one that is read already and is not taken as a class." in dataset.skipped
    names = [os.path.relpath(name, data) for name in files_below(data)]
    assert len(names) == len(set(names)) == 16


def test_training_and_predict_see_the_same_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, elsewhere = write(tmp_path / "data"), write(tmp_path / "elsewhere", "x", 2)
    (data / "a" / "more").symlink_to(elsewhere / "x")
    for hidden in (".ipynb_checkpoints", "__MACOSX", ".git"):
        (data / "a" / hidden).mkdir()
        Image.new("RGB", (8, 8)).save(data / "a" / hidden / "0.png")
    (data / "a" / "no suffix").write_bytes((data / "a" / "0.png").read_bytes())
    (data / "a" / "wrong.dat").write_bytes((data / "a" / "1.png").read_bytes())
    (data / "a" / "sheet.xlsx").write_bytes(b"PK\x03\x04")
    (data / "b" / "README").write_text("about it")
    (data / "b" / "notes.txt").write_text("about it")
    os.mkfifo(data / "b" / "pipe.png")
    out = tmp_path / "run"
    assert cli.main(["train", "linear", "--data", str(data), "--epochs", "1", "--out", str(out)]) == 0
    said = "3 files of kinds that are not read: .txt 1, .xlsx 1, no suffix 1"
    assert said in " ".join(capsys.readouterr().err.split())
    dataset = read(data, ReadingOptions())
    assert len(dataset) == 16
    answers = gw.load(out).predict(data)
    assert sorted(Path(answer.input).name for answer in answers) == sorted(Path(name).name for name in dataset.names)
    assert cli.main(["predict", str(out), str(data)]) == 0
    assert said in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("head", "name", "picture"),
    [
        (HEIC, "HEIC picture", True),
        (b"\0\0\0\x1cftypavif", "AVIF picture", True),
        (DICOM, "DICOM picture", True),
        (SVG, "SVG picture", True),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000 picture", True),
        (b"\0\0\0\x18ftypmp42", "video", False),
        (b"%PDF-1.4", "PDF document", False),
        (b"<!DOCTYPE html><html>", "web page", False),
        (b"P5\n# made\n8 8\n255\n", "Netpbm picture", True),
    ],
)
def test_a_file_is_what_its_first_bytes_are(head: bytes, name: str, picture: bool) -> None:
    found = signature(head)
    assert found is not None and (found.name, found.picture) == (name, picture)
    assert signature(b"BM wrote this text") is None


@pytest.mark.parametrize(
    ("suffix", "data", "said"),
    [
        (".heic", HEIC, "2 HEIC pictures were left out: reading them takes pip install 'glasswork[pictures]'"),
        (".jpg", HEIC, "2 HEIC pictures were left out: reading them takes pip install 'glasswork[pictures]'"),
        (".dcm", DICOM, "2 DICOM pictures were left out: reading them takes pip install 'glasswork[pictures]'"),
        (".svg", SVG, "2 SVG pictures were left out: reading them takes pip install 'glasswork[pictures]'"),
        (".jpg", b"%PDF-1.4", "7.jpg is not readable as an image: it is a PDF document"),
    ],
)
def test_pictures_that_take_a_package_name_it(
    suffix: str, data: bytes, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("pillow_heif", "pydicom", "resvg_py"):
        monkeypatch.setitem(sys.modules, package, None)
    folder = write(tmp_path)
    for row in (7, 8):
        (folder / "a" / f"{row}{suffix}").write_bytes(data)
    dataset = read(folder, ReadingOptions())
    assert len(dataset) == 12
    assert said in " ".join(dataset.skipped)


def module(**functions: Callable[..., object]) -> ModuleType:
    made = ModuleType("made")
    made.__dict__.update(functions)
    return made


def test_pictures_are_read_with_the_package_that_can(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    png = tmp_path / "red.png"
    Image.new("RGB", (8, 8), "red").save(png)

    class Scan:
        pixel_array = np.arange(64, dtype=np.uint16).reshape(8, 8)
        PhotometricInterpretation, RescaleSlope, RescaleIntercept = "MONOCHROME2", 2, -1000

    monkeypatch.setitem(sys.modules, "resvg_py", module(svg_to_bytes=lambda svg_string: png.read_bytes()))
    monkeypatch.setitem(sys.modules, "pydicom", module(dcmread=lambda file: Scan()))
    for name in "ab":
        (tmp_path / "drawn" / name).mkdir(parents=True)
        (tmp_path / "scanned" / name).mkdir(parents=True)
        for row in range(2):
            (tmp_path / "drawn" / name / f"{row}.svg").write_bytes(SVG)
            (tmp_path / "scanned" / name / f"{row}.dcm").write_bytes(DICOM)
    drawn = read(tmp_path / "drawn", ReadingOptions())
    assert drawn.columns["inputs"][0, :, 0, 0].tolist() == [255, 0, 0]
    scanned = read(tmp_path / "scanned", ReadingOptions())
    assert "Pixel values from -1,000 (black) to -874 (white)" in scanned.skipped[0]
    assert scanned.columns["inputs"][0].max() == 255


def test_a_folder_of_nothing_but_pictures_that_take_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    for name in "ab":
        (tmp_path / name).mkdir()
        for row in range(2):
            (tmp_path / name / f"{row}.HEIC").write_bytes(HEIC)
    with pytest.raises(GlassworkError, match=r"0\.HEIC is a HEIC picture: reading it takes pip install"):
        read(tmp_path, ReadingOptions())


def test_files_of_other_kinds_are_counted() -> None:
    names = [*("a.HEIC",) * 40, "b", "c"]
    assert passed_over(names) == "42 files of kinds that are not read: .heic 40, no suffix 2"
    assert passed_over(["a.txt"]) == "1 file of a kind that is not read: .txt 1"
