"""Tiny generated data sets on disk, used to test the contract of every system."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Sample:
    """What the contract of systems trains on and asks about.

    Attributes:
        data: a path or a name.
        options: fields of the recipe under which this data is learned in a few seconds, with something held out.
        asked: new inputs: paths, or a text in place of one.
        target: what the first of them should have been answered; None: the model cannot be told.
    """

    data: str
    options: Mapping[str, Any]
    asked: Sequence[str]
    target: str | None = None


def write_images(folder: Path, side: int = 12, channels: int = 1, count: int = 60) -> tuple[Path, Path]:
    """Noisy images of three classes with a bright bar whose place is the class; a file of all, and a picture of one."""
    from PIL import Image

    draws = np.random.default_rng(0)
    labels = np.arange(count) % 3
    images = draws.integers(0, 120, (count, side, side, channels), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:, side * label // 3 : side * label // 3 + side // 4] += 90
    data, one = folder / "images.npz", folder / "one.png"
    np.savez(data, x=images if channels == 3 else images[..., 0], y=labels)
    Image.fromarray(images[0] if channels == 3 else images[0, ..., 0]).save(one)
    return data, one


def write_rows(path: Path, head: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    """A table as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(rows)
    return path


def write_features(path: Path, count: int = 60) -> Path:
    """A table of three numbers and a category, with a column `target` of three classes."""
    draws = np.random.default_rng(0)
    features = draws.normal(size=(count, 3)).round(4)
    rows = [
        (*row, "red" if row[2] > 0 else "green", ("low", "middle", "high")[int(sum(row) > -0.7) + int(sum(row) > 0.7)])
        for row in features.tolist()
    ]
    return write_rows(path, ("width", "height", "depth", "colour", "target"), rows)


def write_network(folder: Path) -> str:
    """A module of the user's own, with a random layer and a buffer; as a recipe names it."""
    code = """from torch import nn


class Small(nn.Module):
    def __init__(self, features, outputs):
        super().__init__()
        hidden = [nn.Linear(features, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2)]
        self.body = nn.Sequential(nn.Flatten(), *hidden, nn.Linear(16, outputs))

    def forward(self, inputs):
        return self.body(inputs)
"""
    path = folder / "small.py"
    path.write_text(code, encoding="utf-8")
    return f"{path}:Small"
