"""A memory-mapped cache of what has been read, so that the second read of a source costs almost nothing.

One safetensors file per source and reading options, under `$GLASSWORK_CACHE` or `~/.cache/glasswork/data`. Its name is
a hash of everything that the result depends on, so a file is never changed once it stands there: processes that read
the same source at the same time write the same bytes under names of their own, and the last rename wins.
"""

import hashlib
import json
import os
import stat
import struct
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

import torch

from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.kinds.task import Task
from glasswork.data.scratch import folder
from glasswork.files import DamagedError, flush_folder
from glasswork.tensor_files import map_tensors, write_sealed

FORMAT = 12
LIMIT = 20 * 2**30  # bytes that all entries together may take

_NAMES = "row_names"
_OFFSETS = ".offsets"  # behind the name of the column that they belong to
_DAY = 24 * 3600


def remember(reader: str, sources: Sequence[Path], options: ReadingOptions, read: Callable[[], Dataset]) -> Dataset:
    """What `read` returned the last time for these sources and options; else call it and keep what it returns.

    Args:
        reader: name of the reader, since two may read the same file differently.
        sources: the files and folders that the result depends on; a change of any file in them means reading again.
        options: how the sources are read.
        read: makes the examples.

    Returns:
        Examples with memory-mapped columns; where the cache cannot be written, those that `read` returned, with a
        sentence about it in `skipped`.
    """
    known, said = None, tuple[str, ...]()
    try:
        entry = folder() / f"{_key(reader, sources, options)}.safetensors"
        known = _load(entry)
    except (OSError, RuntimeError):  # RuntimeError: there is no home folder
        return read()
    except DamagedError as error:
        said = (f"{error}: the data was read again, and the entry of the cache was made again.",)
        with suppress(OSError):
            entry.unlink(missing_ok=True)
    if known is not None:
        return known
    dataset = read()
    try:
        _store(entry, dataset)
        _forget_oldest(keep=entry)
        dataset = _load(entry) or dataset
        return replace(dataset, skipped=(*dataset.skipped, *said)) if said else dataset
    except OSError as error:
        reason = error.strerror or str(error)
        sentence = f"The cache folder {entry.parent} cannot be written ({reason}): the data is read again each time."
        return replace(dataset, skipped=(*dataset.skipped, sentence))


def _key(reader: str, sources: Sequence[Path], options: ReadingOptions) -> str:
    digest = hashlib.blake2b(digest_size=20)
    like = None if options.like is None else options.like.to_json()
    digest.update(json.dumps([FORMAT, reader, asdict(replace(options, like=None)), like]).encode())
    for source in sources:
        digest.update(os.fsencode(source.absolute()) + b"\0")
        for name, size, changed in sorted(_files(os.fspath(source), set())):
            digest.update(os.fsencode(name) + struct.pack("<xqq", size, changed))
    return digest.hexdigest()


def _files(path: str, visited: set[tuple[int, int]]) -> Iterator[tuple[str, int, int]]:
    """Path, size in bytes and modification time (ns) of every visible file at or below `path`."""
    status = os.stat(path)  # noqa: PTH116 (strings: a Path per folder and file would slow the warm read down)
    if not stat.S_ISDIR(status.st_mode):
        yield path, status.st_size, status.st_mtime_ns
        return
    place = (status.st_dev, status.st_ino)
    if place in visited:  # a link to a folder above
        return
    visited.add(place)
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            try:
                if entry.is_dir():
                    yield from _files(entry.path, visited)
                else:
                    found = entry.stat()
                    yield entry.path, found.st_size, found.st_mtime_ns
            except FileNotFoundError:  # a dangling link
                yield entry.path, -1, -1


def _store(entry: Path, dataset: Dataset) -> None:
    """Write the entry under a temporary name, flush it, rename it."""
    entry.parent.mkdir(parents=True, exist_ok=True)
    tensors = {**dataset.columns, **{name + _OFFSETS: each for name, each in dataset.offsets.items()}}
    if dataset.names:
        joined = "\0".join(dataset.names).encode(errors="surrogateescape")
        tensors[_NAMES] = torch.frombuffer(bytearray(joined), dtype=torch.uint8)
    facts = {
        "task": dataset.task.to_json(),
        "source": dataset.source,
        "margin": dataset.margin,
        "skipped": dataset.skipped,
        "ordered": dataset.ordered,
    }
    descriptor, name = tempfile.mkstemp(dir=entry.parent, prefix=entry.stem, suffix=".part")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            write_sealed(file, FORMAT, tensors, {"glasswork": json.dumps(facts)})
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(entry)
        flush_folder(entry.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _load(entry: Path) -> Dataset | None:
    """The examples of an entry, mapped; None if it is not there.

    Raises:
        DamagedError: if it is not as it was written.
    """
    try:
        found = map_tensors(entry, FORMAT)
    except (FileNotFoundError, NotADirectoryError):
        return None
    columns, facts = found.tensors, json.loads(found.facts["glasswork"])
    with suppress(OSError):  # a cache that may only be read is of use as well
        os.utime(entry)  # marks it as used; the access time is not kept on every disk
    joined = columns.pop(_NAMES, None)
    names = joined.numpy().tobytes().decode(errors="surrogateescape").split("\0") if joined is not None else ()
    offsets = {name: columns.pop(name + _OFFSETS) for name in list(columns) if name + _OFFSETS in columns}
    return Dataset(
        columns=columns,
        task=Task.from_json(facts["task"]),
        source=facts["source"],
        names=names,
        margin=facts["margin"],
        skipped=tuple(facts["skipped"]),
        offsets=offsets,
        ordered=facts["ordered"],
    )


def _forget_oldest(keep: Path) -> None:
    """Delete the entries not used for longest until all take at most LIMIT, and what killed processes left behind."""
    now = time.time()
    entries: list[tuple[float, int, Path]] = []
    for path in keep.parent.iterdir():
        try:
            status = path.stat()
            if path.suffix == ".part" and now - status.st_mtime > _DAY:
                path.unlink()
            elif path.suffix == ".safetensors":
                entries.append((status.st_mtime, status.st_size, path))
        except FileNotFoundError:  # another process was quicker
            continue
    total = sum(size for _, size, _ in entries)
    for _, size, path in sorted(entries):
        if total <= LIMIT:
            return
        if path != keep:
            path.unlink(missing_ok=True)
            total -= size
