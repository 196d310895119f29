"""The encoding of text files: named, or found out; and their lines."""

import codecs
import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import IO, Any, NamedTuple

from glasswork.errors import GlassworkError
from glasswork.files import open_regular

PIECE = 1 << 20
"""Bytes read at once."""
_SAMPLE = 1 << 18  # bytes that an encoding is found out from
_LEAST_SAMPLE = 1 << 10  # bytes of one of many files
_NAMED = 3
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NAMES = {
    "utf-8-sig": "UTF-8",
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "utf-32": "UTF-32",
    "iso8859-1": "Latin-1",
    "cp1252": "Windows-1252",
}
_WESTERN = frozenset(("cp1252", "latin_1"))
_LETTERS = frozenset("äöüÄÖÜßéèêëàâçùûîïôœæåøñáíóúãõÉÈÊÀÂÇÎÔŒÆÅØÑÁÍÓÚÃÕ")
_SIGNS = frozenset("\u00a0¡¿«»–—‘’“”„…€£§°²·•")
_MANY = 0.3  # share of letters beyond ASCII that no western language has
_WIDE = ["utf_16", "utf_16_be", "utf_16_le", "utf_32", "utf_32_be", "utf_32_le", "utf_7"]  # found out by their marks
_LINE = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True)
class _Asked:
    """The encoding that the user named, and whether it counts only for what is not UTF-8."""

    codec: str | None
    fallback: bool


_NOTHING = _Asked(None, False)
_ASKED: ContextVar[_Asked] = ContextVar("asked", default=_NOTHING)


class Encoding(NamedTuple):
    """An encoding.

    Attributes:
        codec: as Python calls it.
        name: as people write it; empty if nothing has to be said about it.
    """

    codec: str
    name: str = ""


UTF_8 = Encoding("utf-8-sig")
_AGREED: ContextVar[dict[Path, Encoding] | None] = ContextVar("agreed", default=None)
_FOUND: dict[tuple[object, ...], Encoding] = {}
Opening = Callable[[], Any]
"""Opens the bytes of a file."""


@contextmanager
def reading_as(name: str | None, fallback: bool = False) -> Iterator[None]:
    """Reads texts within in an encoding that the user named.

    Args:
        name: of the encoding; None: it is found out for each file.
        fallback: whether it counts only for files that are not UTF-8.

    Raises:
        GlassworkError: for a name that is no encoding.
    """
    codec = None
    if name is not None:
        try:
            codec = codecs.lookup(name).name
            "".encode(codec)
        except LookupError:
            near = get_close_matches(
                name.lower(), ("utf-8", "utf-16", "latin-1", "windows-1252", "shift_jis", "gb18030")
            )
            hint = f"did you mean {near[0]}?" if near else "such as utf-8, utf-16, latin-1 or windows-1252"
            raise GlassworkError(f"There is no encoding '{name}': {hint}") from None
    token = _ASKED.set(_Asked("utf-8-sig" if codec == "utf-8" else codec, fallback))
    agreed = _AGREED.set({})
    try:
        yield
    finally:
        _ASKED.reset(token)
        _AGREED.reset(agreed)


def find_encoding(source: Path, opening: Opening | None = None) -> Encoding:
    """The encoding of a file: the one that was named, else by its byte order mark, UTF-8, or what its bytes look like.

    Args:
        source: the file.
        opening: opens its bytes, if they are packed; None: the file is opened.

    Raises:
        GlassworkError: it is no text in any encoding, or is UTF-8 with a mistake in it.
    """
    asked = _ASKED.get()
    if asked.codec is not None and not asked.fallback:
        return Encoding(asked.codec)
    agreed = _AGREED.get()
    if agreed is not None and source in agreed:
        return agreed[source]
    status = source.stat()
    key = (source, status.st_size, status.st_mtime_ns, asked)
    if key not in _FOUND:  # a table is opened several times
        _FOUND.clear()
        known = _look(source, opening, asked)
        _FOUND[key] = _guess(source, known) if isinstance(known, bytes) else known
    return _FOUND[key]


