from pathlib import Path

import numpy as np
import pytest
import torch
from reader_samples import labels, pictures

from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.formats.raw_arrays import quartiles
from glasswork.data.kinds.table import Table
from glasswork.data.reading import read
from glasswork.errors import GlassworkError


def read_arrays(folder: Path, options: ReadingOptions = ReadingOptions(), **arrays: np.ndarray) -> Dataset:  # noqa: B008
    np.savez(folder / "some.npz", **arrays)
    return read(folder / "some.npz", options)


@pytest.mark.parametrize(
    ("inputs", "targets"), [("x", "y"), ("X", "y"), ("images", "labels"), ("inputs", "targets"), ("data", "target")]
)
def test_names_of_the_arrays(inputs: str, targets: str, tmp_path: Path) -> None:
    assert len(read_arrays(tmp_path, **{inputs: pictures(9), targets: labels(9)})) == 9


@pytest.mark.parametrize("name", ["{part}_images {part}_labels", "x_{part} y_{part}", "X{part} y{part}"])
def test_splits_in_one_file(name: str, tmp_path: Path) -> None:
    arrays = {}
    for part, count in (("test", 3), ("train", 9), ("val", 6)):
        inputs, targets = name.format(part=part).split()
        arrays |= {inputs: pictures(count), targets: labels(count)}
    assert read_arrays(tmp_path, **arrays).columns["split"].bincount().tolist() == [9, 6, 3]


def test_images_of_every_shape_and_scale(tmp_path: Path) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (4, 6, 5, 3), dtype=np.uint8)
    expected = torch.from_numpy(colours).permute(0, 3, 1, 2)
    for images in (
        colours,
        colours.transpose(0, 3, 1, 2),
        colours.astype(np.float64),
        colours.astype(np.float32) / 255,
        colours.astype(np.int64),
        colours.astype(np.uint16) * 257,
    ):
        found = read_arrays(tmp_path, x=images, y=labels(4)).columns["inputs"]
        assert torch.equal(found, expected), (images.dtype, images.shape)
    assert read_arrays(tmp_path, x=pictures(4) > 99, y=labels(4)).columns["inputs"].unique().tolist() == [0, 255]


def test_targets_of_every_kind(tmp_path: Path) -> None:
    vectors = np.arange(12.0).reshape(6, 2)
    kinds = {}
    for name, targets in {
        "class": labels(6).astype(np.int16),
        "column": labels(6)[:, None],
        "names": np.array(["dog", "cat"] * 3),
        "classes": np.eye(6, 3, dtype=np.int64),
        "number": np.linspace(0, 1, 6),
        "numbers": np.ones((6, 2)) / 3,
    }.items():
        dataset = read_arrays(tmp_path, x=vectors, y=targets)
        column = dataset.columns["targets"]
        kinds[name] = (dataset.task.target.tag, column.dtype, tuple(column.shape), dataset.task.target.names)
    assert kinds == {
        "class": ("class", torch.int64, (6,), ("0", "1", "2")),
        "column": ("class", torch.int64, (6,), ("0", "1", "2")),
        "names": ("class", torch.int64, (6,), ("cat", "dog")),
        "classes": ("classes", torch.uint8, (6, 3), ("y1", "y2", "y3")),
        "number": ("number", torch.float64, (6, 1), ("y1",)),
        "numbers": ("number", torch.float64, (6, 2), ("y1", "y2")),
    }
    dataset = read_arrays(tmp_path, x=vectors, y=labels(6), classes=np.array(["a", "b", "c"]))
    assert dataset.task.target.names == ("a", "b", "c")
    assert Table.of(dataset.task).features == ("x1", "x2")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": pictures(9)}, "holds the arrays x: name the inputs"),
        ({"a": pictures(9), "b": labels(9)}, "holds the arrays a, b"),
        ({"x_train": pictures(9)}, "has 'x_train' but not what belongs to it"),
        ({"x": pictures(9), "y": labels(8)}, "9 inputs but 8 targets"),
        ({"x": pictures(2), "y": np.array([0, -1])}, "label -1 of example 1 .* out of range"),
        ({"x": pictures(2), "y": np.array([0, 10**9])}, "label 1000000000 of example 1"),
        ({"x": pictures(2), "y": np.array([0, 2]), "classes": np.array(["a", "b"])}, "label 2 .* expected 0 to 1"),
        ({"x": np.array([{}, {}]), "y": labels(2)}, "Python objects"),
        ({"x": np.array([["a"], ["b"]]), "y": labels(2)}, "inputs of .* are of type <U1: expected numbers"),
        ({"x": np.array([[np.nan], [1]]), "y": labels(2)}, "not finite"),
        ({"x": np.zeros((2, 4, 4, 7)), "y": labels(2)}, r"have the shape \(2, 4, 4, 7\)"),
        ({"x": np.zeros(2), "y": labels(2)}, "rows of inputs"),
        ({"x": np.zeros((2, 3)), "y": np.zeros((2, 3, 3))}, "targets of .* have the shape"),
        (
            {"x_train": pictures(2), "y_train": labels(2), "x_test": pictures(2, 4), "y_test": labels(2)},
            "differ in shape",
        ),
        ({"x": pictures(0), "y": labels(0)}, "holds no examples"),
    ],
)
def test_what_cannot_be_used(arrays: dict[str, np.ndarray], message: str, tmp_path: Path) -> None:
    with pytest.raises(GlassworkError, match=message) as caught:
        read_arrays(tmp_path, **arrays)
    assert "some.npz" in str(caught.value)


def test_a_truncated_archive(tmp_path: Path) -> None:
    read_arrays(tmp_path, x=pictures(9), y=labels(9))
    path = tmp_path / "some.npz"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(GlassworkError, match=r"some\.npz cannot be read"):
        read(path, ReadingOptions())
    with path.open("wb") as file:
        np.save(file, pictures(2))
    with pytest.raises(GlassworkError, match=r"some\.npz cannot be read"):
        read(path, ReadingOptions())


def test_bringing_arrays_to_a_size(tmp_path: Path) -> None:
    bright = np.full((2, 8, 16), 200, dtype=np.uint8)
    bright[:, :, :4] = bright[:, :, 12:] = 0
    dataset = read_arrays(tmp_path, ReadingOptions(size=4, margin=0, channels=3), x=bright, y=labels(2))
    assert dataset.columns["inputs"].shape == (2, 3, 4, 4)
    assert dataset.columns["inputs"][:, :, :, 1:3].unique().tolist() == [200]
    colours = np.zeros((2, 8, 8, 3), dtype=np.uint8)
    colours[..., 1] = 255
    grey = read_arrays(tmp_path, ReadingOptions(size=8, margin=2, channels=1), x=colours, y=labels(2))
    assert (grey.margin, grey.columns["inputs"].unique().tolist()) == (0, [150])


def test_arrays_beside_those_of_splits_are_named(tmp_path: Path) -> None:
    x, y = np.zeros((6, 4), np.float32), np.arange(6) % 2
    np.savez(tmp_path / "a.npz", x_train=x, y_train=y, x_test=x, y_test=y, images=x, labels=y)
    said = " ".join(read(tmp_path / "a.npz", ReadingOptions()).skipped)
    assert "a.npz has arrays that are named after splits, so images and labels beside them are not read." in said


def test_quartiles_are_those_of_numpy() -> None:
    random = np.random.default_rng(0)
    for count in range(1, 40):
        numbers = random.normal(size=count) * 10.0 ** random.integers(-300, 300)
        assert quartiles(numbers) == tuple(np.quantile(numbers, (0.25, 0.5, 0.75)).tolist())
