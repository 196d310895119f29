"""Letters and their marks in every script."""

import sys
import unicodedata
from functools import cache

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


def letters() -> str:
    """A letter, a digit or an underscore with its marks and joiners, as a regular expression."""
    return rf"\w[{marks()}{JOINERS}]*"


def signs() -> str:
    """One sign that is neither, with its marks; emoji that are joined are one sign."""
    one = rf"[^\w\s][{marks()}\U0001f3fb-\U0001f3ff]*"
    return rf"{one}(?:\N{{ZERO WIDTH JOINER}}{one})*"
