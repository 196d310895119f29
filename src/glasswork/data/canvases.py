"""Made data: handwritten digits scattered over canvases, with boxes; what `--data scattered-digits` stands for."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from glasswork.data import ragged
from glasswork.data.dataset import TEST, TRAINING, VALIDATION, Dataset, ReadingOptions, fingerprints
from glasswork.data.kinds.boxes import Boxes
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.task import Task

COUNT, SIDE, SEED = 200, 128, 7
MOST_DIGITS = 4
LEAST, MOST = 0.2, 0.4  # of the side, a digit's size
SAID = (
    "These are made canvases of digits, to see how boxes are found: what is learnt on them says nothing about photos. "
    "Name your own with --data.",
)


def read_canvases(path: Path, options: ReadingOptions) -> Dataset:
    """The canvases, equal in every call; no digit of a training canvas is on a test canvas."""
    from sklearn.datasets import load_digits  # here, as importing it takes a second

    side = options.size or SIDE
    bundled = load_digits()
    draws = np.random.default_rng(SEED)
    order = draws.permutation(len(bundled.images))
    splits = np.full(COUNT, TRAINING)
    splits[int(0.7 * COUNT) : int(0.8 * COUNT)], splits[int(0.8 * COUNT) :] = VALIDATION, TEST
    share = {TRAINING: order[: len(order) // 2], VALIDATION: order[len(order) // 2 :][:400], TEST: order[-400:]}
    pictures, boxes = [], []
    for split in splits:
        found, around = _scatter(side, share[int(split)], bundled.images, bundled.target, draws)
        pictures.append(found)
        boxes.append(around)
    inputs = torch.stack(pictures)
    targets, ends = ragged.pack(boxes)
    sizes = torch.full((COUNT, 2), side)
    columns = {
        "inputs": inputs,
        "targets": targets,
        "fingerprints": fingerprints(inputs),
        "sizes": sizes,
        "extents": sizes.clone(),
        "split": torch.from_numpy(splits).to(torch.uint8),
    }
    task = Task(Images((3, side, side)), Boxes(tuple("0123456789")))
    names = [f"canvas {number + 1}" for number in range(COUNT)]
    return Dataset(columns, task, "scattered-digits", names, 0, SAID, {"targets": ends})


def _scatter(
    side: int, digits: np.ndarray, images: np.ndarray, labels: np.ndarray, draws: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """A canvas, uint8 (3, side, side), and its boxes; a canvas without digits has none."""
    ground, ink = draws.integers(150, 256, 3), draws.integers(0, 90, 3)
    canvas = np.clip(ground + draws.normal(0, 6, (side, side, 3)), 0, 255)
    boxes: list[tuple[float, ...]] = []
    for _ in range(int(draws.integers(0, MOST_DIGITS + 1))):
        number = int(draws.choice(digits))
        size = int(side * draws.uniform(LEAST, MOST))
        grey = Image.fromarray((images[number] * (255 / 16)).astype(np.uint8)).resize(
            (size, size), Image.Resampling.BICUBIC
        )
        drawn = np.asarray(grey, dtype=np.float64) / 255
        rows, columns = np.flatnonzero((drawn > 0.3).any(1)), np.flatnonzero((drawn > 0.3).any(0))
        left, top = (int(draws.integers(0, side - size + 1)) for _ in range(2))
        box = (left + columns[0], top + rows[0], left + columns[-1] + 1, top + rows[-1] + 1)
        if any(min(box[2], b[2]) > max(box[0], b[0]) and min(box[3], b[3]) > max(box[1], b[1]) for b in boxes):
            continue
        part = canvas[top : top + size, left : left + size]
        part[:] = part * (1 - drawn[..., None]) + ink * drawn[..., None]
        boxes.append((*map(float, box), float(labels[number]), 0.0))
    pixels = torch.from_numpy(canvas.astype(np.uint8)).permute(2, 0, 1).contiguous()
    return pixels, torch.tensor(boxes, dtype=torch.float32).view(-1, 6)
