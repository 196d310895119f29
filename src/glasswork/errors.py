"""The one exception that stands for a user's mistake, and how names are written that not every screen can show."""

import re
import unicodedata

_JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"  # parts of words and of emoji


def printable(text: str) -> str:
    """A name in which what cannot be shown is written out.

    So are control characters, marks that turn the direction of writing, and bytes that are not UTF-8: `a\\x1b`,
    `caf\\xe9`. What can be shown stays as it is.
    """
    return text if text.isprintable() else "".join(map(_written, text))


def printable_lines(text: str) -> str:
    """The same for a text that may have several lines and tabs."""
    if text.isprintable():
        return text
    return "".join(piece if piece in {"\n", "\t"} else printable(piece) for piece in re.split("([\n\t])", text))


def _written(character: str) -> str:
    code = ord(character)
    if character.isprintable() or character in _JOINERS or unicodedata.category(character) == "Zs":
        return character
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a file's name that is not UTF-8, as Python keeps it
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


class GlassworkError(Exception):
    """Something the user can put right, told in one sentence: what, where, what to do.

    The command line prints the sentence on standard error and ends with exit code 2; no traceback.
    """

    def __str__(self) -> str:
        return "\n".join(map(printable, super().__str__().split("\n")))
