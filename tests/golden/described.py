"""What came out of a command line, as JSON that is the same for the same behaviour: no clock, no path, no machine."""

import json
import re
import tomllib
from fnmatch import fnmatch
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tests.golden.internals import (
    OF_THE_NETWORK,
    UNRECORDED,
    checkpoint,
    described,
    digest,
    is_checkpoint,
    tensors_in,
)

# Keys of JSON whose values differ from one recording to the next: clocks, dates, free memory, and the size of an
# exported file, in which torch writes down where the source lies.
DROPPED = re.compile(r"(.*_)?seconds|milliseconds|.*_per_second|elapsed|started|free|largest_batch|bytes")

# Labels of rows and columns, in tables and on pages, whose values are measured by a clock or are the machine's.
MEASURED = re.compile(
    r"seconds\b.*|.* per second|m(illi)?s(econds)? per step|processor|system|python|torch|numpy|safetensors|glasswork"
)

SECONDS = re.compile(r"\b\d[\d.,]*(e-?\d+)? ?(ms|µs|us|s|min|seconds?|minutes?|[a-z]+/s)\b")
SIZE = re.compile(r"(\.onnx:) [\d.,]+ [KM]?B")

LONG = 24
"""Lists of more numbers are recorded as a hash of all and a look at the first."""
LARGE = 4000
"""And so are texts, and lists of lists of numbers, that are longer than this as JSON."""


def cleaned(text: str, folder: Path) -> str:
    """Text without the temporary folder, times and sizes of exported files."""
    text = SIZE.sub(r"\1 <MEASURED>", text.replace(str(folder), "<TMP>"))
    return SECONDS.sub("<SECONDS>", text)


def lines_of(text: str, folder: Path) -> list[str]:
    """The lines of a text; in a table whose header names seconds or a speed, without these."""
    found, numbers = [], 0
    for line in cleaned(text, folder).splitlines():
        line = line.rstrip()
        if line.endswith("seconds") or " per second" in line:
            numbers = 1 if line.endswith("seconds") else 9
        elif not line.strip():
            numbers = 0
        elif numbers:  # the last columns; the first one says what is measured
            first, *cells = re.split(r"  +", line.strip())
            line = "  ".join([first, *cells[:-numbers], "<MEASURED>"])
        found.append("seconds <MEASURED>" if re.match(r"seconds  ", line) else line)
    return found


def plain(value: Any, folder: Path) -> Any:
    """JSON without what is dropped, with long lists of numbers as hashes."""
    if isinstance(value, dict):
        return {key: plain(each, folder) for key, each in value.items() if not DROPPED.fullmatch(key)}
    if isinstance(value, list):
        if len(value) > LONG and all(isinstance(each, int | float) for each in value):
            return {"numbers": len(value), "first": value[:3], "sha256": digest(json.dumps(value).encode())}
        if len(value) == 2 and isinstance(value[0], str) and MEASURED.fullmatch(value[0]):
            return [value[0], "<MEASURED>"]
        found = [plain(each, folder) for each in value]
        records = any(isinstance(each, dict) and "sha256" not in each for each in found)
        if not records and len(text := json.dumps(found)) > LARGE:
            return {"items": len(found), "first": found[0], "sha256": digest(text.encode())}
        return found
    if isinstance(value, str):
        if len(value) > LARGE:
            return {"characters": len(value), "sha256": digest(value.encode())}
        return cleaned(value, folder)
    return value


class Visible(HTMLParser):
    """What a person reads on a page, in order and without what is measured, and how many drawings there are."""

    UNSEEN = ("script", "style", "head")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.counts = dict.fromkeys(("svg", "img", "table", "tr", "path", "circle", "rect"), 0)
        self.unseen = 0
        self.columns: list[str] = []
        self.place = 0
        self.label = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.unseen += tag in self.UNSEEN
        if tag in self.counts:
            self.counts[tag] += 1
        if tag == "table":
            self.columns = []
        if tag == "tr":
            self.place = -1
        if tag in {"td", "th"}:
            self.place += 1
            if tag == "th" and self.place == len(self.columns):
                self.columns.append("")
            self.label = self.columns[self.place] if tag == "td" and self.place < len(self.columns) else ""

    def handle_endtag(self, tag: str) -> None:
        self.unseen -= tag in self.UNSEEN
        if tag in {"td", "table"}:
            self.label = ""

    def handle_data(self, data: str) -> None:
        words = " ".join(data.split())
        if self.unseen or not words:
            return
        if self.columns and self.place == len(self.columns) - 1 and not self.columns[-1]:
            self.columns[-1] = words
        before = self.words[-1] if self.words else ""
        self.words.append("<MEASURED>" if MEASURED.fullmatch(self.label) or MEASURED.fullmatch(before) else words)


