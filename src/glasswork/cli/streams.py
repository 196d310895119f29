"""Standard output and error of the command line's process: nothing that is written there can stop the work."""

import errno
import io
import os
import select
import sys
from typing import Any, TextIO


class Tolerant(io.FileIO):
    """One of them. A write that fails, as to a closed pipe or on a full disk, counts as done.

    Attributes:
        failure: the first error; None if there was none.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number, "w", closefd=False)
        self.failure: OSError | None = None

    def write(self, data: Any, /) -> int:
        """Writes what it can; how many bytes the caller need not write again."""
        try:
            while (written := super().write(data)) is None:  # it would have to wait, and is told not to
                select.select([], [self], [])
            return written
        except OSError as error:
            self.failure = self.failure or error
            return memoryview(data).nbytes


def open_streams() -> None:
    """Puts such streams in the place of the process's own.

    A closed one (`>&-`) is opened on nothing first: else the next file that is opened would have its number, and would
    get all that is printed.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # has the lowest number that is free
    sys.stdout = _stream(1, sys.stdout)
    sys.stderr = _stream(2, sys.stderr)


def _stream(number: int, before: TextIO | None) -> TextIO:
    raw = Tolerant(number)
    encoding = "utf-8" if before is None else before.encoding
    at_once = number == 2 or raw.isatty()
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, "backslashreplace", line_buffering=at_once)


def close_streams(code: int) -> int:
    """Writes out what waits to be written.

    Args:
        code: the exit code so far.

    Returns:
        The exit code: 2 in place of 0 if results did not arrive, but for a reader that has closed the pipe (`| head`).
    """
    sys.stdout.flush()
    assert isinstance(sys.stdout, io.TextIOWrapper)
    failure = sys.stdout.buffer.raw.failure
    if failure is not None and failure.errno != errno.EPIPE:
        print(f"glasswork: standard output cannot be written: {failure.strerror}", file=sys.stderr)
        code = code or 2
    sys.stderr.flush()
    return code
