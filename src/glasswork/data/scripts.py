"""Letters and their marks in every script, and the scripts that are written without spaces between words."""

import re
import sys
import unicodedata
from collections.abc import Iterable
from functools import cache

_SHOWN = 6
_LAST_SCRIPT = 0x20000  # beyond lie ideographs, which have no marks, and the selectors below
_SELECTORS = "\U000e0100-\U000e01ef"
JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
"""Stand inside of words of Persian and of the scripts of India, and of emoji."""


@cache
def marks() -> str:
    """All combining marks (Unicode's categories M), as they stand between the brackets of a regular expression.

    Python's `\\w` has none of them, although words of most scripts are written with them.
    """
    ranges, start = [], None
    for code in range(0x300, min(_LAST_SCRIPT, sys.maxunicode) + 1):
        is_mark = unicodedata.category(chr(code))[0] == "M"
        if is_mark and start is None:
            start = code
        elif not is_mark and start is not None:
            ranges.append(f"{chr(start)}-{chr(code - 1)}")
            start = None
    return "".join(ranges) + _SELECTORS


UNSPACED = "".join(
    (
        "\u0e01-\u0e3a\u0e40-\u0e4e",  # Thai
        "\u0e81-\u0ecf\u0edc-\u0edf",  # Lao
        "\u1000-\u103f\u1050-\u108f\u109a-\u109f\ua9e0-\ua9ef\ua9fa-\ua9fe\uaa60-\uaa7f",  # Burmese
        "\u1780-\u17d3\u17d7\u17dc\u17dd",  # Khmer
        "\u1950-\u1974\u1980-\u19c9\u1a20-\u1a7c\u1aa7\uaa80-\uaac2\uaadb-\uaadd",  # Tai
        "\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c",  # ideographic marks and numbers
        "\u3041-\u309f\u30a1-\u30ff\u31f0-\u31ff\uff66-\uff9d\U0001aff0-\U0001b16f",  # Japanese kana
        "\u3105-\u312f\u31a0-\u31bf",  # Bopomofo
        "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff",  # Chinese characters
    )
)
"""The scripts written without spaces between words, as they stand between the brackets of a regular expression.

Those whose line breaks need a dictionary (Unicode Standard Annex 14, class SA), and Chinese and Japanese (class ID).
Korean has spaces.
"""
_STACKERS = "\u1039\u17d2\u1a60"  # the letter behind stands below the one before
_AM = "\u0e33\u0eb3\uff9e\uff9f"  # belong to the letter before (Unicode Standard Annex 29), but are no marks
_ZERO_SPACE = "\u200b"  # stands between words where there is no space to be seen


def letters() -> str:
    """A letter, a digit or an underscore with its marks and joiners, as a regular expression; none that is unspaced."""
    return rf"[^\W{UNSPACED}{_AM}][{marks()}{JOINERS}]*"


def unspaced() -> str:
    """One character of a script without spaces, with what is written above, below and around it."""
    marked = rf"[{marks()}{JOINERS}]*"
    return rf"[{UNSPACED}{_AM}]{marked}(?:(?<=[{_STACKERS}])[{UNSPACED}]{marked})*(?:[{_AM}]{marked})*"


def signs() -> str:
    """One sign that is neither, with its marks; emoji that are joined are one sign."""
    one = rf"[^\w\s{_ZERO_SPACE}][{marks()}\U0001f3fb-\U0001f3ff]*"
    return rf"{one}(?:\N{{ZERO WIDTH JOINER}}{one})*"


@cache
def _unspaced_run() -> re.Pattern[str]:
    return re.compile(rf"[{UNSPACED}][{UNSPACED}{marks()}]*")


def example_of_unspaced(texts: Iterable[str]) -> str:
    """The beginning of the first text among some that is written without spaces; empty if there is none."""
    for text in texts:
        found = None if text.isascii() else _unspaced_run().search(text)
        if found:
            return found.group()[:_SHOWN]
    return ""
