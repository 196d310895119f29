"""Which files there are, and which of them are images."""

import os
import re
from pathlib import Path

from glasswork.data.formats.decoding import SUFFIXES
from glasswork.errors import GlassworkError


def image_files(path: Path) -> list[Path]:
    """The file itself, or the images anywhere under a folder, in order.

    Raises:
        GlassworkError: where there is nothing, or no image.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise GlassworkError(f"There is no file or folder {path}")
    files = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and not p.name.startswith("."))
    if not files:
        raise GlassworkError(f"There is no image in {path}: known are {', '.join(sorted(SUFFIXES))}")
    return files


def natural(text: str) -> list[tuple[int, int, str]]:
    """A key that sorts names as people do: `image 2` before `image 10`."""
    pieces = re.split(r"(\d+)", text.casefold())
    return [(0, int(piece), "") if piece.isdecimal() else (1, 0, piece) for piece in pieces if piece] + [(2, 0, text)]


def is_there(path: Path) -> bool:
    """Whether there is a file or folder; also of a text that stands in place of a path, and may be too long for one."""
    return os.path.exists(path)  # noqa: PTH110 (a Path complains of a name that is too long)


def is_text(source: Path, missing: str) -> bool:
    """Whether a text stands in place of a path, which has white space in it then.

    Args:
        source: the path, or the text.
        missing: what is said if it is neither.

    Raises:
        GlassworkError: for a path that leads nowhere.
    """
    if is_there(source):
        return False
    if not any(character.isspace() for character in str(source)):
        raise GlassworkError(missing)
    return True


def is_folder(path: Path) -> bool:
    """Whether there is a folder; `path` may be a text as above."""
    return os.path.isdir(path)  # noqa: PTH112
