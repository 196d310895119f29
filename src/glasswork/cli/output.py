"""Where a verb's findings go: text, a page, or JSON."""

import json
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
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


def write_page(name: str, writers: dict[str, Callable[[], str | bytes]]) -> None:
    """Writes a new file of the kind that its name's ending asks for.

    Raises:
        GlassworkError: for another ending, or where the file exists or cannot be written.
    """
    path = Path(name)
    if path.suffix.lower() not in writers:
        raise GlassworkError(f"--out writes {' or '.join(writers)}, and {name} ends in neither")
    write_new(path, writers[path.suffix.lower()]())
    print(f"written to {path}", file=sys.stderr)


def refuse_existing(name: str | None, endings: Sequence[str]) -> None:
    """Refuses a file that could not be written in the end, before minutes of work are spent on it.

    Raises:
        GlassworkError: where it exists already, or its name has another ending.
    """
    if name is None:
        return
    if Path(name).suffix.lower() not in endings:
        raise GlassworkError(f"--out writes {' or '.join(endings)}, and {name} ends in neither")
    if Path(name).exists():
        raise GlassworkError(f"{name} is there already: choose another name or move it away")


def console_for_results() -> "Console":
    """Standard output, as wide as it is."""
    from rich.console import Console

    return Console(highlight=False)
