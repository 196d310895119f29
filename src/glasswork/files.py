"""Files that are written whole or not at all, and that carry a digest of themselves, which is checked on reading.

A sealed file holds `sha256:` and 64 digits once: the digest of the file itself with zeros in their place. In JSON and
TOML it is the first entry, `digest`; in Python code it stands in a last line; in safetensors in the header.
Only regular files are opened.
"""

import contextlib
import errno
import fcntl
import hashlib
import io
import json
import os
import re
import stat
import tomllib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, cast

from glasswork.errors import GlassworkError

RUN_FORMAT = 5
"""The number of the format of run folders."""

STEPS = "steps.jsonl"
"""The file of a run that has a line for each step."""

DIGEST = "digest"
EDITED = "edited"
MARK = b"sha256:"
DIGITS = 64
UNSEALED = (MARK + b"0" * DIGITS).decode()
PART = 2**24  # bytes
READERS = 8


class DamagedError(GlassworkError):
    """A file is not what was written into it."""


class Digest:
    """A SHA-256 digest of the digests of parts of 16 MiB, which are computed at the same time.

    Bytes that are given to `update` must not change before `hexdigest` returns.
    """

    def __init__(self) -> None:
        self._pieces: list[memoryview] = []
        self._room = PART
        self._parts: list[Future[bytes] | bytes] = []
        self._pool: ThreadPoolExecutor | None = None

    def update(self, data: bytes | memoryview) -> None:
        """Appends bytes."""
        rest = memoryview(data).cast("B")
        while len(rest) >= self._room:
            self._pieces.append(rest[: self._room])
            rest = rest[self._room :]
            self._pool = self._pool or ThreadPoolExecutor(min(READERS, os.cpu_count() or 1))
            self._parts.append(self._pool.submit(_hash, self._pieces))
            self._pieces, self._room = [], PART
        if len(rest):
            self._pieces.append(rest)
            self._room -= len(rest)

    def hexdigest(self) -> str:
        """The digest of all bytes so far."""
        self._parts.append(_hash(self._pieces))
        digests = [part if isinstance(part, bytes) else part.result() for part in self._parts]
        if self._pool is not None:
            self._pool.shutdown()
        return hashlib.sha256(b"".join(digests)).hexdigest()


def _hash(pieces: list[memoryview]) -> bytes:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.digest()


def seal(data: bytes, at: int) -> bytes:
    """The bytes with their digest in place of the zeros that stand from `at` on."""
    digest = Digest()
    digest.update(data)
    return data[:at] + digest.hexdigest().encode() + data[at + DIGITS :]


def check_seal(path: Path, data: bytes | memoryview, at: int, remedy: str = "") -> str:
    """The digest that stands in a file from `at` on.

    Raises:
        DamagedError: if it is not that of the file.
    """
    whole = memoryview(data)
    found = bytes(whole[at : at + DIGITS])
    digest = Digest()
    for part in (whole[:at], memoryview(b"0" * len(found)), whole[at + DIGITS :]):
        digest.update(part)
    if at < len(MARK) or digest.hexdigest().encode() != found:
        raise damaged(path, "its digest does not fit", remedy)
    return found.decode()


def damaged(path: Path, reason: str, remedy: str = "") -> DamagedError:
    """The sentence about a damaged file: why it is one, and what to do."""
    return DamagedError(f"{path} is damaged ({reason})" + (f": {remedy}" if remedy else ""))


@contextlib.contextmanager
def parsing(path: Path, remedy: str = "") -> Iterator[None]:
    """Says in one sentence what does not fit in the contents of a file.

    Raises:
        DamagedError: in place of what a parser raises.
    """
    try:
        yield
    except GlassworkError:
        raise
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else _short(error)
        raise damaged(path, reason, remedy) from None


