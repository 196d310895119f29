"""Where a verb's findings go: text, a page, or JSON."""

import io
import json
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glasswork.errors import GlassworkError
from glasswork.files import write_new

if TYPE_CHECKING:
    from rich.console import Console

    from glasswork.record import Record


def show_or_write(
    options: Namespace, found: "Record", text: Callable[[Any], str], writers: dict[str, Callable[[Any], str | bytes]]
) -> int:
    """The findings where they are asked for: as JSON, in a file, or as text."""
    if getattr(options, "out", None):
        write_page(options.out, {suffix: partial(writer, found) for suffix, writer in writers.items()})
    if options.json:
        print(json.dumps(found.to_json()))
    elif not getattr(options, "out", None):
        print(text(found).rstrip("\n"))
    return 0


def write_page(name: str, writers: Mapping[str, Callable[[], str | bytes]], flag: str = "out") -> None:
    """Writes a new file of the kind that its name's ending asks for.

    Raises:
        GlassworkError: for another ending, or if the file exists or cannot be written.
    """
    path = Path(name)
    _require_ending(path, list(writers), flag)
    write_new(path, writers[path.suffix.lower()]())
    print(f"written to {path}", file=sys.stderr)


PICTURES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".bmp": "BMP"}


def write_painting(name: str, paintings: Sequence[bytes]) -> None:
    """Writes the one picture that was painted, as a new file of the kind that its name's ending asks for.

    Raises:
        GlassworkError: for several of them, another ending, or if the file exists or cannot be written.
    """
    from PIL import Image

    if len(paintings) != 1:
        raise GlassworkError(f"--out writes one picture, and {len(paintings)} were painted: name one, or write a page")

    def encode(kind: str) -> bytes:
        held = io.BytesIO()
        Image.open(io.BytesIO(paintings[0])).save(held, kind, quality=95)
        return held.getvalue()

    write_page(name, {ending: partial(encode, kind) for ending, kind in PICTURES.items()})


def refuse_existing(name: str | None, endings: Sequence[str], flag: str = "out") -> None:
    """Refuses a file that could not be written in the end, before minutes of work are spent on it.

    Raises:
        GlassworkError: if it exists, its name has another ending, or its folder does not exist.
    """
    if name is None:
        return
    path = Path(name)
    _require_ending(path, endings, flag)
    if path.exists():
        raise GlassworkError(f"{path} already exists: choose another name or move it away")
    if not path.parent.is_dir():
        raise GlassworkError(f"There is no folder {path.parent} to write {path.name} to")


def _require_ending(path: Path, endings: Sequence[str], flag: str) -> None:
    if path.suffix.lower() in endings:
        return
    few = len(endings) < 3
    among = {1: "does not end in it", 2: "ends in neither"}.get(len(endings), "ends in none of them")
    raise GlassworkError(f"--{flag} writes {(' or ' if few else ', ').join(endings)}, and {path} {among}")


def console_for_results() -> "Console":
    """Standard output, as wide as it is."""
    from glasswork.show.console import console_on

    return console_on(sys.stdout)


def seconds_spent(options: Namespace) -> float:
    """Seconds of a budget that are gone: since the command began, or since the process did if it is the command's."""
    from glasswork.execution import process_seconds

    return process_seconds() if options.began is None else time.monotonic() - options.began
