"""Writes files that the user named, never over existing ones; opens regular files alone."""

import errno
import io
import os
import stat
from pathlib import Path

from glasswork.errors import GlassworkError


def write_new(path: str | Path, content: str | bytes) -> None:
    """Writes a file that is not there yet; text as UTF-8.

    Raises:
        GlassworkError: where it exists or cannot be written.
    """
    try:
        with Path(path).open("xb") as file:
            file.write(content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content)
    except FileExistsError:
        raise GlassworkError(f"{path} already exists: choose another name or move it away") from None
    except OSError as error:
        raise GlassworkError(f"{path} cannot be written: {error.strerror or error}") from None


def open_regular(path: str | Path) -> io.BufferedReader:
    """Opens a file for reading, if it is one: a pipe would wait for ever, and a device never end.

    It is looked at once it is open, so that nothing can take its place in between.

    Raises:
        OSError: it cannot be opened, or is no regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        kind = next((name for test, name in _KINDS if test(mode)), "something else")
        raise OSError(errno.EINVAL, f"it is {kind}, and only regular files are read", os.fspath(path))
    return os.fdopen(descriptor, "rb")


def read_regular(path: str | Path) -> bytes:
    """The content of a file; errors are those of `open_regular`."""
    with open_regular(path) as file:
        return file.read()


_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