@contextlib.contextmanager
def written_atomically(path: Path) -> Iterator[IO[bytes]]:
    """A file under a temporary name; at the end it is flushed to the disk and renamed to `path`, and so is the folder.

    Raises:
        GlassworkError: where the disk is full or the folder cannot be written to; `path` is then as it was.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        try:
            with temporary.open("w+b") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            flush_folder(path.parent)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise GlassworkError(
            f"{path} cannot be written ({error.strerror}): free some space or choose another folder with --out; "
            "what was saved before is still there"
        ) from error


def write_atomically(path: Path, data: bytes) -> None:
    """Writes a file, whole or not at all; errors are those of `written_atomically`."""
    with written_atomically(path) as file:
        file.write(data)


def is_temporary(path: Path) -> bool:
    """Whether a file is what `written_atomically` was writing when its process was killed, or is writing now."""
    return re.fullmatch(r"\..+\.[0-9]+", path.name) is not None


def sweep(folder: Path) -> None:
    """Deletes what killed processes left half written; only for the process that has claimed the folder."""
    for path in [*folder.iterdir()] if folder.is_dir() else ():
        if is_temporary(path) and path.is_file():
            path.unlink(missing_ok=True)


class HeldFolder:
    """A folder that is held open, so that it is found again if it is renamed in the meantime.

    Args:
        path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    @property
    def path(self) -> Path:
        """Where the folder is now.

        Raises:
            GlassworkError: if it was deleted.
        """
        held = os.fstat(self._descriptor)
        with contextlib.suppress(OSError):
            if os.path.samestat(self._path.stat(), held):
                return self._path
        with contextlib.suppress(OSError):
            found = _path_of(self._descriptor)
            if os.path.samestat(found.stat(), held):
                here = Path.cwd()
                self._path = found.relative_to(here) if found.is_relative_to(here) else found
                return self._path
        raise GlassworkError(
            f"{self._path} was deleted, or moved to another disk, while it was in use: what was moved goes on with "
            "glasswork resume; what was deleted has to be trained again"
        )

    def close(self) -> None:
        """Lets the folder go."""
        os.close(self._descriptor)


