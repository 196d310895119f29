"""Readers: one file per format; `read` tries them in turn."""

from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Protocol

from glasswork.data import builtin as names
from glasswork.data import cache
from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.encodings import reading_as
from glasswork.data.formats import cifar, clips, idx, image_folder, labelled_texts, npz, text
from glasswork.data.formats.series import series
from glasswork.data.formats.tables import table
from glasswork.data.listing import is_named_as_picture
from glasswork.errors import GlassworkError, printable
from glasswork.execution import require_size
from glasswork.files import open_regular


class Reader(Protocol):
    """What the module of a format offers.

    Attributes:
        FORMAT: the format in words, for messages.
    """

    FORMAT: str

    def claims(self, path: Path) -> bool:
        """Whether what lies at `path` is in this format; looks at names and headers only."""

    def sources(self, path: Path) -> list[Path]:
        """The files and folders that the result depends on."""

    def read(self, path: Path, options: ReadingOptions) -> Dataset:
        """Read what lies at `path`."""


# In the order in which they are asked.
READERS: tuple[Reader, ...] = (idx, cifar, npz, clips, table, image_folder, text)
# Those of named columns; clips have tables too, of one label for each frame.
TABLE_READERS: tuple[Reader, ...] = (table, series, labelled_texts)


def read(source: str | Path, options: ReadingOptions, reader: Reader | None = None) -> Dataset:
    """Read a data set by name or path, in any of the formats, from the cache if it was read before.

    Args:
        source: a name out of `names.NAMES`, or a path; a path that looks like a name needs a slash (`./digits`).
        options: how to read it.
        reader: which reader to use; None: the first that claims it.

    Raises:
        GlassworkError: there is nothing of that name, or nothing that can be read.
    """
    if options.size is not None:
        require_size(options.size)
    named = names.known(source) if isinstance(source, str) else None
    if named is None:
        path = Path(source).expanduser()
        require_there(path)
    else:
        path = named.locate()
    if named is not None and named.read is not None:
        _refuse_columns(source, options)
        dataset = _remember(str(source), path, named.sources(path), named.read, options)
    else:
        reader = reader or _reader_of(path)
        if not (reader in TABLE_READERS and table.claims(path)):
            _refuse_columns(source, options, table.claims(path))
        dataset = _remember(reader.FORMAT, path, reader.sources(path), reader.read, options)
    _require_target(source, dataset, options)
    if options.splits == "ignore":
        dataset = replace(dataset, columns={name: each for name, each in dataset.columns.items() if name != "split"})
    return replace(dataset, source=str(source))


def without_columns(dataset: Dataset, options: ReadingOptions) -> Dataset:
    """Examples that a system makes or reads itself, of which nothing can be said as of a table.

    Raises:
        GlassworkError: if something is.
    """
    _refuse_columns(dataset.source, options)
    _require_target(dataset.source, dataset, options)
    return dataset


def _require_target(source: str | Path, dataset: Dataset, options: ReadingOptions) -> None:
    """Refuses to call a target what it cannot be."""
    target = dataset.task.target
    if options.target_kind and options.target_kind not in target.kinds and not options.answering:
        raise GlassworkError(
            f"The targets of {source} are {target.what}, so target_kind = {options.target_kind} does not apply: leave "
            "it out."
        )


def _refuse_columns(source: str | Path, options: ReadingOptions, is_table: bool = False) -> None:
    """Refuses what is said about the columns of a table where none are read.

    Args:
        source: what is read instead.
        options: what is said.
        is_table: whether it is a table all the same, which is read as plain text.

    Raises:
        GlassworkError: naming what does not apply.
    """
    said = next((f"{key} = {value[0]}" for key in ("column", "missing") if (value := getattr(options, key))), None)
    if said is None or options.answering:
        return
    why = "is read without regard to its columns" if is_table else "is not a table"
    raise GlassworkError(f"{source} {why}, so {said} does not apply: leave it out.")


def _remember(
    reader: str,
    path: Path,
    sources: list[Path],
    function: Callable[[Path, ReadingOptions], Dataset],
    options: ReadingOptions,
) -> Dataset:
    try:
        return cache.remember(reader, sources, options, lambda: _read(function, path, options))
    except OSError as error:
        raise GlassworkError(f"{error.filename or path} cannot be read: {error.strerror or error}.") from error


def _read(function: Callable[[Path, ReadingOptions], Dataset], path: Path, options: ReadingOptions) -> Dataset:
    with reading_as(options.encoding, fallback=options.answering):
        dataset = function(path, options)
    said = tuple(map(printable, dataset.skipped))
    return replace(dataset, names=[printable(name) for name in dataset.names], skipped=said)


def require_there(path: Path) -> None:
    """Refuses a path with nothing at it, with the names that are most like it; what is no file or folder; an empty one.

    Raises:
        GlassworkError: for these.
    """
    try:
        if path.exists():
            if not path.is_dir():
                open_regular(path).close()
            _require_filled(path)
            return
    except OSError as error:
        raise GlassworkError(f"{path} cannot be read: {error.strerror or error}.") from error
    near = get_close_matches(path.name.lower(), names.NAMES, n=2, cutoff=0.5)
    neighbours = []
    if path.parent.is_dir():
        entries = {entry.name: entry for entry in path.parent.iterdir() if not entry.name.startswith(".")}
        neighbours = [str(entries[name]) for name in get_close_matches(path.name, entries, n=2, cutoff=0.6)]
    hint = (
        f"did you mean {' or '.join(near + neighbours)}?" if near or neighbours else "give the path of a file or folder"
    )
    raise GlassworkError(
        f"There is nothing at {path}, and it is not the name of a data set ({', '.join(names.NAMES)}): {hint}"
        f"{'' if hint.endswith('?') else '.'}"
    )


def _require_filled(path: Path) -> None:
    """Refuse an empty folder."""
    try:
        if path.is_dir() and next((entry for entry in path.iterdir() if not entry.name.startswith(".")), None) is None:
            raise GlassworkError(f"The folder {path} is empty: put data into it, or give another path.")
    except OSError as error:
        raise GlassworkError(f"{error.filename or path} cannot be read: {error.strerror or error}.") from error


def _reader_of(path: Path) -> Reader:
    try:
        for reader in READERS:
            if reader.claims(path):
                return reader
        if path.is_dir() and any(is_named_as_picture(entry.name) for entry in path.iterdir()):
            raise GlassworkError(f"The images in {path} are all in one folder: put them into one folder per class.")
    except OSError as error:
        raise GlassworkError(f"{error.filename or path} cannot be read: {error.strerror or error}.") from error
    formats = "; ".join(reader.FORMAT for reader in READERS)
    raise GlassworkError(f"{path} is not in a supported format; these are: {formats}.")
