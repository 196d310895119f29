"""Pictures of more than 8 bits: one range for the whole data set, and no contrast lost, in training and for answers."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

import glasswork as gw
from glasswork import cli
from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.kinds.images import Images
from glasswork.data.reading import read

Array = npt.NDArray[np.generic]


def values(row: int, dtype: str) -> Array:
    """A picture whose class lies in the last bits: a fine texture on a wide ramp, across or down."""
    ramp = np.linspace(20_000, 40_000, 8)[None].repeat(8, 0)
    fine = np.tile([0, 16], (8, 4)) if row % 2 else np.tile([[0], [16]], (4, 8))
    whole = np.rint(ramp + fine + row)
    return whole.astype(np.uint16) if dtype == "uint16" else (whole / 10_000 - 3).astype(np.float32)


def write_folder(folder: Path, dtype: str, count: int = 24) -> Path:
    for row in range(count):
        place = folder / "ab"[row % 2]
        place.mkdir(parents=True, exist_ok=True)
        name = f"{row}.png" if dtype == "uint16" else f"{row}.tif"
        Image.fromarray(values(row, dtype)).save(place / name)
    return folder


def write_source(tmp_path: Path, dtype: str, kind: str) -> Path:
    if kind == "folder":
        return write_folder(tmp_path / "data", dtype)
    if kind == "npz":
        pictures = np.stack([values(row, dtype) for row in range(24)])
        np.savez(tmp_path / "a.npz", x=pictures, y=np.arange(24) % 2)
        return tmp_path / "a.npz"
    write_folder(tmp_path / "data", dtype)
    rows = [f"{path.relative_to(tmp_path)},{path.parent.name}" for path in sorted((tmp_path / "data").rglob("*.*"))]
    (tmp_path / "list.csv").write_text("\n".join(["file,label", *rows, ""]))
    return tmp_path / "list.csv"


@pytest.mark.parametrize("kind", ["folder", "npz", "list"])
@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_no_contrast_is_lost_and_no_picture_is_scaled_by_itself(dtype: str, kind: str, tmp_path: Path) -> None:
    dataset = read(write_source(tmp_path, dtype, kind), ReadingOptions())
    images = dataset.columns["inputs"]
    low, high, eight = Images.of(dataset.task).span
    every = np.stack([values(row, dtype) for row in range(24)]).astype(np.float64)
    assert (low, high, eight) == (every.min(), every.max(), 0)
    assert images.dtype == torch.float32
    restored = images[:, 0].double().numpy() * (high - low) / 255 + low
    assert np.abs(np.sort(restored.reshape(24, -1).sum(1)) - np.sort(every.reshape(24, -1).sum(1))).max() < 1
    assert len({tuple(picture.ravel()) for picture in restored}) == 24
    assert any("one range for all pictures" in sentence for sentence in dataset.skipped)


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_training_and_questions_are_scaled_alike(
    dtype: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = write_folder(tmp_path / "data", dtype), tmp_path / "run"
    arguments = ["train", "mlp", "--data", str(data), "--epochs", "1", "--out", str(out), "--threads", "1"]
    assert cli.main(arguments) == 0
    assert "are one range for all pictures" in " ".join(capsys.readouterr().err.split())
    model, dataset = gw.load(out), read(data, ReadingOptions())
    asked = sorted(data.rglob("*.*"), key=lambda path: (path.parent.name, int(path.stem)))
    images, problems = model.task.inputs.read_images([str(path) for path in asked])
    assert not problems
    assert torch.equal(images, dataset.columns["inputs"])
    assert Images.of(model.task).span == Images.of(dataset.task).span
    Image.fromarray(np.full((8, 8), 100, dtype=np.uint8)).save(tmp_path / "eight.png")
    assert cli.main(["predict", str(out), str(tmp_path / "eight.png")]) == 2
    assert "has 8 bits, and this model learnt from pictures with values from" in " ".join(
        capsys.readouterr().err.split()
    )
    assert cli.main(["evaluate", str(out)]) == 0


def test_a_range_that_is_given(tmp_path: Path) -> None:
    dataset = read(write_folder(tmp_path, "uint16"), ReadingOptions(pixel_range=(25_000, 30_000)))
    assert Images.of(dataset.task).span[:2] == (25_000, 30_000)
    assert dataset.columns["inputs"].min() == 0 and dataset.columns["inputs"].max() == 255


def test_colours_of_16_bits(tmp_path: Path) -> None:
    import tifffile

    colours = (np.arange(8 * 8 * 3).reshape(8, 8, 3) + 30_000).astype(np.uint16)
    for row in range(4):
        place = tmp_path / "ab"[row % 2]
        place.mkdir(exist_ok=True)
        tifffile.imwrite(place / f"{row}.tif", colours + row)
    dataset = read(tmp_path, ReadingOptions())
    assert dataset.task.inputs.shape == (3, 8, 8)
    low, high, _ = Images.of(dataset.task).span
    assert (low, high) == (30_000, 30_000 + 8 * 8 * 3 + 2)
    restored = dataset.columns["inputs"][0].numpy() * (high - low) / 255 + low
    assert np.abs(restored - colours.transpose(2, 0, 1)).max() < 0.01


def test_pictures_of_8_and_of_16_bits(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, "uint16", 4)
    Image.fromarray(np.full((8, 8), 255, dtype=np.uint8)).save(folder / "a" / "white.png")
    dataset = read(folder, ReadingOptions())
    assert Images.of(dataset.task).span == (0, 65535, 65535)
    assert dataset.columns["inputs"][list(dataset.names).index("a/white.png")].eq(255).all()
    assert "in the 1 of 5 with 8 bits, 255 was taken for 65,535" in dataset.skipped[0]


def test_fractions_that_stand_for_8_bits_stay_8_bits(tmp_path: Path) -> None:
    whole = np.random.default_rng(0).integers(0, 256, (6, 5, 4))
    for dtype, factor in ((np.float32, 255), (np.float64, 255), (np.float32, 1)):
        np.savez(tmp_path / "a.npz", x=(whole / factor).astype(dtype), y=np.arange(6) % 2)
        images: Dataset = read(tmp_path / "a.npz", ReadingOptions())
        assert images.columns["inputs"].dtype == torch.uint8
        assert np.array_equal(images.columns["inputs"][:, 0].numpy(), whole)
