"""Hostile inputs by name: what reads each, what it is called, and how it is made."""

import base64
import gzip
import io
import json
import os
import pickle
import socket
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from glasswork.data.dataset import ReadingOptions
from glasswork.data.formats import audio, conll, labelled_texts, parallel_texts
from glasswork.data.formats.audio_files import read_sound
from glasswork.data.formats.decoding import decode
from glasswork.data.formats.series import series
from glasswork.data.formats.video import frames
from glasswork.data.formats.whole_slide import open_slide
from glasswork.data.reading import Reader, read
from glasswork.networks.weights import load_weights
from glasswork.run.request import read_toml
from glasswork.systems.heatmap.annotations import annotated_share

DEEP = 100_000
BOMB = bytes(2**25)


class Evil:
    """What a pickle of it does leaves a trace."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("trace",)


def npy(shape: tuple[int, ...], dtype: str = "<f8", data: bytes = b"") -> bytes:
    """A NumPy array that declares a shape whatever it holds."""
    return npy_of(f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode(), data)


def npy_of(header: bytes, data: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def png(width: int, height: int, pixels: bytes = b"") -> bytes:
    """A picture that declares a size whatever it holds."""
    parts = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", pixels), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(held)) + kind + held + struct.pack(">I", zlib.crc32(kind + held)) for kind, held in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def bmp(width: int, height: int) -> bytes:
    return b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)


def tiff(width: int, height: int) -> bytes:
    """A grey TIFF picture in one strip, which lies beyond the end."""
    tags = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 2**30, 277: 1, 278: height, 279: 2**31 - 1}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\x00" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)


def jpeg(width: int, height: int) -> bytes:
    frame = struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00"
    return b"\xff\xd8\xff\xc0" + struct.pack(">H", 2 + len(frame)) + frame + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"


def gif(width: int, height: int) -> bytes:
    screen = struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    return b"GIF89a" + screen + b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x44\x01\x00;"


def svg(inside: str, size: str = 'width="9" height="9"', before: str = "") -> bytes:
    return f'{before}<svg xmlns="http://www.w3.org/2000/svg" {size}>{inside}</svg>'.encode()


def laughs(document: str, kind: str) -> str:
    """A document with entities that grow tenfold, eleven times."""
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    return f'<!DOCTYPE {kind} [<!ENTITY a0 "ha">{entities}]>{document}'


def reads(document: str, kind: str) -> str:
    """A document with an entity that stands for another file."""
    return f'<!DOCTYPE {kind} [<!ENTITY a11 SYSTEM "file:///etc/passwd">]>{document}'


def copies() -> str:
    """Groups of ten copies of one another."""
    groups = [f'<g id="a{n}">{f"""<use href="#a{n - 1}"/>""" * 10}</g>' for n in range(1, 12)]
    return '<rect id="a0" width="1" height="1"/>' + "".join(groups)


def wav(frames: int, rate: int, channels: int, samples: bytes) -> bytes:
    """Sound of 16 bits that declares frames whatever it holds."""
    format = struct.pack("<HHIIHH", 1, channels, rate, 2**31, 2 * channels % 65536, 16)
    size = min(2**32 - 100, 2 * channels * frames)
    return (
        b"RIFF"
        + struct.pack("<I", size + 36)
        + b"WAVEfmt \x10\0\0\0"
        + format
        + b"data"
        + struct.pack("<I", size)
        + samples
    )


def flac(samples: int) -> bytes:
    """Sound of a size that its header declares, without a frame."""
    information = struct.pack(">HH", 4096, 4096) + bytes(6) + struct.pack(">Q", 16000 << 44 | 15 << 36 | samples)
    return b"fLaC\x80\x00\x00\x22" + information + bytes(16)


def archive(entries: dict[str, bytes], pack: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", pack) as made:
        for name, content in entries.items():
            made.writestr(name, content)
    return file.getvalue()


def objects() -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([Evil()], dtype=object), allow_pickle=True)
    return file.getvalue()


def saved(content: object, zipped: bool = True) -> bytes:
    file = io.BytesIO()
    torch.save(content, file, _use_new_zipfile_serialization=zipped)
    return file.getvalue()


def tensors(header: object, data: bytes = b"") -> bytes:
    """A safetensors file with any header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def one_tensor(shape: list[int], offsets: list[int], dtype: str = "F32") -> bytes:
    return tensors({"a": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}, bytes(16))


def parquet(content: bytes = b"", length: int = 0) -> bytes:
    return b"PAR1" + content + struct.pack("<I", length) + b"PAR1"


def polygon(coordinates: str) -> str:
    return '{"type": "Polygon", "coordinates": ' + coordinates + "}"