def _path_of(descriptor: int) -> Path:
    """Where the folder behind a descriptor is."""
    if hasattr(fcntl, "F_GETPATH"):  # macOS
        return Path(os.fsdecode(fcntl.fcntl(descriptor, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0")))
    return Path(f"/proc/self/fd/{descriptor}").readlink()


def flush_folder(folder: Path) -> None:
    """Makes the disk remember which files a folder has, so that a renamed file outlives a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:  # some file systems know no such thing
            raise
    finally:
        os.close(descriptor)


def write_json(path: Path, format: int, table: Mapping[str, Any]) -> None:
    """Writes a mapping as indented JSON, sealed, with the number of its format."""
    data = (json.dumps({DIGEST: UNSEALED, "format": format, **table}, indent=1) + "\n").encode()
    write_atomically(path, seal(data, _first(data)))


def write_toml(path: Path, format: int, table: Mapping[str, Any]) -> None:
    """Writes a mapping as TOML, sealed, with the number of its format; names of files need not be UTF-8."""
    import tomli_w

    data = tomli_w.dumps(
        cast("dict[str, Any]", _each_text({DIGEST: UNSEALED, "format": format, **table}, escape))
    ).encode()
    write_atomically(path, seal(data, _first(data)))


def read_json(path: Path, format: int, remedy: str = "") -> dict[str, Any]:
    """What `write_json` wrote, without digest and format.

    Args:
        path: the file.
        format: the number of the format that is read here.
        remedy: what to do if the file is damaged.

    Raises:
        DamagedError: if it is missing, is no JSON, or was changed, unless its digest says `edited`.
        GlassworkError: if it cannot be read, or has another format.
    """
    return _read_sealed(path, format, _JSON, remedy)


def read_sealed_toml(path: Path, format: int, remedy: str = "") -> dict[str, Any]:
    """What `write_toml` wrote, without digest and format; arguments and errors are those of `read_json`."""
    return _read_sealed(path, format, _TOML, remedy)


def read_bytes(path: Path, remedy: str = "") -> bytes:
    """A file of ours.

    Raises:
        DamagedError: if it is missing.
        GlassworkError: if it cannot be read.
    """
    try:
        return read_regular(path)
    except (FileNotFoundError, NotADirectoryError):
        raise DamagedError(f"{path} is missing" + (f": {remedy}" if remedy else "")) from None
    except OSError as error:
        raise GlassworkError(f"{path} cannot be read: {error.strerror or error}") from None


_JSON = ("JSON", json.loads, f'"{DIGEST}": "{EDITED}"')


def parse_toml(text: str) -> dict[str, Any]:
    """The table in TOML, with names of files as they were before `escape`.

    Raises:
        ValueError: if it is no TOML.
    """
    return cast("dict[str, Any]", _each_text(tomllib.loads(text), unescape))


def escape(text: str) -> str:
    """Text that is valid UTF-8 for a name that need not be; each byte that is not becomes NUL and two digits."""
    return re.sub("[\0\udc80-\udcff]", lambda found: f"\0{ord(found[0]) & 0xFF:02x}", text)


def unescape(text: str) -> str:
    """What `escape` was given."""
    return re.sub(
        "\0(00|[89a-f][0-9a-f])", lambda found: bytes.fromhex(found[1]).decode("utf-8", "surrogateescape"), text
    )


def _each_text(value: object, change: Callable[[str], str]) -> object:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {change(name): _each_text(item, change) for name, item in value.items()}
    return [_each_text(item, change) for item in value] if isinstance(value, (list, tuple)) else value


_TOML = ("TOML", parse_toml, f'{DIGEST} = "{EDITED}"')


def _read_sealed(
    path: Path, format: int, language: tuple[str, Callable[[str], Any], str], remedy: str
) -> dict[str, Any]:
    name, parse, accepted = language
    data = read_bytes(path, remedy)
    try:
        table = parse(data.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError) as error:
        raise damaged(path, f"it is not {name}: {_short(error)}", remedy) from None
    if not isinstance(table, dict):
        raise damaged(path, "it holds no names with values", remedy)
    said, found = table.pop(DIGEST, None), table.pop("format", None)
    if type(found) is int:  # first, as other versions may write no digests, or others
        check_format(path, found, format)
    if said != EDITED:
        try:
            check_seal(path, data, _first(data))
        except DamagedError:
            accept = f"if you changed it yourself, let its line with the digest say {accepted}"
            raise damaged(
                path, "it is not as it was written", f"{accept}; else {remedy}" if remedy else accept
            ) from None
    check_format(path, found, format)
    return table


def check_format(path: Path, found: object, format: int) -> None:
    """Refuses the files of another version in one sentence."""
    if found != format:
        raise GlassworkError(
            f"{path} has format {found}, this version of glasswork reads {format}: use the version that wrote it, or "
            "train again"
        )


def _first(data: bytes) -> int:
    return data.find(MARK) + len(MARK)


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:100] or type(error).__name__


SEALED_CODE = b"\n# Kept by glasswork, %s " + MARK


def write_code(path: Path, code: bytes, note: str) -> None:
    """Writes Python code with a last line that holds a note and the digest."""
    data = code + SEALED_CODE % note.encode() + b"0" * DIGITS + b"\n"
    write_atomically(path, seal(data, len(data) - DIGITS - 1))


def check_code(path: Path, note: str, remedy: str) -> None:
    """Checks what `write_code` wrote.

    Raises:
        DamagedError: if it was changed, or another note was written into it.
    """
    data = read_bytes(path, remedy)
    check_seal(path, data, len(data) - DIGITS - 1, remedy)
    if not data[: -DIGITS - 1].endswith(SEALED_CODE % note.encode()):
        raise damaged(path, "it belongs to another run", remedy)


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
