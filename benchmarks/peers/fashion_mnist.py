"""Fashion-MNIST laid out the way each library would have left it after its own download."""

import gzip
import shutil
from pathlib import Path

import numpy as np

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def unpack_for_torchvision(data: Path, root: Path) -> Path:
    """The root for `torchvision.datasets.FashionMNIST`, which keeps the files unpacked."""
    raw = root / "FashionMNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        with gzip.open(data / f"{name}.gz") as packed, (raw / name).open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked, 1 << 20)
    return root


def link_for_keras(data: Path, root: Path) -> Path:
    """The folder for KERAS_HOME in which `keras.datasets.fashion_mnist.load_data()` finds the packed files."""
    folder = root / "datasets" / "fashion-mnist"
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        (folder / f"{name}.gz").symlink_to((data / f"{name}.gz").resolve())
    return root


def read_arrays(data: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Training images and labels, test images and labels, as uint8 arrays."""
    images, labels, test_images, test_labels = (gzip.decompress((data / f"{name}.gz").read_bytes()) for name in FILES)
    return (
        np.frombuffer(images, np.uint8, offset=16).reshape(-1, 28, 28),
        np.frombuffer(labels, np.uint8, offset=8),
        np.frombuffer(test_images, np.uint8, offset=16).reshape(-1, 28, 28),
        np.frombuffer(test_labels, np.uint8, offset=8),
    )


def write_part(data: Path, folder: Path, training: int, test: int) -> Path:
    """The first images of each half as packed IDX files in `folder`: a small data set for a smoke run."""
    for name in FILES:
        count = training if name.startswith("train") else test
        content = gzip.decompress((data / f"{name}.gz").read_bytes())
        header, size = (16, 28 * 28) if "images" in name else (8, 1)
        part = content[:4] + count.to_bytes(4, "big") + content[8 : header + count * size]
        (folder / f"{name}.gz").write_bytes(gzip.compress(part, 1))
    return folder
