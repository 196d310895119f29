"""What the arithmetic found, drawn: terminal text, SVG and HTML. Nothing is computed here.

This file holds what every view shares: how a number is written for people, and how the user's words are made safe.
"""

import html
import math
import re

NARROW_SPACE = "\u202f"

# XML has no way to write these, not even escaped; a lone surrogate comes from a file name that is not UTF-8.
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def escape(text: object) -> str:
    """`text` made safe for HTML and SVG, in content and in attributes."""
    return html.escape(_UNWRITABLE.sub("\ufffd", str(text)), quote=True)


def number(value: object) -> str:
    """A number for people: 1,234; 0.0431; 1.2e-05. Anything that is not a number comes back as its words."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else ("∞" if value > 0 else "−∞")
    size = abs(value)
    if size and (size < 1e-4 or size >= 1e9):
        return f"{value:.2g}"
    if size >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def percent(share: float) -> str:
    """A share as a percentage, 98.7 %, never rounded to 100 % or to 0 %; a dash where it is undefined."""
    if not math.isfinite(share):
        return "–"
    if share in (0.0, 1.0):
        return f"{share:.0%}".replace("%", f"{NARROW_SPACE}%")
    for digits in range(1, 6):
        text = f"{100 * share:.{digits}f}"
        if float(text) not in (0.0, 100.0):
            break
    return f"{text}{NARROW_SPACE}%"


def compact(count: float) -> str:
    """A count for narrow places: 950, 1.2k, 3M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(count) >= size:
            return f"{count / size:.{0 if abs(count) >= 10 * size else 1}f}".removesuffix(".0") + letter
    return f"{count:g}"
