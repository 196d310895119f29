from pathlib import Path

import numpy as np
import pytest
from reader_samples import cifar_bytes, write_cifar

from glasswork.data.dataset import ReadingOptions
from glasswork.data.reading import read
from glasswork.errors import GlassworkError

OPTIONS = ReadingOptions()
NAMES = "airplane automobile bird cat deer dog frog horse ship truck".split()  # noqa: SIM905


def test_cifar10(tmp_path: Path) -> None:
    for name, count in (("data_batch_1", 9), ("data_batch_2", 6), ("test_batch", 3)):
        (tmp_path / f"{name}.bin").write_bytes(cifar_bytes(count))
    (tmp_path / "batches.meta.txt").write_text("\n".join([*NAMES, "", ""]))
    examples = read(tmp_path, OPTIONS)
    assert examples.task.inputs.shape == (3, 32, 32)
    assert examples.task.target.names == tuple(NAMES)
    assert examples.columns["split"].tolist() == [0] * 15 + [2] * 3
    record = np.frombuffer(cifar_bytes(9), dtype=np.uint8)[:3073]
    assert np.array_equal(examples.columns["inputs"][0].numpy().ravel(), record[1:])


def test_cifar100_takes_the_fine_labels(tmp_path: Path) -> None:
    for name, count in (("train", 4), ("test", 2)):
        records = np.random.default_rng(0).integers(0, 256, (count, 3074), dtype=np.uint8)
        records[:, 0], records[:, 1] = 19, np.arange(count) + 90
        (tmp_path / f"{name}.bin").write_bytes(records.tobytes())
    examples = read(tmp_path, OPTIONS)
    assert examples.columns["targets"].tolist() == [90, 91, 92, 93, 90, 91]
    assert len(examples.task.target.names) == 100
    (tmp_path / "fine_label_names.txt").write_text("\n".join(f"thing {number}" for number in range(100)))
    assert read(tmp_path, OPTIONS).task.target.names[93] == "thing 93"


def test_names_beside_a_single_file(tmp_path: Path) -> None:
    path = write_cifar(tmp_path)
    (tmp_path / "batches.meta.txt").write_text("\n".join(NAMES))
    assert read(path, OPTIONS).task.target.names == tuple(NAMES)


def test_damaged_files(tmp_path: Path) -> None:
    path = write_cifar(tmp_path)
    whole = path.read_bytes()
    for content in (whole[:-1], whole + b"x", b""):
        path.write_bytes(content)
        with pytest.raises(GlassworkError, match=r"data_batch_1\.bin has .* not a whole number of records of 3,073"):
            read(path, OPTIONS)
    path.write_bytes(b"\x0a" + whole[1:])
    with pytest.raises(GlassworkError, match=r"label 10 of example 0 in .*data_batch_1\.bin is out of range"):
        read(path, OPTIONS)
    path.write_bytes(whole)
    (tmp_path / "train.bin").write_bytes(bytes(3074))
    with pytest.raises(GlassworkError, match="CIFAR-10 and of CIFAR-100"):
        read(tmp_path, OPTIONS)
