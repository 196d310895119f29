"""Clips with a label for every frame: video files or folders of pictures, each with a table of labels."""

import csv
import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from glasswork.data import ragged
from glasswork.data.dataset import TRAINING, Dataset, ReadingOptions
from glasswork.data.encodings import find_encodings, normalise, open_text
from glasswork.data.formats.splits import say_aside, say_column, say_splits, split_folders, split_of
from glasswork.data.formats.video import UnreadableClipError, frames, is_clip
from glasswork.data.kinds.clips import Clips
from glasswork.data.kinds.per_step import PerStep
from glasswork.data.kinds.task import Task
from glasswork.data.listing import is_named_as_picture, natural, visible
from glasswork.data.scratch import scratch
from glasswork.errors import GlassworkError, printable
from glasswork.execution import usable_cores
from glasswork.files import open_regular

FORMAT = "clips with a label per frame (clips.csv with the columns clip and labels, or each clip next to its own .csv)"
LISTING = "clips.csv"
SIDE = 80
"""Default side of the square that frames are resized to, in pixels."""
MOST_LABELS = 100
_NUMBERS = frozenset(("frame", "time", "index", "seconds"))  # columns that count the frames


@dataclass(frozen=True)
class _Clip:
    """A clip, its table of labels, and which part of the data it belongs to; None: not given."""

    path: Path
    table: Path
    split: int | None


def claims(path: Path) -> bool:
    """Whether `path` is a folder with a listing of clips, or with a table of labels for each."""
    if not path.is_dir():
        return path.name.lower() == LISTING and path.is_file()
    return (path / LISTING).is_file() or any(_pairs(part) for part in (path, *split_folders(path).values()))


def sources(path: Path) -> list[Path]:
    """The folder."""
    return [path] if path.is_dir() else [path, path.parent]


def read(path: Path, options: ReadingOptions) -> Dataset:
    """Reads clips frame by frame, decoded on all cores.

    Raises:
        GlassworkError: for no clip, a table without labels or with several columns of them, a single label.
    """
    clips, said = _found(path, options)
    if not clips:
        raise GlassworkError(f"{path} holds no clip: expected {FORMAT}")
    said = (*said, *find_encodings([clip.table for clip in clips])[1])
    labels = [_labels(clip.table, options.target) for clip in clips]
    like = options.like
    classes = like.target.names if like else tuple(sorted({label for row in labels for label in row}, key=natural))
    _check(path, classes, labels, options)
    numbers = {name: number for number, name in enumerate(classes)}
    inputs, problems = _decoded(clips, list(map(len, labels)), options)
    offsets = ragged.offsets_of(torch.tensor(list(map(len, labels))))
    columns = {
        "inputs": inputs,
        "targets": torch.tensor([numbers[label] for row in labels for label in row]),
        "fingerprints": torch.tensor([fingerprint(clip.path) for clip in clips]),
    }
    if any(clip.split is not None for clip in clips):
        columns["split"] = torch.tensor([clip.split or TRAINING for clip in clips], dtype=torch.uint8)
    names = [_name(clip.path, path) for clip in clips]
    task = Task(Clips(tuple(inputs.shape[1:])), PerStep(classes))
    found = Dataset(
        columns,
        task,
        str(path),
        names,
        skipped=(*said, *problems.values()),
        offsets={"inputs": offsets, "targets": offsets},
    )
    kept = torch.tensor([row for row in range(len(clips)) if row not in problems], dtype=torch.int64)
    return found.take(kept) if problems else found


def clips_of(path: Path) -> list[Path]:
    """The clips of a listing or a folder, whatever their labels are."""
    return [clip.path for clip in _found(path, ReadingOptions())[0]]


def _found(path: Path, options: ReadingOptions) -> tuple[list[_Clip], tuple[str, ...]]:
    """The clips, and sentences for the summary."""
    clips = list(_listed(path if path.is_file() else path / LISTING))
    if clips:
        divided = any(clip.split is not None for clip in clips) and options.splits != "ignore"
        return clips, (say_column("split"),) if divided else ()
    clips, said = _divided(path, options)
    return clips or [_Clip(*pair, None) for pair in _pairs(path)], said


def _divided(path: Path, options: ReadingOptions) -> tuple[list[_Clip], tuple[str, ...]]:
    """The clips in the folders of the splits, and sentences for the summary."""
    parts = [(split, part, _pairs(part)) for split, part in split_folders(path).items()]
    said = list(say_splits([(split, part) for split, part, pairs in parts if pairs], options))
    for split, part, pairs in parts:
        bare = 0 if pairs or split == TRAINING else sum(map(_holds_frames, visible(part)))
        said += [say_aside(part / "*", f"{bare:,} clips", "no tables of labels")] if bare else []
    return [_Clip(*pair, split) for split, _, pairs in parts for pair in pairs], tuple(said)


def fingerprint(path: Path) -> int:
    """64 bits that are equal for equal files, or for folders of equal files in the same order."""
    digest = hashlib.blake2b(digest_size=8)
    for file in visible(path) if path.is_dir() else [path]:
        if file.is_file():
            with open_regular(file) as opened:  # piece by piece: a film may be larger than the memory
                hashlib.file_digest(opened, lambda: digest)
    return int.from_bytes(digest.digest(), "little", signed=True)


