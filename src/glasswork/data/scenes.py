"""Made scenes: two coloured shapes and how they lie, with two sentences about each; what `--data scenes` stands for."""

import itertools
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from glasswork.data.dataset import TEST, TRAINING, VALIDATION, Dataset, ReadingOptions, fingerprints
from glasswork.data.formats.captions import caption_columns
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.task import Task
from glasswork.data.kinds.token_sequence import TokenSequence

COUNT, SIDE, SEED = 1200, 96, 20
COLOURS = {"red": (208, 52, 44), "green": (52, 150, 70), "blue": (50, 90, 200), "yellow": (236, 196, 40)}
SHAPES = ("circle", "square", "triangle")
RELATIONS = ("above", "below", "left of", "right of")
GROUNDS = ((245, 243, 238), (200, 210, 220), (60, 64, 72))
LEAST, MOST = 0.22, 0.32  # of the side, a shape's size
JITTER = 0.06  # of the side

Thing = tuple[str, str]


def read_scenes(path: Path, options: ReadingOptions) -> Dataset:
    """The scenes, equal in every call; pairs of things of the test split are in no training picture."""
    side = options.size or SIDE
    draws = np.random.default_rng(SEED)
    things = list(itertools.product(COLOURS, SHAPES))
    pairs = [(a, b) for a, b in itertools.permutations(things, 2)]
    draws.shuffle(pairs)
    held = {TEST: pairs[: len(pairs) // 6], VALIDATION: pairs[len(pairs) // 6 : len(pairs) // 4]}
    split_of_pair = {pair: split for split, some in held.items() for pair in some}
    pictures, captions, splits, names = [], [], [], []
    for number in range(COUNT):
        pair = pairs[number % len(pairs)]
        relation = RELATIONS[int(draws.integers(len(RELATIONS)))]
        pictures.append(_draw(pair, relation, side, draws, options.channels or 3))
        captions.append(_say(pair, relation))
        splits.append(split_of_pair.get(pair, TRAINING))
        names.append(f"scene {number + 1}: {captions[-1][0]}")
    inputs = torch.stack(pictures)
    columns, offsets, vocabulary = caption_columns(captions, splits, options)
    columns |= {
        "inputs": inputs,
        "fingerprints": fingerprints(inputs),
        "split": torch.tensor(splits, dtype=torch.uint8),
    }
    said = (
        "These are made scenes of coloured shapes, to see how captions are learnt: what it learns on them says nothing "
        "about photos. Name your own with --data.",
    )
    shape = (inputs.shape[1], side, side)
    return Dataset(columns, Task(Images(shape), TokenSequence(vocabulary)), "scenes", names, 0, said, offsets)


def _say(pair: tuple[Thing, Thing], relation: str) -> list[str]:
    (colour, shape), (other_colour, other_shape) = pair
    turned = {"above": "below", "below": "above", "left of": "right of", "right of": "left of"}[relation]
    return [
        f"a {colour} {shape} {relation} a {other_colour} {other_shape}",
        f"there is a {other_colour} {other_shape} {turned} a {colour} {shape}",
    ]


def _draw(pair: tuple[Thing, Thing], relation: str, side: int, draws: np.random.Generator, channels: int) -> Tensor:
    """A picture, uint8 (channels, side, side); edges are smooth."""
    large = 4 * side
    image = Image.new("RGB", (large, large), GROUNDS[int(draws.integers(len(GROUNDS)))])
    pen = ImageDraw.Draw(image)
    along = {"above": (0, -1), "below": (0, 1), "left of": (-1, 0), "right of": (1, 0)}[relation]
    for (colour, shape), sign in zip(pair, (1, -1), strict=True):
        middle = 0.5 + 0.24 * sign * np.array(along) + draws.uniform(-JITTER, JITTER, 2)
        half = draws.uniform(LEAST, MOST) / 2
        x, y, r = *(middle * large), half * large
        if shape == "circle":
            pen.ellipse((x - r, y - r, x + r, y + r), fill=COLOURS[colour])
        elif shape == "square":
            pen.rectangle((x - r, y - r, x + r, y + r), fill=COLOURS[colour])
        else:
            pen.polygon(((x, y - r), (x - r, y + r), (x + r, y + r)), fill=COLOURS[colour])
    small = image.resize((side, side), Image.Resampling.LANCZOS).convert("RGB" if channels == 3 else "L")
    pixels = torch.from_numpy(np.array(small))
    return pixels.permute(2, 0, 1).contiguous() if channels == 3 else pixels[None]