def asap(request: str, x: str = "1") -> str:
    return f'<A><Annotation><Coordinate X="{x}" Y="2" Request="{request}"/></Annotation></A>'


def _with(reader: Reader) -> Callable[[Path], object]:
    return lambda path: read(path, ReadingOptions(), reader)


def _outline(path: Path) -> object:
    Image.new("RGB", (64, 64)).save(path.parent / "slide.png")
    return annotated_share(path, open_slide(path.parent / "slide.png"), 8)


READERS: dict[str, Callable[[Path], object]] = {
    "data": lambda path: read(path, ReadingOptions()),
    "pairs": _with(parallel_texts),  # type: ignore[arg-type]
    "speech": lambda path: read(path.parent, ReadingOptions(), audio),  # type: ignore[arg-type]
    "words": _with(conll),  # type: ignore[arg-type]
    "texts": _with(labelled_texts),  # type: ignore[arg-type]
    "series": _with(series),  # type: ignore[arg-type]
    "picture": lambda path: decode(path, 8, 8, 3),
    "clip": lambda path: list(frames(path, 8, 3)),
    "sound": lambda path: read_sound(path, 16000),
    "weights": lambda path: load_weights(str(path), "lenet"),
    "outline": _outline,
    "recipe": read_toml,
}


@dataclass(frozen=True)
class Hostile:
    """An input: what reads it, the name of its file, what puts it there, and what is said about it."""

    reader: str
    file: str
    put: Callable[[Path], object]
    words: str


def _holds(made: Callable[[], bytes | str]) -> Callable[[Path], object]:
    def put(path: Path) -> None:
        content = made()
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    return put


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))


def _chain(path: Path) -> None:
    """Links to links, more than the system follows."""
    for number in range(60):
        (path.parent / f"link{number}").symlink_to(f"link{number + 1}")
    path.symlink_to("link0")