def _listed(listing: Path) -> Iterator[_Clip]:
    """The clips of a listing, if there is one."""
    if not listing.is_file():
        return
    for line, row in _rows(listing):
        clip, table, split = row.get("clip"), row.get("labels"), row.get("split", "")
        if not clip or not table:
            raise GlassworkError(f"Line {line} of {listing} names no clip and labels: expected columns of these names")
        part = split_of(split) if split else None
        if split and part is None:
            raise GlassworkError(f"Line {line} of {listing} has the split '{split}': expected train, val or test")
        for path in (listing.parent / clip, listing.parent / table):
            if not path.exists():
                raise GlassworkError(f"There is no {path}, which line {line} of {listing} names")
        yield _Clip(listing.parent / clip, listing.parent / table, part)


def _pairs(folder: Path) -> list[tuple[Path, Path]]:
    """The videos, and the folders of pictures, that have a table of the same name beside them."""
    entries = visible(folder)
    tables = {path.stem: path for path in entries if path.suffix.lower() == ".csv" and path.is_file()}
    clips = [path for path in entries if (path.name if path.is_dir() else path.stem) in tables and _holds_frames(path)]
    return [(path, tables[path.name if path.is_dir() else path.stem]) for path in clips]


def _holds_frames(path: Path) -> bool:
    return any(is_named_as_picture(entry.name) for entry in visible(path)) if path.is_dir() else is_clip(path)


def _labels(table: Path, target: str | None) -> list[str]:
    """The label of each frame."""
    rows = list(_rows(table))
    if not rows:
        raise GlassworkError(f"{table} holds no label")
    names = list(rows[0][1])
    free = [name for name in names if name.lower() not in _NUMBERS]
    if target is None and len(free) != 1:
        raise GlassworkError(
            f"{table} has {len(free)} columns that could be the label ({', '.join(free)}): choose one with --target"
        )
    column = target or free[0]
    if column not in names:
        raise GlassworkError(f"{table} has no column '{column}': it has {', '.join(names)}")
    empty = next((line for line, row in rows if not row[column]), None)
    if empty is not None:
        raise GlassworkError(f"Line {empty} of {table} has no label in the column '{column}'")
    return [printable(row[column]) for _, row in rows]


def _rows(table: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Number and cells of each line of a table with a header."""
    try:
        with open_text(table, lambda: open_regular(table)) as file:
            reader = csv.DictReader(map(normalise, file), restkey="", restval="")
            for row in reader:
                if "" in row:
                    raise GlassworkError(f"Line {reader.line_num} of {table} has more cells than the header")
                yield reader.line_num, row
    except (UnicodeError, csv.Error) as error:
        raise GlassworkError(f"{table} is not a CSV table: {error}") from None


def _check(path: Path, classes: Sequence[str], labels: Sequence[Sequence[str]], options: ReadingOptions) -> None:
    if options.like is not None:
        strange = next((label for row in labels for label in row if label not in classes), None)
        if strange is not None:
            raise GlassworkError(f"{path} has a label '{strange}' that this model does not know: {', '.join(classes)}")
    elif len(classes) < options.least_classes:
        raise GlassworkError(f"Every frame of {path} has the label '{classes[0]}': there is nothing to learn")
    elif len(classes) > MOST_LABELS:
        raise GlassworkError(
            f"The frames of {path} have {len(classes):,} different labels, such as {', '.join(classes[:3])}: each "
            "frame needs a class, so choose a column of classes with --target"
        )


def _decoded(clips: Sequence[_Clip], counts: Sequence[int], options: ReadingOptions) -> tuple[Tensor, dict[int, str]]:
    """All frames, one clip after the other, and why a clip cannot be used, by its place."""
    like = options.like
    side = options.size or (like.inputs.shape[1] if like else SIDE)
    channels = options.channels or (like.inputs.shape[0] if like else 3)
    room = scratch((sum(counts), channels, side, side))
    ends = ragged.offsets_of(torch.tensor(counts)).tolist()

    def decode(place: int) -> str:
        clip, read = clips[place], 0
        rows = room[ends[place] : ends[place + 1]]
        try:
            for pixels in frames(clip.path, side, channels):
                if read < len(rows):
                    rows[read] = torch.from_numpy(pixels.copy())
                read += 1
        except UnreadableClipError as error:
            return str(error)
        if read != len(rows):
            return f"{clip.path} has {read:,} frames, and {clip.table} labels {len(rows):,}: the clip was left out."
        return ""

    with ThreadPoolExecutor(usable_cores()) as pool:
        said = list(pool.map(decode, range(len(clips))))
    problems = {place: problem for place, problem in enumerate(said) if problem}
    if problems and (options.strict or len(problems) == len(clips)):
        raise GlassworkError(next(iter(problems.values())))
    return room, problems


def _name(clip: Path, source: Path) -> str:
    root = source if source.is_dir() else source.parent
    return str(clip.relative_to(root)) if clip.is_relative_to(root) else str(clip)
