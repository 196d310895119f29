"""Hostile files are told in one sentence, at once, and nothing in them is carried out."""

import gzip
import io
import os
import pickle
import re
import socket
import struct
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import glasswork
from glasswork.data.dataset import ReadingOptions
from glasswork.data.formats.decoding import decode
from glasswork.data.formats.video import frames
from glasswork.data.reading import read
from glasswork.errors import GlassworkError
from glasswork.files import open_regular
from glasswork.networks.weights import load_weights
from glasswork.systems.heatmap.annotations import _asap
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


class Evil:
    """What a pickle of it does leaves a trace."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("trace",)


def npy(shape: tuple[int, ...], dtype: str = "<f8", data: bytes = b"") -> bytes:
    """A NumPy array that declares a shape whatever it holds."""
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def png(width: int, height: int) -> bytes:
    """A picture that declares a size whatever it holds."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return start + struct.pack(">I", 9) + b"IDAT" + bytes(13)


def archive(entries: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in entries.items():
            made.writestr(name, content)
    return file.getvalue()


def objects() -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([Evil()], dtype=object), allow_pickle=True)
    return file.getvalue()


LABELS = npy((2,), "<i8", bytes(16))
FILES: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "npz of objects": ("a.npz", lambda: archive({"x.npy": objects(), "y.npy": LABELS}), "Python objects|declares"),
    "npz that declares much": ("a.npz", lambda: archive({"x.npy": npy((10**15,)), "y.npy": LABELS}), "declares"),
    "npz that declares less than nothing": ("a.npz", lambda: archive({"x.npy": npy((-5, 3)), "y.npy": LABELS}), "."),
    "npz with names above": ("a.npz", lambda: archive({"../x.npy": LABELS, "/y.npy": LABELS}), "holds the arrays"),
    "npz that is a bomb": ("a.npz", lambda: archive({"x.npy": bytes(2**25), "y.npy": LABELS}), "GLASSWORK_LIMIT_"),
    "gzip bomb": ("a.csv.gz", lambda: gzip.compress(b"a,b\n" + b"1,2\n" * 2**23, 1), "GLASSWORK_LIMIT_BYTES"),
    "IDX bomb": ("train-images-idx3-ubyte.gz", lambda: gzip.compress(bytes(2**25), 1), "GLASSWORK_LIMIT_BYTES"),
    "IDX that declares much": (
        "train-images-idx3-ubyte",
        lambda: struct.pack(">4I", 2051, *[2**31] * 3),
        "labels|hold",
    ),
    "table of many columns": ("a.csv", lambda: b",".join(b"c%d" % n for n in range(200_000)) + b"\n", "LIMIT_COLUMNS"),
    "table of columns called alike": ("a.csv", lambda: b"a," * 50_000 + b"a\n1\n", "two columns called"),
    "long numbers": ("a.csv", lambda: b"a,b\n" + b"9" * 10**6 + b",1\n" + b"1,2\n" * 9, "."),
    "quote that never ends": ("a.csv", lambda: b'a,b\n"' + b"x,\n" * 10**6, "."),
    "Parquet of nothing": ("a.parquet", lambda: b"PAR1" + b"\xff" * 100 + b"PAR1", "Parquet"),
}


@pytest.mark.parametrize("name", FILES)
def test_data_that_is_hostile(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, made, words = FILES[name]
    monkeypatch.setenv("GLASSWORK_LIMIT_BYTES", str(2**24))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 2049, 0))
    (tmp_path / file).write_bytes(made())
    began = time.process_time()
    with pytest.raises(GlassworkError, match=words) as caught:
        read(tmp_path / file, ReadingOptions())
    assert time.process_time() - began < 2 and "\n" not in str(caught.value)
    assert not Path("trace").exists()


PICTURES: dict[str, tuple[bytes, str]] = {
    "huge.png": (png(2**31 - 1, 2**31 - 1), "GLASSWORK_LIMIT_PIXELS"),
    "large.png": (png(30_000, 5_000), "GLASSWORK_LIMIT_PIXELS"),
    "huge.svg": (b'<svg xmlns="http://www.w3.org/2000/svg" width="1e6" height="1000000"/>', "GLASSWORK_LIMIT_PIXELS"),
    "huge.bmp": (b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 10**9, 10**9, 1, 24, 0, 0, 0, 0, 0, 0), "."),
    "laughs.svg": (
        b'<!DOCTYPE svg [<!ENTITY a "aa"><!ENTITY b SYSTEM "file:///etc/passwd">]><svg width="9" height="9">&a;</svg>',
        "entities|not readable",
    ),
}


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_that_are_hostile(name: str, tmp_path: Path) -> None:
    content, words = PICTURES[name]
    (tmp_path / name).write_bytes(content)
    began = time.process_time()
    with pytest.raises(GlassworkError, match=words):
        decode(tmp_path / name, 8, 8, 3)
    assert time.process_time() - began < 2


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


def test_weights_that_are_hostile(tmp_path: Path) -> None:
    (tmp_path / "evil.pth").write_bytes(pickle.dumps(Evil()))
    torch.save({"weight": Evil()}, tmp_path / "zipped.pth")
    (tmp_path / "long.safetensors").write_bytes(struct.pack("<Q", 2**60) + b"{}")
    (tmp_path / "beyond.safetensors").write_bytes(
        struct.pack("<Q", 64) + b'{"a":{"dtype":"F32","shape":[9999999],"data_offsets":[0,39999996]}}'[:64]
    )
    for file in sorted(tmp_path.glob("*.*")):
        with pytest.raises(GlassworkError):
            load_weights(str(file), "lenet")
    assert not Path("trace").exists()


def test_annotations_with_entities(tmp_path: Path) -> None:
    laughs = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    text = f'<!DOCTYPE x [<!ENTITY a0 "ha">{laughs}]><x>&a11;</x>'
    (tmp_path / "a.xml").write_text(text, encoding="utf-8")
    with pytest.raises(GlassworkError, match="entities"):
        _asap(tmp_path / "a.xml")


def test_a_clip_opens_no_other_file(tmp_path: Path) -> None:
    write_video(tmp_path / "other.mp4", np.zeros((2, 16, 16, 3), dtype=np.uint8))
    assert len(list(frames(tmp_path / "other.mp4", 8, 3))) == 2
    (tmp_path / "list.mp4").write_text("ffconcat version 1.0\nfile other.mp4\n", encoding="utf-8")
    with pytest.raises(GlassworkError, match="not readable as a video"):
        list(frames(tmp_path / "list.mp4", 8, 3))
