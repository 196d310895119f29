"""Names that no screen can show: not UTF-8, markup, control characters, turned writing, long ones, emoji."""

import csv
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glasswork import cli
from glasswork.errors import GlassworkError, printable
from glasswork.files import read_sealed_toml, write_toml

NAMES = [
    *(b"caf\xe9", b"[bold]x[bold]", b"[red]", b"a\x1b[31mb", b"a\nb", b"a\tb", "\u202eabc".encode(), b"x" * 250),
    *("\U0001f600\U0001f469\u200d\U0001f467".encode(), b" lead", b"trail ", b"-dash", b"quote'\"<b>&amp;", b"a;b,c"),
    *(b"{braces} %s $HOME", b"\x01\x7f", "e\u0301".encode()),
]
NOISE = "a\x1b[31m"
FORBIDDEN = ("\x1b", "\u202e", "\x01")


def picture(seed: int) -> bytes:
    held = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (8, 8), dtype=np.uint8)).save(held, "PNG")
    return held.getvalue()


def write(data: Path, kind: str, where: str) -> Path:
    """Files with such names in two class folders, or class folders with such names."""
    folders, files = ([b"a", b"b"], NAMES) if where == "files" else (NAMES, [b"1", b"2", b"3"])
    for number, folder in enumerate(folders):
        place = data / os.fsdecode(folder)
        place.mkdir(parents=True)
        for row, name in enumerate(files):
            suffix = b".png" if kind == "images" else b".txt"
            content = picture(row + 100 * number) if kind == "images" else b"some words %d or %d" % (row, number)
            (place / os.fsdecode(name[:240] + suffix)).write_bytes(content)
        (place / os.fsdecode(b"broken[\xff" + suffix)).write_bytes(b"\0\1 nothing")
    return data


@pytest.mark.parametrize("where", ["files", "folders"])
@pytest.mark.parametrize("kind", ["images", "texts"])
def test_no_name_breaks_anything(kind: str, where: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, run = write(tmp_path / "data", kind, where), str(tmp_path / "run")
    preset = ["linear"] if kind == "images" else ["sentiment", "--min-count", "1"]
    assert cli.main(["train", *preset, "--data", str(data), "--epochs", "1", "--out", run, "--threads", "1"]) == 0
    assert cli.main(["evaluate", run]) == 0
    shown = str(capsys.readouterr())
    for more in ([], ["--json"], ["--csv", str(tmp_path / "a.csv")], ["--out", str(tmp_path / "a.html")]):
        assert cli.main(["predict", run, str(data), *more]) == 0
        said = capsys.readouterr()
        if more == ["--json"]:
            answers = json.loads(said.out)["answers"]
        shown += said.out + said.err
    assert len(answers) == sum(len(files) for _, _, files in os.walk(data))
    assert sum("problem" in answer for answer in answers) == len(list(data.iterdir()))
    if kind == "images":
        assert not any(sign in shown for sign in FORBIDDEN)
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows) == len(answers) + 1 and len(set(map(len, rows))) == 1
    for file_ in [tmp_path / "a.html", *(tmp_path / "run").rglob("*.*")]:
        if file_.suffix in (".html", ".json", ".toml", ".jsonl"):
            assert not any(sign in file_.read_text(encoding="utf-8") for sign in FORBIDDEN)


def test_what_cannot_be_shown_is_written_out() -> None:
    assert printable(os.fsdecode(b"caf\xe9 a\x1b[31m")) == r"caf\xe9 a\x1b[31m"
    assert printable("\u202ea\nb") == r"\u202ea\x0ab"
    plain = "caf\u00e9\u00a0\u3000[bold] \U0001f469\u200d\U0001f467 \u0939\u093f"
    assert printable(plain) == plain
    assert str(GlassworkError("\x1b[31m is no\nfile")) == "\\x1b[31m is no\nfile"


@pytest.mark.parametrize("kind", ["table", "images", "texts"])
def test_a_path_that_is_not_utf_8(kind: str, tmp_path: Path) -> None:
    place, run = tmp_path / os.fsdecode(b"d\xe9\xff"), tmp_path / "run"
    place.mkdir()
    if kind == "table":
        data = place / os.fsdecode(b"caf\xe9.csv")
        data.write_text("x,label\n" + "\n".join(f"{row},{'ab'[row % 2]}" for row in range(40)))
    else:
        data = place
        for row in range(20):
            (place / "ab"[row % 2]).mkdir(exist_ok=True)
            suffix, content = (".png", picture(row)) if kind == "images" else (".txt", b"some words %d" % row)
            (place / "ab"[row % 2] / f"{row}{suffix}").write_bytes(content)
    preset = ["sentiment", "--min-count", "1"] if kind == "texts" else ["linear"]
    command = ["train", *preset, "--data", str(data), "--epochs", "1", "--out", str(run), "--threads", "1"]
    assert cli.main(command) == 0
    written = [file for file in run.rglob("*.*") if file.suffix in (".toml", ".json", ".jsonl", ".html", ".md")]
    assert r"d\u0000e9\u0000ff" in "".join(file.read_text(encoding="utf-8") for file in written)
    assert cli.main(["evaluate", str(run)]) == 0  # the data is found where the run says
    assert cli.main(["train", str(run / "recipe.toml"), "--epochs", "2", "--out", str(tmp_path / "again")]) == 0


def test_studies_of_a_path_that_is_not_utf_8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = tmp_path / os.fsdecode(b"caf\xe9.csv")
    data.write_text("x,label\n" + "\n".join(f"{row},{'ab'[row % 2]}" for row in range(40)))
    for verb in (["crossvalidate", "linear", "--folds", "2"], ["tune", "linear", "--trials", "2"]):
        out = ["--out", str(tmp_path / f"{verb[0]}.json")] if verb[0] == "crossvalidate" else []
        assert cli.main([*verb, "--data", str(data), "--epochs", "1", *out, "--threads", "1"]) == 0
    written = [file for file in tmp_path.rglob("*.*") if file.suffix in (".toml", ".json", ".jsonl", ".html")]
    assert len(written) > 2
    for file in written:
        file.read_text(encoding="utf-8")  # valid


def test_names_of_files_come_back(tmp_path: Path) -> None:
    table = {"a": [os.fsdecode(b"caf\xe9"), "\0", "\0e9", "\x0000", "caf\u00e9"], "b": {"c": 1, "d": True}}
    write_toml(tmp_path / "a.toml", 1, table)
    assert read_sealed_toml(tmp_path / "a.toml", 1) == table
    (tmp_path / "a.toml").read_text(encoding="utf-8")  # valid


def test_labels_that_cannot_be_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{row},{NOISE if row % 2 else '[b]'},{'train' if row < 14 else 'test'}" for row in range(20)]
    (tmp_path / "a.csv").write_text("\n".join(["x,label,fold", *rows, ""]))
    run = str(tmp_path / "run")
    assert cli.main(["train", "linear", "--data", str(tmp_path / "a.csv"), "--epochs", "1", "--out", run]) == 0
    assert cli.main(["predict", run, str(tmp_path / "a.csv")]) == 0
    assert cli.main(["evaluate", run, "--data", str(tmp_path / "a.csv")]) == 0
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err and r"a\x1b[31m" in said.out
    assert "Training had no column" not in said.err  # the column of the split was there