def _look(source: Path, opening: Opening | None, asked: _Asked) -> Encoding | bytes:
    """The encoding of a file, or what it is to be guessed from."""
    with (opening or (lambda: open_regular(source)))() as file:
        head = file.read(_SAMPLE)
        for mark, codec in _MARKS:
            if head.startswith(mark):
                return UTF_8 if codec == "utf-8-sig" else Encoding(codec, _NAMES[codec])
        wide = _utf_16(head)
        if wide is not None:
            return wide
        if b"\0" in head:  # UTF-8 has this byte, and texts have not
            raise refuse(source, UTF_8, head.index(b"\0"))
        bad = _first_bad_byte(head, file)
    if bad is None:
        return UTF_8
    place, sample = bad
    if asked.codec is not None:
        return Encoding(asked.codec)
    if _is_damaged_utf_8(sample):
        raise refuse(source, UTF_8, place)
    return sample


def find_encodings(
    sources: Sequence[Path], opening_of: Callable[[Path], Opening] | None = None
) -> tuple[dict[Path, Encoding | GlassworkError], list[str]]:
    """The encoding of each of the files of a data set, or why there is none; and what is said about them.

    Those that have to be guessed are guessed together, since a short text alone fits many encodings: the most probable
    one for all of them counts for each that can be decoded so, and the others have one of their own.

    What is found counts wherever these files are read within `reading_as`.

    Args:
        sources: the files.
        opening_of: what opens the bytes of each, if they may be packed.
    """
    found: dict[Path, Encoding | GlassworkError] = {}
    openings = {source: opening_of(source) if opening_of is not None else None for source in sources}
    guessed: dict[Path, bytes] = {}
    asked = _ASKED.get()
    for source in sources:
        try:
            if asked.codec is not None and not asked.fallback:
                found[source] = Encoding(asked.codec)
                continue
            known = _look(source, openings[source], asked)
            if isinstance(known, bytes):
                guessed[source] = known
            else:
                found[source] = known
        except GlassworkError as error:
            found[source] = error
    alone = _agree(guessed, openings, found)
    agreed = _AGREED.get()
    if agreed is not None:
        agreed |= {source: known for source, known in found.items() if isinstance(known, Encoding)}
    if not alone:
        return found, []
    return found, [
        f"The encoding of {len(guessed):,} files was found for all of them together; {len(alone):,} of them, such as "
        f"{alone[0].name}, cannot be read so and have one of their own."
    ]


