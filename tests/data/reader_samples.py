"""Tiny sources in every format: what the contract and the tests of single readers write to disk."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import numpy.typing as npt
from PIL import Image

from glasswork.data.formats import cifar, clips, idx, image_folder, npz, text
from glasswork.data.formats.tables import table
from made_data import write_video

Array = npt.NDArray[np.uint8]


def pictures(count: int, height: int = 6, width: int = 5, seed: int = 0) -> Array:
    """uint8 (count, height, width)."""
    return np.random.default_rng(seed).integers(0, 256, (count, height, width), dtype=np.uint8)


def labels(count: int, classes: int = 3) -> Array:
    return (np.arange(count) % classes).astype(np.uint8)


def idx_bytes(array: Array) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_idx_pair(folder: Path, prefix: str, count: int, packed: bool = False) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    ending, pack = (".gz", gzip.compress) if packed else ("", bytes)
    images = folder / f"{prefix}images-idx3-ubyte{ending}"
    images.write_bytes(pack(idx_bytes(pictures(count, seed=count))))
    (folder / f"{prefix}labels-idx1-ubyte{ending}").write_bytes(pack(idx_bytes(labels(count))))
    return images


def write_idx(folder: Path) -> Path:
    return write_idx_pair(folder, "", 9)


def write_idx_split(folder: Path) -> Path:
    for prefix, count in (("train-", 9), ("valid-", 6), ("t10k-", 3)):
        write_idx_pair(folder, prefix, count, packed=prefix == "train-")
    return folder


def write_npz(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "some.npz", x=pictures(9), y=labels(9))
    return folder / "some.npz"


def write_npz_split(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, count in (("train", 9), ("val", 6), ("test", 3)):
        np.savez(folder / f"{name}.npz", images=pictures(count, seed=count), labels=labels(count))
    return folder


def cifar_bytes(count: int, classes: int = 3) -> bytes:
    pixels = np.random.default_rng(count).integers(0, 256, (count, 3072), dtype=np.uint8)
    return np.concatenate([labels(count, classes)[:, None], pixels], axis=1).tobytes()


def write_cifar(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "data_batch_1.bin").write_bytes(cifar_bytes(9))
    return folder / "data_batch_1.bin"


def write_cifar_split(folder: Path) -> Path:
    for part, name, count in (("train", "data_batch_1", 9), ("val", "data_batch_2", 6), ("test", "test_batch", 3)):
        (folder / part).mkdir(parents=True)
        (folder / part / f"{name}.bin").write_bytes(cifar_bytes(count))
    return folder


def table_text(count: int) -> str:
    rows = [f"{row},{row * 0.5},{'ab'[row % 2]},{'xyz'[row % 3]}" for row in range(count)]
    return "\n".join(["height,width,kind,label", *rows, ""])


def write_table(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "some.csv").write_text(table_text(9))
    return folder / "some.csv"


def write_table_split(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, count in (("train", 9), ("val", 6), ("test", 3)):
        (folder / f"{name}.csv").write_text(table_text(count))
    return folder


def write_image_folder(folder: Path, count: int = 9) -> Path:
    for row, picture in enumerate(pictures(count, 12, 10)):
        place = folder / "abc"[row % 3]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(place / f"{row}.png")
    return folder


def write_image_folder_split(folder: Path) -> Path:
    for name, count in (("train", 9), ("val", 6), ("test", 3)):
        write_image_folder(folder / name, count)
    return folder


def write_clips(folder: Path, count: int = 9) -> Path:
    """Clips of one frame, each beside its table."""
    folder.mkdir(parents=True, exist_ok=True)
    for clip in range(count):
        write_video(folder / f"{clip}.mp4", np.full((1, 16, 16, 3), 20 * clip, dtype=np.uint8))
        (folder / f"{clip}.csv").write_text(f"frame,label\n0,{'abc'[clip % 3]}\n")
    return folder


def write_clips_split(folder: Path) -> Path:
    for name, count in (("train", 9), ("val", 6), ("test", 3)):
        write_clips(folder / name, count)
    return folder


def write_text(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "some.txt").write_text("abcabcabc")
    return folder / "some.txt"


def write_text_split(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, count in (("train", 9), ("val", 6), ("test", 3)):
        (folder / f"{name}.txt").write_text("abc" * (count // 3))
    return folder


# Per reader: nine examples of three classes (of a text: characters) without a split, and 9, 6 and 3 with one.
SAMPLES: dict[ModuleType, tuple[Callable[[Path], Path], Callable[[Path], Path]]] = {
    idx: (write_idx, write_idx_split),
    cifar: (write_cifar, write_cifar_split),
    npz: (write_npz, write_npz_split),
    clips: (write_clips, write_clips_split),
    table: (write_table, write_table_split),
    image_folder: (write_image_folder, write_image_folder_split),
    text: (write_text, write_text_split),
}
