"""Standard output and error of the command line's process: nothing that is written there can stop the work."""

import errno
import io
import os
import select
import sys
import threading
import time
from typing import Any, TextIO

from glasswork.activity import current
from glasswork.errors import printable

CLEAR = b"\r\x1b[2K"
LONGEST_SILENCE = 1.9
GLANCE_SECONDS = 0.2
LINE_WIDTH = 70
_streams: list["Tolerant"] = []


class Tolerant(io.FileIO):
    """One of them. A write that fails, as to a closed pipe or on a full disk, counts as done.

    Attributes:
        failure: the first error; None if there was none.
        written: when something was written to it last.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number, "w", closefd=False)
        self.failure: OSError | None = None
        self.written = time.monotonic()
        self._status = False

    def write(self, data: Any, /) -> int:
        """Writes what it can; how many bytes the caller need not write again."""
        self.written = time.monotonic()
        if self._status:
            self._status = False
            self._put(CLEAR)
        return self._put(data)

    def show(self, words: str) -> None:
        """Shows what is being done: on a terminal in a line that the next one replaces."""
        if self.isatty():
            self._put(CLEAR + words.encode(errors="backslashreplace"))
            self._status = True
        else:
            self._put(f"{words}\n".encode(errors="backslashreplace"))

    def _put(self, data: Any) -> int:
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
    _streams.append(raw)
    at_once = number == 2 or raw.isatty()
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, "backslashreplace", line_buffering=at_once)


def watch() -> None:
    """Has a thread say on standard error what is being done, whenever nothing was printed for two seconds.

    Without a terminal it waits twice as long before each further line.
    """
    threading.Thread(target=_watch, name="watch", daemon=True).start()


def _watch() -> None:
    *_, shown = _streams
    due, since = LONGEST_SILENCE, 0.0
    while True:
        time.sleep(GLANCE_SECONDS)
        written = max(stream.written for stream in _streams)
        if written != since:
            due, since = LONGEST_SILENCE, written
        silence = time.monotonic() - written
        if silence >= due:
            words = printable(" ".join((current() or "working").split()))
            words = words if len(words) <= LINE_WIDTH else f"{words[: LINE_WIDTH - 3]}..."
            shown.show(f"{words}: {silence:.0f} s")
            due = silence + 1 if shown.isatty() else 2 * due


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
