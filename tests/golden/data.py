"""The made data of the scenes, written into the folder one is in."""

import math
from pathlib import Path

import numpy as np
from PIL import Image
from tests.made_files import (
    pictures,
    write_clips,
    write_folder,
    write_network,
    write_npz,
    write_sentences,
    write_series,
    write_table,
    write_text,
    write_texts,
)

from glasswork.catalogue import make_system
from glasswork.run.request import make_request

HERE = Path()


def one_picture(name: str = "one.png", shade: int = 77) -> None:
    Image.new("L", (30, 20), shade).save(name)


def images(target: str = "class") -> None:
    write_npz(HERE / "data.npz", target)
    write_network(HERE)
    one_picture()


def few_images() -> None:
    write_npz(HERE / "data.npz", "class", count=30)
    one_picture()


def rows(target: str = "class") -> None:
    write_table(HERE / "data.csv", target)
    write_network(HERE)


def chances() -> None:
    """Rows with a number from 0 to 1, as a sigmoid says."""
    header, *lines = write_table(HERE / "data.csv", "number").read_text(encoding="utf-8").splitlines()
    cells = [line.rpartition(",") for line in lines]
    squeezed = [f"{rest},{1 / (1 + math.exp(-float(number))):.4f}" for rest, _, number in cells]
    (HERE / "data.csv").write_text("\n".join([header, *squeezed]) + "\n", encoding="utf-8")


def nothing() -> None:
    """Inputs alone, for presets that make their own data."""
    (HERE / "plane.csv").write_text("x1,x2\n0.1,0.2\n-1,0.5\n1.5,-0.5\n", encoding="utf-8")
    (HERE / "line.csv").write_text("x\n-2\n0.5\n3\n", encoding="utf-8")
    (HERE / "pairs.csv").write_text("x1,x2\n0,0\n0,1\n1,0\n1,1\n", encoding="utf-8")


def text() -> None:
    write_text(HERE / "data.txt")


def texts(target: str = "class") -> None:
    write_texts(HERE / "data.csv", target)


def sentences() -> None:
    write_sentences(HERE / "data.conll")


def series() -> None:
    write_series(HERE / "data.csv")


def shops() -> None:
    """Two series below one another."""
    first, second = (write_series(HERE / f"{seed}.csv", seed=seed).read_text("utf-8").splitlines() for seed in (1, 2))
    lines = ["shop," + first[0], *(f"x,{line}" for line in first[1:]), *(f"y,{line}" for line in second[1:])]
    (HERE / "data.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def clips() -> None:
    write_clips(HERE / "clips")


def folder() -> None:
    write_folder(HERE / "pictures", 60)


def bars() -> None:
    """Images of eight classes: a bright bar, upright or lying, in one of four places."""
    draws = np.random.default_rng(0)
    labels = np.arange(96) % 8
    made = draws.integers(0, 130, (96, 16, 16), dtype=np.uint8)
    for image, label in zip(made, labels, strict=True):
        place = slice(4 * (label % 4), 4 * (label % 4) + 3)
        image[(slice(None), place) if label < 4 else (place, slice(None))] += 100
    np.savez(HERE / "data.npz", x=made, y=labels)
    one_picture()


def slide(path: Path, seed: int, lesion: tuple[int, int] | None, side: int = 128) -> None:
    """Pale pink tissue with noise on the left, glass on the right; a purple square that is annotated."""
    draws = np.random.default_rng(seed)
    pixels = np.full((side, side, 3), 250, np.float64)
    pixels[:, : side * 3 // 4] = (225, 170, 195)
    mask = np.zeros((side, side), np.uint8)
    if lesion is not None:
        y, x = lesion
        pixels[y : y + 48, x : x + 48] = (120, 60, 140)
        mask[y : y + 48, x : x + 48] = 255
    pixels = np.clip(pixels + draws.normal(0, 6, pixels.shape), 0, 255)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(path)
    Image.fromarray(mask).save(path.with_name(f"{path.stem}_mask.png"))


def slides() -> None:
    for place, part in enumerate(("train", "val", "test")):
        slide(HERE / "slides" / part / "one.png", place, (20 + 10 * place, 30))
        slide(HERE / "slides" / part / "two.png", 9 + place, None)
    slide(HERE / "new.png", 33, (60, 40))
    Image.new("RGB", (16, 16), (120, 60, 140)).save("patch.png")


def photos() -> None:
    """Pictures of two classes, several views of each thing."""
    made, labels = pictures(30, classes=2)
    for place, (image, label) in enumerate(zip(made, labels, strict=True)):
        path = HERE / "photos" / ("cat", "dog")[label]
        path.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path / f"{'abcde'[place % 5]}-{place // 5}.png")


def sample(preset: str) -> None:
    """What the contract of the preset's system trains on."""
    request = make_request(preset, {})
    make_system(request.system, request.recipe).sample(HERE)