def page(path: Path, folder: Path) -> Any:
    seen = Visible(path.read_text(encoding="utf-8"))
    return {"words": [cleaned(words, folder) for words in seen.words], "drawn": seen.counts}


def environment(path: Path, folder: Path) -> Any:
    memory = json.loads(path.read_text(encoding="utf-8")).get("memory") or {}
    return {key: memory[key] for key in OF_THE_NETWORK if key in memory}


def json_lines(path: Path, folder: Path) -> Any:
    return [plain(json.loads(line), folder) for line in path.read_text(encoding="utf-8").splitlines()]


def json_file(path: Path, folder: Path) -> Any:
    return plain(json.loads(path.read_text(encoding="utf-8")), folder)


def toml(path: Path, folder: Path) -> Any:
    return plain(tomllib.loads(path.read_text(encoding="utf-8")), folder)


def text(path: Path, folder: Path) -> Any:
    return plain(lines_of(path.read_text(encoding="utf-8"), folder), folder)


def answers_of_onnx(path: Path) -> dict[str, Any]:
    """Inputs and outputs of an exported network, and what onnxruntime answers to made inputs."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    made = {each.name: made_input(each.shape, each.type) for each in session.get_inputs()}
    answered = session.run(None, made)
    names = [each.name for each in session.get_outputs()]
    return {
        "inputs": {each.name: [each.type, [str(side) for side in each.shape]] for each in session.get_inputs()},
        "outputs": {
            name: {"type": str(values.dtype), "shape": list(values.shape), "first": values.ravel()[:12].tolist()}
            for name, values in zip(names, answered, strict=True)
        },
        "hashes": {
            name: digest(np.ascontiguousarray(values).tobytes()) for name, values in zip(names, answered, strict=True)
        },
    }


def made_input(shape: list[Any], kind: str) -> Any:
    """Numbers that are the same on every machine: two rows, and eight of whatever else may be of any length."""
    sides = [side if isinstance(side, int) else 2 if place == 0 else 8 for place, side in enumerate(shape)]
    draws = np.random.default_rng(0)
    if "uint8" in kind:
        return draws.integers(0, 256, sides, dtype=np.uint8)
    if "int" in kind:
        return draws.integers(0, 3, sides).astype(kind.removeprefix("tensor(").removesuffix(")"))
    return draws.normal(size=sides).astype(np.float32)


def recorded(path: Path) -> bool:
    return not any(fnmatch(path.name, pattern) for pattern in UNRECORDED)


READ = {
    ".html": page,
    ".json": json_file,
    ".jsonl": json_lines,
    ".toml": toml,
    ".csv": text,
    ".txt": text,
    ".svg": lambda path, folder: {"sha256": digest(cleaned(path.read_text(encoding="utf-8"), folder).encode())},
}


def file_described(path: Path, folder: Path) -> tuple[Any, Any]:
    """What a file holds as figures and words, and as hashes."""
    if path.name == "environment.json":
        return environment(path, folder), None
    if is_checkpoint(path):
        tensors, rest = checkpoint(path)
        return plain(rest, folder), tensors
    if path.suffix == ".safetensors":
        tensors, metadata = tensors_in(path)
        return {name: plain(value, folder) for name, value in sorted(metadata.items())}, tensors
    if path.suffix in READ:
        return READ[path.suffix](path, folder), None
    if path.suffix == ".onnx":
        found = answers_of_onnx(path)
        return found, found.pop("hashes")
    if path.suffix in {".pt", ".pth"}:
        import torch

        return None, {name: described(each) for name, each in torch.load(path, weights_only=True).items()}
    if path.suffix == ".png":
        with Image.open(path) as image:
            return [image.mode, *image.size], digest(image.tobytes())
    if path.suffix == ".npy":
        values = np.load(path)
        return [str(values.dtype), *values.shape], digest(values.tobytes())
    return None, digest(path.read_bytes())
