import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from reader_samples import idx_bytes, labels, pictures, write_idx, write_idx_pair, write_idx_split

from glasswork.data.dataset import ReadingOptions
from glasswork.data.formats import idx
from glasswork.data.reading import read
from glasswork.errors import GlassworkError

OPTIONS = ReadingOptions()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrays(np.uint8, st.tuples(*[st.integers(1, 5)] * 3)), st.booleans())
def test_round_trip(tmp_path: Path, array: np.ndarray, packed: bool) -> None:
    data = idx_bytes(array)
    (tmp_path / "images").write_bytes(gzip.compress(data) if packed else data)
    assert np.array_equal(idx.load(tmp_path / "images", 3), array)


def test_pixels_and_labels(tmp_path: Path) -> None:
    examples = read(write_idx(tmp_path), OPTIONS)
    assert np.array_equal(examples.columns["inputs"].numpy()[:, 0], pictures(9, seed=9))
    assert examples.columns["targets"].tolist() == labels(9).tolist()
    assert examples.task.target.names == tuple("0123456789")
    assert examples.names == ()


def test_labels_may_be_packed_otherwise(tmp_path: Path) -> None:
    path = write_idx(tmp_path)
    other = tmp_path / "labels-idx1-ubyte"
    (tmp_path / "labels-idx1-ubyte.gz").write_bytes(gzip.compress(other.read_bytes()))
    other.unlink()
    assert len(read(path, OPTIONS)) == 9


@pytest.mark.parametrize("folder", ["fashion-mnist", "FashionMNIST/raw"])
def test_fashion_mnist_knows_its_classes(folder: str, tmp_path: Path) -> None:
    write_idx_split(tmp_path / folder)
    assert read(tmp_path / folder, OPTIONS).task.target.names[-1] == "Ankle boot"


def test_split_folders(tmp_path: Path) -> None:
    write_idx_pair(tmp_path / "train", "", 6)
    write_idx_pair(tmp_path / "validation", "some-", 3)
    assert read(tmp_path, OPTIONS).columns["split"].tolist() == [0] * 6 + [1] * 3


def test_more_classes_than_digits(tmp_path: Path) -> None:
    path = write_idx_pair(tmp_path, "", 30)
    (tmp_path / "labels-idx1-ubyte").write_bytes(idx_bytes(np.arange(30, dtype=np.uint8) % 26))
    assert len(read(path, OPTIONS).task.target.names) == 26


def header(*sides: int, kind: int = 8) -> bytes:
    return struct.pack(f">BBBB{len(sides)}I", 0, 0, kind, len(sides), *sides)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not an IDX file .* missing"),
        (b"PK\3\4" + bytes(40), "is not an IDX file .* 50 4b 03 04"),
        (header(9, 6, 5, kind=13) + bytes(1080), "is not an IDX file of unsigned bytes"),
        (header(9, 30) + bytes(270), "with 3 dimensions"),
        (header(9, 6, 5) + bytes(269), "promises 9 x 6 x 5 values in its header but holds 269"),
        (header(9, 6, 5) + bytes(271), "holds 271"),
        (header(2**32 - 1, 2**32 - 1, 2**32 - 1), "holds 0"),
        (header(10, 6, 5) + bytes(300), "10 inputs but 9 targets"),
        (header(9, 0, 5), "expected .rows, features."),
        (gzip.compress(header(9, 6, 5) + bytes(270), mtime=0)[:-12], "is a damaged gzip file"),
        (b"\x1f\x8b" + bytes(30), "is a damaged gzip file"),
    ],
)
def test_files_that_lie(content: bytes, message: str, tmp_path: Path) -> None:
    path = write_idx(tmp_path)
    path.write_bytes(content)
    with pytest.raises(GlassworkError, match=message) as caught:
        read(path, OPTIONS)
    assert "images-idx3-ubyte" in str(caught.value) or "expected" in message


def test_files_that_do_not_fit_together(tmp_path: Path) -> None:
    path = write_idx(tmp_path)
    (tmp_path / "labels-idx1-ubyte").rename(tmp_path / "elsewhere")
    with pytest.raises(GlassworkError, match=r"no labels file next to .*: expected labels-idx1-ubyte"):
        read(path, OPTIONS)
    write_idx_pair(tmp_path / "many", "letters-", 3)
    write_idx_pair(tmp_path / "many", "digits-", 3)
    with pytest.raises(GlassworkError, match="several files of images"):
        read(tmp_path / "many", OPTIONS)
    write_idx_pair(tmp_path / "twice", "val-", 3)
    write_idx_pair(tmp_path / "twice", "valid-", 3)
    with pytest.raises(GlassworkError, match="several files of images"):
        read(tmp_path / "twice", OPTIONS)


def test_an_empty_set(tmp_path: Path) -> None:
    path = write_idx(tmp_path)
    path.write_bytes(header(0, 6, 5))
    (tmp_path / "labels-idx1-ubyte").write_bytes(header(0))
    with pytest.raises(GlassworkError, match="holds no examples"):
        read(path, OPTIONS)