PLACES: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "socket": _socket,
    "loop of links": lambda path: path.symlink_to(path.name),
    "chain of links": _chain,
}
NAMES = {
    "data": ("a.npz", "a.csv", "a.parquet", "a.csv.gz", "a.txt"),
    **{"pairs": ("a.tmx", "a.jsonl"), "words": ("a.conll",), "texts": ("a.tsv",), "series": ("a.csv",)},
    **{"picture": ("a.png", "a.tif"), "clip": ("a.mp4", "a.gif"), "sound": ("a.wav",)},
    **{"weights": ("a.pth", "a.safetensors"), "outline": ("a.xml", "a.geojson"), "recipe": ("a.toml",)},
}
LABELS = npy((2,), "<i8", bytes(16))
CONTENTS: dict[str, tuple[str, str, Callable[[], bytes | str]]] = {
    "npz of objects": ("data", "a.npz", lambda: archive({"x.npy": objects(), "y.npy": LABELS})),
    "npz of 10^15 rows": ("data", "a.npz", lambda: archive({"x.npy": npy((10**15,)), "y.npy": LABELS})),
    "npz of sides whose product overflows": (
        "data",
        "a.npz",
        lambda: archive({"x.npy": npy((2**32, 2**32)), "y.npy": LABELS}),
    ),
    "npz of fewer rows than none": ("data", "a.npz", lambda: archive({"x.npy": npy((-5, 3)), "y.npy": LABELS})),
    "npz of names above": ("data", "a.npz", lambda: archive({"../x.npy": LABELS, "/y.npy": LABELS})),
    "npz with code for a header": (
        "data",
        "a.npz",
        lambda: archive({"x.npy": npy_of(b"__import__('os').mkdir('trace')"), "y.npy": LABELS}),
    ),
    "npz with a deep header": ("data", "a.npz", lambda: archive({"x.npy": npy_of(b"(" * 9000), "y.npy": LABELS})),
    "npz with an unknown type": ("data", "a.npz", lambda: archive({"x.npy": npy((2,), "<q9"), "y.npy": LABELS})),
    "npz in an npz": ("data", "a.npz", lambda: archive({"x.npy": archive({"x.npy": LABELS})})),
    "npz bomb": ("data", "a.npz", lambda: archive({"x.npy": BOMB, "y.npy": LABELS})),
    "npz cut off": ("data", "a.npz", lambda: archive({"x.npy": LABELS, "y.npy": LABELS})[:-30]),
    "gzip bomb": ("data", "a.csv.gz", lambda: gzip.compress(b"a,b\n" + b"1,2\n" * 2**23, 1)),
    "gzip in a gzip": ("data", "a.csv.gz", lambda: gzip.compress(gzip.compress(b"a,b\n1,2\n"))),
    "gzip cut off": ("data", "a.csv.gz", lambda: gzip.compress(os.urandom(999))[:-100]),
    "IDX bomb": ("data", "train-images-idx3-ubyte.gz", lambda: gzip.compress(BOMB, 1)),
    "IDX of 2^93 pixels": ("data", "train-images-idx3-ubyte", lambda: struct.pack(">4I", 2051, *[2**31] * 3)),
    "IDX of 255 dimensions": ("data", "train-images-idx3-ubyte", lambda: struct.pack(">I255I", 2303, *[2**31] * 255)),
    "table of 200,000 columns": ("data", "a.csv", lambda: ",".join(f"c{n}" for n in range(200_000))),
    "table of columns called alike": ("data", "a.csv", lambda: "a," * 50_000 + "a\n1\n"),
    "table with numbers of 10^5 digits": ("data", "a.csv", lambda: "a,b\n" + "9" * 10**5 + ",1\n" + "1,2\n" * 9),
    "table with a quote that never ends": ("data", "a.csv", lambda: 'a,b\n"' + "x,\n" * 10**6),
    "table of zeros": ("data", "a.csv", lambda: bytes(10**6)),
    "Parquet of nothing": ("data", "a.parquet", lambda: parquet(b"\xff" * 100, 2**32 - 1)),
    "Parquet with a footer beyond its start": ("data", "a.parquet", lambda: parquet(bytes(100), 10**9)),
    "Parquet with a deep footer": ("data", "a.parquet", lambda: parquet(b"\x1c" * DEEP, DEEP)),
    "workbook": ("data", "a.xlsx", lambda: archive({"xl/worksheets/sheet1.xml": BOMB})),
    "folder of pictures in an archive": (
        "data",
        "a.zip",
        lambda: archive({"../../cat/1.png": png(1, 1), "/dog/1.png": png(1, 1)}),
    ),
    "pickle": ("data", "a.pkl", lambda: pickle.dumps(Evil())),
    "array of objects": ("data", "a.npy", objects),
    "lines of JSON, deep": ("pairs", "a.jsonl", lambda: "[" * DEEP),
    "JSON, deep": ("pairs", "a.json", lambda: '{"a":' * DEEP),
    "JSON with numbers of 10^5 digits": ("pairs", "a.json", lambda: '[{"en": ' + "9" * 10**5 + "}]"),
    "TMX with laughs": (
        "pairs",
        "a.tmx",
        lambda: laughs("<tmx><body><tu><tuv lang='en'><seg>&a11;</seg></tuv></tu></body></tmx>", "tmx"),
    ),
    "TMX that reads a file": (
        "pairs",
        "a.tmx",
        lambda: reads("<tmx><body><tu><tuv lang='en'><seg>&a11;</seg></tuv></tu></body></tmx>", "tmx"),
    ),
    "TMX, deep": ("pairs", "a.tmx", lambda: "<tmx>" * DEEP),
    "TMX with laughs in UTF-16": ("pairs", "a.tmx", lambda: laughs("<tmx>&a11;</tmx>", "tmx").encode("utf-16")),
    "metadata, deep": ("speech", "metadata.jsonl", lambda: '{"file_name": ' + "[" * DEEP),
    "metadata with numbers of 10^5 digits": ("speech", "metadata.jsonl", lambda: '{"file_name": ' + "9" * 10**5 + "}"),
    "metadata with names above": (
        "speech",
        "metadata.jsonl",
        lambda: '{"file_name": "../../../../etc/passwd", "text": "a"}',
    ),
    "metadata with the root": ("speech", "metadata.jsonl", lambda: '{"file_name": "/", "text": "a"}'),
    "metadata with a name of 10^5 letters": (
        "speech",
        "metadata.jsonl",
        lambda: json.dumps({"file_name": "a" * DEEP, "text": "a"}),
    ),
    "PNG of 10^5 x 10^5": ("picture", "a.png", lambda: png(10**5, 10**5)),
    "PNG of 30,000 x 5,000": ("picture", "a.png", lambda: png(30_000, 5_000)),
    "PNG of 2^31 x 2^31": ("picture", "a.png", lambda: png(2**31 - 1, 2**31 - 1)),
    "PNG of no width": ("picture", "a.png", lambda: png(0, 9)),
    "PNG of few pixels": ("picture", "a.png", lambda: png(999, 999, zlib.compress(b"\0"))),
    "TIFF of 10^5 x 10^5": ("picture", "a.tif", lambda: tiff(10**5, 10**5)),
    "TIFF beyond its end": ("picture", "a.tif", lambda: tiff(100, 100)),
    "TIFF without end": ("picture", "a.tif", lambda: b"II*\x00\x08\x00\x00\x00\x00\x00\x08\x00\x00\x00"),
    "BMP of 10^9 x 10^9": ("picture", "a.bmp", lambda: bmp(10**9, 10**9)),
    "JPEG of 65,535 x 65,535": ("picture", "a.jpg", lambda: jpeg(65535, 65535)),
    "GIF of 65,535 x 65,535": ("picture", "a.gif", lambda: gif(65535, 65535)),
    "PPM of 10^5 x 10^5": ("picture", "a.ppm", lambda: b"P6 100000 100000 255\n"),
    "PPM with a number of 10^5 digits": ("picture", "a.ppm", lambda: b"P6 " + b"9" * 10**5 + b" 1 255\n"),
    "SVG of 10^6 x 10^6": ("picture", "a.svg", lambda: svg("", 'width="1e6" height="1000000"')),
    "SVG with laughs": ("picture", "a.svg", lambda: laughs(svg("&a11;").decode(), "svg")),
    "SVG that reads a file": ("picture", "a.svg", lambda: reads(svg("<text>&a11;</text>").decode(), "svg")),
    "SVG with an entity": (
        "picture",
        "a.svg",
        lambda: svg("&a;", before='<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "aa">]>'),
    ),
    "SVG, deep": ("picture", "a.svg", lambda: svg("<g>" * DEEP)),
    "SVG of another file": ("picture", "a.svg", lambda: svg('<image width="9" height="9" href="/dev/zero"/>')),
    "SVG of a deep SVG": (
        "picture",
        "a.svg",
        lambda: svg(f'<image href="data:text/plain;base64,{base64.b64encode(svg("<g>" * DEEP)).decode()}"/>'),
    ),
    "SVG of copies of copies": ("picture", "a.svg", lambda: svg(copies())),
    "SVG of an ill declared encoding, deep": (
        "picture",
        "a.svg",
        lambda: svg("<g>" * DEEP, before='<?xml version="1.0" encoding="none"?>'),
    ),
    "mask of 10^5 x 10^5": ("outline", "a_mask.png", lambda: png(10**5, 10**5)),
    "mask as TIFF of 10^5 x 10^5": ("outline", "a_mask.tif", lambda: tiff(10**5, 10**5)),
    "outline with laughs": ("outline", "a.xml", lambda: laughs("<x>&a11;</x>", "x")),
    "outline with laughs in UTF-16": ("outline", "a.xml", lambda: laughs("<x>&a11;</x>", "x").encode("utf-16")),
    "outline that reads a file": ("outline", "a.xml", lambda: reads("<x>&a11;</x>", "x")),
    "outline with an endless order": ("outline", "a.xml", lambda: asap("inf")),
    "outline with corners nowhere": ("outline", "a.xml", lambda: asap("0", "nan")),
    "polygons, deep": ("outline", "a.geojson", lambda: polygon("[" * DEEP)),
    "polygons with numbers of 10^5 digits": ("outline", "a.geojson", lambda: polygon(f"[[[{'9' * 10**5}, 1]]]")),
    "polygons with numbers of 4,000 digits": ("outline", "a.geojson", lambda: polygon(f"[[[{'9' * 4000}, 1]]]")),
    "polygons with corners nowhere": ("outline", "a.geojson", lambda: polygon("[[[1e999, 1], [2, NaN], [3, 3]]]")),
    "polygons without corners": ("outline", "a.geojson", lambda: polygon("[[]]")[:-3] + "]}"),
    "film that lists other files": ("clip", "a.mp4", lambda: "ffconcat version 1.0\nfile other.mp4\n"),
    "film of addresses": ("clip", "a.mp4", lambda: "#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n"),
    "film with a part of 2^63 bytes": (
        "clip",
        "a.mp4",
        lambda: b"\0\0\0\x14ftypisom\0\0\0\0isom" + struct.pack(">I4sQ", 1, b"moov", 2**63 - 1),
    ),
    "GIF film of 65,535 x 65,535": ("clip", "a.gif", lambda: gif(65535, 65535)),
    "WAV at 4 GHz": ("sound", "a.wav", lambda: wav(100, 2**32 - 1, 1, bytes(200))),
    "WAV at 1 Hz": ("sound", "a.wav", lambda: wav(2**20, 1, 1, bytes(2**21))),
    "WAV of 65,535 channels": ("sound", "a.wav", lambda: wav(2**40, 16000, 65535, b"")),
    "WAV of no channels": ("sound", "a.wav", lambda: wav(100, 16000, 0, bytes(200))),
    "WAV of nothing": ("sound", "a.wav", lambda: wav(2**40, 16000, 1, b"")),
    "FLAC of 2^36 samples": ("sound", "a.flac", lambda: flac(2**36 - 1)),
    "weights that are a pickle": ("weights", "a.pth", lambda: pickle.dumps(Evil())),
    "weights that are an old pickle": ("weights", "a.pth", lambda: pickle.dumps(Evil(), 2)),
    "weights with a pickle": ("weights", "a.pth", lambda: saved({"weight": Evil()})),
    "weights with a pickle, of old": ("weights", "a.pth", lambda: saved({"weight": Evil()}, zipped=False)),
    "weights that are a bomb": ("weights", "a.pth", lambda: archive({"a/data.pkl": b".", "a/data/0": BOMB})),
    "weights with names above": (
        "weights",
        "a.pth",
        lambda: archive({"../a/data.pkl": pickle.dumps({}), "/a/data/0": b""}),
    ),
    "weights of lists": ("weights", "a.pth", lambda: saved({"a": [1]})),
    "weights with a header of 2^60 bytes": ("weights", "a.safetensors", lambda: struct.pack("<Q", 2**60) + b"{}"),
    "weights with a deep header": ("weights", "a.safetensors", lambda: tensors(b'{"a":' * DEEP)),
    "weights beyond their end": ("weights", "a.safetensors", lambda: one_tensor([10**9], [0, 4 * 10**9])),
    "weights before their start": ("weights", "a.safetensors", lambda: one_tensor([4], [-16, 0])),
    "weights whose size overflows": ("weights", "a.safetensors", lambda: one_tensor([2**33, 2**33], [0, 16])),
    "weights of an unknown type": ("weights", "a.safetensors", lambda: one_tensor([4], [0, 16], "F31")),
    "weights with a list for a header": ("weights", "a.safetensors", lambda: tensors([])),
    "recipe, deep": ("recipe", "a.toml", lambda: "a = " + "[" * DEEP),
    "recipe with numbers of 10^5 digits": ("recipe", "a.toml", lambda: "a = " + "9" * 10**5),
    "recipe with the same table again": ("recipe", "a.toml", lambda: "[a]\n" * DEEP),
    "recipe of zeros": ("recipe", "a.toml", lambda: bytes(10**6)),
}
WORDS = {
    "npz of objects": "Python objects",
    "npz of 10^15 rows": "declares",
    "npz of names above": "holds the arrays",
    "npz bomb": "GLASSWORK_LIMIT_BYTES",
    "gzip bomb": "GLASSWORK_LIMIT_BYTES",
    "IDX bomb": "GLASSWORK_LIMIT_BYTES",
    "IDX of 2^93 pixels": "labels|hold",
    "table of 200,000 columns": "GLASSWORK_LIMIT_COLUMNS",
    "table of columns called alike": "two columns called",
    "Parquet of nothing": "Parquet",
    "PNG of 10^5 x 10^5": "GLASSWORK_LIMIT_PIXELS",
    "PNG of 30,000 x 5,000": "GLASSWORK_LIMIT_PIXELS",
    "PNG of 2^31 x 2^31": "GLASSWORK_LIMIT_PIXELS",
    "SVG of 10^6 x 10^6": "GLASSWORK_LIMIT_PIXELS",
    "SVG with an entity": "entities|format is not known",
    "SVG, deep": "GLASSWORK_LIMIT_DEPTH",
    "SVG of another file": "takes an image from elsewhere",
    "SVG of a deep SVG": "takes an image from elsewhere",
    "outline with laughs": "entities",
    "outline with laughs in UTF-16": "entities",
    "outline with corners nowhere": "corners that are nowhere",
    "WAV at 1 Hz": "GLASSWORK_LIMIT_SAMPLES",
    "FLAC of 2^36 samples": "GLASSWORK_LIMIT_SAMPLES",
    "weights that are a bomb": "GLASSWORK_LIMIT_BYTES",
    "weights that are an old pickle": "pickled objects",
    "film that lists other files": "not readable as a video",
}
"""What has to be said about some of them; a name that is no input's is a mistake."""
assert WORDS.keys() <= CONTENTS.keys()
INPUTS = {
    **{
        f"{place} called {name}, as {reader}": Hostile(
            reader, name, put, r"only regular files|No such device|symbolic links|nothing at|no file|no weights"
        )
        for reader, names in NAMES.items()
        for name in names
        for place, put in PLACES.items()
    },
    **{
        name: Hostile(reader, file, _holds(made), WORDS.get(name, "."))
        for name, (reader, file, made) in CONTENTS.items()
    },
}
