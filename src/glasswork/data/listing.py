"""The one way in which folders are listed, for training and for new inputs."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from glasswork.data.formats.decoding import SUFFIXES
from glasswork.data.formats.signatures import is_picture_file
from glasswork.data.scripts import example_of_unspaced
from glasswork.errors import GlassworkError

_SYSTEM = frozenset(  # kept by systems, not by people
    ("__MACOSX", "@eaDir", "$RECYCLE.BIN", "Thumbs.db", "desktop.ini")
)
_MOST_KINDS = 5
_MOST_DIGITS = 4000  # Python reads no longer numbers
_TEXTS = ".txt .text .md .rst .csv .tsv .json .xml .html .css .toml .yaml .yml .ini .cfg .npz .npy .parquet .gz .zip"
_PROGRAMS = ".py .pyc .c .h .cc .cpp .hpp .js .ts .java .go .rs .rb .pl .sh .lua"
_PLAIN = frozenset([*_TEXTS.split(), *_PROGRAMS.split()])
"""Not looked into for a picture when a format is found out: a tree of programs has a hundred thousand files."""


def is_hidden(name: str) -> bool:
    """Whether people do not see a file or folder of this name, such as `.ipynb_checkpoints`."""
    return name.startswith(".") or name in _SYSTEM


def visible(folder: Path) -> list[Path]:
    """What lies in a folder, hidden entries left out, sorted by name."""
    return sorted(path for path in folder.iterdir() if not is_hidden(path.name))


def files_below(folder: str | Path) -> Iterator[str]:
    """The files in a folder and in the folders below it, hidden ones left out.

    Links are followed, after all that is no link, and no folder is listed twice, whatever points to it.

    Yields:
        Paths that begin with `folder`, as strings since there may be a million. Folder by folder in the order of names.
    """
    seen: set[tuple[int, int]] = set()
    waiting = [os.fspath(folder)]
    for place in waiting:  # which grows
        yield from _files_at(place, seen, waiting)


def _files_at(place: str, seen: set[tuple[int, int]], links: list[str]) -> Iterator[str]:
    status = os.stat(place)  # noqa: PTH116
    if (status.st_dev, status.st_ino) in seen:
        return
    seen.add((status.st_dev, status.st_ino))
    with os.scandir(place) as entries:
        ordered = sorted((entry for entry in entries if not is_hidden(entry.name)), key=lambda entry: entry.name)
    for entry in ordered:
        if entry.is_file():
            yield entry.path
        elif entry.is_dir() and entry.is_symlink():
            links.append(entry.path)
        elif entry.is_dir():
            yield from _files_at(entry.path, seen, links)


def is_named_as_picture(name: str) -> bool:
    """Whether a file's name is that of a picture in a usual format, and it is not hidden."""
    return os.path.splitext(name)[1].lower() in SUFFIXES and not is_hidden(name)  # noqa: PTH122


def is_picture(path: str | Path) -> bool:
    """Whether a file is a picture: by its name, else by its first bytes unless its name is that of a text or table."""
    ending = os.path.splitext(path)[1].lower()  # noqa: PTH122
    return ending in SUFFIXES or (ending not in _PLAIN and is_picture_file(path))


def picture_files(path: Path) -> tuple[list[Path], list[str]]:
    """The file itself, or the pictures anywhere under a folder, and the other files there.

    Raises:
        GlassworkError: if there is nothing, or no picture.
    """
    if path.is_file():
        return [path], []
    if not path.is_dir():
        raise GlassworkError(f"There is no file or folder {path}")
    found: list[str] = []
    others: list[str] = []
    for name in files_below(path):
        (found if is_picture(name) or is_picture_file(name) else others).append(name)
    if not found:
        held = f" but {passed_over(others)}" if others else ""
        raise GlassworkError(f"There is no image in {path}{held}: supported formats are {', '.join(sorted(SUFFIXES))}")
    return [Path(name) for name in sorted(found, key=natural)], others


def image_files(path: Path) -> list[Path]:
    """The file itself, or the pictures anywhere under a folder, in order.

    Raises:
        GlassworkError: if there is nothing, or no picture.
    """
    return picture_files(path)[0]


def passed_over(names: Iterable[str | Path]) -> str:
    """Files that are not read, counted by kind: `42 files of kinds that are not read: .heic 40, no suffix 2`."""
    counts = Counter(os.path.splitext(name)[1].lower() or "no suffix" for name in names)  # noqa: PTH122
    total = counts.total()
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    listed = ", ".join(f"{kind} {count:,}" for kind, count in ranked[:_MOST_KINDS])
    more = sum(count for _, count in ranked[_MOST_KINDS:])
    kind = "file of a kind that is" if total == 1 else "files of kinds that are"
    return f"{total:,} {kind} not read: {listed}{f', others {more:,}' if more else ''}"


def natural(text: str) -> list[tuple[int, int, str]]:
    """A key that sorts names as people do: `image 2` before `image 10`."""
    pieces = re.split(r"(\d+)", text.casefold())
    return [(0, int(piece[:_MOST_DIGITS]), "") if piece.isdecimal() else (1, 0, piece) for piece in pieces if piece] + [
        (2, 0, text)
    ]


def is_there(path: Path) -> bool:
    """Whether there is a file or folder; also of a text that stands in place of a path, and may be too long for one."""
    return os.path.exists(path)  # noqa: PTH110 (a Path complains of a name that is too long)


def is_text(source: Path, missing: str) -> bool:
    """Whether a text stands in place of a path, with white space in it or in a script that has none.

    Args:
        source: the path, or the text.
        missing: what is said if it is neither.

    Raises:
        GlassworkError: for a path that leads nowhere.
    """
    if is_there(source):
        return False
    written = str(source)
    unspaced = example_of_unspaced([written]) and not re.search(r"/|\.[A-Za-z0-9]+$", written)
    if not unspaced and not any(character.isspace() for character in written):
        raise GlassworkError(missing)
    return True


def is_folder(path: Path) -> bool:
    """Whether there is a folder; `path` may be a text as above."""
    return os.path.isdir(path)  # noqa: PTH112
