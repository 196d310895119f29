"""Files that may be gzipped, unpacked no further than the limits allow."""

import gzip
import io
import os
from pathlib import Path
from typing import IO, Any

from typing_extensions import override

from glasswork.files import open_regular
from glasswork.limits import FREE_BYTES, limit, within_unpacked

_GZIP = b"\x1f\x8b"
_STEP = 1 << 24


class _Unpacked(io.RawIOBase):
    """The bytes of a gzipped file; refused once they are too many."""

    def __init__(self, path: Path, packed: IO[bytes]) -> None:
        self._path, self._packed = path, packed
        self._size, self._done = os.fstat(packed.fileno()).st_size, 0
        self._checked = min(FREE_BYTES, limit("BYTES"))
        self._file = gzip.GzipFile(fileobj=packed)

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Any) -> int:
        count = self._file.readinto(buffer)
        self._done += count
        if self._done > self._checked:
            within_unpacked(self._path, self._size, self._done)
            self._checked = self._done + _STEP
        return count

    @override
    def close(self) -> None:
        self._packed.close()
        super().close()


def open_unpacked(path: Path) -> Any:
    """The bytes of a regular file, unpacked if it is gzipped.

    Raises:
        OSError: it cannot be opened, or is no regular file.
        GlassworkError: while it is read, when it turns out to be larger than the limits.
    """
    file = open_regular(path)
    packed = file.read(2) == _GZIP
    file.seek(0)
    return io.BufferedReader(_Unpacked(path, file), 1 << 17) if packed else file
