"""What to train on data of which no preset is named: one table, from what the data is to a preset."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from glasswork.data import builtin
from glasswork.data.dataset import ReadingOptions
from glasswork.data.encodings import reading_as
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
from glasswork.data.formats.tables.typed import column_kinds, missing_words
from glasswork.data.kinds.suggestion import Suggestion
from glasswork.data.reading import read, require_there
from glasswork.errors import GlassworkError
from glasswork.run.request import make_request
from glasswork.systems.heatmap.annotations import annotated_by_split
from glasswork.systems.supervised.recipe import SupervisedRecipe

OWN, USUAL = "own", "lenet"

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
    if not builtin.known(values["data"]):
        path = Path(values["data"]).expanduser()
        require_there(path)
        with reading_as(options.encoding):
            found = _by_layout(path, options)
        if found is not None:
            return found
    dataset = read(values["data"], options)
    return dataset.task.inputs.suggest(len(dataset))


def _by_layout(path: Path, options: ReadingOptions) -> Suggestion | None:
    """What can be told from names, first lines and the columns of a table."""
    found = next((suggestion for holds, suggestion in LAYOUTS if holds(path)), None)
    if found is not None or not table.claims(path):
        return found
    files = [path] if path.is_file() else [file for _, file in table.tables_of(path)]
    try:
        cells = load_tables(files, kinds=column_kinds(options.column), missing=missing_words(options.missing))
    except GlassworkError:
        return None  # which reading says better
    return next((suggestion for holds, suggestion in TABLES if holds(cells, options, path)), None)
