"""IDX files, the format of MNIST and Fashion-MNIST, gzipped or not."""

import gzip
import math
import re
import struct
import zlib
from pathlib import Path

import numpy as np

from glasswork.data.dataset import TRAINING, Dataset, ReadingOptions
from glasswork.data.formats.arrays import Part, examples_of
from glasswork.data.formats.packed import open_unpacked
from glasswork.data.formats.raw_arrays import Array
from glasswork.data.formats.splits import say_splits, split_folders, split_of
from glasswork.data.listing import visible
from glasswork.errors import GlassworkError

FORMAT = "IDX files (train-images-idx3-ubyte and its labels, gzipped or not)"

_IMAGES = re.compile(r"^(.*?)[-_.]?images[-.]idx3[-.]ubyte(\.gz)?$")
_UNSIGNED_BYTE = 8
_DIGITS = tuple("0123456789")
# Folders, as people and torchvision name them, whose classes are known to be other than the digits.
_CLASSES = {
    "fashionmnist": (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
}


def claims(path: Path) -> bool:
    """Whether `path` is a file of IDX images, or a folder with some, straight or in train/val/test folders."""
    if path.is_file():
        return _IMAGES.match(path.name) is not None
    return bool(_images_in(path)) or any(_images_in(part) for part in split_folders(path).values())


def sources(path: Path) -> list[Path]:
    """The images and the labels beside them, or the folder."""
    if path.is_dir():
        return [path]
    labels = _labels_beside(path)
    return [path, labels] if labels is not None else [path]


def read(path: Path, options: ReadingOptions) -> Dataset:
    """Read one pair of image and label files, or all pairs of a folder, each a split.

    Raises:
        GlassworkError: a header that does not fit its file, labels that are missing or of another count.
    """
    pairs = [(None, path)] if path.is_file() else _pairs(path)
    parts, aside = [], []
    for split, images in pairs:
        labels = _labels_beside(images)
        if labels is None and split not in (None, TRAINING):
            aside.append(f"{images.name} has no {_labels_name(images.name)} next to it and is left aside.")
            continue
        if labels is None:
            raise GlassworkError(f"There is no labels file next to {images}: expected {_labels_name(images.name)}.")
        parts.append(Part(split, load(images, 3), load(labels, 1), str(images)))
    known = [
        _CLASSES[key] for name in path.absolute().parts if (key := re.sub(r"[^a-z]", "", name.lower())) in _CLASSES
    ]
    few = all(len(part.targets) == 0 or part.targets.max() < len(_DIGITS) for part in parts)
    said = (*say_splits(pairs, options), *aside)
    return examples_of(parts, options, str(path), known[-1] if known else _DIGITS if few else (), said)


def inputs(path: Path) -> list[tuple[str, Array]]:
    """The images of one file, or of all files of a folder, each with the file's name; labels are not needed."""
    pairs = [(None, path)] if path.is_file() else _pairs(path)
    return [(images.name, load(images, 3)) for _, images in pairs]


def load(path: Path, dimensions: int) -> Array:
    """The uint8 array of one IDX file.

    Raises:
        GlassworkError: the file is damaged, or is not an IDX file of unsigned bytes with so many dimensions.
    """
    data = _bytes(path)
    start = 4 + 4 * dimensions
    if len(data) < start or data[:4] != bytes((0, 0, _UNSIGNED_BYTE, dimensions)):
        raise GlassworkError(
            f"{path} is not an IDX file of unsigned bytes with {dimensions} dimension{'s' if dimensions > 1 else ''}: "
            f"its first bytes are {data[:4].hex(' ') or 'missing'}; download it again."
        )
    shape = struct.unpack(f">{dimensions}I", data[4:start])
    if len(data) != start + math.prod(shape):
        raise GlassworkError(
            f"{path} promises {' x '.join(map(str, shape))} values in its header but holds {len(data) - start:,}: "
            "it is damaged; download it again."
        )
    return np.frombuffer(data, dtype=np.uint8, offset=start).reshape(shape)


def _bytes(path: Path) -> bytearray:
    try:
        with open_unpacked(path) as file:
            return bytearray(file.read())
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise GlassworkError(f"{path} is a damaged gzip file ({error}): download it again.") from error
    except OSError as error:
        raise GlassworkError(f"{path} cannot be read: {error.strerror or error}.") from error


def _images_in(folder: Path) -> list[Path]:
    """The files of images in a folder; where one lies there gzipped and not, the latter."""
    found = [path for path in visible(folder) if _IMAGES.match(path.name) and path.is_file()]
    plain = {path.name for path in found}
    return [path for path in found if path.suffix != ".gz" or path.stem not in plain]


def _pairs(folder: Path) -> list[tuple[int | None, Path]]:
    """The files of images in a folder with their splits."""
    below = {split: _images_in(part) for split, part in split_folders(folder).items()}
    images: list[tuple[int | None, Path]] = [(split, path) for split, paths in below.items() for path in paths]
    if not images:
        images = [(_split_of_file(path), path) for path in _images_in(folder)]
    splits = [split for split, _ in images]
    if len(images) > 1 and (None in splits or len(set(splits)) < len(splits)):
        names = ", ".join(path.name for _, path in images)
        raise GlassworkError(
            f"{folder} holds several files of images and their names do not say which is for training, validation and "
            f"test ({names}): name them train-, val- and test-, or give the path of one."
        )
    return sorted(images, key=lambda pair: pair[0] or 0)


def _split_of_file(path: Path) -> int | None:
    matched = _IMAGES.match(path.name)
    return split_of(re.split(r"[-_.]", matched[1])[-1]) if matched else None


def _labels_name(images: str) -> str:
    return images.removesuffix(".gz").replace("images", "labels").replace("idx3", "idx1")


def _labels_beside(images: Path) -> Path | None:
    plain = images.with_name(_labels_name(images.name))
    return next((path for path in (plain, plain.with_name(plain.name + ".gz")) if path.is_file()), None)