def _agree(
    guessed: Mapping[Path, bytes],
    openings: Mapping[Path, Opening | None],
    found: dict[Path, Encoding | GlassworkError],
) -> list[Path]:
    """Guesses the encoding of files together, from a sample of each; those that cannot be read so."""
    if len(guessed) < 2:
        found |= {source: _guess_or_refuse(source, sample) for source, sample in guessed.items()}
        return []
    share = max(_LEAST_SAMPLE, _SAMPLE // len(guessed))
    some = list(guessed.items())[: _SAMPLE // _LEAST_SAMPLE]
    joint = _guess_or_refuse(some[0][0], b"\n".join(_around_letters(sample, share) for _, sample in some))
    alone = []
    for source, sample in guessed.items():
        fits = isinstance(joint, Encoding) and _decodes(source, joint, openings[source])
        found[source] = joint if fits else _guess_or_refuse(source, sample)
        alone += [] if fits else [source]
    return alone


def _around_letters(sample: bytes, size: int) -> bytes:
    """A part of a sample that begins near its first byte beyond ASCII."""
    first = next((place for place, byte in enumerate(sample) if byte > 0x7F), 0)
    return sample[max(0, first - size // 2) :][:size]


def _guess_or_refuse(source: Path, sample: bytes) -> Encoding | GlassworkError:
    try:
        return _guess(source, sample)
    except GlassworkError as error:
        return error


def _decodes(source: Path, encoding: Encoding, opening: Opening | None) -> bool:
    """Whether a file can be read in an encoding."""
    try:
        for text in _decode(source, encoding, opening):
            if any(unicodedata.category(character) == "Cc" and not character.isspace() for character in set(text)):
                return False  # no text has these
    except GlassworkError:
        return False
    return True


def decode(source: Path, encoding: Encoding | None = None) -> Iterator[str]:
    """The text of a file, a piece at a time, in Unicode's normal form C; a byte order mark is left out.

    Args:
        source: the file.
        encoding: of it; None: found out.

    Raises:
        GlassworkError: if it is in another encoding, with the place.
    """
    return normalise_pieces(_decode(source, encoding or find_encoding(source)))


def _decode(source: Path, encoding: Encoding, opening: Opening | None = None) -> Iterator[str]:
    decoder, done = codecs.getincrementaldecoder(encoding.codec)(), 0
    with (opening or (lambda: open_regular(source)))() as opened:
        while True:
            read = opened.read(PIECE)
            try:
                text = decoder.decode(read, final=not read)
            except UnicodeError as error:
                raise refuse(source, encoding, done - len(decoder.getstate()[0]) + getattr(error, "start", 0)) from None
            if text:
                yield text
            if not read:
                return
            done += len(read)


def refuse(source: Path, encoding: Encoding, place: int) -> GlassworkError:
    """The sentence about a byte (counted from 0) that is none in an encoding."""
    name = _NAMES.get(encoding.codec, encoding.codec)
    return GlassworkError(
        f"{source} is not text in {name}: byte {place + 1:,} is invalid. Convert it, name its encoding with "
        "--encoding, or move it away."
    )


def read_text(source: Path, encoding: Encoding | None = None) -> tuple[str, Encoding]:
    """The whole text of a file in normal form C, and its encoding; None: found out.

    Raises:
        GlassworkError: as for `find_encoding` and `decode`.
    """
    encoding = encoding or find_encoding(source)
    return "".join(decode(source, encoding)), encoding


def say_encodings(found: Iterable[tuple[str | Path, Encoding]]) -> list[str]:
    """Sentences about the files that are not read as UTF-8."""
    names: dict[str, list[str]] = {}
    for path, encoding in found:
        if encoding.name:
            names.setdefault(encoding.name, []).append(str(path))
    return [
        f"Read as {name}: {', '.join(files[:_NAMED])}"
        + (f" and {len(files) - _NAMED:,} more" if len(files) > _NAMED else "")
        + ". If that is wrong: --encoding NAME."
        for name, files in names.items()
    ]


def normalise(text: str) -> str:
    """A text in Unicode's normal form C, in which a letter with its marks is one character if there is one."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def normalise_pieces(pieces: Iterable[str]) -> Iterator[str]:
    """The pieces of a text in normal form C; no letter is parted from its marks by the end of a piece."""
    held = ""
    for piece in pieces:
        text = held + piece
        cut = next((place for place in range(len(text) - 1, 0, -1) if _begins(text[place])), 0)
        if cut:
            yield normalise(text[:cut])
        held = text[cut:]
    if held:
        yield normalise(held)


def _begins(character: str) -> bool:
    """Whether a character is never a part of the one before it."""
    if character < "\N{COMBINING GRAVE ACCENT}":
        return True
    joins = "\N{HANGUL JUNGSEONG FILLER}" <= character <= "\N{HANGUL JONGSEONG SSANGNIEUN}"
    return not joins and unicodedata.category(character)[0] != "M"


def lines_of(text: str) -> list[str]:
    """The lines of a text, which end at LF, CRLF and CR alone; none behind the last end."""
    lines = _LINE.split(text)
    return lines if lines[-1] else lines[:-1]


def looks_like_text(head: bytes) -> bool:
    """Whether the beginning of a file may be text: it has no zeros, but for those of UTF-16 and UTF-32."""
    return b"\0" not in head or any(map(head.startswith, (mark for mark, _ in _MARKS))) or _utf_16(head) is not None


def _utf_16(head: bytes) -> Encoding | None:
    """UTF-16 without a byte order mark: every other byte is often 0 in texts of the alphabets."""
    some = head[: len(head) // 2 * 2]
    for codec, zeros, others in (("utf-16-le", some[1::2], some[::2]), ("utf-16-be", some[::2], some[1::2])):
        if zeros and zeros.count(0) > 0.4 * len(zeros) and others.count(0) < 0.01 * len(others):
            try:
                text = codecs.getincrementaldecoder(codec)().decode(some)
            except UnicodeDecodeError:
                continue
            if all(character.isprintable() or character.isspace() for character in text[:1000]):
                return Encoding(codec, _NAMES[codec])
    return None


def _first_bad_byte(head: bytes, rest: IO[bytes]) -> tuple[int, bytes] | None:
    """Where a file is not UTF-8, and what stands around it; None: it is."""
    decoder, done, piece = codecs.getincrementaldecoder("utf-8")(), 0, head
    while True:
        waiting = len(decoder.getstate()[0])
        try:
            decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            start = error.start - waiting
            around = piece[max(0, start - _SAMPLE // 2) : start + _SAMPLE // 2]
            return done + start, around if len(piece) > _SAMPLE else head
        if not piece:
            return None
        done += len(piece)
        piece = rest.read(PIECE)


def _is_damaged_utf_8(sample: bytes) -> bool:
    """Whether more letters beyond ASCII are whole in UTF-8 than are not."""
    text = sample.decode("utf-8", "surrogateescape")
    whole = sum(1 for character in text if character > "\x7f" and not "\udc80" <= character <= "\udcff")
    broken = sum(1 for character in text if "\udc80" <= character <= "\udcff")
    return whole > broken


def _guess(source: Path, sample: bytes) -> Encoding:
    """Western, if all letters are; else what charset-normalizer takes for the most probable."""
    western = Encoding("cp1252", "Windows-1252" if any(0x80 <= byte < 0xA0 for byte in sample) else "Latin-1")
    if _is_western(sample):
        return western
    from charset_normalizer import from_bytes  # here: it takes time, and most files are UTF-8

    matches = list(from_bytes(sample, cp_exclusion=_WIDE))
    if not matches:
        raise GlassworkError(
            f"{source} is text in no encoding that can be found out: name it with --encoding, or move the file away."
        )
    best = matches[0]
    for match in matches:
        alike = match.chaos <= best.chaos and match.coherence >= best.coherence
        if alike and _WESTERN & {match.encoding, *match.could_be_from_charset}:
            return western
    return Encoding(codecs.lookup(best.encoding).name, best.encoding.replace("_", "-"))


def _is_western(sample: bytes) -> bool:
    """Whether a sample, read as Windows-1252, is mostly ASCII with the letters and signs of western languages.

    In a short text, statistics take these letters for those of another code page as easily.
    """
    try:
        text = sample.decode("cp1252")
    except UnicodeDecodeError:
        return False
    beyond = [character for character in text if character > "\x7f"]
    letters = sum(character.isalpha() for character in text)
    few = sum(character.isalpha() for character in beyond) <= _MANY * letters
    return few and all(character in _LETTERS or character in _SIGNS for character in beyond)


@contextmanager
def open_text(source: Path, opening: Opening) -> Iterator[io.TextIOWrapper]:
    """A text file for the modules of Python that read lines, its encoding named or found out.

    Args:
        source: the file, for messages.
        opening: opens its bytes.
    """
    encoding = find_encoding(source, opening)
    with opening() as binary, io.TextIOWrapper(binary, encoding=encoding.codec, newline="") as file:
        yield file
