"""Hostile files are told in one sentence, at once, and nothing in them is carried out."""

import os
import re
import socket
import struct
import time
from pathlib import Path

import numpy as np
import pytest
from hostile_inputs import INPUTS, READERS

import glasswork
from glasswork.data.dataset import ReadingOptions
from glasswork.data.folds import VARIANTS
from glasswork.data.formats.decoding import decode
from glasswork.data.formats.video import frames
from glasswork.data.reading import read
from glasswork.errors import GlassworkError
from glasswork.files import open_regular
from glasswork.limits import parse_json
from made_data import write_video

SOURCE = Path(glasswork.__file__).parent
FORBIDDEN = {
    "pickle": r"pickle\.(load|Unpickler)|^\s*(import|from) (shelve|marshal|dill|joblib)\b|from pickle",
    "eval, exec": r"(?<![\w.])(eval|exec)\(",
    "a shell": r"shell=True|os\.system\(|os\.popen\(",
    "YAML that makes objects": r"yaml\.(unsafe_|full_)?load\(",
    "np.load that unpickles": r"allow_pickle=True|np\.load\((?!.*allow_pickle=False)",
    "torch.load that unpickles": r"(?<!safetensors\.)torch\.load\((?!.*weights_only=True)",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_source_has_nothing_that_carries_out_what_it_reads(what: str) -> None:
    for file in SOURCE.rglob("*.py"):
        found = re.search(FORBIDDEN[what], file.read_text(encoding="utf-8"), re.MULTILINE)
        assert found is None, f"{file}: {found}"


@pytest.mark.parametrize("name", INPUTS)
def test_what_is_hostile_is_told_at_once(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = INPUTS[name]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GLASSWORK_LIMIT_BYTES", str(2**24))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 2049, 0))
    hostile.put(tmp_path / hostile.file)
    began = time.process_time()
    with pytest.raises(GlassworkError, match=hostile.words) as caught:
        READERS[hostile.reader](tmp_path / hostile.file)
    assert time.process_time() - began < 2 and "\n" not in str(caught.value)
    assert not Path("trace").exists()


def test_frames_and_elements_have_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_video(tmp_path / "a.mp4", np.zeros((4, 16, 16, 3), dtype=np.uint8))
    monkeypatch.setenv("GLASSWORK_LIMIT_FRAMES", "3")
    with pytest.raises(GlassworkError, match="declares 4 frames, and the limit is 3"):
        list(frames(tmp_path / "a.mp4", 8, 3))
    (tmp_path / "a.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><g><g/></g></svg>')
    assert decode(tmp_path / "a.svg", 8, 8, 1).shape == (1, 8, 8)
    monkeypatch.setenv("GLASSWORK_LIMIT_DEPTH", "2")
    with pytest.raises(GlassworkError, match="3 elements inside of each other, and the limit is 2"):
        decode(tmp_path / "a.svg", 8, 8, 1)


def test_limits_can_be_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image

    Image.new("L", (20, 20)).save(tmp_path / "a.png")
    assert decode(tmp_path / "a.png", 8, 8, 1).shape == (1, 8, 8)
    monkeypatch.setenv("GLASSWORK_LIMIT_PIXELS", "399")
    with pytest.raises(GlassworkError, match="declares 400 pixels of a picture or frame, and the limit is 399"):
        decode(tmp_path / "a.png", 8, 8, 1)
    monkeypatch.setenv("GLASSWORK_LIMIT_PIXELS", "many")
    with pytest.raises(GlassworkError, match="has to be a whole number"):
        decode(tmp_path / "a.png", 8, 8, 1)


def test_json_and_tables_have_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep, long, wide = "[" * 600 + "]" * 600, "9" * 5000, tmp_path / "a.csv"
    with pytest.raises(GlassworkError, match="it holds more than 500 elements inside of each other: set GLASSWORK_"):
        parse_json(deep, "it")
    with pytest.raises(GlassworkError, match="it holds more than 4,300 digits of a whole number: set GLASSWORK_"):
        parse_json(long, "it")
    monkeypatch.setenv("GLASSWORK_LIMIT_DEPTH", "700")
    monkeypatch.setenv("GLASSWORK_LIMIT_DIGITS", "5000")
    assert parse_json(deep, "it")[0][0] and parse_json(long, "it") % 10 == 9
    monkeypatch.setenv("GLASSWORK_LIMIT_CELLS", "5")
    for rows in ("1,2\n3,4\n5,6\n", "1,b\n3,b\n5,c\n"):
        wide.write_text("a,target\n" + rows, encoding="utf-8")
        with pytest.raises(GlassworkError, match="declares 6 cells, and the limit is 5"):
            read(wide, ReadingOptions())


@pytest.mark.parametrize("cell", ["{}.5", "a{}", "{:02}/01/2021"])
def test_wide_tables_take_time_by_their_cells_alone(cell: str, tmp_path: Path) -> None:
    """Every check of a column is cheap, also if the table lies beside many folders of files."""
    for number in range(100):
        (tmp_path / f"class {number}").mkdir()
    names = [f"c{column}" for column in range(2000)]
    lines = [[cell.format((row * 7 + column) % 12 + 1) for column in range(2000)] for row in range(12)]
    text = "\n".join(",".join(each) for each in [[*names, "y"], *([*line, str(n % 2)] for n, line in enumerate(lines))])
    (tmp_path / "wide.csv").write_text(text + "\n", encoding="utf-8")
    began = time.process_time()
    read(tmp_path / "wide.csv", ReadingOptions(target="y"))
    assert time.process_time() - began < 4


def test_blank_lines_take_no_time(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1.5,2\n" + "\n" * 10**6 + "2.5,3\n", encoding="utf-8")
    began = time.process_time()
    assert len(read(tmp_path / "a.csv", ReadingOptions(target="b"))) == 2
    assert time.process_time() - began < 3


@pytest.mark.parametrize(
    "content", ["<!---->" * 500 + "x", "<svg" * 300_000, "<!DOCTYPE svg [<!ENTITY a 'b'>]><svg>&a;</svg>"]
)
def test_beginnings_of_pictures_are_looked_at_once(content: str, tmp_path: Path) -> None:
    (tmp_path / "a.svg").write_text(content, encoding="utf-8")
    began = time.process_time()
    with pytest.raises(GlassworkError, match="declares entities" if "ENTITY" in content else "format is not known"):
        decode(tmp_path / "a.svg", 8, 8, 1)
    assert time.process_time() - began < 2


def test_names_of_many_digits_are_looked_at_once() -> None:
    began = time.process_time()
    assert VARIANTS.search("1" * 240 + "x") is None
    assert time.process_time() - began < 1


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(tmp_path / "socket.csv"))
    (tmp_path / "link.csv").symlink_to("pipe.csv")
    (tmp_path / "zero.csv").symlink_to("/dev/zero")
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    for name in ("pipe.csv", "socket.csv", "link.csv", "zero.csv", "loop.csv"):
        with pytest.raises(OSError, match=r"only regular files|No such device|symbolic links"):
            open_regular(tmp_path / name)
        with pytest.raises(GlassworkError):
            read(tmp_path / name, ReadingOptions())
        with pytest.raises(GlassworkError):
            decode(tmp_path / name, 8, 8, 3)
    listening.close()


def test_a_clip_opens_no_other_file(tmp_path: Path) -> None:
    write_video(tmp_path / "other.mp4", np.zeros((2, 16, 16, 3), dtype=np.uint8))
    assert len(list(frames(tmp_path / "other.mp4", 8, 3))) == 2
    (tmp_path / "list.mp4").write_text("ffconcat version 1.0\nfile other.mp4\n", encoding="utf-8")
    with pytest.raises(GlassworkError, match="not readable as a video"):
        list(frames(tmp_path / "list.mp4", 8, 3))
