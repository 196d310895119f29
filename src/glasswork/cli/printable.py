"""What the command line prints has no control characters: names, labels and texts are the user's, or a stranger's."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from glasswork.errors import printable_lines


class PrintableStream:
    """A text stream in which control characters, and marks that turn the direction of writing, are written out.

    Attributes:
        plain: the stream below it, for a console that does the same and adds colours.
    """

    def __init__(self, plain: TextIO) -> None:
        self.plain = plain

    def write(self, text: str) -> int:
        """Writes a text; the number of its characters."""
        self.plain.write(printable_lines(text))
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Writes several texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plain, name)


@contextmanager
def printable_streams() -> Iterator[None]:
    """Lets standard output and standard error write nothing else."""
    before = sys.stdout, sys.stderr
    for stream in before:
        if isinstance(stream, io.TextIOWrapper):  # names of files need not be text in the terminal's encoding
            stream.reconfigure(errors="backslashreplace")
    sys.stdout, sys.stderr = (PrintableStream(stream) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
