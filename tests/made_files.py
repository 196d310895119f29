"""Small made data sets, on disk as users have them; without glasswork, so that two versions of it can share them."""

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

SIDE = 12


def pictures(count: int, classes: int = 3, seed: int = 0) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Noisy images with a bright bar whose place is the class: learnt in a few epochs, though not at once."""
    draws = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    images = draws.integers(0, 120, (count, SIDE, SIDE), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:, 4 * label : 4 * label + 3] += 90
    return images, labels


def write_npz(path: Path, target: str, count: int = 60) -> Path:
    """Images with one class, several labels or a number each."""
    images, labels = pictures(count)
    bits = np.stack([labels == 0, labels != 1, np.arange(count) % 2 == 0], 1).astype(np.uint8)
    numbers = (images.mean((1, 2)) + labels).astype(np.float32)[:, None]
    np.savez(path, x=images, y={"class": labels, "classes": bits, "number": numbers}[target])
    return path


def write_table(path: Path, target: str, count: int = 60, seed: int = 0) -> Path:
    """A CSV file of three numbers and a category, with a column `target`."""
    draws = np.random.default_rng(seed)
    features = draws.normal(size=(count, 3)).round(4)
    sums = features.sum(1)
    colours = [("red", "green")[int(value > 0)] for value in features[:, 2]]
    targets: dict[str, Sequence[object]] = {
        "class": [("low", "middle", "high")[int(value > -0.7) + int(value > 0.7)] for value in sums],
        "classes": [
            ";".join(name for name, on in zip("abc", row > -0.2, strict=True) if on) or "c" for row in features
        ],
        "number": [float(value) for value in sums.round(4)],
    }
    lines = ["width,height,depth,colour,target"]
    for row, colour, answer in zip(features.tolist(), colours, targets[target], strict=True):
        lines.append(",".join(map(str, (*row, colour, answer))))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_text(path: Path, characters: int = 3000, seed: int = 0) -> Path:
    """Words of a small language, some to a line: what comes next can be learnt, though not wholly."""
    draws = np.random.default_rng(seed)
    words = (
        "hello",
        "how",
        "low",
        "hollow",
        "who",
        "\N{LATIN SMALL LETTER E WITH ACUTE}t\N{LATIN SMALL LETTER E WITH ACUTE}",
    )
    drawn = draws.integers(0, len(words), characters)
    ends = np.where(draws.random(characters) < 0.2, "\n", " ")
    text = "".join(f"{words[word]}{end}" for word, end in zip(drawn, ends, strict=True))
    path.write_text(text[:characters], encoding="utf-8")
    return path


def write_series(path: Path, count: int = 120, seed: int = 0) -> Path:
    """Daily values with a weekly season, a level that wanders, and a covariate."""
    draws = np.random.default_rng(seed)
    wind = draws.normal(size=count)
    level = draws.normal(size=count).cumsum()
    values = 50 + 8 * np.sin(2 * np.pi * np.arange(count) / 7) + level + draws.normal(size=count)
    dates = np.datetime64("2024-01-01") + np.arange(count)
    lines = [f"{day},{y:.3f},{x:.3f}" for day, y, x in zip(dates, values, wind, strict=True)]
    path.write_text("\n".join(["date,demand,wind", *lines]) + "\n", encoding="utf-8")
    return path


def write_texts(path: Path, target: str, count: int = 60, seed: int = 0) -> Path:
    """A CSV file of short reviews, with a column `target` that some of their words tell."""
    draws = np.random.default_rng(seed)
    things, judged = ("tea", "rice", "bread", "soup"), (("awful", "stale"), ("plain", "usual"), ("lovely", "great"))
    lines = ["review,target"]
    for place in range(count):
        kind, thing = place % 3, things[draws.integers(4)]
        words = [thing, "was", judged[kind][draws.integers(2)], *["indeed"] * int(draws.integers(0, 5))]
        answers = {
            "class": ("low", "middle", "high")[kind],
            "classes": ";".join(["good"] * (kind > 0) + [thing]),
            "number": str(kind + 0.25),
        }
        lines.append(f"{' '.join(words)},{answers[target]}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_sentences(path: Path, count: int = 60, seed: int = 0) -> Path:
    """Sentences in CoNLL columns, in which what a word is depends on the one before it."""
    draws = np.random.default_rng(seed)
    blocks = []
    for _ in range(count):
        thing, act = ("tea", "rice", "run")[draws.integers(3)], ("run", "wait")[draws.integers(2)]
        words = [
            ("the", "DT"),
            (thing, "NN"),
            *[("often", "RB")] * int(draws.integers(0, 3)),
            ("to", "TO"),
            (act, "VB"),
        ]
        blocks.append("\n".join(f"{word}\t{label}" for word, label in words))
    path.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")
    return path


def write_video(path: Path, frames: npt.NDArray[np.uint8]) -> Path:
    """A video file out of (times, height, width, 3)."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt, stream.bit_rate = "yuv420p", 4_000_000
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return path


def moving_spot(clip: int, times: int = 6) -> tuple[npt.NDArray[np.uint8], list[str]]:
    """A bright spot that goes right in odd clips and left in even ones, and the way it goes, frame by frame."""
    way = 1 if clip % 2 else -1
    frames = np.zeros((times, 16, 32, 3), dtype=np.uint8)
    for time in range(times):
        at = (5 * clip + 4 * way * time) % 28
        frames[time, 4:12, at : at + 4] = 255
    return frames, ["right" if way > 0 else "left"] * times


def write_clips(folder: Path, count: int = 15) -> Path:
    """Clips as folders of pictures, each with a table of labels beside it, listed in clips.csv."""
    lines = ["clip,labels"]
    for clip in range(count):
        frames, labels = moving_spot(clip)
        (folder / f"clip{clip}").mkdir(parents=True)
        for time, frame in enumerate(frames):
            Image.fromarray(frame).save(folder / f"clip{clip}" / f"{time}.png")
        rows = [f"{time},{label}" for time, label in enumerate(labels)]
        (folder / f"labels{clip}.csv").write_text("\n".join(["frame,direction", *rows, ""]), encoding="utf-8")
        lines.append(f"clip{clip},labels{clip}.csv")
    (folder / "clips.csv").write_text("\n".join([*lines, ""]), encoding="utf-8")
    return folder


def write_folder(path: Path, count: int = 30) -> Path:
    """A folder of class folders of PNG files."""
    images, labels = pictures(count)
    for place, (image, label) in enumerate(zip(images, labels, strict=True)):
        folder = path / ("left", "middle", "right")[label]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{place}.png")
    return path


def write_idx(folder: Path, count: int) -> Path:
    """Images and labels as MNIST has them."""
    images, labels = pictures(count)
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in (("images-idx3", images), ("labels-idx1", labels.astype(np.uint8))):
        header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
        (folder / f"train-{name}-ubyte").write_bytes(header + array.tobytes())
    return folder


def write_network(folder: Path) -> str:
    """A module of the user's own, with a random layer and a buffer; as the command line names it."""
    code = """
import torch
from torch import nn


class Small(nn.Module):
    def __init__(self, features, outputs):
        super().__init__()
        hidden = [nn.Linear(features, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2)]
        self.body = nn.Sequential(nn.Flatten(), *hidden, nn.Linear(16, outputs))

    def forward(self, inputs):
        return self.body(inputs)
"""
    (folder / "small.py").write_text(code, encoding="utf-8")
    return f"{folder / 'small.py'}:Small"
